"""What people see of answers, on terminals of any width."""

import sys
from datetime import UTC, datetime

import pytest
from rich.cells import cell_len
from rich.text import Text

from dialler.cli import sessions
from dialler.cli.printing import moment, plain_moments, print_table, runway_words, shown
from dialler.cli.status import _callbacks_said

SESSION = {
    "seq": 123456,
    "created_at": f"{datetime.now(UTC):%Y}-11-21T14:00:00.123456+00:00",
    "campaign": "spring",
    "list": "hospitals",
    "lead_id": 4711,
    "number": "+12025550123",
    "attempt_no": 1,
    "status": "processing",
    "outcome": "INVALID_NUMBER",
    "cause": 16,
    "agent": "SIM/agent-009",
    "session_id": "01a2014a-ad9a-700a-86d4-e497da3e0fbe",
}


@pytest.mark.parametrize("width", [80, 100, 132, 200])
def test_sessions_are_a_line_each_on_any_usual_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(width))
    print_table([SESSION, SESSION], sessions.COLUMNS, empty="", spare=sessions.SPARE)
    said = capsys.readouterr()
    lines = Text.from_ansi(said.out).plain.splitlines()
    assert len(lines) == 4  # the headings, a rule, and two rows
    assert max(map(cell_len, lines)) <= width
    left_out = set(sessions.COLUMNS.values()) - set(lines[0].split())
    assert all(heading in said.err for heading in left_out)
    assert {"seq", "created", "number", "outcome"} <= set(lines[0].split())


def test_where_no_terminal_is_everything_is_on_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([SESSION], sessions.COLUMNS, empty="", spare=sessions.SPARE)
    said = capsys.readouterr()
    assert str(SESSION["session_id"]) in said.out.splitlines()[2]
    assert said.err == ""


def test_markup_in_a_name_is_only_text(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([{"name": "[red]x[/red]"}], {"name": "name"}, empty="")
    assert "[red]x[/red]" in capsys.readouterr().out


def test_moments_are_to_the_second_also_inside_of_sentences() -> None:
    assert moment("2026-11-21T14:00:00.5+00:00") == "2026-11-21 14:00:00Z"
    assert moment("2026-11-21T14:00:00-05:00") == "2026-11-21 14:00:00-05:00"
    assert plain_moments("the next at 2026-11-21T14:00:00+00:00; wait") == "the next at 2026-11-21 14:00:00Z; wait"


@pytest.mark.parametrize(
    ("value", "text"), [(None, "-"), ("", "-"), (True, "yes"), (30.0, "30"), (["a", None], "a, -"), ({"a": 1}, "a=1")]
)
def test_values_are_shown_as_people_write_them(value: object, text: str) -> None:
    assert shown(value) == text


@pytest.mark.parametrize(
    ("callbacks", "text"),
    [
        ({}, ""),
        ({"due": 0, "waiting_for_agent": 0, "next_at": None}, ""),
        ({"due": 2, "waiting_for_agent": None, "next_at": None}, "2 due"),
        (
            {"due": 2, "waiting_for_agent": 1, "next_at": "2026-06-04T17:00:00+00:00"},
            "2 due, 1 of them waiting for the agent who promised; the next at 2026-06-04 17:00:00Z",
        ),
    ],
)
def test_callbacks_are_told_of_where_there_are_any(callbacks: dict[str, object], text: str) -> None:
    assert _callbacks_said(callbacks) == text


def test_how_long_a_list_lasts_is_told_in_minutes() -> None:
    assert runway_words(59) == "has leads for less than a minute"
    assert runway_words(1790) == "has leads for 30 min"
