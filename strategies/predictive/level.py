"""How many people answer now, against what the hazards expect: faster to move than the shape of ringing.

Two memories, counted in expected answers, so that a large team learns in seconds what a small one learns in minutes.
The long one is believed; when the short one contradicts it, it is dropped. More answers than believed cost abandons
while nobody notices, so a rise is looked for separately, by a cumulative sum (Page, 1954): it is seen sooner, and
believed by what came since it began.
"""

from math import exp, log, sqrt
from typing import Final

SHORT: Final = 25.0
LONG: Final = 250.0
CONTRADICTION: Final = 3.8
"""Standard deviations."""

RISE, RISE_PROOF, RISE_ANSWERS = 1.6, 7.0, 50
"""A rise to RISE times the level is believed once its likelihood is exp(RISE_PROOF) times that of no rise, but not
before so many answers are known: until then the cold start is careful anyway."""

PRIOR: Final = 2.0
"""Answers that the level 1 is worth at the start."""

CAUTION: Final = 0.4

OUTAGE, OUTAGE_ANSWERS, HELD = 0.2, 50, 50.0
"""A level below OUTAGE, once so many answers are known, is rather a trunk that fails than people who went away: it may
be back at any moment, and whoever had called for that level would have an answer for each of five calls too many. It
is planned with 1 then, and until so many answers were expected since."""


class Level:
    """Observed over expected answers: 1 when the hazards are right."""

    def __init__(self) -> None:
        self._seen_short = self._expected_short = 0.0
        self._seen_long = self._expected_long = PRIOR
        self.changes = 0
        """How often the long memory was dropped."""

        self.answers = 0
        """All answers seen."""

        self.expected = 0.0
        """All answers expected, at level 1."""

        self._held = 0.0
        self._proof = self._seen_risen = self._expected_risen = 0.0

    def note(self, *, seen: int, expected: float) -> None:
        """Take in what answered, and what the hazards had expected to, since the last time."""
        self.answers += seen
        self.expected += expected
        short, long = exp(-expected / SHORT), exp(-expected / LONG)
        self._seen_short = self._seen_short * short + seen
        self._expected_short = self._expected_short * short + expected
        self._seen_long = self._seen_long * long + seen
        self._expected_long = self._expected_long * long + expected
        would = self._expected_short * self.value
        enough = max(would, self._seen_short) if self._held else would
        # The variance of an exponentially forgotten count is half of its mean.
        if enough > 4 and abs(self._seen_short - would) > CONTRADICTION * sqrt(would / 2 + 1):
            self._seen_long, self._expected_long = self._seen_short, self._expected_short
            self.changes += 1
        self._look_for_a_rise(seen, expected)
        is_outage = self.answers >= OUTAGE_ANSWERS and self.value < OUTAGE
        self._held = HELD if is_outage else max(0.0, self._held - expected)

    def _look_for_a_rise(self, seen: int, expected: float) -> None:
        self._seen_risen += seen
        self._expected_risen += expected
        self._proof += seen * log(RISE) - (RISE - 1) * expected * self.value
        is_proved = self._proof > RISE_PROOF and self.answers >= RISE_ANSWERS
        if is_proved:
            self._seen_long = self._seen_short = self._seen_risen
            self._expected_long = self._expected_short = self._expected_risen
            self.changes += 1
        if is_proved or self._proof <= 0:
            self._proof = self._seen_risen = self._expected_risen = 0.0

    @property
    def value(self) -> float:
        """The level as believed."""
        return (self._seen_long + 1e-3) / (self._expected_long + 1e-3)

    @property
    def known(self) -> float:
        """How many answers the belief rests on."""
        return self._seen_long

    @property
    def cautious(self) -> float:
        """The level to plan with: the less is known the higher; in an outage what it was before."""
        planned = self.value * (1 + CAUTION / sqrt(self.known + 1))
        return max(planned, 1.0) if self._held else planned
