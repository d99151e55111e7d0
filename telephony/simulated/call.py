"""A call inside the simulated network."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from telephony.events import CallEvent
from telephony.port import LiveState, Origination, Trunk
from telephony.simulated.desk import Agent
from telephony.simulated.journey import Journey


@dataclass(slots=True, eq=False)
class Call:
    """A call that is up. `over` outlives it: steps that were put for it then do nothing."""

    origination: Origination
    trunk: Trunk
    journey: Journey
    placed_at: datetime
    holds_channel: bool
    """Whether the trunk had room for it."""

    state: LiveState = LiveState.DIALLING
    over: bool = False
    turns: int = 0
    """How often it was taken to something else than was planned for it: what was planned before is not done."""

    queued_at: datetime | None = None
    """When it came into its queue; None: it never did."""

    agent: Agent | None = None
    """Who is rung, or talks."""

    trail: list[CallEvent] = field(default_factory=list)
    """What happened from the answer on."""

    @property
    def call_id(self) -> str:
        """The id that the caller chose."""
        return self.origination.call_id

    @property
    def server(self) -> str:
        """The server that holds it."""
        return self.trunk.server

    @property
    def shown(self) -> tuple[str, str]:
        """The name ("" for none) and the number ("" for none) that the far end is shown."""
        caller_id = self.origination.caller_id
        return self.trunk.presentation.shown(caller_id) if caller_id is not None else ("", "")

    @property
    def answered(self) -> bool:
        """Whether somebody, or something, has picked up."""
        return self.state not in (LiveState.DIALLING, LiveState.RINGING)

    def waited(self, now: datetime) -> timedelta | None:
        """Return how long it has been in its queue, in whole seconds as Asterisk tells it; None where it is in none."""
        if self.state is not LiveState.QUEUED or self.queued_at is None:
            return None
        return timedelta(seconds=(now - self.queued_at) // timedelta(seconds=1))
