"""Calling hours as text and as JSON."""

import json
import pickle
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialler.domain.calling_hours import (
    ALWAYS_DAYTIME,
    CallingHours,
    Interval,
    describe_day,
    format_hours,
    hours_from_json,
    hours_to_json,
    parse_hours,
    parse_intervals,
)

EIGHT_TO_NINE = (Interval(8 * 60, 21 * 60),)


@st.composite
def days(draw: st.DrawFn) -> tuple[Interval, ...]:
    """The intervals of a day: in order, apart or touching, the last perhaps across midnight."""
    edges = draw(st.lists(st.integers(0, 1440), unique=True, max_size=6).map(sorted))
    intervals = [Interval(a, b) for a, b in zip(edges[::2], edges[1::2], strict=False)]
    if draw(st.booleans()) and edges and (start := edges[-1]) < 1440 and start > 1:
        intervals = [one for one in intervals if one.end <= start]
        intervals.append(
            Interval(start, draw(st.integers(1, min([start - 1, *(one.start or 1 for one in intervals)]))))
        )
    return tuple(intervals)


@st.composite
def calling_hours(draw: st.DrawFn) -> CallingHours:
    kinds = draw(st.lists(days(), min_size=1, max_size=3))
    week = tuple(draw(st.sampled_from([(), *kinds])) for _ in range(7))
    holidays = draw(st.sampled_from([None, "lead", "US", "US-TX"]))
    return CallingHours(week=week, holidays=holidays, holiday_intervals=draw(days()))


@given(calling_hours())
def test_a_week_written_as_text_reads_back_the_same(hours: CallingHours) -> None:
    assert parse_hours(format_hours(hours)).week == hours.week


@given(calling_hours())
def test_hours_written_as_json_read_back_the_same(hours: CallingHours) -> None:
    assert hours_from_json(json.loads(json.dumps(hours_to_json(hours)))) == hours


@given(calling_hours())
def test_a_copy_is_found_where_the_original_was_put(hours: CallingHours) -> None:
    for copy in (pickle.loads(pickle.dumps(hours)), replace(hours)):
        assert {hours: "there"}[copy] == "there"


@given(calling_hours())
def test_one_week_has_one_text(hours: CallingHours) -> None:
    assert format_hours(parse_hours(format_hours(hours))) == format_hours(hours)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("mon-fri 10:00-13:00,14:00-20:00; sat 09:00-17:00", "mon-fri 10:00-13:00,14:00-20:00; sat 09:00-17:00"),
        ("mon-sun 8:00-21:00", "mon-sun 08:00-21:00"),
        (" MON, wed  14:00-20:00 , 10:00-13:00 ;", "mon,wed 10:00-13:00,14:00-20:00"),
        ("sat-mon 09:00-10:00", "mon,sat-sun 09:00-10:00"),
        ("fri 20:00-02:00", "fri 20:00-02:00"),
        ("fri 20:00-00:00", "fri 20:00-24:00"),
        ("mon 10:00-08:00", "mon 10:00-08:00"),
        ("sat none; sun 10:00-16:00", "sun 10:00-16:00"),
        ("mon-sun 00:00-24:00", "always"),
        ("always", "always"),
        ("none", "none"),
        ("mon-sun none", "none"),
        ("mon 09:00-10:00; tue 11:00-12:00; wed-thu 09:00-10:00", "mon,wed-thu 09:00-10:00; tue 11:00-12:00"),
    ],
)
def test_texts_that_are_read(text: str, canonical: str) -> None:
    assert format_hours(parse_hours(text)) == canonical


def test_a_week_is_read_day_by_day() -> None:
    hours = parse_hours("sat-mon 20:00-02:00; wed 00:00-24:00", holidays="US")
    night, all_day = (Interval(1200, 120),), (Interval(0, 1440),)
    assert hours == CallingHours(week=(night, (), all_day, (), (), night, night), holidays="US")
    assert parse_hours("mon-sun 08:00-21:00") == ALWAYS_DAYTIME


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "got ''"),
        ("08:00-21:00", "expected days and hours"),
        ("mon", "expected days and hours"),
        ("mo-fr 08:00-21:00", "'mo-fr'"),
        ("mon-wed-fri 08:00-21:00", "'mon-wed-fri'"),
        ("mon 8-21", "'8-21'"),
        ("mon 08:00-21:00 13:00-14:00", "expected hours such as"),
        ("mon 08:00-21:60", "no such time"),
        ("mon 24:00-02:00", "no such time"),
        ("mon 08:00-24:01", "no such time"),
        ("mon 00:00-00:00", "write 00:00-24:00 or none"),
        ("mon 08:00-08:00", "write 00:00-24:00 or none"),
        ("mon-wed 08:00-09:00; tue none", "tue is named twice"),
        ("mon,mon 08:00-09:00", "mon is named twice"),
        ("mon 08:00-12:00,11:00-13:00", "08:00-12:00 and 11:00-13:00 overlap"),
        ("mon 20:00-02:00,21:00-22:00", "overlap"),
        ("mon ٠8:00-09:00", "expected"),
    ],
)
def test_texts_that_are_refused_name_what_is_wrong(text: str, named: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        parse_hours(text)
    assert named in str(refused.value)


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (3, "hours: "),
        ({"weak": {}}, "weak"),
        ({"week": {"mon": 8}}, "week: mon"),
        ({"week": {"mon": [8]}}, "week: mon"),
        ({"week": {"mon": ["08:00-21:00"], "mon-fri": []}}, "mon is named twice"),
        ({"week": ["mon"]}, "week"),
        ({"week": {}, "holidays": 1}, "holidays"),
        ({"week": {}, "holidays": " "}, "holidays"),
        ({"week": {}, "holiday_intervals": 5}, "holiday_intervals"),
        ({"holidays": "US"}, "week"),
    ],
)
def test_json_that_is_refused_names_the_key(value: object, named: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        hours_from_json(value)
    assert named in str(refused.value)


def test_json_may_be_a_text_and_may_name_several_days() -> None:
    assert hours_from_json("mon-sun 08:00-21:00") == ALWAYS_DAYTIME
    assert hours_from_json({"week": "mon-sun 08:00-21:00"}) == ALWAYS_DAYTIME
    assert hours_from_json({"week": {"mon-sun": ["08:00-21:00"]}}) == ALWAYS_DAYTIME
    assert hours_from_json({"week": {"sat": "none"}}) == parse_hours("none")


@pytest.mark.parametrize(
    "intervals", [(Interval(60, 120), Interval(0, 30)), (Interval(0, 60), Interval(30, 90)), EIGHT_TO_NINE * 2]
)
def test_hours_out_of_order_or_overlapping_are_not_born(intervals: tuple[Interval, ...]) -> None:
    with pytest.raises(ValueError, match="wed: "):
        CallingHours(week=((), (), intervals, (), (), (), ()))
    with pytest.raises(ValueError, match="holiday: "):
        CallingHours(week=((),) * 7, holiday_intervals=intervals)


def test_touching_intervals_are_kept_apart() -> None:
    assert parse_intervals("10:00-13:00,13:00-20:00") == (Interval(600, 780), Interval(780, 1200))


def test_a_day_is_described_for_people() -> None:
    hours = parse_hours("sat 08:00-12:00,14:00-24:00", holidays="US", holiday_intervals="10:00-12:00")
    assert describe_day(hours, 5) == "sat 08:00-12:00,14:00-24:00"
    assert describe_day(hours, 6) == "sun shut"
    assert describe_day(hours, 5, holiday=True) == "sat (holiday) 10:00-12:00"
