"""`dialler import`, on records of its own."""

from pathlib import Path

import pytest

from tests.cli.conftest import Dialler

MAP = ("--map", "number=Phone Number", "name=Name", "region=State", "--region", "US")


def checked(spring: Dialler) -> None:
    for words in (
        ("start", "--campaign", "spring", "--list", "east"),
        ("file", "1", "leads.csv"),
        ("map", "1", *MAP, "--save-as", "crm"),
        ("check", "1"),
    ):
        said = spring("import", *words)
        assert said.code == 0, said.err


def test_a_file_goes_through_the_stages_and_each_says_what_is_next(spring: Dialler) -> None:
    said = spring("import", "start", "--campaign", "spring", "--list", "east")
    assert (said.out, said.err) == (
        "import 1 into list east of campaign spring\n",
        "next: dialler import file 1 FILE\n",
    )
    said = spring("import", "file", "1", "leads.csv")
    assert said.out.startswith("leads.csv: 3 rows, 3 columns, with header; encoding utf-8, delimiter ,\n")
    assert "number may be Phone Number" in said.out and "dialler import map 1" in said.err
    assert spring("import", "file", "1").out == said.out
    assert spring("import", "map", "1", *MAP).out == "number: Phone Number\nname: Name\nregion: State\n"
    assert "invalid 1: number_invalid" in spring("import", "check", "1").out
    said = spring("import", "review", "1")
    assert "2 new, 0 existing by customer key" in said.out
    assert "2 of 2 will not be dialled now, because: campaign 2" in said.out
    said = spring("import", "run", "1")
    assert said.out.startswith("3 rows: 2 imported, 0 updated, 1 rejected, 0 skipped, 0 dropped")
    assert spring("import", "show", "1").out == spring("import", "resume", "1").out == said.out
    assert spring("import", "list", "--json").json["items"][0]["stage"] == "done"
    assert "done" in spring("import", "list").out


def test_rows_are_looked_at_corrected_and_dropped(spring: Dialler, folder: Path) -> None:
    checked(spring)
    said = spring("import", "rows", "1", "--which", "invalid")
    assert "number: '123' is not a valid number in US" in said.out
    assert spring("import", "fix", "1", "4", "--set", "Phone Number=12").out.startswith(
        "row 4 is invalid: number: '12'"
    )
    assert spring("import", "rejects", "1", "rejects.csv").code == 0
    assert (folder / "rejects.csv").read_text().splitlines()[0] == "Name,Phone Number,State,reason"
    assert spring("import", "fix", "1", "4", "--set", "Phone Number=2145550123", "Name=Good").out == "row 4 is valid\n"
    assert spring("import", "drop", "1", "2").out == "1 rows are dropped\n"
    assert spring("import", "review", "1").code == spring("import", "run", "1").code == 0
    leads = spring("lead", "search", "--json").json["items"]
    assert sorted(lead["name"] for lead in leads) == ["Good", "St. Mary"]


def test_a_template_is_offered_and_used(spring: Dialler) -> None:
    checked(spring)
    assert spring("import", "cancel", "1").out == "import 1 is cancelled\n"
    spring("import", "start", "--campaign", "spring", "--list", "new", "--new-list")
    said = spring("import", "file", "2", "leads.csv")
    assert "template crm (version 1) is for this header" in said.out
    assert "the same file was given to import 1" in said.err
    assert spring("import", "map", "2", "--template", "crm").code == 0
    assert "crm" in spring("import", "templates").out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("run", "1"), 1, "import 1 is at stage review: it waits for a review; expected run or done"),
        (("show", "7"), 1, "there is no import 7"),
        (("fix", "1", "4", "--set", "Nope=1"), 2, "'Nope' is no column of the file; expected one of Name"),
        (("fix", "1", "4", "--set", "Nope"), 2, "expected COLUMN=VALUE"),
        (("fix", "1", "99", "--set", "Name=x"), 1, "import 1 has no row 99"),
        (("drop", "1"), 2, "either numbers of rows, or --invalid"),
        (("drop", "1", "2", "99"), 1, "import 1 has no row 99"),
        (("map", "1", "--map", "number=Nope"), 1, "did you mean"),
        (("map", "1", "--template", "x", "--region", "US"), 2, "either --template"),
        (("map", "1", "--header", "--no-header"), 2, "either --header or --no-header"),
        (("file", "1", "nope.csv"), 1, "nope.csv: No such file"),
    ],
)
def test_what_can_not_be_done_is_said(spring: Dialler, words: tuple[str, ...], code: int, said: str) -> None:
    checked(spring)
    told = spring("import", *words)
    assert (told.code, said in told.err) == (code, True), told.err
    assert spring("import", "show", "1", "--json").json["counts"]["valid"] == 2
