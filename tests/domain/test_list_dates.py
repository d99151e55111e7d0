"""Start and end of a list, as people write them."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialler.domain.list_dates import end_of, start_of
from dialler.domain.local_day import local_date
from dialler.domain.zone_offsets import zone_info

ZONES = ("Etc/UTC", "America/New_York", "Asia/Kolkata", "America/Santiago", "Pacific/Apia")
days = st.dates(date(1990, 1, 1), date(2035, 12, 31))


@given(days, st.sampled_from(ZONES))
def test_a_list_is_on_for_exactly_its_days_on_the_campaigns_wall_clock(day: date, zone: str) -> None:
    start, end = start_of(day.isoformat(), zone), end_of(day.isoformat(), zone)
    instant = timedelta(microseconds=1)
    assert local_date(start - instant, zone) < day <= local_date(start, zone)
    assert local_date(end - instant, zone) <= day < local_date(end, zone)


@given(days, st.sampled_from(ZONES))
def test_one_day_ends_as_the_next_begins(day: date, zone: str) -> None:
    assert end_of(day.isoformat(), zone) == start_of((day + timedelta(days=1)).isoformat(), zone)


def test_a_moment_is_read_in_the_campaigns_zone_unless_it_says_its_own() -> None:
    nine = datetime(2026, 12, 1, 9, tzinfo=zone_info("America/New_York"))
    for read in (start_of, end_of):
        assert read("2026-12-01T09:00", "America/New_York") == nine
        assert read("2026-12-01 09:00", "America/New_York") == nine
        assert read("2026-12-01T09:00+00:00", "America/New_York") == datetime(2026, 12, 1, 9, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01", "0001-01-01", "9999-12-31", "9999-12-31T23:59:59-14:00"])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    for read in (start_of, end_of):
        with pytest.raises(ValueError, match=r"expected a (date|year)"):
            read(text, "America/New_York")
