"""The hours in which people may be called: intervals a weekday, and holidays. Local wall-clock time."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """A half-open interval `[start, end)` of local time, in minutes after midnight.

    `end` runs to 1440 ("24:00"); an `end` below `start` means the next day, across midnight.
    """

    start: int
    end: int

    def __post_init__(self) -> None:
        if not (0 <= self.start < 1440 and 0 < self.end <= 1440 and self.start != self.end):
            raise ValueError(f"an interval needs different start and end within a day, got {self}")


@dataclass(frozen=True, slots=True)
class CallingHours:
    """Intervals by weekday (Monday first), and what holds on holidays."""

    week: tuple[tuple[Interval, ...], ...]
    holidays: str | None = None
    """A calendar: an ISO country ("US") or one of its subdivisions ("US-TX"); "lead" takes the lead's own
    country and region; None knows no holidays."""

    holiday_intervals: tuple[Interval, ...] = ()
    """The hours on a holiday; none: shut."""

    def __post_init__(self) -> None:
        if len(self.week) != 7:
            raise ValueError(f"a week has 7 days, got {len(self.week)}")


ALWAYS_DAYTIME = CallingHours(week=((Interval(8 * 60, 21 * 60),),) * 7)
"""8:00 to 21:00 on every day: 47 CFR 64.1200(c)(1)."""
