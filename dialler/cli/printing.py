"""Puts answers on the screen: one JSON document, or tables for people."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

Json = Mapping[str, Any]


def print_json(document: object) -> None:
    """Print one document."""
    json.dump(document, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")


def print_table(items: Sequence[Json], columns: Mapping[str, str], *, empty: str) -> None:
    """Print a table; `columns` are headings by key, and a key may lead into nested objects ("calls.talking")."""
    if not items:
        print_line(empty)
        return
    from rich.box import SIMPLE
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE, pad_edge=False)
    for heading in columns.values():
        table.add_column(heading, overflow="fold")
    for item in items:
        # Text, since a lead's name may hold what rich takes for markup.
        table.add_row(*(Text(shown(_at(item, key))) for key in columns))
    _print(table)


def print_fields(document: Json, *, leave_out: Sequence[str] = ()) -> None:
    """Print the fields of one thing, a line each; those without a value are left out."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False)
    for key, value in document.items():
        if key not in leave_out and value not in (None, "", [], {}):
            table.add_row(Text(key, style="bold"), Text(shown(value)))
    _print(table)


def print_line(text: str = "") -> None:
    """Print a line of the answer."""
    sys.stdout.write(text + "\n")


def note(text: str) -> None:
    """Tell something that is not the answer."""
    sys.stderr.write(text + "\n")


def shown(value: object) -> str:
    """Return a value for people: moments to the second, none as a dash."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={shown(each)}" for key, each in value.items()) or "-"
    if isinstance(value, list | tuple):
        return ", ".join(map(shown, value)) or "-"
    if isinstance(value, str) and len(value) >= 19 and value[4:5] == "-" and value[10:11] == "T":
        return moment(value)
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


def _at(item: Json, key: str) -> object:
    value: object = item
    for step in key.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _print(table: object) -> None:
    from rich.console import Console

    # Where nobody watches the width is no terminal's: a row then stays a line.
    console = Console(width=None if sys.stdout.isatty() else 240, highlight=False, soft_wrap=False)
    console.print(table)
