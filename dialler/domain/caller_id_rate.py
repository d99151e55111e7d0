"""How well the calls of each caller id are answered, and whether one is answered less than the rest of its pool.

Carriers and apps mark numbers as spam without telling anybody, and then their calls are no longer answered. One number
is held against the others of its pool by the test of two proportions (NIST/SEMATECH e-Handbook of Statistical Methods,
7.3.3: `z = (p1 - p2) / sqrt(p (1 - p) (1/n1 + 1/n2))`, p of both together).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from math import sqrt
from typing import Final

from dialler.domain.outcome import TRAITS, Outcome
from dialler.domain.session import Session

SHORT: Final = timedelta(seconds=6)
"""Answered calls that are over sooner are short: carriers charge extra for them, and analytics take them for spam."""

NEVER_SHOWN: Final = frozenset(
    {Outcome.NO_ROUTE, Outcome.CONGESTION, Outcome.FAILED, Outcome.CANCELLED, Outcome.LOST, Outcome.INVALID_NUMBER}
)
"""Outcomes that say nothing of whether somebody who saw the number would have answered."""

JUDGED_DAYS: Final = 7
"""Today and the days before it that are judged together."""

Z_MIN: Final = 3.0
"""One number in 700 is marked for nothing but chance: a pool has many, and they are looked at again and again."""

RECOVERED_Z: Final = -2.0
"""Above it a number that was marked is taken to have recovered: not right at the mark, where it would come and go."""

EXPECTED_MIN: Final = 5.0
"""Answered calls, and others, that the pool's rate makes expect of a number before it is judged: the usual rule for
taking a binomial distribution for a normal one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerIdCounts:
    """Calls that showed a number."""

    calls: int = 0
    """Intents."""

    tried: int = 0
    """Those that are over, and of which somebody may have seen the number."""

    answered: int = 0
    """By whoever or whatever."""

    persons: int = 0
    connected: int = 0
    """Joined to an agent."""

    short: int = 0
    """Answered, and over within `SHORT`."""

    blocked: int = 0
    """Refused as the number's own."""

    @property
    def rate(self) -> float | None:
        """What part was answered, 0..1."""
        return self.answered / self.tried if self.tried else None


COUNTED: Final = tuple(one.name for one in fields(CallerIdCounts))
NONE: Final = CallerIdCounts()


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """One number against the others of its pool."""

    z: float | None
    """Below 0 where it is answered less; None: too few calls to say."""

    ratio: float | None
    """Its answer rate through that of the others; None where these have none."""

    is_low: bool
    """Answered significantly less."""

    tried: int = 0
    """Of its calls, those that are over and that somebody may have seen."""

    rate: float = 0.0
    """What part of them was answered, 0..1; 0 where there are none."""

    others_rate: float = 0.0
    """The same of the others."""


def counts_of(session: Session) -> CallerIdCounts:
    """Return what one session counts as."""
    outcome = session.outcome
    if outcome is None:
        return CallerIdCounts(calls=1)
    is_answered = session.answered_at is not None and outcome not in NEVER_SHOWN
    is_short = (
        is_answered
        and session.answered_at is not None
        and session.ended_at is not None
        and session.ended_at - session.answered_at < SHORT
    )
    return CallerIdCounts(
        calls=1,
        tried=int(outcome not in NEVER_SHOWN),
        answered=int(is_answered),
        persons=int(TRAITS[outcome].live),
        connected=int(outcome is Outcome.CONNECTED),
        short=int(is_short),
        blocked=int(outcome is Outcome.BLOCKED),
    )


def added(counts: Iterable[CallerIdCounts]) -> CallerIdCounts:
    """Return the sum."""
    some = list(counts)
    return CallerIdCounts(**{name: sum(getattr(each, name) for each in some) for name in COUNTED})


def judged(own: CallerIdCounts, others: CallerIdCounts) -> Judgement:
    """Return how a number's calls do against those of the others of its pool."""
    p_own, p_others = own.rate or 0.0, others.rate or 0.0
    plain = Judgement(z=None, ratio=None, is_low=False, tried=own.tried, rate=p_own, others_rate=p_others)
    if not own.tried or not others.tried:
        return plain
    ratio = p_own / p_others if p_others else None
    p = (own.answered + others.answered) / (own.tried + others.tried)
    if own.tried * min(p, 1 - p) < EXPECTED_MIN or others.tried * min(p, 1 - p) < EXPECTED_MIN:
        return replace(plain, ratio=ratio)
    z = (p_own - p_others) / sqrt(p * (1 - p) * (1 / own.tried + 1 / others.tried))
    return replace(plain, z=z, ratio=ratio, is_low=z <= -Z_MIN)


def judgements(days: Mapping[tuple[str, date], CallerIdCounts], since: Mapping[str, date]) -> Mapping[str, Judgement]:
    """Return the judgement on each number of a pool; `since` is the first day that counts of each, by number."""
    of_number: dict[str, list[CallerIdCounts]] = {number: [] for number in since}
    for (number, day), counts in days.items():
        if number in since and day >= since[number]:
            of_number[number].append(counts)
    own = {number: added(counts) for number, counts in of_number.items()}
    total = added(own.values())
    return {number: judged(counts, _less(total, counts)) for number, counts in own.items()}


def judged_since(today: date, off_until: date | None) -> date:
    """Return the first day by which a number is judged: one that was switched off for a while begins anew."""
    first = today - timedelta(days=JUDGED_DAYS - 1)
    return first if off_until is None else max(first, off_until)


def _less(total: CallerIdCounts, own: CallerIdCounts) -> CallerIdCounts:
    return CallerIdCounts(**{name: getattr(total, name) - getattr(own, name) for name in COUNTED})
