"""Ratio pacing: a fixed number of lines for each ready agent. It does not watch the abandon rate."""

import math
from dataclasses import dataclass
from typing import ClassVar

from strategies.pacing import PacingDecision, PacingFacts

RATIO_MIN, RATIO_MAX = 1.0, 10.0


@dataclass(frozen=True, slots=True)
class Ratio:
    """`ratio` lines for each agent that is ready; an answered call that waits takes one agent away."""

    name: ClassVar[str] = "ratio"
    needs_agents: ClassVar[bool] = True
    wants_scene: ClassVar[bool] = False

    ratio: float = 2.0
    """Lines for each ready agent, 1 to 10; parts of a line count once they add up to one."""

    def __post_init__(self) -> None:
        if not RATIO_MIN <= self.ratio <= RATIO_MAX:
            raise ValueError(f"ratio must be {RATIO_MIN:g} to {RATIO_MAX:g}, got {self.ratio}")

    def decide(self, facts: PacingFacts) -> PacingDecision:
        """Return how many calls to launch now."""
        agents_free = max(0, facts.agents_ready - facts.calls_waiting)
        # A ratio such as 1.4 is not exact in binary: 45 agents shall have 63 lines, not 62.
        lines = math.floor(self.ratio * agents_free + 1e-9)
        return PacingDecision(
            calls=max(0, lines - facts.calls_unanswered),
            reason=(
                f"{self.ratio:g} lines for each of {agents_free} agents ({facts.agents_ready} ready"
                f" - {facts.calls_waiting} waiting) = {lines} - {facts.calls_unanswered} unanswered"
            ),
        )
