"""Caller ids: numbers that campaigns show to those called, kept in pools with what each may be used for."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from dialler.domain.zones import canonical_zone

NUMBERS_MAX: Final = 1_000
"""Numbers of a pool: all of them are read again after each edit, in the transaction that writes the next calls."""

AREAS_MAX: Final = 50
"""Areas of a number."""

CALLS_PER_DAY_MAX: Final = 100_000
REST_MAX_S: Final = 86_400
REST_LOW_MIN_S: Final = 3_600
REST_LOW_MAX_S: Final = 90 * 86_400
REASON_CHARS_MAX: Final = 200
E164: Final = re.compile(r"\+[1-9][0-9]{4,14}")
PREFIX: Final = re.compile(r"\+[1-9][0-9]{0,13}")
REGION: Final = re.compile(r"[A-Z]{2}-[A-Z0-9]{1,3}")
AREA_EXPECTED: Final = "expected how numbers begin, such as +1312, or a region as leads have it, such as US-IL"


class WhenNone(StrEnum):
    """What becomes of a call for which no number of the pool is left."""

    WAIT = "wait"
    """It is not placed until one is."""

    ANY = "any"
    """It gets a number of another area, the least used one of the day. Caps and rests hold all the same."""


def check_area(area: str) -> str:
    """Return an area. Raises ValueError for what is none."""
    if not (PREFIX.fullmatch(area) or REGION.fullmatch(area)):
        raise ValueError(f"area {area!r}: {AREA_EXPECTED}")
    return area


def _check_range(name: str, value: float | None, least: float, most: float) -> None:
    if value is not None and not least <= value <= most:
        raise ValueError(f"{name} must be {least} to {most}, got {value}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSettings:
    """What holds for all numbers of a pool that don't say otherwise."""

    timezone: str = "Etc/UTC"
    """Whose local days the calls a day are counted by."""

    when_none: WhenNone = WhenNone.WAIT
    calls_per_day_max: int | None = None
    """None: as many as come."""

    rest_s: int = 0
    """The least time between the beginnings of two calls."""

    rest_low_s: int | None = None
    """How long a number is switched off by itself that is answered less than the others; None: it is only told of."""

    def __post_init__(self) -> None:
        if canonical_zone(self.timezone).name != self.timezone:
            raise ValueError(f"timezone: expected {canonical_zone(self.timezone).name}, got {self.timezone!r}")
        _check_range("calls_per_day_max", self.calls_per_day_max, 1, CALLS_PER_DAY_MAX)
        _check_range("rest_s", self.rest_s, 0, REST_MAX_S)
        _check_range("rest_low_s", self.rest_low_s, REST_LOW_MIN_S, REST_LOW_MAX_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerIdPool:
    """A pool in the records."""

    pool_id: int
    name: str
    created_at: datetime
    settings: PoolSettings = PoolSettings()
    revision: int = 0
    """Counts what happens to the pool and its numbers, their use by calls too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerId:
    """One number of a pool."""

    number: str
    """E.164."""

    areas: tuple[str, ...] = ()
    """Where it is local: beginnings of E.164 numbers, or regions of leads; none: everywhere, but after those that are
    local to a call."""

    trunks: tuple[str, ...] = ()
    """On which it may be shown; none: on all."""

    calls_per_day_max: int | None = None
    """None: the pool's."""

    rest_s: int | None = None
    """None: the pool's."""

    off_reason: str | None = None
    """Why it is not used; None: it is."""

    off_until: datetime | None = None
    """Until when not (UTC); None: until somebody switches it on. Stays when that is over, as its answer rate is looked
    at from then on."""

    def __post_init__(self) -> None:
        if not E164.fullmatch(self.number):
            raise ValueError(f"number must be E.164, such as +12025550123, got {self.number!r}")
        if len(self.areas) > AREAS_MAX:
            raise ValueError(f"areas: at most {AREAS_MAX} of a number, got {len(self.areas)}")
        for area in self.areas:
            check_area(area)
        for trunk in self.trunks:
            if not (trunk.strip() and trunk.isprintable()):
                raise ValueError(f"trunks must be one line of text each, not empty, got {trunk!r}")
        _check_range("calls_per_day_max", self.calls_per_day_max, 1, CALLS_PER_DAY_MAX)
        _check_range("rest_s", self.rest_s, 0, REST_MAX_S)
        if self.off_reason is not None and not (
            0 < len(self.off_reason) <= REASON_CHARS_MAX and self.off_reason.isprintable()
        ):
            raise ValueError(
                f"reason must be one line of text, 1 to {REASON_CHARS_MAX} characters, got {self.off_reason!r}"
            )

    def is_off(self, now: datetime) -> bool:
        """Whether it is switched off at `now`."""
        return self.off_reason is not None and (self.off_until is None or now < self.off_until)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerIdUse:
    """How a number was used so far."""

    last_at: datetime
    day: date
    """The pool's local day of the last call."""

    on_day: int
    """Calls on that day."""

    turn: int
    """The last call's place among all of the pool, from 1 on."""
