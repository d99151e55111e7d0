"""Puts answers on the screen: one JSON document, or lines and tables for people."""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

Json = Mapping[str, Any]

_UNWATCHED_COLUMNS: Final = 1_000
"""The width where no terminal shows it: a row then stays a line."""

_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?([+-]\d\d:\d\d|Z)")
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3_600, 86_400
_MINUTES_MAX_S, _HOURS_MAX_S = 3 * _HOUR_S, 2 * _DAY_S
_MOMENT_MIN: Final = len("2026-11-21T14:00:00")


def print_json(document: object) -> None:
    """Print one document."""
    json.dump(document, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")


def print_table(items: Sequence[Json], columns: Mapping[str, str], *, empty: str, spare: Sequence[str] = ()) -> None:
    """Print a table; `columns` are headings by key, and a key may lead into nested objects ("calls.talking").

    Where the terminal is too narrow the columns in `spare` are left out, the first of them first, until a row fits a
    line; the last line then says which.
    """
    if not items:
        print_line(empty)
        return
    console = _console()
    is_brief = sys.stdout.isatty()
    kept, left_out = dict(columns), list[str]()
    table = _table(items, kept, is_brief=is_brief)
    unbounded = console.options.update(width=_UNWATCHED_COLUMNS)
    for key in spare:
        if console.measure(table, options=unbounded).maximum <= console.width:
            break
        left_out.append(kept.pop(key))
        table = _table(items, kept, is_brief=is_brief)
    _print(console, table)
    if left_out:
        note(f"(too narrow for: {', '.join(reversed(left_out))}; --json has everything)")


def print_fields(document: Json, *, leave_out: Sequence[str] = ()) -> None:
    """Print the fields of one thing, a line each; those without a value are left out."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for key, value in document.items():
        if key not in leave_out and value not in (None, "", [], {}):
            table.add_row(Text(key, style="bold"), Text(shown(value)))
    _print(_console(), table)


def print_done(document: Json, as_json: bool, said: str) -> None:
    """Print what was done: the API's document, or a line for people."""
    if as_json:
        print_json(document)
    else:
        print_line(said)


def print_line(text: str = "") -> None:
    """Print a line of the answer."""
    sys.stdout.write(text + "\n")


def note(text: str) -> None:
    """Tell something that is not the answer."""
    sys.stdout.flush()  # What was said before stands before it, also where both go to one file.
    sys.stderr.write(text + "\n")


def shown(value: object, *, is_brief: bool = False) -> str:
    """Return a value for people: moments to the second, none as a dash."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={shown(each)}" for key, each in value.items()) or "-"
    if isinstance(value, list | tuple):
        return ", ".join(map(shown, value)) or "-"
    if isinstance(value, str) and len(value) >= _MOMENT_MIN and value[4:5] == "-" and value[10:11] == "T":
        return _without_year(moment(value)) if is_brief else moment(value)
    return str(value)


def moment(text: str | None) -> str:
    """Return an ISO 8601 moment to the second, "Z" for UTC: "2026-11-21 14:00:00Z"."""
    if text is None:
        return "-"
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    return at.isoformat(sep=" ", timespec="seconds").replace("+00:00", "Z")


def lasting(seconds: float) -> str:
    """Return how long leads last, in words."""
    if seconds < _MINUTE_S:
        return "less than a minute"
    for most_s, unit_s, unit in ((_MINUTES_MAX_S, _MINUTE_S, "min"), (_HOURS_MAX_S, _HOUR_S, "h")):
        if seconds < most_s:
            return f"{seconds / unit_s:.0f} {unit}"
    return f"{seconds / _DAY_S:.0f} days"


def runway_words(seconds: float) -> str:
    """Return how long a list lasts, as a part of a sentence."""
    return f"has leads for {lasting(seconds)}"


def calls_said(count: int) -> str:
    """Return how many calls, in words."""
    return "1 call" if count == 1 else f"{count} calls"


def plain_moments(text: str) -> str:
    """Return a sentence with each ISO 8601 moment in it as `moment` writes it."""
    return _MOMENT.sub(lambda found: moment(found.group()), text)


def _without_year(text: str) -> str:
    """Leave this year's number out: in a narrow table the room is worth more."""
    this_year = f"{datetime.now(UTC):%Y-}"
    return text.removeprefix(this_year)


def _at(item: Json, key: str) -> object:
    value: object = item
    for step in key.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _table(items: Sequence[Json], columns: Mapping[str, str], *, is_brief: bool) -> "Table":
    from rich.box import SIMPLE
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for key, heading in columns.items():
        is_number = all(_is_number(_at(item, key)) for item in items)
        table.add_column(heading, overflow="fold", justify="right" if is_number else "left")
    for item in items:
        # Text, since a lead's name may hold what rich takes for markup.
        table.add_row(*(Text(shown(_at(item, key), is_brief=is_brief)) for key in columns))
    return table


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _console() -> "Console":
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else _UNWATCHED_COLUMNS, highlight=False, soft_wrap=False)


def _print(console: "Console", table: "Table") -> None:
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        print_line(line.rstrip())
