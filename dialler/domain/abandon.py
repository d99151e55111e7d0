"""What part of the persons who answered got no agent in time, over the periods that laws look at.

Calls are counted as they end, in slots of five minutes of UTC. All offsets of today are whole quarters of an hour, so
slots add up to the local days of any zone exactly, and a campaign whose zone is changed has its history in the new one.

The rate has the form that the UK's regulator gave in 2010, which covers the others:

    (abandoned + estimated false positives) / (abandoned + estimated false positives + passed to an agent)

False positives are persons whom the machine detection (AMD) took for machines. Where nothing detects machines, some of
those abandoned were machines: the share that agents met among their calls may be taken off, where the law allows it.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Final

from dialler.domain.campaign import AbandonPeriod, CampaignSettings
from dialler.domain.local_day import day_after, local_date
from dialler.domain.outcome import TRAITS, Outcome
from dialler.domain.session import Session
from dialler.domain.wrap import WRAP_CODES
from strategies.agentless import Agentless

SLOT: Final = timedelta(minutes=5)
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

LOOK_BACK: Final = timedelta(days=33)
"""No period begins earlier: the longest month, and a day each way for the zone."""

TOLERANCE: Final = 2.0
"""Standard deviations by which the half hour may be above the limit: so few calls scatter by chance alone."""

MACHINE_CODES: Final = frozenset(code.code for code in WRAP_CODES.values() if code.category == "machine")
MESSAGE_MODE: Final = Agentless.name
"""Whoever opts out of the message of a campaign without agents was not kept waiting for one."""


class Counted(StrEnum):
    """As what a call counts that a person, or a machine, answered."""

    ABANDONED = "abandoned"
    ABANDONED_SHORT = "abandoned_short"
    """Hung up before the limit, without an agent: abandoned by some laws."""

    PASSED = "passed"
    """Passed to an agent."""

    PASSED_MACHINE = "passed_machine"
    """Passed to an agent, who says that it was a machine."""

    MACHINE = "machine"
    """Taken for a machine by AMD."""


def counted_as(outcome: Outcome | str | None, *, wrap_code: str | None, dial_mode: str) -> Counted | None:
    """Return as what a session counts; None: nobody and nothing answered, or it is not over."""
    match outcome:
        case Outcome.CONNECTED:
            return Counted.PASSED_MACHINE if wrap_code in MACHINE_CODES else Counted.PASSED
        case Outcome.OPTED_OUT if dial_mode == MESSAGE_MODE:
            return None
        case Outcome.ABANDONED_SHORT:
            return Counted.ABANDONED_SHORT
        case Outcome.MACHINE | Outcome.MACHINE_MESSAGE:
            return Counted.MACHINE
        case None:
            return None
        case _:
            return Counted.ABANDONED if TRAITS[Outcome(outcome)].abandoned else None


def slot_of(at: datetime) -> int:
    """Return the number of the slot that holds `at` (aware), counted from 1970."""
    return (at - EPOCH) // SLOT


def slot_begins(slot: int) -> datetime:
    """Return when a slot begins (UTC)."""
    return EPOCH + slot * SLOT


def entry_of(session: Session) -> tuple[int, Counted] | None:
    """Return the slot in which a session counts, and as what; None: nowhere."""
    counted = counted_as(session.outcome, wrap_code=session.wrap_code, dial_mode=session.dial_mode)
    return None if counted is None else (slot_of(session.ended_at or session.created_at), counted)


@dataclass(frozen=True, slots=True, kw_only=True)
class AbandonCounts:
    """Calls of some stretch of time, each in one of these."""

    abandoned: int = 0
    abandoned_short: int = 0
    passed: int = 0
    passed_machine: int = 0
    machine: int = 0

    def plus(self, counted: Counted, n: int = 1) -> "AbandonCounts":
        """Return these with `n` more of one kind."""
        return replace(self, **{counted.value: getattr(self, counted.value) + n})

    def __sub__(self, other: "AbandonCounts") -> "AbandonCounts":
        return AbandonCounts(
            abandoned=self.abandoned - other.abandoned,
            abandoned_short=self.abandoned_short - other.abandoned_short,
            passed=self.passed - other.passed,
            passed_machine=self.passed_machine - other.passed_machine,
            machine=self.machine - other.machine,
        )


NOTHING: Final = AbandonCounts()


def total(counts: Iterable[AbandonCounts]) -> AbandonCounts:
    """Return the sum."""
    abandoned = abandoned_short = passed = passed_machine = machine = 0
    for each in counts:  # thousands of slots: no value in between
        abandoned += each.abandoned
        abandoned_short += each.abandoned_short
        passed += each.passed
        passed_machine += each.passed_machine
        machine += each.machine
    return AbandonCounts(
        abandoned=abandoned,
        abandoned_short=abandoned_short,
        passed=passed,
        passed_machine=passed_machine,
        machine=machine,
    )


def first_slot(period: AbandonPeriod, now: datetime, zone: str) -> int:
    """Return the first slot of a period that ends now, days and months being those of `zone` (IANA).

    The rolling half hour and 24 hours are up to one slot shorter than their names say, never longer; 30 days are
    today and the 29 local days before it.
    """
    match period:
        case AbandonPeriod.HALF_HOUR:
            return slot_of(now) + 1 - timedelta(minutes=30) // SLOT
        case AbandonPeriod.DAY:
            return slot_of(now) + 1 - timedelta(hours=24) // SLOT
        case AbandonPeriod.MONTH:
            return slot_of(_begins(local_date(now, zone).replace(day=1), zone))
        case AbandonPeriod.DAYS_30:
            return slot_of(_begins(local_date(now, zone) - timedelta(days=29), zone))


def day_slots(day: date, zone: str) -> range:
    """Return the slots of a local day."""
    return range(slot_of(_begins(day, zone)), slot_of(day_after(day, zone)))


def _begins(day: date, zone: str) -> datetime:
    return day_after(day - timedelta(days=1), zone)


@dataclass(frozen=True, slots=True, kw_only=True)
class AbandonRate:
    """An abandon rate with all that it is made of."""

    counts: AbandonCounts
    abandoned: float
    """The numerator: abandoned calls, as the settings say, with the estimates."""

    answered: float
    """The denominator: the numerator, and the calls that were passed to an agent."""

    limit: float
    """The highest rate allowed, 0..1."""

    sample_min: int
    """While fewer were answered, as many may be abandoned as of so many."""

    tolerance: float = 0.0
    """Standard deviations that are allowed beside the limit."""

    @property
    def rate(self) -> float | None:
        """The rate, 0..1; None while nobody has answered."""
        return self.abandoned / self.answered if self.answered else None

    @property
    def allowed(self) -> float:
        """How many may be abandoned of so many answered."""
        return self._allowed(self.answered)

    @property
    def is_over(self) -> bool:
        """Whether more were abandoned than are allowed."""
        return self.abandoned > self.allowed + _ROUNDING

    @property
    def room(self) -> int:
        """How many more may be abandoned before it is over the limit; each of them is answered too."""
        room, step = 0, 1
        while self._fits(room + step) and step < _ROOM_MAX:
            room, step = room + step, step * 2
        while step:
            room += step if self._fits(room + step) else 0
            step //= 2
        return room

    def _fits(self, more: int) -> bool:
        return self.abandoned + more <= self._allowed(self.answered + more) + _ROUNDING

    def _allowed(self, answered: float) -> float:
        sample = max(answered, self.sample_min)
        return self.limit * sample + self.tolerance * math.sqrt(self.limit * (1 - self.limit) * sample)


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodRate(AbandonRate):
    """The abandon rate of a period that ends now."""

    period: AbandonPeriod
    begins_at: datetime
    is_enforced: bool
    """Whether the limit holds for this period."""

    def words(self) -> str:
        """Say the rate and the limit in figures."""
        if self.rate is None:
            return f"nobody answered in {PERIOD_WORDS[self.period]}"
        return (
            f"{_figure(self.abandoned)} of {_figure(self.answered)} abandoned in {PERIOD_WORDS[self.period]}:"
            f" {self.rate:.1%}, where {self.limit:.1%} is the limit"
        )


PERIOD_WORDS: Final[Mapping[AbandonPeriod, str]] = {
    AbandonPeriod.HALF_HOUR: "the last half hour",
    AbandonPeriod.DAY: "the last 24 hours",
    AbandonPeriod.MONTH: "this month",
    AbandonPeriod.DAYS_30: "the last 30 days",
}

_ROUNDING: Final = 1e-9  # 0.03 of 100 is a little more, or less, than 3
_ROOM_MAX: Final = 1 << 30  # with a limit of 1 there is no end


def abandon_rate(counts: AbandonCounts, settings: CampaignSettings) -> AbandonRate:
    """Return the rate of these counts, by a campaign's settings."""
    abandoned, answered = _parts(counts, settings)
    return AbandonRate(
        counts=counts,
        abandoned=abandoned,
        answered=answered,
        limit=settings.abandon_limit,
        sample_min=settings.abandon_sample_min,
    )


def period_rate(period: AbandonPeriod, counts: AbandonCounts, settings: CampaignSettings, *, first: int) -> PeriodRate:
    """Return the rate of the period that begins with slot `first` and has these counts."""
    abandoned, answered = _parts(counts, settings)
    return PeriodRate(
        counts=counts,
        abandoned=abandoned,
        answered=answered,
        limit=settings.abandon_limit,
        sample_min=settings.abandon_sample_min,
        tolerance=TOLERANCE if period is AbandonPeriod.HALF_HOUR else 0.0,
        period=period,
        begins_at=slot_begins(first),
        is_enforced=period in settings.abandon_periods,
    )


def period_rates(slots: Mapping[int, AbandonCounts], settings: CampaignSettings, now: datetime) -> Sequence[PeriodRate]:
    """Return the rates of all periods that end now, in the campaign's zone; `slots` are counts by slot."""
    firsts = {period: first_slot(period, now, settings.timezone) for period in AbandonPeriod}
    return [
        period_rate(period, total(n for slot, n in slots.items() if slot >= first), settings, first=first)
        for period, first in firsts.items()
    ]


def _parts(counts: AbandonCounts, settings: CampaignSettings) -> tuple[float, float]:
    """Return numerator and denominator."""
    passed = counts.passed + counts.passed_machine
    abandoned = float(counts.abandoned)
    if settings.abandon_short:
        abandoned += counts.abandoned_short
    if settings.abandon_estimate and not settings.amd and passed:
        abandoned *= 1 - counts.passed_machine / passed
    abandoned += settings.amd_false_positives * counts.machine
    return abandoned, abandoned + passed


def _figure(n: float) -> str:
    return f"{n:.1f}".removesuffix(".0")  # with an estimate it need not be whole
