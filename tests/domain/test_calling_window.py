"""Calling windows by example: the decisions of the calling rules, and the edges of time."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from dialler.domain.calling_hours import CallingHours, parse_hours
from dialler.domain.calling_window import CallingWindow

NEW_YORK = "America/New_York"
CRTC = "mon-fri 09:00-21:30; sat-sun 10:00-18:00"
FRANCE = "mon-fri 10:00-13:00,14:00-20:00"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def window(text: str, *zones: str) -> CallingWindow:
    return CallingWindow(parse_hours(text), zones)


def openings(of: CallingWindow, start: str, end: str) -> list[str]:
    """Walk a window from opening to closing, as "03-08T05:00 03-08T10:00" in UTC."""
    found: list[str] = []
    at, until = utc(start), utc(end)
    while (opens := of.next_open(at)) is not None and opens < until:
        shuts = of.next_close(opens)
        assert shuts is not None
        found.append(f"{opens:%m-%dT%H:%M:%S} {shuts:%m-%dT%H:%M:%S}".replace(":00 ", " ").removesuffix(":00"))
        at = shuts
    return found


@pytest.mark.parametrize(
    ("hours", "zone", "at", "expected"),
    [
        # 1 and 2: the window keeps to the wall clock over both changes.
        ("mon-sun 08:00-21:00", NEW_YORK, "2026-03-07T12:59:59", False),
        ("mon-sun 08:00-21:00", NEW_YORK, "2026-03-07T13:00:00", True),
        ("mon-sun 08:00-21:00", NEW_YORK, "2026-03-08T11:59:59", False),
        ("mon-sun 08:00-21:00", NEW_YORK, "2026-03-08T12:00:00", True),
        ("mon-sun 08:00-21:00", NEW_YORK, "2026-03-09T00:59:59", True),
        ("mon-sun 08:00-21:00", NEW_YORK, "2026-03-09T01:00:00", False),
        ("mon-sun 08:00-21:00", NEW_YORK, "2026-11-01T12:59:59", False),
        ("mon-sun 08:00-21:00", NEW_YORK, "2026-11-01T13:00:00", True),
        ("mon-sun 08:00-21:00", NEW_YORK, "2026-11-02T01:59:59", True),
        ("mon-sun 08:00-21:00", NEW_YORK, "2026-11-02T02:00:00", False),
        # 14: two intervals a day.
        (FRANCE, "Europe/Paris", "2026-10-26T08:59:59", False),
        (FRANCE, "Europe/Paris", "2026-10-26T09:00:00", True),
        (FRANCE, "Europe/Paris", "2026-10-26T12:00:00", False),
        (FRANCE, "Europe/Paris", "2026-10-26T13:00:00", True),
        (FRANCE, "Europe/Paris", "2026-10-26T19:00:00", False),
        (FRANCE, "Indian/Reunion", "2026-10-26T05:59:59", False),
        (FRANCE, "Indian/Reunion", "2026-10-26T06:00:00", True),
        (FRANCE, "America/Martinique", "2026-10-26T13:59:59", False),
        (FRANCE, "America/Martinique", "2026-10-26T14:00:00", True),
        # 16: the weekday is the local date's.
        ("thu 00:00-24:00", "Pacific/Kiritimati", "2026-07-01T10:30:00", True),
        ("tue 00:00-24:00", "Pacific/Pago_Pago", "2026-07-01T10:30:00", True),
        ("wed 00:00-24:00", "Pacific/Kiritimati", "2026-07-01T10:30:00", False),
        # 18: with tzdata 2026f; 2025b would say no.
        ("mon-sun 08:00-20:00", "America/Vancouver", "2026-11-02T15:30:00", True),
        # 21: a window belongs to the day on which it starts.
        ("fri 20:00-02:00", "Etc/UTC", "2026-11-21T01:59:59", True),
        ("fri 20:00-02:00", "Etc/UTC", "2026-11-21T02:00:00", False),
        ("fri 20:00-02:00", "Etc/UTC", "2026-11-20T01:30:00", False),
        ("thu 20:00-02:00", "Etc/UTC", "2026-11-20T01:30:00", True),
        ("sun 20:00-02:00", "Etc/UTC", "2026-11-23T01:30:00", True),
        # 30: an empty day is shut, 00:00-24:00 is open.
        ("none", "Etc/UTC", "2026-11-20T12:00:00", False),
        ("always", "Etc/UTC", "2026-11-20T00:00:00", True),
    ],
)
def test_decisions(hours: str, zone: str, at: str, expected: bool) -> None:
    assert window(hours, zone).is_open(utc(at)) is expected


@pytest.mark.parametrize(
    ("hours", "zone", "start", "end", "expected"),
    [
        # 3: 5 hours and 7 hours of the same window.
        ("mon-sun 00:00-06:00", NEW_YORK, "2026-03-08T04:00", "2026-03-08T20:00", ["03-08T05:00 03-08T10:00"]),
        ("mon-sun 00:00-06:00", NEW_YORK, "2026-11-01T03:00", "2026-11-01T20:00", ["11-01T04:00 11-01T11:00"]),
        # 4 and 5: a start in the gap, and a window that is all gap.
        ("mon-sun 02:30-05:00", NEW_YORK, "2026-03-08T04:00", "2026-03-08T20:00", ["03-08T07:00 03-08T09:00"]),
        ("mon-sun 02:15-02:45", NEW_YORK, "2026-03-08T04:00", "2026-03-09T20:00", ["03-09T06:15 03-09T06:45"]),
        # 6 and 7: both halves of a repeated hour are open.
        (
            "mon-sun 00:00-01:30",
            NEW_YORK,
            "2026-11-01T03:00",
            "2026-11-01T20:00",
            ["11-01T04:00 11-01T05:30", "11-01T06:00 11-01T06:30"],
        ),
        (
            "mon-sun 01:30-03:00",
            NEW_YORK,
            "2026-11-01T03:00",
            "2026-11-01T20:00",
            ["11-01T05:30 11-01T06:00", "11-01T06:30 11-01T08:00"],
        ),
        # 8 and 9: a change of half an hour.
        (
            "mon-sun 01:45-03:00",
            "Australia/Lord_Howe",
            "2026-04-04T12:00",
            "2026-04-05T00:00",
            ["04-04T14:45 04-04T15:00", "04-04T15:15 04-04T16:30"],
        ),
        (
            "mon-sun 02:15-03:00",
            "Australia/Lord_Howe",
            "2026-10-03T12:00",
            "2026-10-04T00:00",
            ["10-03T15:30 10-03T16:00"],
        ),
        # 10: a change of two hours.
        (
            "mon-sun 00:00-04:00",
            "Antarctica/Troll",
            "2026-03-28T23:00",
            "2026-03-29T12:00",
            ["03-29T00:00 03-29T02:00"],
        ),
        (
            "mon-sun 00:00-04:00",
            "Antarctica/Troll",
            "2026-10-24T12:00",
            "2026-10-25T12:00",
            ["10-24T22:00 10-25T04:00"],
        ),
        # 12: half-hour offsets and other hours at weekends.
        (
            CRTC,
            "America/St_Johns",
            "2026-03-07T12:00",
            "2026-03-09T12:00",
            ["03-07T13:30 03-07T21:30", "03-08T12:30 03-08T20:30", "03-09T11:30 03-10T00:00"],
        ),
        # Days without a midnight, an hour before midnight twice, and a Friday that never was.
        ("sun 00:00-02:00", "America/Havana", "2026-03-08T00:00", "2026-03-08T12:00", ["03-08T05:00 03-08T06:00"]),
        ("sat 23:30-24:00", "America/Havana", "2026-03-08T00:00", "2026-03-08T12:00", ["03-08T04:30 03-08T05:00"]),
        (
            "sat 23:30-24:00",
            "America/Santiago",
            "2026-04-05T00:00",
            "2026-04-05T12:00",
            ["04-05T02:30 04-05T03:00", "04-05T03:30 04-05T04:00"],
        ),
        ("fri 00:00-24:00", "Pacific/Apia", "2011-12-24T12:00", "2012-01-06T12:00", ["01-05T10:00 01-06T10:00"]),
        (
            "mon-sun 08:00-21:00",
            "Pacific/Apia",
            "2011-12-29T12:00",
            "2011-12-31T00:00",
            ["12-29T18:00 12-30T07:00", "12-30T18:00 12-31T07:00"],
        ),
        # An offset of -00:44:30, until 1972.
        (
            "mon-sun 08:00-21:00",
            "Africa/Monrovia",
            "1971-06-01T00:00",
            "1971-06-02T00:00",
            ["06-01T08:44:30 06-01T21:44:30"],
        ),
        # Leap day and the end of the year.
        ("tue 08:00-09:00", "Etc/UTC", "2028-02-29T00:00", "2028-03-01T00:00", ["02-29T08:00 02-29T09:00"]),
        ("mon-sun 20:00-04:00", "Etc/UTC", "2026-12-31T12:00", "2027-01-01T12:00", ["12-31T20:00 01-01T04:00"]),
        # 24:00 touches 00:00: one opening.
        (
            "fri 20:00-24:00; sat 00:00-03:00",
            "Etc/UTC",
            "2026-11-20T12:00",
            "2026-11-21T12:00",
            ["11-20T20:00 11-21T03:00"],
        ),
    ],
)
def test_openings(hours: str, zone: str, start: str, end: str, expected: list[str]) -> None:
    assert openings(window(hours, zone), start, end) == expected


def test_all_zones_must_be_open() -> None:
    # 19: Arizona's area code 928 is in Phoenix time and, in the Navajo Nation, in Denver's.
    at = utc("2026-07-01T03:30")
    assert window("mon-sun 08:00-21:00", "America/Phoenix").is_open(at)
    assert not window("mon-sun 08:00-21:00", "America/Denver").is_open(at)
    both = window("mon-sun 08:00-21:00", "America/Denver", "America/Phoenix")
    assert not both.is_open(at)
    assert openings(both, "2026-07-01T03:30", "2026-07-02T03:30") == ["07-01T15:00 07-02T03:00"]


def test_the_contiguous_united_states_are_open_from_11_to_21_eastern() -> None:
    states = window("mon-sun 08:00-21:00", "America/Chicago", "America/Denver", "America/Los_Angeles", NEW_YORK)
    assert openings(states, "2026-11-20T00:00", "2026-11-20T23:00") == [
        "11-20T00:00 11-20T02:00",
        "11-20T16:00 11-21T02:00",
    ]


def on(*days: str) -> CallingWindow:
    """Nights from 20 to 02, and holidays on `days` with 10 to 12."""
    dates = frozenset(map(date.fromisoformat, days))
    hours = parse_hours("mon-sun 20:00-02:00", holidays="US", holiday_intervals="10:00-12:00")
    return CallingWindow(hours, ("Etc/UTC",), lambda year: {day for day in dates if day.year == year})


def test_a_holiday_shuts_the_window_that_starts_on_it_and_the_part_after_midnight_that_reaches_it() -> None:
    assert openings(on("2026-07-03"), "2026-07-02T12:00", "2026-07-05T12:00") == [
        "07-02T20:00 07-03T00:00",
        "07-03T10:00 07-03T12:00",
        "07-04T20:00 07-05T02:00",
    ]


def test_a_holiday_on_new_year_shuts_the_night_before_it() -> None:
    assert openings(on("2027-01-01"), "2026-12-31T12:00", "2027-01-01T23:00") == [
        "12-31T20:00 01-01T00:00",
        "01-01T10:00 01-01T12:00",
    ]


def test_hours_on_a_holiday_reach_past_midnight_into_an_ordinary_day() -> None:
    hours = CallingHours(week=((),) * 7, holidays="US", holiday_intervals=parse_hours("mon 20:00-02:00").week[0])
    nights = CallingWindow(hours, ("Etc/UTC",), lambda _: {date(2026, 7, 3), date(2026, 7, 4)})
    assert openings(nights, "2026-07-02T12:00", "2026-07-06T12:00") == [
        "07-03T20:00 07-04T00:00",
        "07-04T20:00 07-05T02:00",
    ]


def test_holidays_are_local_dates() -> None:
    christmas = CallingWindow(parse_hours("always"), ("Pacific/Kiritimati",), lambda year: {date(year, 12, 25)})
    assert christmas.next_close(utc("2026-12-01T00:00")) == utc("2026-12-24T10:00")
    assert christmas.next_open(utc("2026-12-24T10:00")) == utc("2026-12-25T10:00")


def test_within_an_open_second_the_opening_is_the_instant_itself() -> None:
    at = utc("2026-11-20T12:00:00") + timedelta(microseconds=5)
    assert window("fri 12:00-13:00", "Etc/UTC").next_open(at) == at
    assert window("fri 13:00-14:00", "Etc/UTC").next_close(at) == at
    assert window("fri 11:00-12:00", "Etc/UTC").next_close(at) == at
    just_before = utc("2026-11-20T11:59:59") + timedelta(microseconds=999_999)
    assert not window("fri 12:00-13:00", "Etc/UTC").is_open(just_before)
    assert window("fri 12:00-13:00", "Etc/UTC").next_open(just_before) == utc("2026-11-20T12:00")


def test_an_instant_may_come_in_any_zone_and_fold() -> None:
    first = datetime(2026, 11, 1, 1, 45, tzinfo=ZoneInfo(NEW_YORK))
    nights = window("sun 00:00-01:30", NEW_YORK)
    assert nights.next_open(first) == utc("2026-11-01T06:00")
    assert nights.next_open(first.replace(fold=1)) == utc("2026-11-08T05:00")
    tokyo = window("sat 08:00-21:00", "Asia/Tokyo").next_open(
        datetime(2026, 11, 20, tzinfo=timezone(timedelta(hours=9)))
    )
    assert tokyo == utc("2026-11-20T23:00")
    assert tokyo.tzinfo is UTC


def test_the_search_ends_after_370_days() -> None:
    at = utc("2026-11-20T12:00")
    assert window("none", "Asia/Tokyo").next_open(at) is None
    assert window("none", "Asia/Tokyo").next_close(at) == at
    assert window("always", "Asia/Tokyo").next_close(at) is None
    assert window("always", "Asia/Tokyo").next_open(at) == at
    assert window("mon-sun 12:00-13:00", "America/Denver", "Europe/Paris").next_open(at) is None


def test_the_bound_itself_is_within_the_search() -> None:
    at = utc("2026-01-01T00:00")
    last = at + timedelta(days=370)

    def all_but(day: date) -> CallingWindow:
        days = {date(2026, 1, 1) + timedelta(n) for n in range(800)} - {day}
        return CallingWindow(
            parse_hours("always"), ("Etc/UTC",), lambda year: {day for day in days if day.year == year}
        )

    assert all_but(last.date()).next_open(at) == last
    assert all_but(last.date() + timedelta(1)).next_open(at) is None
    until_last = CallingWindow(parse_hours("always"), ("Etc/UTC",), lambda _: {last.date()})
    assert until_last.next_close(at) == last
    assert until_last.next_close(at - timedelta(seconds=1)) is None


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/London", "Africa/Casablanca"])
@pytest.mark.parametrize("hours", ["mon-sun 08:00-21:00", "always", "none"])
def test_the_ends_of_the_calendar_raise_nothing(zone: str, hours: str) -> None:
    of = CallingWindow(parse_hours(hours), (zone,), lambda year: {date(year, 12, 31), date(year, 1, 1)})
    for offset in (-23, 0, 23):
        local = timezone(timedelta(hours=offset))
        for at in (datetime.min.replace(tzinfo=local), datetime.max.replace(tzinfo=local)):
            assert of.is_open(at) in (True, False)
            for found in (of.next_open(at), of.next_close(at)):
                assert found is None or found >= at
    assert window("always", zone).is_open(datetime.max.replace(tzinfo=UTC))
    assert window("always", zone).is_open(datetime.min.replace(tzinfo=UTC))


def test_a_window_past_the_end_of_the_calendar_is_none() -> None:
    last = datetime(9999, 12, 31, 22, tzinfo=UTC)  # a Friday
    assert window("fri 23:00-24:00", "Etc/UTC").next_open(last) == datetime(9999, 12, 31, 23, tzinfo=UTC)
    assert window("sat 08:00-21:00", "Etc/UTC").next_open(last) is None
    assert window("fri 20:00-24:00", "Etc/UTC").next_close(last) is None


def test_a_window_without_zones_or_of_an_unknown_zone_is_not_born() -> None:
    with pytest.raises(ValueError, match="needs a zone"):
        window("always")
    for name in ("Mars/Olympus", "America", "../x", ""):
        with pytest.raises(ValueError, match="unknown time zone"):
            window("always", "Etc/UTC", name)


def test_an_instant_without_its_offset_is_refused() -> None:
    naive = datetime(2026, 1, 1)  # noqa: DTZ001 - the point of the test
    of = window("always", "Etc/UTC")
    for ask in (of.is_open, of.next_open, of.next_close):
        with pytest.raises(ValueError, match="needs its offset"):
            ask(naive)


def test_equal_windows_are_one_key() -> None:
    assert window(FRANCE, NEW_YORK) == window(FRANCE, NEW_YORK)
    assert len({window(FRANCE, NEW_YORK), window(FRANCE, NEW_YORK), window(CRTC, NEW_YORK)}) == 2


def test_local_times_are_those_of_each_zone() -> None:
    of = window("always", "America/Denver", "America/Phoenix")
    assert [(zone, f"{local:%a %H:%M}") for zone, local in of.local_times(utc("2026-07-01T03:30"))] == [
        ("America/Denver", "Tue 21:30"),
        ("America/Phoenix", "Tue 20:30"),
    ]


def test_the_rule_in_force_is_described() -> None:
    assert window(CRTC, NEW_YORK).describe(utc("2026-11-21T15:00")) == "sat 10:00-18:00"
    assert window(FRANCE, "Etc/UTC").describe(utc("2026-11-21T15:00")) == "sat shut"
    assert window("fri 20:00-02:00", "Etc/UTC").describe(utc("2026-11-21T01:59")) == "fri 20:00-02:00"
    assert window("fri 20:00-02:00", "Etc/UTC").describe(utc("2026-11-21T02:00")) == "sat shut"
    assert on("2026-07-03").describe(utc("2026-07-03T01:00")) == "fri (holiday) 10:00-12:00"
    dateline = window("tue 10:00-11:00; thu 12:00-13:00", "Pacific/Kiritimati", "Pacific/Pago_Pago")
    assert dateline.describe(utc("2026-07-01T10:30")) == "thu 12:00-13:00; tue 10:00-11:00"
