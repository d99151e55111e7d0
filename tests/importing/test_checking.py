"""From a row to a lead, or to the reason why not."""

from typing import Any

import pytest

from dialler.domain.lead import NewLead, PhoneNumber, WindowKey
from dialler.importing.checking import Checked, Rejected, RowChecker
from dialler.importing.mapping import FIELDS, mapping_from_options, resolve
from dialler.importing.phones import dialled_numbers
from dialler.importing.rows import Row
from dialler.importing.zone_rules import shipped_zone_rules

HEADER = ["number", "number2", *FIELDS[1:], "City"]
MAPPING = mapping_from_options(["number=number", "number=number2", *(f"{field}={field}" for field in FIELDS[1:])])
COLUMNS = resolve(MAPPING, HEADER)


def check(*, file: str | None = "US", **cells: Any) -> Checked | Rejected:
    """Check a row of a file whose numbers are of the country `file`."""
    rules = shipped_zone_rules(file) if file else None
    checker = RowChecker(COLUMNS, country=file or "", default_zone="Europe/Paris", rules=rules, numbers_from=file)
    row = Row(2, [cells.get(name, "") for name in HEADER])
    assert checker.unreadable(row) is None
    numbers_from = checker.numbers_from(row.cells)
    return checker.check(row, dialled_numbers([row.cells[at].strip() for at in COLUMNS.numbers], numbers_from))


def lead(**cells: Any) -> NewLead:
    checked = check(**({"number": "2565938310"} | cells))
    assert isinstance(checked, Checked), checked
    return checked.lead


def rejected(**cells: Any) -> Rejected:
    found = check(**({"number": "2565938310"} | cells))
    assert isinstance(found, Rejected), found
    return found


def warnings(**cells: Any) -> dict[str, str]:
    found = check(**({"number": "2565938310"} | cells))
    assert isinstance(found, Checked), found
    return dict(found.warnings)


def test_every_field_has_its_place():
    found = lead(
        number2="+1 256 845 3150",
        name=" Ann ",
        customer_key="k1",
        external_lead_id="e1",
        timezone="US/Eastern",
        region="al",
        postcode="35957",
        priority="-3",
        City="BOAZ",
    )
    assert found.numbers == (PhoneNumber("+12565938310", "2565938310"), PhoneNumber("+12568453150", "+1 256 845 3150"))
    assert (found.name, found.customer_key, found.external_lead_id) == ("Ann", "k1", "e1")
    assert found.window_key == WindowKey(("America/New_York",), "US", "AL")
    assert (found.timezone_source, found.timezone_given) == ("field", "US/Eastern")
    assert (found.postcode, found.priority, dict(found.data)) == ("35957", -3, {"City": "BOAZ"})


def test_a_zone_of_its_own_goes_before_the_state_and_the_state_before_the_campaign():
    assert lead(timezone="America/Denver", region="NY").window_key.zones == ("America/Denver",)
    by_state = lead(region="TX")
    assert (by_state.window_key.zones, by_state.timezone_source) == (("America/Chicago", "America/Denver"), "rule")
    by_campaign = lead()
    assert (by_campaign.window_key.zones, by_campaign.timezone_source) == (("Europe/Paris",), "default")


def test_a_state_by_its_name_is_stored_by_its_code():
    assert lead(region="Texas").window_key == lead(region="TX").window_key


def test_a_state_that_the_rules_do_not_know_takes_the_campaigns_zone_and_is_reported():
    found = lead(region="Ontario")
    assert (found.window_key, found.timezone_source) == (WindowKey(("Europe/Paris",), "US", "ONTARIO"), "default")
    assert "'Ontario' is not in config/timezones/us.toml" in warnings(region="Ontario")["zone_unknown"]


@pytest.mark.parametrize("name", ["CST", "GMT+5", "Sydney", "America", "../etc/localtime", "posix/America/New_York"])
def test_an_invalid_zone_name_rejects_the_row_even_where_the_state_would_do(name):
    found = rejected(timezone=name, region="TX")
    assert found.code == "timezone_invalid"
    assert name in found.reason


def test_a_zone_without_summer_time_is_taken_and_reported():
    assert "timezone" in warnings(timezone="EST")


def test_a_row_without_a_valid_number_is_rejected_with_its_reason():
    assert rejected(number="123") == Rejected("number_invalid", "number: '123' is not a valid number in US")
    assert rejected(number="") == Rejected("number_missing", "number: it has none")
    both = rejected(number="123", number2="456")
    assert "'123' is" in both.reason
    assert "'456' is" in both.reason


def test_a_rows_own_country_goes_before_the_files():
    found = lead(country="gb", number="020 7955 9999", region="Greater London")
    assert found.numbers[0].number == "+442079559999"
    assert found.window_key == WindowKey(("Europe/Paris",), "GB", "GREATER LONDON")
    assert warnings(country="gb", number="020 7955 9999") == {
        "zone_unknown": "country GB has no zone rules: the campaign's zone is taken"
    }
    # In another country CA is no state of the file's.
    assert lead(file="CA", country="US", region="ca").window_key == WindowKey(("America/Los_Angeles",), "US", "CA")
    assert lead(country=" us ", region="ca") == lead(region="ca")
    assert lead(file=None, country="US", region="ca").window_key.country == "US"
    assert lead(country="FR", number="01 42 68 53 00", timezone="Indian/Reunion").window_key.zones == (
        "Indian/Reunion",
    )


def test_a_country_that_there_is_not_rejects_the_row():
    found = rejected(country="United Kingdom", number="020 7955 9999")
    assert (found.code, "expected two letters of ISO 3166" in found.reason) == ("country_invalid", True)
    assert rejected(country="GB", number="2565938310").reason == "number: '2565938310' is not a valid number in GB"


def test_without_a_region_a_number_needs_its_country():
    assert lead(file=None, number="+12565938310").window_key.country == ""
    assert "without one it needs a region" in rejected(file=None, number="2565938310").reason


def test_an_invalid_number_next_to_a_valid_one_is_reported():
    assert [phone.number for phone in lead(number="123", number2="2565938310").numbers] == ["+12565938310"]
    assert warnings(number="123", number2="2565938310") == {
        "number_invalid": "number: '123' is not a valid number in US"
    }


def test_a_number_that_comes_twice_in_a_row_is_one_number():
    assert len(lead(number="2565938310", number2="+1 256-593-8310").numbers) == 1


def test_an_extension_is_reported_since_it_will_not_be_dialled():
    assert lead(number="2565938310 x12").numbers[0].number == "+12565938310"
    assert "extension" in warnings(number="2565938310 x12")


@pytest.mark.parametrize(("field", "chars"), [("name", 200), ("City", 2000), ("postcode", 20), ("region", 32)])
def test_values_that_are_too_long_are_cut_and_reported(field, chars):
    found = lead(**{field: "A" * 3000})
    value = {
        "name": found.name,
        "City": found.data.get("City"),
        "postcode": found.postcode,
        "region": found.window_key.region,
    }[field]
    assert value == "A" * chars
    assert f"{field} has 3000 characters and is cut to {chars}" in warnings(**{field: "A" * 3000})["cut"]


@pytest.mark.parametrize("field", ["customer_key", "external_lead_id"])
def test_a_key_that_is_too_long_rejects_the_row_since_cut_it_might_be_anothers(field):
    assert rejected(**{field: "k" * 201}).code == "key_too_long"
    assert getattr(lead(**{field: "k" * 200}), field) == "k" * 200


@pytest.mark.parametrize("priority", ["high", "1.5", "1_0", "9" * 30, "1000001"])
def test_a_priority_that_is_no_whole_number_rejects_the_row(priority):
    assert rejected(priority=priority).code == "priority_invalid"


def test_a_name_that_looks_like_a_command_is_only_a_name():
    assert lead(name="x\r\nAction: Command").name == "x\r\nAction: Command"


@pytest.mark.parametrize("cells", [["1"], ["1"] * 20])
def test_a_row_of_another_width_than_the_header_is_rejected(cells):
    checker = RowChecker(COLUMNS, country="US", default_zone="Etc/UTC", rules=None, numbers_from="US")
    found = checker.unreadable(Row(7, cells))
    assert found == Rejected("columns", f"it has {len(cells)} columns, the header 11")


@pytest.mark.parametrize("problem", ["nul", "encoding", "unreadable"])
def test_a_row_that_can_not_be_read_is_rejected(problem):
    checker = RowChecker(COLUMNS, country="US", default_zone="Etc/UTC", rules=None, numbers_from="US")
    found = checker.unreadable(Row(7, ["x"] * 10, problem))
    assert found is not None
    assert found.code == problem
