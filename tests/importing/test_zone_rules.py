"""Zones by state."""

import pytest

from dialler.domain.zones import canonical_zone
from dialler.errors import SettingsError
from dialler.importing.zone_rules import load_zone_rules, shipped_zone_rules
from tests.support.lead_files import AREA_CODES

US = shipped_zone_rules("US")


def test_every_state_and_territory_has_its_zones():
    assert US is not None
    assert set(US.zones) == set(AREA_CODES)
    assert all(canonical_zone(zone).name == zone for zones in US.zones.values() for zone in zones)


@pytest.mark.parametrize(
    ("state", "zones"),
    [
        ("AK", ("America/Adak", "America/Anchorage")),
        ("AZ", ("America/Denver", "America/Phoenix")),
        ("FL", ("America/Chicago", "America/New_York")),
        ("ID", ("America/Boise", "America/Los_Angeles")),
        ("IN", ("America/Chicago", "America/Indiana/Indianapolis")),
        ("KS", ("America/Chicago", "America/Denver")),
        ("KY", ("America/Chicago", "America/New_York")),
        ("MI", ("America/Detroit", "America/Menominee")),
        ("ND", ("America/Chicago", "America/Denver")),
        ("NE", ("America/Chicago", "America/Denver")),
        ("NV", ("America/Denver", "America/Los_Angeles")),
        ("OR", ("America/Boise", "America/Los_Angeles")),
        ("SD", ("America/Chicago", "America/Denver")),
        ("TN", ("America/Chicago", "America/New_York")),
        ("TX", ("America/Chicago", "America/Denver")),
    ],
)
def test_a_state_with_two_zones_holds_both(state, zones):
    assert US.zones[state] == zones


def test_all_other_states_have_one_zone():
    assert sum(len(zones) > 1 for zones in US.zones.values()) == 15


def test_territories_have_zones_of_their_own():
    own = {US.zones[name] for name in ("AS", "GU", "MP", "PR", "VI")}
    assert len(own) == 5
    assert all(zone.startswith(("Pacific/", "America/P", "America/St_")) for (zone,) in own)


@pytest.mark.parametrize("given", ["TX", "tx", " Tx ", "Texas", "TEXAS"])
def test_a_state_is_known_by_code_and_name_in_any_case(given):
    assert US.value(given) == "TX"


@pytest.mark.parametrize("given", ["", "XX", "Ontario", "TXX"])
def test_what_is_no_state_is_not_known(given):
    assert US.value(given) is None


def test_a_country_without_a_file_has_no_rules():
    assert shipped_zone_rules("GB") is None


def test_a_broken_file_lists_all_its_mistakes():
    text = """
        feild = "region"
        country = "USA"
        [zones]
        TX = ["America/Chicago", "America/Dallas"]
        NY = []
        CA = ["America/Los_Angeles"]
        [names]
        Texas = "TX"
        California = "CA"
        "ca " = "CA"
        Kalifornien = "KA"
    """
    with pytest.raises(SettingsError) as error:
        load_zone_rules(text, "my.toml")
    keys = [mistake.key for mistake in error.value.mistakes]
    assert keys == ["feild", "field", "country", "zones.TX", "zones.NY", "names.Texas", "names.Kalifornien"]
    assert "America/Dallas" in str(error.value)
