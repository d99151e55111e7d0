"""When a pacing strategy is asked: at events, but not too often, and after a while without any."""

from dataclasses import dataclass
from datetime import datetime
from math import inf
from typing import Final

from dialler.ports import PacingDecision

PAUSE_LEAST_S: Final = 0.02
"""A strategy that wants to be asked all the time is asked no more often."""

PAUSE_MOST_S: Final = 60.0
"""One that wants to hear of nothing still hears of what happens within so long."""

_TIMER_S: Final = 1e-4
"""Timers may fire so much early."""


@dataclass(slots=True)
class Asking:
    """What the last decision said of the next one. Times are monotonic."""

    decided_at: datetime | None = None
    """When there was a decision last (UTC)."""

    soonest_s: float = -inf
    latest_s: float = inf
    has_waited: bool = False
    """Something happened, and it was too early to ask."""

    def is_due(self, now_s: float) -> bool:
        """Tell whether the strategy may be asked at `now_s`, because something happened; if not, that is noted."""
        is_due = now_s >= self.soonest_s - _TIMER_S
        self.has_waited = not is_due
        return is_due

    def decided(self, decision: PacingDecision, now_s: float, at: datetime) -> None:
        """Take in a decision made at `now_s`, which is the instant `at`."""
        self.decided_at = at
        self.has_waited = False
        soonest_s = min(max(decision.soonest_s, 0.0), PAUSE_MOST_S)
        self.soonest_s = now_s + soonest_s
        latest_s = decision.latest_s
        self.latest_s = inf if latest_s is None else now_s + max(latest_s, soonest_s, PAUSE_LEAST_S)

    def due_s(self, now_s: float) -> float | None:
        """Return in how many seconds to ask, whatever happens; None: events are enough."""
        due_s = self.soonest_s if self.has_waited else self.latest_s
        return None if due_s == inf else max(due_s - now_s, 0.0)

    def not_before_s(self, now_s: float) -> float:
        """Return for how many seconds there is no use in asking."""
        return max(self.soonest_s - now_s, 0.0)
