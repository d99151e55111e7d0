"""Commands on records that no daemon holds."""

import hashlib
import io
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_origin

import anyio
import pytest
from cyclopts import App

from dialler.cli.root import _arranged, app, run
from dialler.errors import DiallerError
from dialler.stores.open import open_store
from telephony.errors import LoginRefused
from tests.cli.conftest import CSV, Dialler

WHERE = ("--campaign", "spring", "--list", "east", "--region", "US")


def test_help_of_every_verb_says_what_it_does_and_gives_an_example() -> None:
    def walk(name: str, node: object) -> None:
        for word in [word for word in node if not word.startswith("-")]:  # type: ignore[attr-defined]
            inner = node[word]  # type: ignore[index]
            if inner.default_command is None:
                assert inner.help, f"{name} {word}"
                walk(f"{name} {word}", inner)
            else:
                doc = inner.default_command.__doc__
                assert 10 < len(doc.splitlines()[0]) <= 100, f"{name} {word}"
                assert f"Example: `{name} {word}" in doc, f"{name} {word}"

    walk("dialler", app)


def test_none_is_a_value_as_it_was_typed_and_never_one_that_was_not_given() -> None:
    def walk(node: App) -> Iterator[App]:
        inner = [node[word] for word in node if not word.startswith("-")]
        yield from itertools.chain.from_iterable(walk(each) for each in inner)
        if node.default_command is not None and not inner:
            yield node

    swallowed = [
        (verb.name[0], argument.name)
        for verb in walk(app)
        for argument in verb.assemble_argument_collection()
        if argument.parse
        and not argument.children
        and argument.resolved_hint is not bool
        and (get_origin(argument.resolved_hint) or argument.resolved_hint) not in (str, Path, tuple)
        and argument.field_info.default is None
        and argument.parameter.converter is None
    ]
    assert swallowed == []


def test_help_needs_nothing_heavy(capfd: pytest.CaptureFixture[str]) -> None:
    heavy = {"fastapi", "sqlalchemy", "pydantic", "phonenumbers", "holidays", "httpx", "numpy", "panoramisk"}
    code = f"import sys, dialler.cli.root as r; r.run(['lead', '--help']); print({heavy} & set(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout
    assert "import" in out
    assert out.splitlines()[-1] == "set()"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nonsense"], "nonsense"),
        (["campaign", "create"], "NAME"),
        (["lead", "show", "x"], "LEAD_ID"),
        (["campaign", "create", "c", "--wrap", "maybe"], "maybe"),
        (["campaign", "create", "c", "--weight", "0"], "weight"),
        (["campaign", "set", "c", "--patience-from", "none"], 'Invalid value "none" for --patience-from. Choose from:'),
        (["campaign", "set", "c", "--weight", "none"], 'expected a whole number, got "none"'),
        (["campaign", "set", "c", "--ring-timeout", "null"], 'such as 90s, 2m or 1h, got "null"'),
        (["campaign", "create", "c", "--agents-weight", "0"], "agents_weight must be 1 to 10000, got 0"),
        (["campaign", "create", "c", "--queue-priority", "-1"], "queue_priority must be 0 to 1000, got -1"),
        (["campaign", "create", "c", "--agents-priority", "1001"], "agents_priority must be -1000 to 1000, got 1001"),
        (["campaign", "create", "c", "--hours", "9-5"], "hours"),
        (["campaign", "create", "c", "--pacing-setting", "ratio"], "KEY=NUMBER"),
        (["campaign", "set", "spring"], "nothing to set"),
        (["campaign", "set", "spring", "--abandon-period", "week"], "week"),
        (["campaign", "set", "spring", "--abandon-limit", "3"], "abandon_limit must be more than 0, at most 1, got 3"),
        (["campaign", "set", "spring", "--abandon-limit", "nan"], "abandon_limit: expected a number, got nan"),
        (["campaign", "set", "spring", "--abandon-limit", "3%"], 'expected a number such as 0.03, got "3%"'),
        (["campaign", "set", "spring", "--pacing-setting", "ratio=inf"], "ratio: expected a number, got inf"),
        (["campaign", "set", "spring", "--patience", "2"], 'expected a duration such as 90s, 2m or 1h, got "2"'),
        (["campaign", "set", "spring", "--weight", "x"], 'expected a whole number, got "x"'),
        (["campaign", "set", "spring", "--rest-min", "99999999999d"], "expected less"),
        (["campaign", "stop", "spring", "--wait", "99999999999d"], "expected less"),
        (["campaign", "set", "spring", "--trunk", "none", "--trunk", "a"], "--trunk none: expected it alone"),
        (["list", "set", "spring", "east"], "nothing to set"),
        (["list", "set", "spring", "east", "--strategy", "best"], "there is standard"),
        (["list", "set", "spring", "east", "--start", "soon"], "2026-12-01"),
        (["strategy", "create", "a", "--redial", '{"BUZY": {"rests": ["5m"]}}'], "BUZY"),
        (["strategy", "create", "a", "--redial", "gone.toml"], "gone.toml"),
        (["strategy", "create", "a", "--order", "field"], "field"),
        (["strategy", "set", "standard"], "nothing to set"),
        (["lead", "search", "--list", "east"], "campaign"),
        (["dnc", "add", "5550123"], "E.164"),
        (["dnc", "add"], "NUMBER"),
        (["lead", "search", "--number", "4155550188"], "expected E.164"),
        (["lead", "search", "--number", "555", "--region", "US"], "valid number of US"),
        (["lead", "search", "--limit", "0"], "--limit"),
        (["demo", "--speed", "0"], "--speed"),
        (["lead", "import", "leads.csv", *WHERE, "--map", "number"], "FIELD=COLUMN"),
        (["lead", "import", "leads.csv", *WHERE, "--delimiter", ";;"], "delimiter"),
        (["lead", "import", "leads.csv", *WHERE, "--encoding", "klingon"], "klingon"),
        (["lead", "import", "leads.csv", *WHERE[:4], "--region", "USA"], "USA"),
        (["session", "list", "--outcome", "SAD"], "outcome"),
    ],
)
def test_wrong_usage_is_told_in_a_line_and_ends_with_2(spring: Dialler, arguments: list[str], said: str) -> None:
    done = spring(*arguments)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["campaign", "show", "autumn"], "'autumn'; there is spring"),
        (["campaign", "create", "spring"], "already"),
        (["list", "delete", "spring", "east"], "to dial"),
        (["lead", "show", "77"], "77"),
        (["lead", "import", "missing.csv", *WHERE], "missing.csv: No such file"),
        (["lead", "import", "leads.csv", *WHERE, "--map", "number=Nope"], "'Nope'"),
        (["lead", "import", "leads.csv", "--campaign", "spring", "--list", "north"], "there is east"),
        (["lead", "import", "leads.csv", *WHERE, "--rejects", "no/such/folder.csv"], "no/such/folder.csv"),
    ],
)
def test_what_can_not_be_done_is_told_in_a_line_and_ends_with_1(
    spring: Dialler, arguments: list[str], said: str
) -> None:
    done = spring(*arguments)
    assert (done.code, done.out) == (1, "")
    assert said in done.err
    assert done.err.count("\n") == 1
    assert spring("lead", "search", "--json").json["items"] == []


def test_a_broken_settings_file_lists_all_its_mistakes_at_once(folder: Path, dialler: Dialler) -> None:
    (folder / "broken.toml").write_text('colour = "red"\n[store]\nurl = "mysql://x"\n[api]\ntcp = "here"\n')
    done = dialler("status", "-c", "broken.toml")
    assert (done.code, done.out) == (2, "")
    for key in ("colour", "store.url", "api.tcp"):
        assert key in done.err
    listed = dialler("check-config", "--json", "-c", "broken.toml")
    assert listed.code == 2
    assert {mistake["key"] for mistake in listed.json["mistakes"]} >= {"colour", "store.url", "api.tcp"}
    assert dialler("status", "-c", "missing.toml").code == 2


def test_settings_are_named_before_or_after_the_verb_or_by_the_environment(
    folder: Path, records: str, dialler: Dialler, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "dialler.toml").rename(folder / "other.toml")
    assert dialler("campaign", "list").code == 2
    assert dialler("campaign", "list", "-c", "other.toml").code == 0
    assert dialler("-c", "other.toml", "campaign", "list").code == 0
    assert dialler("--config=other.toml", "campaign", "list").code == 0
    monkeypatch.setenv("DIALLER_CONFIG", "other.toml")
    assert dialler("campaign", "list").code == 0


def test_options_of_key_and_value_may_be_followed_by_several() -> None:
    given = ["-c", "f", "lead", "import", "--map", "a=b", "c=d", "leads.csv", "--list", "x=y", "--map", "e=f", "-"]
    assert _arranged(given) == [
        "lead", "import", "--map", "a=b", "--map", "c=d", "leads.csv", "--list", "x=y", "--map", "e=f", "-", "-c", "f",
    ]  # fmt: skip


def test_records_that_are_not_there_yet_are_told_with_the_cure(dialler: Dialler) -> None:
    done = dialler("status")
    assert done.code == 1
    assert "dialler db upgrade" in done.err


def test_nothing_is_loaded_any_more_once_the_records_are_held(spring: Dialler, folder: Path) -> None:
    look = """
import sys
from dialler.app import desk
from dialler.cli.root import run
def held(*_, **__):
    print({"httpx", "dialler.api.routes"} - sys.modules.keys())
    raise SystemExit
desk.open_desk = held
run(["campaign", "set", "spring", "--weight", "7"])
"""
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, cwd=folder, check=False)
    assert done.stdout == "set()\n", done.stderr


def test_records_that_another_writes_are_refused_with_his_pid_but_can_be_read(spring: Dialler, records: str) -> None:
    holder = open_store(records, write=True, command="dialler run")
    try:
        done = spring("campaign", "create", "autumn", "--wait", "0s")
        assert done.code == 1
        assert str(os.getpid()) in done.err
        assert spring("campaign", "list", "--json").json["items"][0]["name"] == "spring"
        # A trial run keeps the file's rows while it looks at them.
        trial = spring("lead", "import", "leads.csv", *WHERE, "--dry-run", "--wait", "0s")
        assert (trial.code, str(os.getpid()) in trial.err) == (1, True)
    finally:
        anyio.run(holder.aclose)
    assert spring("campaign", "create", "autumn").code == 0


def test_all_settings_of_a_campaign_can_be_said(spring: Dialler) -> None:
    said = (
        "--timezone|America/Chicago|--hours|mon-fri 09:00-20:00; sat 10:00-17:00|--holidays|US-TX|--pacing|ratio"
        "|--holiday-hours|10:00-12:00|--pacing-setting|ratio=1.5|--trunk|a|--trunk|b|--queue|sales"
        "|--caller-id|+12025550100|--ring-timeout|30s|--wrap|required|--wrap-deadline|2m|--wrap-up|15s|--preview-then|dial|--callbacks-to|agent-first|--callback-hold|5m|--abandoned-hold-agent|--no-weighting"
        "|--weight|7|--agents-priority|2|--queue-priority|20|--agents-weight|30"
        "|--patience|1.5s|--patience-from|connection|--harbour|acme/sorry|--amd|--amd-unsure|machine"
        "|--machine-sound|acme/call-us|--message|acme/news|--message-key|1=queue|--message-key|3=replay|--optout-key|*|--optout-scope|merchant|--abandoned-rest|96h"
        "|--attempts-max|4|--attempts-per-day|2|--rest-min|1h"
    ).split("|")
    made = spring("campaign", "create", "summer", *said, "--json")
    expected = {
        "timezone": "America/Chicago",
        "hours": "mon-fri 09:00-20:00; sat 10:00-17:00",
        "holidays": "US-TX",
        "holiday_hours": "10:00-12:00",
        "pacing": "ratio",
        "pacing_settings": {"ratio": 1.5},
        "trunks": ["a", "b"],
        "queue": "sales",
        "caller_ids": ["+12025550100"],
        "ring_timeout_s": 30,
        "wrap": "required",
        "wrap_deadline_s": 120,
        "wrap_up_s": 15,
        "preview_s": 60,
        "preview_then": "dial",
        "callbacks_to": "agent_first",
        "callback_hold_s": 300,
        "patience_s": 1.5,
        "patience_from": "connection",
        "harbour": "acme/sorry",
        "amd": True,
        "amd_unsure": "machine",
        "machine_sound": "acme/call-us",
        "message": "acme/news",
        "message_keys": {"1": "queue", "3": "replay"},
        "optout_key": "*",
        "optout_scope": "merchant",
        "abandoned_rest_s": 345_600,
        "abandoned_hold_agent": True,
        "weighting": False,
        "weight": 7,
        "queue_priority": 20,
        "agents_priority": 2,
        "agents_weight": 30,
        "attempts_max": 4,
        "attempts_per_day_max": 2,
        "rest_min_s": 3600,
    }
    assert {key: made.json[key] for key in expected} == expected
    refused = spring("campaign", "set", "summer", "--optout-scope", "none")
    assert refused.code == 2 and "optout_scope must be campaign, merchant or all, got 'none'" in refused.err
    unset = "--queue none --machine-sound none --trunk none --holidays none --weighting --json".split()
    changed = spring("campaign", "set", "summer", *unset).json
    assert changed == {
        **made.json, "queue": None, "machine_sound": None, "trunks": [], "holidays": None, "weighting": True,
        "version": 2,
    }  # fmt: skip
    plain = spring("campaign", "set", "summer", "--pacing-setting", "none", "--json").json
    assert (plain["pacing"], plain["pacing_settings"]) == ("ratio", {})


def test_import_reads_standard_input_and_a_mapping_file(
    spring: Dialler, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stdin:
        buffer = io.BytesIO(CSV.encode())

    monkeypatch.setattr(sys, "stdin", Stdin)
    (folder / "map.toml").write_text('keep_rest = false\n[fields]\nnumber = "Phone Number"\nname = "Name"\n')
    report = spring("lead", "import", "-", *WHERE, "--mapping", "map.toml", "--json").json
    assert report["imported"] == 2
    assert report["columns"] == {"number": ["Phone Number"], "name": ["Name"], "region": ["State"]}
    assert spring("lead", "import", "leads.csv", *WHERE, "--mapping", "map.toml", "--map", "a=b").code == 2


def test_rejects_are_left_empty_when_none_was_rejected(spring: Dialler, folder: Path) -> None:
    (folder / "rejects.csv").write_text("of an earlier run")
    (folder / "good.csv").write_text("number\n+12025550123\n")
    assert spring("lead", "import", "good.csv", *WHERE, "--rejects", "rejects.csv").code == 0
    assert (folder / "rejects.csv").read_text() == ""


def test_a_refused_import_leaves_the_rejects_of_the_one_before(spring: Dialler, folder: Path) -> None:
    (folder / "rejects.csv").write_text("of an earlier run")
    assert spring("lead", "import", "leads.csv", *WHERE, "--map", "number=Nope", "--rejects", "rejects.csv").code == 1
    assert (folder / "rejects.csv").read_text() == "of an earlier run"
    assert spring("lead", "import", "leads.csv", *WHERE, "--rejects", "rejects.csv").code == 0
    assert (folder / "rejects.csv").read_text().startswith("Name,Phone Number,State,reason")
    (folder / "same.csv").symlink_to("rejects.csv")
    for source in ("rejects.csv", "same.csv"):
        mended = spring("lead", "import", source, *WHERE, "--rejects", "rejects.csv")
        assert (mended.code, "another file" in mended.err) == (2, True)
    assert "Bad,123,TX" in (folder / "rejects.csv").read_text()


def test_a_lead_whose_name_would_be_a_command_is_only_a_name(spring: Dialler) -> None:
    name = "x\r\nAction: Command [bold]"
    added = spring("lead", "add", "--campaign", "spring", "--list", "east", "--number", "+12025550123", "--name", name)
    assert added.code == 0
    lead = spring("lead", "search", "--json").json["items"][0]
    assert "Action: Command [bold]" in lead["name"]
    assert "[bold]" in spring("lead", "show", str(lead["lead_id"])).out
    assert spring("lead", "explain", str(lead["lead_id"])).out.count("dialable") == 1


def test_a_number_is_found_as_it_is_written_in_its_country(spring: Dialler) -> None:
    spring("lead", "import", "leads.csv", *WHERE)
    for said in (["+1 (415) 555-0188"], ["415 555 0188", "--region", "us"], ["+14155550188", "--region", "GB"]):
        found = spring("lead", "search", "--number", *said, "--json").json["items"]
        assert [lead["name"] for lead in found] == ["St. Mary"]
    assert spring("dnc", "add", "(415) 555-0188", "--region", "US").code == 0
    assert spring("dnc", "check", "+14155550188", "--json").json["everywhere"] is True


def test_an_import_tells_what_matters_first_and_counts_the_rest(spring: Dialler, folder: Path) -> None:
    columns = ",".join(f"Column {at}" for at in range(30))
    row = ",".join("x" * 30)
    (folder / "wide.csv").write_text(f"Phone,{columns}\n+12025550123,{row}\n+12025550123,{row}\n202 555 0124,{row}\n")
    said = spring("lead", "import", "wide.csv", *WHERE[:4], "--map", "number=Phone", "--map", "nam=Column 0").out
    assert "  columns: number from Phone; nam from Column 0; 29 other columns kept as data\n" in said
    assert "did you mean the field name?" in said
    assert "--region US" in said
    lines = said.splitlines()
    assert next(line for line in lines if line.startswith("  row ")).startswith("  row 4: rejected:")
    assert max(map(len, lines)) < 130


def test_holidays_are_told_in_words(spring: Dialler) -> None:
    assert "none: every day has its weekday's hours" in spring("campaign", "show", "spring").out
    spring("campaign", "set", "spring", "--holidays", "US-TX")
    assert "US-TX" in spring("campaign", "show", "spring").out
    assert "none: shut" in spring("campaign", "show", "spring").out


def test_pages_are_followed_up_to_the_limit_and_to_the_end(spring: Dialler, folder: Path) -> None:
    rows = "".join(f"+1202555{at:04}\n" for at in range(100, 125))
    (folder / "many.csv").write_text("number\n" + rows)
    spring("lead", "import", "many.csv", *WHERE)
    first = spring("lead", "search", "--limit", "10", "--json").json
    assert (len(first["items"]), first["next"]) == (10, first["items"][-1]["lead_id"])
    rest = spring("lead", "search", "--all", "--after", str(first["next"]), "--json").json
    assert (len(rest["items"]), rest["next"]) == (15, None)
    shown = spring("lead", "search", "--limit", "10")
    assert f"--after {first['next']}" in shown.err


def test_a_number_goes_on_and_off_the_do_not_call_list(spring: Dialler) -> None:
    assert spring("dnc", "add", "+12025550123", "--reason", "asked").code == 0
    assert spring("dnc", "check", "+12025550123", "--json").json["everywhere"] is True
    assert spring("dnc", "remove", "+12025550123").code == 0
    assert spring("dnc", "remove", "+12025550123").code == 1
    assert spring("dnc", "check", "+12025550123").out == "+12025550123 may be called\n"


def test_a_file_of_numbers_goes_on_the_do_not_call_list_of_a_merchant(spring: Dialler, folder: Path) -> None:
    spring("campaign", "set", "spring", "--merchant", "Acme")
    (folder / "register.csv").write_text("phone,why\n(202) 555-0123,asked\n12,typing error\n")
    where = ("--merchant", "Acme", "--region", "US", "--reason-column", "why", "--rejects", "bad.csv")
    said = spring("dnc", "import", "register.csv", *where).out
    assert said.startswith("2 rows, 1 added, 0 there already, 1 rejected\n")
    assert "'12' is not a valid number in US" in (folder / "bad.csv").read_text()
    assert "+12025550123  -         Acme      asked" in spring("dnc", "list").out
    checked = spring("dnc", "check", "+12025550123").out
    assert checked.startswith("+12025550123 must not be called in spring\n  merchant Acme: asked, ")
    assert spring("dnc", "list", "--digits", "+44").out == "no such numbers\n"
    assert spring("dnc", "remove", "+12025550123", "--merchant", "Acme", "--reason", "mistake").code == 0


def test_a_token_is_shown_once_and_its_hash_is_for_the_settings(dialler: Dialler) -> None:
    made = dialler("token", "create", "crm", "--json").json
    assert made["sha256"] == hashlib.sha256(made["token"].encode()).hexdigest()
    shown = dialler("token", "create", "crm")
    assert "[[api.tokens]]" in shown.out
    assert 'name = "crm"' in shown.out


def test_errors_that_a_person_can_act_on_are_a_line_however_deep_they_come(
    dialler: Dialler, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ExceptionGroup("tasks", [ExceptionGroup("more", [LoginRefused("main: wrong secret")])])

    monkeypatch.setattr("dialler.app.run.run", fail)
    done = dialler("run")
    assert (done.code, done.err) == (1, "dialler: main: wrong secret\n")


def test_a_fault_of_ours_is_not_hidden(dialler: Dialler, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ExceptionGroup("tasks", [DiallerError("x"), ZeroDivisionError()])

    monkeypatch.setattr("dialler.app.run.run", fail)
    with pytest.raises(ExceptionGroup):
        run(["run"])


def test_asterisk_files_are_printed_or_written_but_never_replaced(folder: Path, dialler: Dialler) -> None:
    with (folder / "dialler.toml").open("a") as file:
        file.write(
            '[[asterisk]]\nname = "main"\nsecret = "s3cret"\n'
            '[[asterisk.trunks]]\nname = "a"\ndial = "PJSIP/{number}@a"\ncalls_per_second = 5\nchannels = 10\n'
        )
    files = dialler("asterisk-config", "--json").json
    assert dialler("asterisk-config", "--out", "etc").code == 0
    for name, text in files.items():
        assert (folder / "etc" / name).read_text() == text
        assert (folder / "etc" / name).stat().st_mode & 0o077 == 0
        assert text.strip() in dialler("asterisk-config").out
    assert dialler("asterisk-config", "--out", "etc").code == 1


def test_a_list_is_set_shown_renamed_and_deleted(spring: Dialler, folder: Path) -> None:
    (folder / "redial.toml").write_text('[BUSY]\nrests = ["5m"]\n')
    made = spring("strategy", "create", "keen", "--order", "newest", "--redial", "redial.toml", "--rest-min", "5m")
    assert "--strategy keen" in made.out
    changed = spring(
        "list", "set", "spring", "east", "--weight", "30", "--no-to-dial", "--strategy", "keen",
        "--start", "2026-12-01", "--end", "2026-12-24", "--lead-days", "90", "--rename", "far east", "--json",
    ).json  # fmt: skip
    assert (changed["name"], changed["weight"], changed["to_dial"], changed["order"]) == (
        "far east", 30, False, "newest",
    )  # fmt: skip
    assert changed["redial"]["BUSY"]["rests"] == ["5m"]
    assert (changed["starts_at"], changed["lead_days"]) == ("2026-12-01T00:00:00+00:00", 90)
    assert changed["ends_at"] == "2026-12-25T00:00:00+00:00"
    assert spring("list", "show", "spring", "far east", "--json").json == changed
    table = spring("list", "list", "--name", "AST").out
    assert "far east" in table and "keen" in table
    assert "no list is named like that" in spring("list", "list", "--name", "west").out
    undated = spring("list", "set", "spring", "far east", "--start", "none", "--lead-days", "none", "--json").json
    assert (undated["starts_at"], undated["lead_days"]) == (None, None)
    assert spring("list", "delete", "spring", "far east").code == 0
    assert json.loads(spring("list", "list", "--json").out)["items"] == []


def test_a_strategy_is_made_set_shown_listed_and_deleted(spring: Dialler) -> None:
    spring("strategy", "create", "gentle", "--order", "random", "--seed", "7", "--attempts-per-day", "1")
    changed = spring(
        "strategy", "set", "gentle", "--attempts-per-day", "campaign", "--attempts-max", "4", "--rest-min", "1h",
        "--redial-by-wrap", '{"SILENT": {"rests": ["1d"]}}', "--rename", "soft", "--json",
    ).json  # fmt: skip
    assert (changed["name"], changed["version"], changed["order"], changed["seed"]) == ("soft", 2, "random", 7)
    assert (changed["attempts_per_day_max"], changed["attempts_max"], changed["rest_min_s"]) == (None, 4, 3600)
    shown = spring("strategy", "show", "soft", "--versions", "--json").json
    assert [each["version"] for each in shown["versions"]] == [2, 1]
    assert "random" in spring("strategy", "show", "soft", "--versions").out
    listed = spring("strategy", "list").out
    assert "standard" in listed and "soft" in listed
    refused = spring("strategy", "delete", "standard")
    assert refused.code == 1 and "'east' of campaign 'spring'" in refused.err
    assert spring("strategy", "delete", "soft").code == 0


def test_lists_are_changed_together_after_a_look_and_put_back(spring: Dialler, folder: Path) -> None:
    spring("list", "create", "spring", "west", "--weight", "30")
    (folder / "monday.toml").write_text(
        'campaign = "spring"\n[lists.east]\nweight = 90\nend = 2026-12-24\n'
        '[lists.west]\nto_dial = false\nstrategy = "none"\n'
    )
    shown = spring("list", "apply", "monday.toml", "--preview")
    assert shown.code == 0 and "weight 70 -> 90" in shown.out and "nothing is changed" in shown.out
    waits = spring("list", "apply", "monday.toml")
    assert waits.code == 1 and "--yes does it" in waits.out
    seen = spring("list", "apply", "monday.toml", "--preview", "--json").json
    assert [each["changes"] for each in seen["lists"]][1] == {"to_dial": [True, False], "strategy": ["standard", None]}
    done = spring("list", "apply", "monday.toml", "--yes", "--fingerprint", seen["fingerprint"])
    assert done.code == 0 and "dialler list undo spring" in done.out
    east, west = spring("list", "list", "spring", "--json").json["items"]
    assert (east["weight"], east["ends_at"], west["to_dial"]) == (90, "2026-12-25T00:00:00+00:00", False)
    late = spring("list", "apply", "monday.toml", "--yes", "--fingerprint", seen["fingerprint"])
    assert late.code == 1 and "changed since the preview" in late.err
    assert "east, west" in spring("list", "undo", "spring").out
    assert spring("list", "show", "spring", "east", "--json").json["weight"] == 70
    assert spring("list", "undo", "spring").code == 1
    spring("list", "create", "spring", "clinics")
    example = Path(__file__).parents[2] / "config" / "examples" / "monday.toml"
    assert "weight 100 -> 90" in spring("list", "apply", str(example), "--preview").out
    for text, said in [("lists = 1", "lists"), ("colour = 1", "colour"), ("[lists.east", "TOML"), ("", "campaign")]:
        (folder / "bad.toml").write_text(text)
        wrong = spring("list", "apply", "bad.toml", "--yes")
        assert wrong.code == 2 and said in wrong.err


def test_an_argument_that_is_no_text_is_wrong_usage(spring: Dialler, folder: Path) -> None:
    said = spring("list", "create", "spring", "caf\udce9")
    assert (said.code, said.out, said.err) == (2, "", "dialler: argument 4, 'caf\\udce9': expected text in UTF-8\n")
    (folder / "monday.toml").write_text('campaign = "spring"\n[lists.east]\nname = "a\\u0000"\n')
    said = spring("list", "apply", "monday.toml", "--yes")
    assert said.code == 2 and "NUL character" in said.err, said.err
    assert [one["name"] for one in spring("list", "list", "--json").json["items"]] == ["east"]
