"""Reading the audit from the command line."""

import csv
import io
import json

from tests.cli.conftest import Dialler


def test_who_changed_what_is_a_table_with_the_newest_first(spring: Dialler) -> None:
    assert spring("list", "set", "spring", "east", "--weight", "80").code == 0
    lines = spring("audit").out.splitlines()
    assert lines[0].split() == ["at", "who", "what", "about", "change", "entry"]
    assert "list.set" in lines[2] and "weight 70 -> 80" in lines[2] and "campaign spring, list east" in lines[2]
    assert "campaign.create" in lines[-1] and "pacing agentless" in lines[-1]
    assert spring("audit", "--lead", "1").out == "no such entries\n"
    assert [one["what"] for one in spring("audit", "--what", "list.", "--json").json["items"]] == [
        "list.set",
        "list.create",
    ]
    said = spring("audit", "--limit", "1")
    assert "there are more: --after 3" in said.err
    assert "list.create" in spring("audit", "--limit", "1", "--after", "3").out


def test_a_moment_that_can_not_be_is_wrong_usage(spring: Dialler) -> None:
    said = spring("audit", "--from", "2026-02-30")
    assert (said.code, said.out) == (2, "")
    assert "from: expected a date" in said.err


def test_an_export_is_oldest_first(spring: Dialler) -> None:
    rows = list(csv.DictReader(io.StringIO(spring("audit", "export").out)))
    assert [row["what"] for row in rows] == ["campaign.create", "list.create"]
    assert json.loads(rows[1]["after"])["weight"] == 70
    lines = spring("audit", "export", "--what", "list.", "--format", "jsonl").out.splitlines()
    assert [json.loads(line)["what"] for line in lines] == ["list.create"]
