"""Holidays by place."""

import subprocess
import sys
from datetime import date

import pytest

from dialler.domain.holiday_calendar import calendar_for, calendar_of_lead, check_calendar


@pytest.mark.parametrize(
    ("code", "days"),
    [
        ("US", ["2026-07-03", "2026-07-04", "2026-12-25"]),
        ("US-UT", ["2026-07-24"]),
        ("US-RI", ["2026-08-10"]),
        ("US-LA", ["2026-02-17", "2026-04-03", "2026-11-03"]),
        ("US-AL", ["2026-04-27", "2026-06-01"]),
        ("US-PA", ["2026-11-27"]),
        ("GB", ["2026-12-26", "2026-12-28"]),
        ("GB-SCT", ["2026-01-02", "2026-11-30", "2026-06-15"]),
        ("AU", ["2026-04-25"]),
        ("AU-NSW", ["2026-04-27", "2026-12-28"]),
        ("FR", ["2026-08-15", "2026-11-01"]),
    ],
)
def test_holidays_of_2026(code: str, days: list[str]) -> None:
    assert {date.fromisoformat(day) for day in days} <= calendar_for(code)(2026)


def test_a_subdivision_adds_its_own() -> None:
    assert date(2026, 7, 24) not in calendar_for("US")(2026)
    assert date(2026, 11, 20) not in calendar_for("US-UT")(2026)


def test_a_year_holds_its_own_dates_only() -> None:
    # 1 January 2028 is a Saturday, observed on the Friday before.
    assert date(2027, 12, 31) in calendar_for("US")(2027)
    assert all(day.year == 2028 for day in calendar_for("US")(2028))
    assert calendar_for("US")(9999) == calendar_for("US")(1) == frozenset()


def test_equal_places_are_one_key() -> None:
    calendars = {calendar_for("US-TX"), calendar_for(" us-tx "), calendar_for("US-Texas"), calendar_for("US")}
    assert len(calendars) == 2
    assert calendar_for("US")(2026) is calendar_for("US")(2026)


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("XX", "did you mean"),
        ("US-TQ", "US-T"),
        ("GB-SCO", "GB-SCT"),
        ("", "expected an ISO country"),
        ("Germany", "expected an ISO country"),
        ("-TX", "unknown holiday calendar"),
    ],
)
def test_an_unknown_calendar_is_refused_with_the_nearest(code: str, advice: str) -> None:
    with pytest.raises(ValueError, match="unknown holiday calendar") as refused:
        calendar_for(code)
    assert advice in str(refused.value)
    with pytest.raises(ValueError, match="unknown holiday calendar"):
        check_calendar(code)


def test_lead_is_a_calendar_for_settings_only() -> None:
    check_calendar("lead")
    check_calendar("US-TX")
    with pytest.raises(ValueError, match="unknown"):
        calendar_for("lead")


def test_a_lead_has_the_holidays_of_its_region_else_of_its_country_else_none() -> None:
    assert calendar_of_lead("US", "UT") == calendar_for("US-UT")
    assert calendar_of_lead("us", "Utah") == calendar_for("US-UT")
    assert calendar_of_lead("US", "US-UT") == calendar_for("US-UT")
    assert calendar_of_lead("US", "") == calendar_for("US")
    assert calendar_of_lead("US", "Atlantis") == calendar_for("US")
    assert calendar_of_lead("", "UT") is None
    assert calendar_of_lead("XX", "UT") is None


def test_the_package_is_loaded_only_when_a_calendar_is_asked_for() -> None:
    program = (
        "import sys; from dialler.domain import window; print('holidays' in sys.modules)\n"
        "from dialler.domain import holiday_calendar as c; c.check_calendar('lead'); print('holidays' in sys.modules)\n"
        "c.calendar_for('US'); print('holidays' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["False", "False", "True"]
