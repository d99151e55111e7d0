"""Changing leads and callbacks from the command line."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.cli.conftest import Dialler


@pytest.fixture
def east(spring: Dialler) -> Dialler:
    """A command line on records with two leads in `east`."""
    for number, name in (("202-555-0123", "Ann"), ("202-555-0124", "Bob")):
        where = ("--campaign", "spring", "--list", "east")
        assert spring("lead", "add", *where, "--number", number, "--region", "US", "--name", name).code == 0
    return spring


def test_a_lead_is_changed_key_by_key_and_a_wrong_key_changes_nothing(east: Dialler) -> None:
    done = east("lead", "set", "1", "number=+13105550123", "timezone=America/Denver", "data.beds=12", "customer_key=k")
    assert (done.code, done.out) == (0, "lead 1 is changed: customer_key, data, numbers, timezone\n")
    lead = east("lead", "show", "1", "--json").json
    assert [each["number"] for each in lead["numbers"]] == ["+13105550123"]
    assert (lead["timezones"], lead["data"], lead["customer_key"]) == (["America/Denver"], {"beds": "12"}, "k")
    for words, said in [
        (("colour=red",), "no key 'colour'"),
        ((), "nothing to change"),
        (("name",), "expected KEY=VALUE"),
        (("name=a", "name=b"), "given twice"),
        (("name=a", "timezone=Mars"), "unknown time zone 'Mars'"),
    ]:
        wrong = east("lead", "set", "1", *words)
        assert wrong.code == 2 and said in wrong.err
    assert east("lead", "show", "1", "--json").json == lead
    east("lead", "set", "1", "data.beds=", "customer_key=")
    emptied = east("lead", "show", "1", "--json").json
    assert (emptied["data"], emptied["customer_key"]) == ({}, None)


def test_deleting_counts_first_and_asks(east: Dialler) -> None:
    counted = east("lead", "delete", "--campaign", "spring", "--list", "east", "--dry-run")
    assert counted.out == "2 leads would be deleted\n"
    refused = east("lead", "delete", "1")
    assert refused.code == 2 and "--yes: say so to delete 1 lead" in refused.err
    assert east("lead", "delete", "1", "9", "--yes").out == "1 lead deleted; 1 are not there: 9\n"
    assert east("lead", "delete", "--yes").code == 2


def test_erasing_asks_and_can_not_be_undone(east: Dialler) -> None:
    assert east("lead", "erase", "1").code == 2
    assert east("lead", "show", "1", "--json").json["name"] == "Ann"
    assert east("lead", "erase", "1", "--yes").code == 0
    assert east("lead", "show", "1", "--json").json["name"] == ""
    assert east("lead", "reset", "1").code == 1
    assert east("lead", "erase", "99", "--yes").code == 1


def test_a_callback_is_set_listed_and_cancelled(east: Dialler) -> None:
    assert east("callback", "list").out == "no callback is pending\n"
    at = f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%d}T12:00"
    assert east("callback", "set", "1", at, "--agent", "PJSIP/1001").code == 0
    assert east("campaign", "set", "spring", "--callbacks-to", "agent-first", "--callback-hold", "5m").code == 0
    assert "  callbacks: the next at " in east("status").out, "without an engine, too"
    own = east("agent", "callbacks", "PJSIP/1001")
    assert "agent_first" in own.out and "his until" in own.out, own.out
    [item] = east("agent", "callbacks", "PJSIP/1001", "--json").json["items"]
    assert (item["lead_id"], item["callback_is_due"]) == (1, False)
    none = east("agent", "callbacks", "PJSIP/1002").out
    assert none == "agent PJSIP/1002 has promised no callback that is pending\n"
    assert east("callback", "cancel", "1").code == 0
    said = east("callback", "set", "1", "2001-01-01T10:00")
    assert said.code == 2 and "from now to two years ahead" in said.err
    wrong = east("callback", "cancel", "1")
    assert wrong.code == 1 and "no callback" in wrong.err
    assert east("lead", "wrap", "1", "SALE", "--agent", "ann").code == 2


def test_copies_and_moves_say_where_leads_are(east: Dialler) -> None:
    assert east("list", "create", "spring", "west").code == 0
    copied = east("lead", "duplicate", "1", "--campaign", "spring", "--list", "west", "--customer-key", "k")
    assert copied.out == "lead 3 is a copy of 1, in spring / west\n"
    assert east("lead", "move", "1", "2", "--campaign", "spring", "--to", "west").out == "2 leads moved\n"
    lists = {lead["list"] for lead in east("lead", "search", "--json").json["items"]}
    assert lists == {"west"}
    assert east("lead", "complete", "1").out == "lead 1 is completed (manual)\n"
    assert east("db", "check").code == 0
