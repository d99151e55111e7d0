"""What the engine may ask of a telephone exchange; `telephony/__init__.py` has the promises."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Protocol

from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus
from anyio.streams.memory import MemoryObjectReceiveStream

from telephony.answer_plan import PLAIN_ANSWER, AnswerPlan
from telephony.events import CallEvent, TelephonyEvent
from telephony.presentation import PLAIN, Presentation


@dataclass(frozen=True, slots=True, kw_only=True)
class Trunk:
    """A carrier route with its own caps."""

    name: str
    server: str
    calls_per_second: float
    channels: int
    presentation: Presentation = PLAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Origination:
    """One call to place."""

    call_id: str
    trunk: str
    number: str
    """E.164, with its plus sign."""

    ring_timeout: timedelta
    caller_id: str | None = None
    """E.164, or what a campaign says; the trunk's presentation says how the far end is shown it."""

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
    HARBOUR = "harbour"
    """It hears the information message: no agent came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveCall:
    """A call that the exchange holds now."""

    call_id: str
    server: str
    state: LiveState
    age: timedelta
    agent: str | None = None
    waited: timedelta | None = None
    """How long it has been in its queue, in whole seconds; None where it is in none."""

    @property
    def answered(self) -> bool:
        """Whether somebody, or something, has picked up."""
        return self.state not in (LiveState.DIALLING, LiveState.RINGING)


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

    async def look_again(self, call_id: str) -> bool:
        """Let the queue in which a call waits look for a free agent now; False where no such call is up.

        An exchange may look by itself only now and then. For calls in a queue: what another one does with it is open.
        Raises NotSent, LinkLost.
        """

    async def live_calls(self, server: str) -> Sequence[LiveCall]:
        """Return the calls that `server` holds and whose call_id we chose. Raises NotSent, LinkLost."""

    async def ended_calls(self, server: str, call_ids: Collection[str]) -> Mapping[str, Sequence[CallEvent]]:
        """Return what became of calls that were answered, and ended while the link was down: for `live_calls` has not.

        By call_id, what happened from the answer on, in order, with `HungUp` as the last; also what was told before the
        link broke. A call of which `server` has nothing written down is missing: nobody answered it, it is still up, or
        it was too long ago. Raises NotSent, LinkLost.
        """

    async def add_to_queue(
        self,
        queue: str,
        agent: str,
        *,
        server: str | None = None,
        name: str = "",
        penalty: int = 0,
        paused: bool = False,
        reason: str = "",
    ) -> bool:
        """Make `agent`, an interface such as `PJSIP/1001`, a member of a queue; False where it is one already.

        A member that is there is left as it is. `name` is what people call the agent; members of a higher `penalty`
        are rung only when no other is free; `reason` is that of the pause. Without `server`: on every server whose link
        is up and that has the queue. Raises ValueError for what can't be a member, Refused where no server has the
        queue, NotSent, LinkLost.
        """

    async def remove_from_queue(self, queue: str, agent: str, *, server: str | None = None) -> bool:
        """Take an agent out of a queue; False where he is not in it. A call that he has goes on.

        Raises as `add_to_queue`, and Refused for a member that the exchange's own configuration names.
        """

    async def set_paused(
        self, agent: str, paused: bool, *, reason: str = "", queue: str | None = None, server: str | None = None
    ) -> bool:
        """Pause an agent in a queue, or in all that he is in, or make him ready; False where no queue knows him.

        One who talks goes on talking; he gets no other call while he is paused. A pause that lasts takes the new
        reason. Raises ValueError, Refused, NotSent, LinkLost.
        """
