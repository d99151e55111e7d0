"""The hours in which people may be called: intervals a weekday, and holidays. Local wall-clock time.

Written as text, hours read "mon-fri 10:00-13:00,14:00-20:00; sat 09:00-17:00": see `parse_hours`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""By `date.weekday()`."""

_MINUTES_A_DAY = 24 * 60


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """A half-open interval `[start, end)` of local time, in minutes after midnight.

    `end` runs to 1440 ("24:00"); an `end` below `start` means the next day, across midnight.
    """

    start: int
    end: int

    def __post_init__(self) -> None:
        if not (0 <= self.start < _MINUTES_A_DAY and 0 < self.end <= _MINUTES_A_DAY and self.start != self.end):
            raise ValueError(f"an interval needs different start and end within a day, got {self.start} and {self.end}")

    def __str__(self) -> str:
        return f"{self.start // 60:02}:{self.start % 60:02}-{self.end // 60:02}:{self.end % 60:02}"

    @property
    def crosses_midnight(self) -> bool:
        """Whether it runs into the next day."""
        return self.end < self.start


@dataclass(frozen=True, slots=True)
class CallingHours:
    """Intervals by weekday (Monday first), and what holds on holidays.

    The intervals of a day stand in order and do not overlap. One that crosses midnight belongs to the day on
    which it starts, and may reach into an interval of the next day.
    """

    week: tuple[tuple[Interval, ...], ...]
    holidays: str | None = None
    """A calendar: an ISO country ("US") or one of its subdivisions ("US-TX"); "lead" takes the lead's own
    country and region; None knows no holidays."""

    holiday_intervals: tuple[Interval, ...] = ()
    """The hours on a holiday; none: shut."""

    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.week) != 7:
            raise ValueError(f"a week has 7 days, got {len(self.week)}")
        if self.holidays is not None and not self.holidays.strip():
            raise ValueError('holidays: expected a calendar such as "US" or "US-TX", "lead" or nothing, got ""')
        for day, intervals in zip((*DAYS, "holiday"), (*self.week, self.holiday_intervals), strict=True):
            _check_order(day, intervals)
        object.__setattr__(self, "_hash", hash((self.week, self.holidays, self.holiday_intervals)))

    def __hash__(self) -> int:
        return self._hash  # computed once: hours are what windows are looked up by, several times a call

    def __reduce__(self) -> tuple[object, ...]:
        # Texts hash differently in each process: a copy in another one computes its own.
        return type(self), (self.week, self.holidays, self.holiday_intervals)


def _check_order(day: str, intervals: Sequence[Interval]) -> None:
    for earlier, later in pairwise(intervals):
        if earlier > later:
            raise ValueError(f"{day}: intervals must stand in order, got {earlier} before {later}")
        if earlier.crosses_midnight or later.start < earlier.end:
            raise ValueError(f"{day}: {earlier} and {later} overlap")


ALWAYS_DAYTIME = CallingHours(week=((Interval(8 * 60, 21 * 60),),) * 7)
"""8:00 to 21:00 on every day: 47 CFR 64.1200(c)(1)."""

_ALL_DAY = (Interval(0, _MINUTES_A_DAY),)
_TIME = re.compile(r"([0-9]{1,2}):([0-9]{2})")
_DAY_SPEC = re.compile(r"([a-z][a-z,\s-]*?)\s+(none|[0-9].*)", re.DOTALL)


def parse_hours(text: str, *, holidays: str | None = None, holiday_intervals: str = "none") -> CallingHours:
    """Read calling hours, such as "mon-fri 10:00-13:00,14:00-20:00; sat 09:00-17:00".

    Days are `mon` to `sun`, ranges of them (also around the weekend, `sat-mon`) and lists ("mon,wed"). A day with
    `none`, and one that is not named, is shut. "20:00-02:00" runs into the next day; `24:00`, or `00:00`, ends a
    day. The whole text may be `always` or `none`. Raises ValueError, which names the part that can't be read.
    """
    week = _parse_week(text)
    return CallingHours(week=week, holidays=holidays, holiday_intervals=parse_intervals(holiday_intervals))


def _parse_week(text: str) -> tuple[tuple[Interval, ...], ...]:
    folded = text.strip().lower()
    if folded in ("always", "none"):
        return (_ALL_DAY if folded == "always" else (),) * 7
    week: dict[int, tuple[Interval, ...]] = {}
    for part in folded.rstrip("; \t\n").split(";"):
        spec = _DAY_SPEC.fullmatch(part.strip())
        if spec is None:
            raise ValueError(f'expected days and hours such as "mon-fri 08:00-21:00", got {part.strip()!r}')
        intervals = parse_intervals(spec[2])
        for day in _parse_days(spec[1]):
            if day in week:
                raise ValueError(f"{DAYS[day]} is named twice in {text!r}")
            week[day] = intervals
    return tuple(week.get(day, ()) for day in range(7))


def _parse_days(text: str) -> list[int]:
    days: list[int] = []
    for item in text.split(","):
        names = [name.strip() for name in item.split("-")]
        if len(names) > 2 or not set(names) <= set(DAYS):
            raise ValueError(f"expected a day, mon to sun, or a range such as mon-fri, got {item.strip()!r}")
        first, last = DAYS.index(names[0]), DAYS.index(names[-1])
        days += ((first + step) % 7 for step in range((last - first) % 7 + 1))
    return days


def parse_intervals(text: str) -> tuple[Interval, ...]:
    """Read the intervals of one day: "10:00-13:00,14:00-20:00" in any order, or "none".

    Raises ValueError, also where they overlap.
    """
    if text.strip().lower() == "none":
        return ()
    intervals = sorted(_parse_interval(item.strip()) for item in text.split(","))
    _check_order(text.strip(), intervals)
    return tuple(intervals)


def _parse_interval(text: str) -> Interval:
    times = [_TIME.fullmatch(time.strip()) for time in text.split("-")]
    if len(times) != 2 or times[0] is None or times[1] is None:
        raise ValueError(f"expected hours such as 08:00-21:00, got {text!r}")
    (start_h, start_m), (end_h, end_m) = ((int(time[1]), int(time[2])) for time in times if time)
    start, end = start_h * 60 + start_m, end_h * 60 + end_m
    if max(start_m, end_m) > 59 or start >= _MINUTES_A_DAY or end > _MINUTES_A_DAY:
        raise ValueError(f"{text!r} has no such time of day: 00:00 to 23:59, and 24:00 as an end")
    if start == end:
        raise ValueError(f"{text!r} may mean all day or never: write 00:00-24:00 or none")
    return Interval(start, end or _MINUTES_A_DAY)


def format_intervals(intervals: Sequence[Interval]) -> str:
    """Write the intervals of one day as `parse_intervals` reads them."""
    return ",".join(map(str, intervals)) or "none"


def format_hours(hours: CallingHours) -> str:
    """Write the week as `parse_hours` reads it: one text for each week, equal days together, shut days left out."""
    if set(hours.week) in ({()}, {_ALL_DAY}):
        return "always" if hours.week[0] else "none"
    alike: dict[tuple[Interval, ...], list[int]] = {}
    for day, intervals in enumerate(hours.week):
        if intervals:
            alike.setdefault(intervals, []).append(day)
    return "; ".join(f"{_format_days(days)} {format_intervals(intervals)}" for intervals, days in alike.items())


def _format_days(days: Sequence[int]) -> str:
    runs: list[list[int]] = []
    for day in days:
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return ",".join(DAYS[run[0]] if len(run) == 1 else f"{DAYS[run[0]]}-{DAYS[run[-1]]}" for run in runs)


def describe_day(hours: CallingHours, weekday: int, *, holiday: bool = False) -> str:
    """Say what holds on a weekday (0 is Monday), for people: "sat 08:00-21:00", "sun shut", "sat (holiday) shut"."""
    intervals = hours.holiday_intervals if holiday else hours.week[weekday]
    return f"{DAYS[weekday]}{' (holiday)' if holiday else ''} {','.join(map(str, intervals)) or 'shut'}"


def hours_to_json(hours: CallingHours) -> dict[str, object]:
    """Return `hours` as JSON values: `week` (day to a list of "08:00-21:00"), `holidays`, `holiday_intervals`."""
    return {
        "week": {day: list(map(str, intervals)) for day, intervals in zip(DAYS, hours.week, strict=True)},
        "holidays": hours.holidays,
        "holiday_intervals": list(map(str, hours.holiday_intervals)),
    }


def hours_from_json(value: object) -> CallingHours:
    """Read what `hours_to_json` writes, or a text for `parse_hours` alone.

    `week` may be such a text as well, and its keys several days ("mon-fri"). A day left out is shut; without
    `holidays` none are known. Raises ValueError, which names the key.
    """
    if isinstance(value, str):
        return parse_hours(value)
    if not isinstance(value, Mapping):
        raise ValueError(f"hours: expected a text or an object, got {value!r}")
    if unknown := value.keys() - {"week", "holidays", "holiday_intervals"}:
        raise ValueError(f"hours: expected week, holidays and holiday_intervals, got {sorted(map(str, unknown))}")
    holidays = value.get("holidays")
    if not (holidays is None or isinstance(holidays, str)):
        raise ValueError(f"holidays: expected a calendar such as US-TX, got {holidays!r}")
    return CallingHours(
        week=_week_from_json(value.get("week")),
        holidays=holidays,
        holiday_intervals=_intervals_from_json("holiday_intervals", value.get("holiday_intervals", [])),
    )


def _week_from_json(value: object) -> tuple[tuple[Interval, ...], ...]:
    if isinstance(value, str):
        return _parse_week(value)
    if not isinstance(value, Mapping):
        raise ValueError(f"week: expected hours by day or a text, got {value!r}")
    week: dict[int, tuple[Interval, ...]] = {}
    for key, items in value.items():
        for day in _parse_days(str(key).strip().lower()):
            if day in week:
                raise ValueError(f"week: {DAYS[day]} is named twice")
            week[day] = _intervals_from_json(f"week: {key}", items)
    return tuple(week.get(day, ()) for day in range(7))


def _intervals_from_json(key: str, value: object) -> tuple[Interval, ...]:
    if isinstance(value, str):
        return parse_intervals(value)
    if not isinstance(value, Sequence) or not all(isinstance(item, str) for item in value):
        raise ValueError(f'{key}: expected a list such as ["08:00-21:00"], got {value!r}')
    return parse_intervals(",".join(value)) if value else ()
