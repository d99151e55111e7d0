"""What part of the persons who answered got no agent in time, over the last half hour and the last day.

It is for looking at and begins anew with each process; what the law asks for is kept nowhere yet.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from dialler.domain.outcome import TRAITS, Outcome

SPANS: Final = {"30m": (1_800, 60), "24h": (86_400, 900)}
"""By name: how far it looks back, and the step in which it moves on, both in seconds."""


class AbandonRate:
    """The abandon rate of one campaign. Times are seconds of one monotonic clock."""

    def __init__(self) -> None:
        self._spans = {name: _Span(span_s // step_s, step_s) for name, (span_s, step_s) in SPANS.items()}

    def note(self, outcome: Outcome, at_s: float) -> None:
        """Count a call that has ended; one that no person answered counts nowhere."""
        traits = TRAITS[outcome]
        if traits.live:
            for span in self._spans.values():
                span.add(at_s, abandoned=traits.abandoned)

    def rates(self, at_s: float) -> Mapping[str, float]:
        """Return the abandon rate (0..1) by span; a span in which no person answered is not there.

        A span is up to one of its steps shorter than its name says, never longer.
        """
        return {name: rate for name, span in self._spans.items() if (rate := span.rate(at_s)) is not None}


@dataclass(slots=True)
class _Step:
    nth: int
    answered: int = 0
    abandoned: int = 0


class _Span:
    """Counts over the last `steps` steps of `step_s` seconds; it keeps one entry for each that had a call."""

    def __init__(self, steps: int, step_s: int) -> None:
        self._most = steps
        self._step_s = step_s
        self._steps: deque[_Step] = deque()
        self._answered = self._abandoned = 0

    def add(self, at_s: float, *, abandoned: bool) -> None:
        nth = self._move_on(at_s)
        if not self._steps or self._steps[-1].nth < nth:
            self._steps.append(_Step(nth))
        last = self._steps[-1]
        last.answered += 1
        last.abandoned += abandoned
        self._answered += 1
        self._abandoned += abandoned

    def rate(self, at_s: float) -> float | None:
        self._move_on(at_s)
        return self._abandoned / self._answered if self._answered else None

    def _move_on(self, at_s: float) -> int:
        nth = int(at_s // self._step_s)
        while self._steps and self._steps[0].nth <= nth - self._most:
            gone = self._steps.popleft()
            self._answered -= gone.answered
            self._abandoned -= gone.abandoned
        return nth
