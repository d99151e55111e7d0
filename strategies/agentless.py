"""Agentless pacing: as many calls as the trunks take. For campaigns that play a message."""

from dataclasses import dataclass
from typing import ClassVar

from strategies.pacing import PacingDecision, PacingFacts


@dataclass(frozen=True, slots=True)
class Agentless:
    """Fills free channels, as fast as the trunks' rates allow."""

    name: ClassVar[str] = "agentless"
    needs_agents: ClassVar[bool] = False
    wants_scene: ClassVar[bool] = False

    channels_max: float | None = None
    """The most calls the campaign has up at once, at least 1; None: as many as its trunks hold."""

    def __post_init__(self) -> None:
        if self.channels_max is not None and not (self.channels_max >= 1 and float(self.channels_max).is_integer()):
            raise ValueError(f"channels_max must be a whole number, 1 or more, got {self.channels_max}")

    def decide(self, facts: PacingFacts) -> PacingDecision:
        """Return how many calls to launch now."""
        bounds = [
            (facts.channels_free, f"{facts.channels_free} channels free"),
            (facts.tokens, f"{facts.tokens} tokens"),
        ]
        if self.channels_max is not None:
            calls_up = facts.calls_unanswered + facts.calls_waiting + facts.calls_talking
            bounds.append((int(self.channels_max) - calls_up, f"{calls_up} of {int(self.channels_max)} calls up"))
        return PacingDecision(
            calls=max(0, min(bound for bound, _ in bounds)),
            reason="the least of: " + ", ".join(words for _, words in bounds),
        )
