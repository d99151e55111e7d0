"""Imports on the screen: where they stand, a file's first rows, a review, a report."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from dialler.cli.printing import note, print_fields, print_line, print_table

_EXAMPLES_SHOWN: Final = 5
_ROWS_SHOWN, _CHARS_SHOWN = 3, 28
"""Of a preview; --json has more."""

_NEXT = {
    "file": "next: dialler import file {id} FILE",
    "mapping": "next: dialler import map {id} --map number=COLUMN --region US",
    "check": "next: dialler import check {id}",
    "review": "next: dialler import review {id}",
    "run": "next: dialler import run {id}",
}
_RESUME: Final = "next: dialler import resume {id}"


def print_import(one: dict[str, Any]) -> None:
    """Print where an import stands, or what became of it."""
    if one["stage"] == "done":
        print_report(one["report"])
        print_notes(one["report"]["notes"])
        print_examples(one["report"]["examples"])
        return
    fields: dict[str, Any] = {
        "import": one["import_id"],
        "campaign": one["campaign"],
        "list": f"{one['list']} (new)" if one["list_is_new"] else one["list"],
        "stage": one["stage"],
        "file": (one["file"] or {}).get("name"),
        "rows": one["rows"],
    }
    statuses = ("valid", "invalid", "imported", "updated", "rejected", "skipped", "dropped")
    fields |= {status: one["counts"].get(status) for status in statuses}
    print_fields(fields)
    for key, count in one["counts"].items():
        kind, colon, code = key.partition(":")
        if colon:
            print_line(f"  {kind} {count:,}: {code}")
    if one["review"] is not None:
        _print_review(one["review"])
    tell_what_next(one)


def _print_review(review: dict[str, Any]) -> None:
    wanted = [
        text
        for text, is_wanted in (
            ("import new leads", review["import_new"]),
            ("update existing ones by customer key", review["update_existing"]),
        )
        if is_wanted
    ]
    print_line(f"to do: {', and '.join(wanted)}; default time zone {review['default_zone']}")
    again = f", {review['repeated_keys']:,} with the key of an earlier row" if review["repeated_keys"] else ""
    print_line(f"{review['new']:,} new, {review['existing']:,} existing by customer key{again}")
    line = f"{review['not_dialled_now']:,} of {review['loaded']:,} will not be dialled now"
    because = ", ".join(f"{gate} {count:,}" for gate, count in review["because"].items())
    print_line(f"{line}, because: {because}" if because else line)


def print_report(report: Mapping[str, Any], *, before: str = "") -> None:
    """Print what became of a file, in figures."""
    extra = "".join(f" {report[key]:,} {key}," for key in ("skipped", "dropped") if key in report)
    print_line(
        f"{before}{report['rows']:,} rows: {report['imported']:,} imported, {report['updated']:,} updated,"
        f" {report['rejected']:,} rejected,{extra} {report['duplicates']:,} with a number that another lead has"
    )
    for word, key in (("rejected", "reasons"), ("skipped", "skipped_because"), ("noticed", "warnings")):
        for code, count in report.get(key, {}).items():
            print_line(f"  {word} {count:,}: {code.removeprefix('skipped_')}")


def print_notes(notes: Sequence[str]) -> None:
    """Print what concerns a whole file."""
    for line in notes:
        print_line(f"  note: {line}")


def print_examples(examples: Sequence[str]) -> bool:
    """Print the first rows in which something was found, rejected ones first; tell whether there are more."""
    for line in sorted(examples, key=lambda line: ": rejected: " not in line)[:_EXAMPLES_SHOWN]:
        print_line(f"  {line}")
    return len(examples) > _EXAMPLES_SHOWN


def print_preview(one: dict[str, Any]) -> None:
    """Print a file's first rows, and what is guessed of it."""
    file = one["file"]
    has = "with" if file["has_header"] else "without"
    delimiter = {"\t": "tab"}.get(file["delimiter"], file["delimiter"])
    print_line(
        f"{file['name']}: {one['rows']:,} rows, {len(one['header'])} columns, {has} header;"
        f" encoding {file['encoding']}, delimiter {delimiter}"
    )
    print_notes(file["notes"])
    shown = one["preview"][:_ROWS_SHOWN]
    table = [
        {"column": name, **{str(at): row[place][:_CHARS_SHOWN] for at, row in enumerate(shown) if place < len(row)}}
        for place, name in enumerate(one["header"])
    ]
    headings = {str(at): f"lead {at + 1}" for at in range(len(shown))}
    print_table(table, {"column": "column", **headings}, empty="it has no columns", spare=list(headings)[:0:-1])
    for field, columns in one["guessed"].items():
        print_line(f"{field} may be {', '.join(columns)}")
    for template in one["templates"]:
        print_line(f"template {template['name']} (version {template['version']}) is for this header")
    for before in one["loaded_before"]:
        note(f"the same file was given to import {before['import_id']}, which is at stage {before['stage']}")
    tell_what_next(one)


def tell_what_next(one: dict[str, Any]) -> None:
    """Say with which command an import goes on."""
    goes_on = one["unattended"] and one["stage"] in ("check", "review", "run")
    if goes_on or one["stage"] in _NEXT:
        note((_RESUME if goes_on else _NEXT[one["stage"]]).format(id=one["import_id"]))
