"""What calling windows promise, in every zone and around every change of its offset, against plain wall clocks."""

from collections.abc import Set
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from dialler.domain.calling_hours import CallingHours, Interval
from dialler.domain.calling_window import CallingWindow
from dialler.domain.zones import zone_names

FIRST, LAST = datetime(2010, 1, 1, tzinfo=UTC), datetime(2038, 1, 1, tzinfo=UTC)
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)


def some_holidays(year: int) -> Set[date]:
    return {date(year, 1, 1), date(year, 3, 8), date(year, 10, 25), date(year, 11, 1), date(year, 12, 31)}


@lru_cache(maxsize=700)
def changes(zone: str) -> tuple[datetime, ...]:
    """Days (UTC) in which a zone's offset changes; some day at least."""
    clock, found, at = ZoneInfo(zone), [datetime(2026, 11, 1, tzinfo=UTC)], FIRST
    while at < LAST:
        if (at + DAY).astimezone(clock).utcoffset() != at.astimezone(clock).utcoffset():
            found.append(at)
        at += DAY
    return tuple(found)


zones = st.sampled_from(sorted(zone_names()))


@st.composite
def instants(draw: st.DrawFn, zone: str) -> datetime:
    """An instant within two days of a change, often on a quarter of an hour or a second beside it."""
    near = draw(st.sampled_from(changes(zone)))
    quarter = near + timedelta(minutes=15) * draw(st.integers(-2 * 96, 2 * 96))
    return quarter + timedelta(microseconds=draw(st.sampled_from([0, 0, -1_000_000, 1_000_000, -1, 1, 400_000_007])))


@st.composite
def days(draw: st.DrawFn) -> tuple[Interval, ...]:
    quarters = draw(st.lists(st.integers(0, 96), unique=True, max_size=4).map(sorted))
    shift = draw(st.sampled_from([0, 0, 7]))
    minutes = [min(quarter * 15 + shift, 1440) for quarter in quarters]
    intervals = [Interval(a, b) for a, b in zip(minutes[::2], minutes[1::2], strict=False) if a < b]
    if len(minutes) % 2 and 0 < minutes[-1] < 1440:
        intervals.append(Interval(minutes[-1], draw(st.integers(1, minutes[0] or 1)) if len(minutes) > 1 else 1))
    return tuple(interval for interval in intervals if interval.start != interval.end)


@st.composite
def calling_hours(draw: st.DrawFn) -> CallingHours:
    kinds = draw(st.lists(days(), min_size=1, max_size=2))
    week = tuple(draw(st.sampled_from([*kinds, ()])) for _ in range(7))
    return CallingHours(week=week, holidays="US", holiday_intervals=draw(st.sampled_from([(), *kinds])))


def wall_clock_says_open(window: CallingWindow, zone: str, at: datetime) -> bool:
    """The oracle: the rule as a person reads it off a clock and a calendar."""
    local = at.astimezone(ZoneInfo(zone))
    minute = local.hour * 60 + local.minute
    today, yesterday = local.date(), local.date() - timedelta(days=1)

    def intervals(on: date) -> tuple[Interval, ...]:
        holiday = on in window.holidays(on.year)
        return window.hours.holiday_intervals if holiday else window.hours.week[on.weekday()]

    for interval in intervals(today):
        if interval.start <= minute < (1440 if interval.end < interval.start else interval.end):
            return True
    if today in window.holidays(today.year):
        return False
    return any(interval.end < interval.start and minute < interval.end for interval in intervals(yesterday))


def clocks_say_open(window: CallingWindow, at: datetime) -> bool:
    return all(wall_clock_says_open(window, zone, at) for zone in window.zones)


def samples(start: datetime, end: datetime) -> list[datetime]:
    """Minutes between, all of them near both ends, and the second before the end."""
    floor = start.replace(second=0, microsecond=0) + MINUTE
    count = int((end - floor) / MINUTE) + 1
    near = [*range(min(count, 700)), *range(700, max(700, count - 700), 97), *range(max(700, count - 700), count)]
    return [at for at in [start, *(floor + MINUTE * n for n in near), end - SECOND] if start <= at < end]


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_is_open_is_what_the_wall_clock_says(data: st.DataObject) -> None:
    zone = data.draw(zones)
    window = CallingWindow(data.draw(calling_hours()), (zone,), some_holidays)
    at = data.draw(instants(zone))
    for minutes in range(-120, 121, 5):
        instant = at + MINUTE * minutes
        assert window.is_open(instant) == clocks_say_open(window, instant)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_the_next_opening_is_open_and_nothing_before_it_is(data: st.DataObject) -> None:
    zone = data.draw(zones)
    window = CallingWindow(data.draw(calling_hours()), (zone,), some_holidays)
    at = data.draw(instants(zone))
    opens = window.next_open(at)
    if opens is None:
        assert not any(clocks_say_open(window, at + timedelta(minutes=7) * n) for n in range(3000))
        return
    assert opens >= at
    assert opens.tzinfo is UTC
    assert clocks_say_open(window, opens)
    if opens > at:
        assert opens.microsecond == 0
        assert not any(clocks_say_open(window, instant) for instant in samples(at, opens))


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_the_next_closing_is_shut_and_nothing_before_it_is(data: st.DataObject) -> None:
    zone = data.draw(zones)
    window = CallingWindow(data.draw(calling_hours()), (zone,), some_holidays)
    at = data.draw(instants(zone))
    opens = window.next_open(at) or at
    shuts = window.next_close(opens)
    if shuts is None:
        assert all(clocks_say_open(window, at + timedelta(minutes=7) * n) for n in range(3000))
        return
    assert shuts >= opens
    assert not clocks_say_open(window, shuts)
    if shuts > opens:
        assert shuts.microsecond == 0
        assert all(clocks_say_open(window, instant) for instant in samples(opens, shuts))


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_with_several_zones_the_next_opening_is_the_first_at_which_all_are_open(data: st.DataObject) -> None:
    names = tuple(sorted(data.draw(st.sets(zones, min_size=2, max_size=4))))
    window = CallingWindow(data.draw(calling_hours()), names, some_holidays)
    at = data.draw(instants(names[0]))
    opens = window.next_open(at)
    if opens is None:
        assert not any(clocks_say_open(window, at + timedelta(minutes=7) * n) for n in range(2000))
        return
    assert clocks_say_open(window, opens)
    assert not any(clocks_say_open(window, instant) for instant in samples(at, opens))
    shuts = window.next_close(opens)
    if shuts is None:
        assert all(clocks_say_open(window, opens + timedelta(minutes=7) * n) for n in range(2000))
        return
    assert not clocks_say_open(window, shuts)
    assert all(clocks_say_open(window, instant) for instant in samples(opens, shuts))
