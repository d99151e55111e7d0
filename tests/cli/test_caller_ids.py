"""Pools of caller ids from the command line."""

from pathlib import Path

from tests.cli.conftest import Dialler


def test_a_pool_is_filled_shown_changed_and_deleted(spring: Dialler, tmp_path: Path) -> None:
    assert spring("callerid", "create", "us", "--timezone", "America/Chicago", "--rest", "60s").code == 0
    added = spring("callerid", "add", "us", "312-555-0101", "--area", "+1312", "--area", "US-IL", "--region", "US")
    assert (added.code, added.out) == (0, "1 added, 0 updated\n")
    file = tmp_path / "numbers.csv"
    file.write_text("number,areas,calls_per_day_max\n+13125550102,+1312,40\n")
    assert spring("callerid", "add", "us", "--file", str(file)).out == "1 added, 0 updated\n"
    file.write_text("number,areas\n+13125550103,\n12,\n")
    wrong = spring("callerid", "add", "us", "--file", str(file))
    assert wrong.code == 2 and "row 3, number '12'" in wrong.err
    assert spring("callerid", "set", "us", "+13125550102", "--off", "marked as spam", "--rest", "2m").code == 0
    assert spring("callerid", "set", "us", "--rest", "none", "--per-day", "100", "--rest-low", "3d").code == 0
    shown = spring("callerid", "show", "us", "--json").json
    assert (shown["rest_s"], shown["calls_per_day_max"], shown["when_none"]) == (0, 100, "wait")
    assert shown["rest_low_s"] == 3 * 86_400
    assert spring("callerid", "set", "us", "--rest-low", "none").code == 0
    assert spring("callerid", "show", "us", "--json").json["rest_low_s"] is None
    assert [(each["number"], each["state"], each["areas"], each["rest_s"]) for each in shown["items"]] == [
        ("+13125550101", "free", ["+1312", "US-IL"], None),
        ("+13125550102", "off", ["+1312"], 120),
    ]
    table = spring("callerid", "show", "us").out
    assert "+13125550102" in table and "because" in table and "marked as spam" in table
    assert spring("callerid", "set", "us", "+13125550102", "--on").code == 0
    assert "because" not in spring("callerid", "show", "us").out
    assert spring("callerid", "list", "--json").json["items"][0]["states"]["free"] == 2
    assert spring("campaign", "set", "spring", "--caller-id-pool", "us").code == 0
    refused = spring("callerid", "delete", "us")
    assert refused.code == 1 and "'spring'" in refused.err
    assert spring("campaign", "set", "spring", "--caller-id-pool", "none").code == 0
    assert spring("callerid", "remove", "us", "+13125550101").out == "+13125550101 is removed\n"
    assert spring("callerid", "delete", "us").out == "caller-id pool us is deleted\n"


def test_what_does_not_fit_together_is_refused(spring: Dialler) -> None:
    assert spring("callerid", "create", "us").code == 0
    for words, said in [
        (("add", "us"), "expected numbers, or --file"),
        (("add", "us", "12"), "number '12'"),
        (("set", "us"), "nothing to set"),
        (("set", "us", "--off", "why"), "are of a number"),
        (("set", "us", "+13125550101", "--timezone", "Etc/UTC"), "of the whole pool"),
        (("set", "us", "+13125550101", "--rest-low", "1d"), "of the whole pool"),
        (("set", "us", "--rest-low", "1s"), "rest_low_s must be 3600 to 7776000, got 1"),
    ]:
        wrong = spring("callerid", *words)
        assert wrong.code == 2 and said in wrong.err, wrong
