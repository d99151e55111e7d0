"""How the numbers of a pool stand and do: free or not, and how their calls are answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from dialler.domain.caller_id import CallerId, CallerIdPool, CallerIdUse
from dialler.domain.caller_id_rate import (
    JUDGED_DAYS,
    CallerIdCounts,
    Judgement,
    added,
    judged_since,
    judgements,
)
from dialler.domain.local_day import local_date
from dialler.engine.caller_ids import book_of
from dialler.ports import Records

SPANS: Final = {"today": 1, "days_7": 7, "days_30": 30}
"""The days that are added up, today among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberOutlook:
    """One number at one moment."""

    caller_id: CallerId
    state: str
    """One of `caller_id_choice.STATES`."""

    free_at: datetime | None
    """From when on it may be used (UTC), now or earlier if it is free; None: once somebody switches it on."""

    use: CallerIdUse | None
    spans: Mapping[str, CallerIdCounts]
    """By `SPANS`."""

    judgement: Judgement
    """Of the last `JUDGED_DAYS`."""

    days: Mapping[date, CallerIdCounts]
    """What was counted, by day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolOutlook:
    """A pool at one moment."""

    pool: CallerIdPool
    today: date
    """In the pool's time zone."""

    numbers: Sequence[NumberOutlook]

    @property
    def low(self) -> Sequence[NumberOutlook]:
        """Those in use that are answered less than their pool."""
        return [each for each in self.numbers if each.judgement.is_low and each.state != "off"]

    @property
    def judged(self) -> CallerIdCounts:
        """What the calls of the last `JUDGED_DAYS` counted as."""
        return added(each.spans["days_7"] for each in self.numbers)

    @property
    def worst_ratio(self) -> float | None:
        """The least answer rate through that of the others, of numbers in use with calls enough to say; None: none."""
        ratios = [
            each.judgement.ratio
            for each in self.numbers
            if each.judgement.z is not None and each.judgement.ratio is not None and each.state != "off"
        ]
        return min(ratios, default=None)


def pool_outlook(records: Records, pool: CallerIdPool, now: datetime, *, days: int = JUDGED_DAYS) -> PoolOutlook:
    """Return how a pool stands at `now`; spans of more than `days` have no more than these.

    It costs a look-up for each number and day.
    """
    book = book_of(records, pool.name)
    today = local_date(now, pool.settings.timezone)
    counts = records.caller_id_days(pool.pool_id, since=today - timedelta(days=days - 1))
    since = {each.number: judged_since(today, _returned(each, pool)) for each in book.numbers}
    found = judgements(counts, since)
    own: dict[str, dict[date, CallerIdCounts]] = {each.number: {} for each in book.numbers}
    for (number, day), counted in counts.items():
        own[number][day] = counted
    return PoolOutlook(
        pool=pool,
        today=today,
        numbers=[
            NumberOutlook(
                caller_id=each,
                state=book.state_of(each.number, now),
                free_at=book.free_at(each.number),
                use=book.uses.get(each.number),
                spans={
                    name: added(counted for day, counted in own[each.number].items() if day > today - timedelta(days=n))
                    for name, n in SPANS.items()
                },
                judgement=found[each.number],
                days=own[each.number],
            )
            for each in book.numbers
        ],
    )


def _returned(each: CallerId, pool: CallerIdPool) -> date | None:
    """Return the day on which a number came back that was off for a while."""
    return None if each.off_until is None else local_date(each.off_until, pool.settings.timezone)
