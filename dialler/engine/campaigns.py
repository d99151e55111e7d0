"""The campaigns as the engine runs them: what is wanted of each, its pacing and its hopper."""

from dataclasses import dataclass, field

from dialler.domain.campaign import Campaign, Desired
from dialler.engine.hopper import Hopper
from dialler.ports import PacingDecision, PacingStrategy


@dataclass(slots=True, eq=False)
class Running:
    """One campaign in the engine."""

    campaign: Campaign
    hopper: Hopper
    lists: dict[int, str] = field(default_factory=dict)
    """Names of the lists that are to dial, by id."""

    pacing: PacingStrategy | None = None
    blocked: str | None = None
    """Why it can't dial until somebody mends it."""

    decision: PacingDecision | None = None
    callers: int = 0
    """Counts calls, to take the caller ids in turn."""

    @property
    def dials(self) -> bool:
        """Whether it places calls."""
        return self.campaign.desired is Desired.RUNNING and self.blocked is None and self.pacing is not None

    def next_caller_id(self) -> str | None:
        """Return the caller id for the next call: the campaign's, in turn."""
        callers = self.campaign.settings.caller_ids
        if not callers:
            return None
        self.callers += 1
        return callers[(self.callers - 1) % len(callers)]
