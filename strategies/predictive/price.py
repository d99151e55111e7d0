"""What an abandon may cost now: the highest risk that is taken for one more call, from the budget of abandons.

Of every period the law looks at, what may still be abandoned is a credit. In credit risk is cheap, in debt it is dear,
and it moves smoothly: there is no brake that is on or off.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp, sqrt
from typing import Final

from strategies.pacing import PeriodCount

RESERVE_LEAST, RESERVE_MOST, PACE_MANY = 0.15, 1.4, 4.0
"""Of the scale: the credit that is kept in hand, so that chance rarely takes it all. Abandons come in clusters: when
answers happen to come together, four to nine within seconds, and no price undoes what is under way then. The most with
PACE_MANY abandons allowed in ten minutes; with few, one over the limit is a matter of a single call, and a reserve
would be most of it."""

SHORT_LIMITS, SHORT_SPARE = 1.5, 2.0
"""The shortest period may exceed the limit so many times, and by so many calls, as far as it is allowed at all: chance
alone brings a half hour there."""

TEN_MINUTES: Final[Mapping[str, float]] = {"30m": 3.0, "24h": 48.0, "month": 960.0, "30d": 960.0}
"""Of calling in each period; days of eight hours, months of twenty days."""

LIMIT: Final = 0.03
"""Where no limit holds."""

EARLY: Final = 0.025
"""At the start no more is kept than this for each answer, or nothing would ever be tried."""

LAST: Final = 1.5
"""How steeply the price falls once less than one abandon is left."""

LOWEST: Final = 0.08
"""Of the limit."""

HIGHEST: Final = 0.5
"""A risk, not a rate: of calls that may still be given up while they ring, far fewer find no agent than it says."""

SURE: Final = 0.5
"""Standard deviations kept back for machines that nobody tells from people. Above the reserve, which is there anyway:
nine seeds without detection end at 2.6 % at most, at 3.0 % with none kept back, and with two at 2.4 %, idle more."""


@dataclass(frozen=True, slots=True)
class Price:
    """The risk one more call may have, and where it comes from."""

    risk: float
    credit: float
    """Persons who could still be abandoned within the period that decides; negative: a debt."""

    period: str
    is_debt_deep: bool
    """Some period is so far over its limit that there is one call for each free agent at most."""


def price_of(periods: Sequence[PeriodCount], answers_in_ten_minutes: float = 0.0) -> Price:
    """Return the least price over all periods, the shortest first. With others beside it that one has a tolerance.

    `answers_in_ten_minutes` is what comes now: the periods do not tell a large team that has just begun from a small
    one, whose abandons come one at a time.
    """
    least: Price | None = None
    is_debt_deep = False
    shortest = periods[0] if periods else None
    pace = shortest.answered * shortest.limit / TEN_MINUTES.get(shortest.name, 3.0) if shortest is not None else 0.0
    if shortest is not None:
        pace = max(pace, shortest.limit * answers_in_ten_minutes)
    for one in periods:
        is_lenient = one is shortest and len(periods) > 1
        price = _price(one, times=SHORT_LIMITS if is_lenient else 1.0, spare=SHORT_SPARE * is_lenient, pace=pace)
        is_debt_deep = is_debt_deep or price.is_debt_deep
        if least is None or price.risk < least.risk:
            least = price
    if least is None:
        return Price(0.95 * LIMIT, 0.0, "no limit", False)
    return replace(least, is_debt_deep=True) if is_debt_deep else least


def _price(one: PeriodCount, *, times: float, spare: float, pace: float) -> Price:
    budget = times * one.limit * one.answered
    credit = min(budget + spare, one.allowed) - one.abandoned - SURE * one.unsure
    scale = 1.5 + 1.2 * sqrt(pace)
    share = RESERVE_LEAST + (RESERVE_MOST - RESERVE_LEAST) * min(pace / PACE_MANY, 1.0)
    reserve = min(share * scale, EARLY * one.answered)
    last = min(1.5, 0.4 * pace, one.answered / 150)
    exponent = (credit - reserve) / scale + LAST * min(0.0, credit - last)
    risk = 0.95 * one.limit * exp(max(-20.0, min(20.0, exponent)))
    return Price(
        risk=min(max(risk, LOWEST * one.limit), HIGHEST),
        credit=credit,
        period=one.name,
        is_debt_deep=credit < -(25 + 0.25 * budget),
    )
