"""Progressive pacing: one call for each free agent."""

from dataclasses import dataclass
from typing import ClassVar

from strategies.pacing import PacingDecision, PacingFacts


@dataclass(frozen=True, slots=True)
class Progressive:
    """One call for each agent that is ready, less those that are on their way to one."""

    name: ClassVar[str] = "progressive"
    needs_agents: ClassVar[bool] = True
    wants_scene: ClassVar[bool] = False

    def decide(self, facts: PacingFacts) -> PacingDecision:
        """Return how many calls to launch now."""
        calls = max(0, facts.agents_ready - facts.calls_unanswered - facts.calls_waiting)
        return PacingDecision(
            calls=calls,
            reason=(
                f"one call for each free agent: {facts.agents_ready} ready - {facts.calls_unanswered} unanswered"
                f" - {facts.calls_waiting} waiting"
            ),
        )
