"""Names of zones."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import tzdata

from dialler.domain.zones import IANA_VERSION, canonical_zone, renamed, zone_names

RENAMES = {
    "US/Eastern": "America/New_York",
    "US/Arizona": "America/Phoenix",
    "US/East-Indiana": "America/Indiana/Indianapolis",
    "Asia/Calcutta": "Asia/Kolkata",
    "Asia/Katmandu": "Asia/Kathmandu",
    "Asia/Saigon": "Asia/Ho_Chi_Minh",
    "Asia/Rangoon": "Asia/Yangon",
    "Europe/Kiev": "Europe/Kyiv",
    "America/Buenos_Aires": "America/Argentina/Buenos_Aires",
    "America/Godthab": "America/Nuuk",
    "Pacific/Enderbury": "Pacific/Kanton",
    "Australia/NSW": "Australia/Sydney",
    "Australia/LHI": "Australia/Lord_Howe",
    "Canada/Newfoundland": "America/St_Johns",
    "NZ-CHAT": "Pacific/Chatham",
}


@pytest.mark.parametrize(("old", "today"), RENAMES.items())
def test_old_names_become_todays(old: str, today: str) -> None:
    zone = canonical_zone(old)
    assert (zone.name, zone.given, zone.warning) == (today, old, None)


@pytest.mark.parametrize("given", ["america/new_york", "America/New_york", " America/New_York ", "AMERICA/NEW_YORK\n"])
def test_case_and_blanks_do_not_matter(given: str) -> None:
    assert canonical_zone(given).name == "America/New_York"
    assert canonical_zone(given).given == given


@pytest.mark.parametrize("name", ["Europe/Oslo", "America/Montserrat", "Indian/Reunion", "America/Phoenix", "EST5EDT"])
def test_a_name_still_in_use_is_kept_even_where_its_clock_agrees_with_another(name: str) -> None:
    assert canonical_zone(name).name == name


@pytest.mark.parametrize(
    "given",
    [
        *("CST", "PST", "IST", "AEST", "Sydney", "GMT+5", "+05:30", "Z", "US/Pacific-New", "", "  "),
        *("/etc/localtime", "../x", "\0", "America", "America/", "tzdata.zi", "zone.tab", "leapseconds"),
        *("localtime", "posixrules", "Factory", "factory", "posix/America/New_York", "right/America/New_York"),
        *("Etc/Unknown", "Europe/Berlin;", "America/New_York/..", "İstanbul", "x" * 100_000),
    ],
)
def test_anything_else_is_refused_as_a_value(given: str) -> None:
    with pytest.raises(ValueError, match="unknown time zone"):
        canonical_zone(given)


@pytest.mark.parametrize(
    ("given", "advice"),
    [
        ("Sydney", "Australia/Sydney"),
        ("new york", "America/New_York"),
        ("Calcutta", "Asia/Kolkata"),
        ("America/Chigaco", "America/Chicago"),
        ("US/Pacific-New", "America/Los_Angeles"),
        ("CST", "abbreviations"),
        ("UTC+5", "offset"),
        ("-05:00", "offset"),
        ("", "nothing"),
        ("qqqqqqqq", "expected an IANA name"),
    ],
)
def test_a_refusal_helps(given: str, advice: str) -> None:
    with pytest.raises(ValueError, match="unknown time zone") as refused:
        canonical_zone(given)
    assert advice in str(refused.value)


@pytest.mark.parametrize(
    ("given", "name", "says"),
    [
        ("EST", "America/Panama", "no summer time"),
        ("mst", "America/Phoenix", "no summer time"),
        ("HST", "Pacific/Honolulu", "no summer time"),
        ("Etc/GMT+5", "Etc/GMT+5", "UTC-5"),
        ("Etc/GMT-14", "Etc/GMT-14", "UTC+14"),
        ("GMT", "Etc/GMT", "no summer time"),
    ],
)
def test_names_that_are_probably_not_meant_come_with_a_warning(given: str, name: str, says: str) -> None:
    zone = canonical_zone(given)
    assert zone.name == name
    assert zone.warning is not None
    assert says in zone.warning


@pytest.mark.parametrize("given", ["Etc/UTC", "UTC", "Zulu", "Etc/UCT", "Europe/London", "EST5EDT"])
def test_other_names_come_without_one(given: str) -> None:
    assert canonical_zone(given).warning is None


def test_a_name_of_today_is_a_zone_and_has_no_later_one() -> None:
    for name in zone_names():
        today = canonical_zone(name).name
        assert today in zone_names()
        assert canonical_zone(today).name == today
        ZoneInfo(today)


def test_an_old_name_keeps_the_clock_of_todays() -> None:
    start = datetime(2010, 1, 1, tzinfo=UTC)
    for old, today in renamed().items():
        for days in range(0, 28 * 365, 17):
            at = start + timedelta(days=days)
            assert at.astimezone(ZoneInfo(old)).utcoffset() == at.astimezone(ZoneInfo(today)).utcoffset(), old


def test_names_differ_by_more_than_case() -> None:
    assert len({name.lower() for name in zone_names()}) == len(zone_names()) > 500


def test_the_release_is_the_packages_own() -> None:
    assert tzdata.IANA_VERSION == IANA_VERSION
    assert IANA_VERSION >= "2026"


def test_importing_dialler_makes_the_package_win_over_the_operating_system() -> None:
    program = (
        "import zoneinfo; from datetime import datetime, UTC\n"
        "zoneinfo.ZoneInfo('America/Vancouver')\n"
        "import dialler\n"
        "print(zoneinfo.TZPATH)\n"
        "print(datetime(2026, 11, 2, 12, tzinfo=UTC).astimezone(zoneinfo.ZoneInfo('America/Vancouver')))\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONTZPATH": "/usr/share/zoneinfo"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.splitlines() == ["()", "2026-11-02 05:00:00-07:00"]
