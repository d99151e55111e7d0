"""What the engine may ask of a telephone exchange; `telephony/__init__.py` has the promises."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Protocol

from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus
from anyio.streams.memory import MemoryObjectReceiveStream

from telephony.answer_plan import PLAIN_ANSWER, AnswerPlan
from telephony.events import TelephonyEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Trunk:
    """A carrier route with its own caps."""

    name: str
    server: str
    calls_per_second: float
    channels: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Origination:
    """One call to place."""

    call_id: str
    trunk: str
    number: str
    """E.164, with its plus sign."""

    ring_timeout: timedelta
    caller_id: str | None = None
    queue: str | None = None
    """The agents' queue for the answered call; None plays the campaign's message instead."""

    agent: str | None = None
    """The one agent whom the answered call is for (the interface of a queue member), paused or not; no queue then has
    it. If he does not pick up, the information message follows."""

    answer: AnswerPlan = PLAIN_ANSWER
    variables: Mapping[str, str] = field(default_factory=dict)


class LiveState(StrEnum):
    """How far a call that is up has got."""

    DIALLING = "dialling"
    RINGING = "ringing"
    UP = "up"
    QUEUED = "queued"
    """It waits for an agent."""

    BRIDGED = "bridged"


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveCall:
    """A call that the exchange holds now."""

    call_id: str
    server: str
    state: LiveState
    age: timedelta
    agent: str | None = None


class Telephony(Protocol):
    """One or several exchanges, seen as one set of trunks."""

    @property
    def trunks(self) -> Sequence[Trunk]:
        """All trunks, of all servers."""

    @property
    def events(self) -> MemoryObjectReceiveStream[TelephonyEvent]:
        """What happens, for one reader. Bounded: a full stream makes `originate` raise NotSent."""

    @property
    def events_dropped(self) -> int:
        """Events lost so far because nobody read them."""

    def is_up(self, server: str) -> bool:
        """Tell whether calls can be placed on `server` now."""

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        """Keep the links up until cancelled; `started` at once, not when the links are up."""

    async def originate(self, origination: Origination) -> None:
        """Ask for a call; return once the exchange has accepted it.

        Raises NotSent, Refused or LinkLost. Cancelling it leaves the call as after LinkLost.
        """

    async def hang_up(self, call_id: str) -> bool:
        """Ask to end a call; False where no link knows it. Raises NotSent, LinkLost."""

    async def divert(self, call_id: str) -> bool:
        """Take an answered call out of what it does, its queue or an agent's hands, to the information message.

        `HarbourStarted` tells when the message begins. False where no such call is up and answered, and then nothing
        was done. Raises NotSent, LinkLost.
        """

    async def live_calls(self, server: str) -> Sequence[LiveCall]:
        """Return the calls that `server` holds and whose call_id we chose. Raises NotSent, LinkLost."""
