"""Searching from the command line."""

import csv
import io
import json

from tests.cli.conftest import Dialler


def test_the_commands_of_a_search(spring: Dialler) -> None:
    assert spring("lead", "import", "leads.csv", "--campaign", "spring", "--list", "east", "--region", "US").code == 0
    found = spring("lead", "search", "name contains mercy and list = east", "--json")
    assert [lead["name"] for lead in found.json["items"]] == ["Mercy General"]
    table = spring("lead", "search", "name contains mercy", "--columns", "lead_id, name,region")
    assert table.out.splitlines()[0].split() == ["lead", "name", "region"]
    wrong = spring("lead", "search", "lst = east")
    assert wrong.code == 2 and "position 1: expected a field of leads" in wrong.err
    assert spring("filter", "save", "mercy", "name contains mercy").code == 0
    assert "name contains mercy" in spring("filter", "list").out
    saved = spring("lead", "search", "--saved", "mercy", "--json")
    assert saved.json["items"] == found.json["items"]
    assert spring("filter", "delete", "mercy").code == 0
    assert spring("lead", "search", "--saved", "mercy").code == 1
    assert "last_contacted" in spring("filter", "fields").out


def test_columns_that_were_chosen_are_shown(spring: Dialler) -> None:
    assert spring("lead", "import", "leads.csv", "--campaign", "spring", "--list", "east", "--region", "US").code == 0

    def heading(*more: str) -> list[str]:
        return spring("lead", "search", "--campaign", "spring", *more).out.splitlines()[0].split()

    assert heading() == ["lead", "list", "last", "contacted", "last", "outcome", "wrap", "code"]
    assert heading("--list", "east")[-1] == "status"
    assert spring("columns", "set", "list-leads", "name", "data.Nothing").code == 0
    assert heading("--list", "east") == ["name", "Nothing"]
    assert spring("columns", "set", "list-leads", "nme").code == 2
    assert spring("columns", "reset", "list-leads").code == 0
    assert "default" in spring("columns", "show", "list-leads").out


def test_an_export_goes_on_behind_the_last_row(spring: Dialler) -> None:
    assert spring("lead", "import", "leads.csv", "--campaign", "spring", "--list", "east", "--region", "US").code == 0
    rows = list(csv.DictReader(io.StringIO(spring("lead", "export").out)))
    assert [row["lead_id"] for row in rows] == ["1", "2"]
    rest = spring("lead", "export", "--format", "jsonl", "--after", "1").out.splitlines()
    assert [json.loads(line)["lead_id"] for line in rest] == [2]
    assert spring("session", "export").out == ""
    assert "no sessions" in spring("session", "list").out
    assert "no such sessions" in spring("session", "list", "outcome = BUSY").out
    assert "no success yet" in spring("success", "list").out
