from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialler.domain.local_day import day_after, local_date


@pytest.mark.parametrize(
    ("day", "zone", "begins"),
    [
        (date(2026, 3, 4), "America/New_York", datetime(2026, 3, 5, 5, tzinfo=UTC)),
        (date(2026, 3, 8), "America/New_York", datetime(2026, 3, 9, 4, tzinfo=UTC)),  # a day of 23 hours
        # Clocks skip from 24:00 to 1:00: the day begins with the leap.
        (date(2025, 9, 6), "America/Santiago", datetime(2025, 9, 7, 4, tzinfo=UTC)),
        # Samoa had no 30 December 2011.
        (date(2011, 12, 29), "Pacific/Apia", datetime(2011, 12, 30, 10, tzinfo=UTC)),
        # Clocks went back from 0:01 to 23:01: midnight came twice, an hour apart.
        (date(2010, 11, 6), "America/St_Johns", datetime(2010, 11, 7, 3, 30, tzinfo=UTC)),
    ],
)
def test_the_next_day_begins_when_the_old_date_is_gone_for_good(day: date, zone: str, begins: datetime) -> None:
    assert day_after(day, zone) == begins


@settings(max_examples=150)
@given(
    day=st.dates(date(1990, 1, 1), date(2037, 12, 31)),
    zone=st.sampled_from(["America/St_Johns", "Pacific/Apia", "America/Santiago", "Africa/Cairo", "Asia/Kathmandu"]),
)
def test_the_date_is_later_at_that_instant_and_after_it(day: date, zone: str) -> None:
    begins = day_after(day, zone)
    assert local_date(begins, zone) > day
    assert all(local_date(begins + timedelta(minutes=minutes), zone) > day for minutes in (1, 30, 90, 600))
