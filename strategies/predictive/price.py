"""What an abandon may cost now: the highest risk that is taken for one more call, from the budget of abandons.

Of every period the law looks at, what may still be abandoned is a credit. In credit risk is cheap, in debt it is dear,
and it moves smoothly: there is no brake that is on or off.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp, sqrt
from typing import Final

from strategies.pacing import Counted

RESERVE_LEAST, RESERVE_MOST, PACE_MANY = 0.15, 0.9, 3.0
"""Of the scale: the credit that is kept in hand, so that chance rarely takes it all. The most with PACE_MANY abandons
allowed in ten minutes; with few, one over the limit is a matter of a single call, and a reserve would be most of it."""

SHORT_CAPS, SHORT_SPARE = 1.5, 2.0
"""The shortest period may exceed the cap so many times, and by so many calls: chance alone brings a half hour there."""

EARLY: Final = 0.015
"""At the start no more is kept than this for each answer, or nothing would ever be tried."""

LAST: Final = 1.5
"""How steeply the price falls once less than one abandon is left."""

LOWEST: Final = 0.08
"""Of the cap."""

HIGHEST: Final = 0.15
SURE: Final = 2.0
"""Standard deviations kept back for machines that nobody tells from people."""


@dataclass(frozen=True, slots=True)
class Price:
    """The risk one more call may have, and where it comes from."""

    risk: float
    credit: float
    """Persons who could still be abandoned within the period that decides; negative: a debt."""

    period: str
    is_debt_deep: bool
    """Some period is so far over its limit that there is one call for each free agent at most."""


def price_of(counted: Sequence[Counted], *, cap: float) -> Price:
    """Return the least price over all periods, the shortest first. With others beside it that one has a tolerance."""
    least: Price | None = None
    is_debt_deep = False
    shortest = counted[0] if counted else None
    pace = (shortest.answered if shortest is not None else 0) * cap / 3
    for one in counted:
        is_lenient = one is shortest and len(counted) > 1
        price = _price(
            one, limit=cap * (SHORT_CAPS if is_lenient else 1.0), spare=SHORT_SPARE * is_lenient, cap=cap, pace=pace
        )
        is_debt_deep = is_debt_deep or price.is_debt_deep
        if least is None or price.risk < least.risk:
            least = price
    if least is None:
        return Price(0.95 * cap, 0.0, "none", False)
    return replace(least, is_debt_deep=True) if is_debt_deep else least


def _price(one: Counted, *, limit: float, spare: float, cap: float, pace: float) -> Price:
    persons = 1.0 - one.machine_share
    answered, abandoned = one.answered * persons, one.abandoned * persons
    unsure = SURE * sqrt(one.abandoned * one.machine_share * persons)
    credit = limit * answered + spare - abandoned - unsure
    scale = 1.5 + 1.2 * sqrt(pace)
    share = RESERVE_LEAST + (RESERVE_MOST - RESERVE_LEAST) * min(pace / PACE_MANY, 1.0)
    reserve = min(share * scale, EARLY * answered)
    last = min(1.5, 0.4 * pace, answered / 150)
    exponent = (credit - reserve) / scale + LAST * min(0.0, credit - last)
    risk = 0.95 * cap * exp(max(-20.0, min(20.0, exponent)))
    return Price(
        risk=min(max(risk, LOWEST * cap), HIGHEST),
        credit=credit,
        period=one.period,
        is_debt_deep=credit < -(25 + 0.25 * limit * answered),
    )
