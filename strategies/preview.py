"""Preview pacing: one offer for each agent who is ready; nothing is dialled before he accepts it."""

from dataclasses import dataclass
from typing import ClassVar

from strategies.pacing import PacingDecision, PacingFacts


@dataclass(frozen=True, slots=True)
class Preview:
    """One offer for each agent who is ready: one who has an offer is held for it, and counts as ready no more."""

    name: ClassVar[str] = "preview"
    needs_agents: ClassVar[bool] = True
    wants_scene: ClassVar[bool] = False

    def decide(self, facts: PacingFacts) -> PacingDecision:
        """Return how many offers to make now."""
        calls = max(0, facts.agents_ready)
        return PacingDecision(calls=calls, reason=f"one offer for each agent without one: {calls} ready")
