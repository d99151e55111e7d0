"""Agents, as the API sees and changes them through the running engine."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueStanding:
    """How an agent stands in one queue."""

    server: str
    queue: str
    state: str
    pause_reason: str | None
    """Empty where nobody said why; None: he is not paused."""

    since: datetime
    """Since when he is in that state (UTC), as far as it was seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentTalk:
    """The call that an agent has, is held for, or has to write up."""

    session_id: str
    campaign: str
    state: Literal["reserved", "talking", "wrap-up"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentReport:
    """An agent at one moment: by his queues, and all of them taken together, the busiest state first."""

    agent: str
    state: str
    """That of a queue's member, or "reserved": he is held for a call of his own, offered or dialled."""

    since: datetime
    pause_reason: str | None
    queues: Sequence[QueueStanding]
    talk: AgentTalk | None = None


class AgentControl(Protocol):
    """Agents' log in, out, pause and ready. All of it raises TelephonyError where the exchange can't be asked.

    What was done shows in `report` once the exchange has told of it, a moment later.
    """

    def report(self) -> Sequence[AgentReport]:
        """Return all who are in a queue, and those who have left it with a talk to end, or to write up."""

    def servers_down(self) -> Sequence[str]:
        """Return the servers whose link is down: nobody knows who is in their queues."""

    async def log_in(
        self, agent: str, queues: Sequence[str], *, name: str, penalty: int, paused: bool, reason: str
    ) -> Sequence[str]:
        """Put an agent into queues; return those that he was not in. All or none.

        Raises UsageError for what can't be an agent, NotFound for a queue that no exchange has.
        """

    async def log_out(self, agent: str, queues: Sequence[str]) -> Sequence[str]:
        """Take an agent out of queues, out of all where none are named; return those that he was in.

        A call that he has goes on. Raises NotFound where he is in none of them, Conflict for a member that only the
        exchange's own configuration can take out.
        """

    async def pause(self, agent: str, reason: str) -> None:
        """Pause an agent in all his queues. Raises UsageError, NotFound for one who is in none."""

    async def make_ready(self, agent: str) -> None:
        """End an agent's pause, and the work after his talk. Raises UsageError, NotFound for one who is in no queue."""
