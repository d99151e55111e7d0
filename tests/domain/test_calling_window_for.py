"""The window of a bucket of leads."""

from datetime import UTC, datetime

import pytest

from dialler.domain.calling_hours import parse_hours
from dialler.domain.calling_window import no_holidays
from dialler.domain.lead import WindowKey
from dialler.domain.window import window_for

UTAH = WindowKey(zones=("America/Denver",), country="US", region="UT")
PIONEER_DAY = datetime(2026, 7, 24, 18, tzinfo=UTC)
OBSERVED_FOURTH = datetime(2026, 7, 3, 18, tzinfo=UTC)


@pytest.mark.parametrize(
    ("holidays", "key", "open_on_pioneer_day", "open_on_the_fourth"),
    [
        (None, UTAH, True, True),
        ("lead", UTAH, False, False),
        ("US", UTAH, True, False),
        ("US-UT", WindowKey(zones=("America/Denver",)), False, False),
        ("lead", WindowKey(zones=("America/Denver",), country="US", region="??"), True, False),
        ("lead", WindowKey(zones=("America/Denver",), country="US"), True, False),
        ("lead", WindowKey(zones=("America/Denver",), region="UT"), True, True),
        ("lead", WindowKey(zones=("America/Denver",), country="XX"), True, True),
    ],
)
def test_the_hours_choose_the_calendar(
    holidays: str | None, key: WindowKey, open_on_pioneer_day: bool, open_on_the_fourth: bool
) -> None:
    window = window_for(parse_hours("mon-sun 08:00-21:00", holidays=holidays), key)
    assert window.zones == key.zones
    assert window.is_open(PIONEER_DAY) is open_on_pioneer_day
    assert window.is_open(OBSERVED_FOURTH) is open_on_the_fourth


def test_equal_arguments_give_equal_windows() -> None:
    for holidays in (None, "lead", "US-UT"):
        one, other = (window_for(parse_hours("mon-sun 08:00-21:00", holidays=holidays), UTAH) for _ in range(2))
        assert one == other
        assert hash(one) == hash(other)


def test_without_holidays_no_calendar_is_looked_into() -> None:
    assert window_for(parse_hours("always"), UTAH).holidays is no_holidays


def test_an_unknown_calendar_or_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown holiday calendar"):
        window_for(parse_hours("always", holidays="XX"), UTAH)
    with pytest.raises(ValueError, match="unknown time zone"):
        window_for(parse_hours("always"), WindowKey(zones=("Mars/Olympus",)))
