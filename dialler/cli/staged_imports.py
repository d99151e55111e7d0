"""dialler import ..."""

import sys
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from dialler.cli.connection import Connection, connected
from dialler.cli.imports import mapping_params
from dialler.cli.options import Paging, Reading, Writing
from dialler.cli.printing import note, print_fields, print_json, print_line, print_table
from dialler.cli.progress import StageProgress
from dialler.cli.sessions import tell_next
from dialler.cli.uploading import chunks_of, opened
from dialler.errors import DiallerError, UsageError

app = App(name="import", help="Imports in stages: each is kept, and an interrupted one goes on where it was.")

_READING, _WRITING, _PAGING = Reading(), Writing(), Paging()
_COLUMNS = {
    "import_id": "import",
    "campaign": "campaign",
    "list": "list",
    "stage": "stage",
    "file.name": "file",
    "rows": "rows",
    "created_at": "created",
    "created_by": "by",
}
_SPARE = ("created_by", "created_at", "campaign")
_ROWS_SHOWN, _CHARS_SHOWN = 3, 28
"""Of a preview; --json has more."""

_NEXT = {
    "file": "next: dialler import file {id} FILE",
    "mapping": "next: dialler import map {id} --map number=COLUMN --region US",
    "check": "next: dialler import check {id}",
    "review": "next: dialler import review {id}",
    "run": "next: dialler import run {id}",
}

ImportId = Annotated[int, Parameter(name="IMPORT", help="The import's number.")]


@app.command
async def start(
    *,
    campaign: Annotated[str, Parameter(help="The campaign.")],
    list_name: Annotated[str, Parameter(name="--list", help="Its list.")],
    new_list: Annotated[
        bool, Parameter(help="The list is made when the import is run; it is not to dial at first.")
    ] = False,
    options: Writing = _WRITING,
) -> None:
    """Begin an import: say where the leads are to go.

    Example: `dialler import start --campaign spring --list hospitals`
    """
    async with connected(options) as api:
        one = await api.post("/imports", {"campaign": campaign, "list": list_name, "new_list": new_list})
    if options.json:
        print_json(one)
    else:
        where = "a new list" if one["list_is_new"] else "list"
        print_line(f"import {one['import_id']} into {where} {one['list']} of campaign {one['campaign']}")
        _tell_what_next(one)


@app.command(name="list")
async def list_(
    *,
    campaign: Annotated[str | None, Parameter(help="Of one campaign.")] = None,
    paging: Paging = _PAGING,
    options: Reading = _READING,
) -> None:
    """List imports, newest first.

    Example: `dialler import list --campaign spring`
    """
    async with connected(options) as api:
        answer = await api.pages(
            "/imports", limit=0 if paging.all else paging.limit, campaign=campaign, after=paging.after
        )
    if options.json:
        print_json(answer)
        return
    print_table(answer["items"], _COLUMNS, empty="there are no imports", spare=_SPARE)
    tell_next(answer["next"])


@app.command
async def show(import_id: ImportId, /, *, options: Reading = _READING) -> None:
    """Show where an import stands.

    Example: `dialler import show 7`
    """
    async with connected(options) as api:
        one = await api.get(f"/imports/{import_id}")
    if options.json:
        print_json(one)
    else:
        _print_import(one)


@app.command
async def file(
    import_id: ImportId,
    file: Annotated[
        str | None, Parameter(name="FILE", allow_leading_hyphen=True, help='The file; "-" is standard input.')
    ] = None,
    /,
    *,
    delimiter: Annotated[str | None, Parameter(help='One character, or "tab"; else it is guessed.')] = None,
    encoding: Annotated[str | None, Parameter(help="Such as utf-8 or cp1252; else it is guessed.")] = None,
    header: Annotated[bool, Parameter(help="The first row has the names of the columns.")] = False,
    no_header: Annotated[bool, Parameter(help="The first row is a lead already.")] = False,
    options: Writing = _WRITING,
) -> None:
    """Send the file, in place of one that was sent before; without FILE look at the one that is there.

    Example: `dialler import file 7 leads.csv --delimiter tab`
    """
    if file is None:
        async with connected(Reading(config=options.config, json=options.json)) as api:
            preview = await api.get(f"/imports/{import_id}/file")
    else:
        if file.startswith("-") and file != "-":
            raise UsageError(f"unknown option {file}")
        async with connected(options) as api:
            preview = await send_file(
                api, import_id, file, delimiter=delimiter, encoding=encoding, header=said_header(header, no_header)
            )
    if options.json:
        print_json(preview)
    else:
        _print_preview(preview)


@app.command(name="map")
async def map_(
    import_id: ImportId,
    /,
    *,
    map_: Annotated[
        tuple[str, ...],
        Parameter(name="--map", help="FIELD=COLUMN; several for number. A column may feed several fields."),
    ] = (),
    mapping: Annotated[
        Path | None, Parameter(help="The same from a TOML file, see config/mappings/example.toml.")
    ] = None,
    region: Annotated[
        str | None, Parameter(help="Country of numbers without country code, such as US; it chooses the zone rules.")
    ] = None,
    keep_rest: Annotated[bool, Parameter(help="Keep columns that are not mapped as data fields.")] = False,
    header: Annotated[bool, Parameter(help="The first row has the names of the columns.")] = False,
    no_header: Annotated[bool, Parameter(help='It has not; the columns are "column 1" and so on.')] = False,
    template: Annotated[str | None, Parameter(help="Take a saved mapping: NAME, or NAME@VERSION.")] = None,
    save_as: Annotated[str | None, Parameter(help="Save it under a name, as a new version.")] = None,
    options: Writing = _WRITING,
) -> None:
    """Say which column is what.

    Example: `dialler import map 7 --map number="Phone Number" customer_key="Provider ID" --region US`
    """
    form: dict[str, Any] = {"header": said_header(header, no_header), "save_as": save_as}
    if template is not None:
        if map_ or mapping is not None or region is not None or keep_rest:
            raise UsageError("give either --template, or the mapping itself")
        form["template"] = template
    else:
        form |= mapping_form(map_, mapping, keep_rest=keep_rest) | {"region": region}
    async with connected(options) as api:
        one = await api.post(f"/imports/{import_id}/mapping", form)
    if options.json:
        print_json(one)
    else:
        for field, columns in one["mapping"]["columns"].items():
            print_line(f"{field}: {', '.join(columns)}")
        _tell_what_next(one)


@app.command
async def check(import_id: ImportId, /, *, options: Writing = _WRITING) -> None:
    """Check the rows, or go on with that.

    Example: `dialler import check 7`
    """
    await _staged(import_id, "check", options)


@app.command
async def rows(
    import_id: ImportId,
    /,
    *,
    which: Annotated[Literal["all", "valid", "invalid", "skipped"], Parameter(help="all, valid, invalid, skipped.")] = (
        "all"
    ),
    paging: Paging = _PAGING,
    options: Reading = _READING,
) -> None:
    """List the rows, with what was found in them.

    Example: `dialler import rows 7 --which invalid`
    """
    async with connected(options) as api:
        answer = await api.pages(
            f"/imports/{import_id}/rows", limit=0 if paging.all else paging.limit, which=which, after=paging.after
        )
    if options.json:
        print_json(answer)
        return
    items = [
        {
            **row,
            "number": ", ".join(f"{each['number']} {each['type']}" for each in (row["lead"] or {}).get("numbers", [])),
            "zone": ", ".join((row["lead"] or {}).get("zones", [])),
            "zone_by": (row["lead"] or {}).get("zone_by", ""),
            "found": "; ".join(problem["text"] for problem in row["problems"]),
        }
        for row in answer["items"]
    ]
    columns = {"row": "row", "status": "status", "number": "number", "zone": "time zone", "zone_by": "zone by"}
    print_table(items, {**columns, "found": "found"}, empty="there are no such rows", spare=("zone_by", "zone"))
    tell_next(answer["next"])


@app.command
async def fix(
    import_id: ImportId,
    row: Annotated[int, Parameter(name="ROW", help="The row's number.")],
    /,
    *,
    set_: Annotated[tuple[str, ...], Parameter(name="--set", help="COLUMN=VALUE; may be repeated.")],
    options: Writing = _WRITING,
) -> None:
    """Correct cells of a row; it is checked again.

    Example: `dialler import fix 7 12 --set "Phone Number=202 555 0123"`
    """
    cells = {}
    for each in set_:
        column, equals, value = each.partition("=")
        if not equals or not column.strip():
            raise UsageError(f"--set {each!r}: expected COLUMN=VALUE")
        cells[column.strip()] = value
    async with connected(options) as api:
        fixed = await api.patch(f"/imports/{import_id}/rows/{row}", {"cells": cells})
    if options.json:
        print_json(fixed)
    else:
        found = "; ".join(problem["text"] for problem in fixed["problems"])
        print_line(f"row {row} is {fixed['status']}" + (f": {found}" if found else ""))


@app.command
async def drop(
    import_id: ImportId,
    rows: Annotated[tuple[int, ...], Parameter(name="ROW", help="Numbers of rows.")] = (),
    /,
    *,
    invalid: Annotated[bool, Parameter(help="All that are invalid.")] = False,
    options: Writing = _WRITING,
) -> None:
    """Delete rows that are not wanted.

    Example: `dialler import drop 7 12 15`
    """
    if bool(rows) == invalid:
        raise UsageError("give either numbers of rows, or --invalid")
    body = {"rows": list(rows), "invalid": invalid}
    async with connected(options) as api:
        answer = await api.post(f"/imports/{import_id}/rows/drop", body)
    if options.json:
        print_json(answer)
    else:
        print_line(f"{answer['dropped']:,} rows are dropped")


@app.command
async def rejects(
    import_id: ImportId,
    file: Annotated[Path | None, Parameter(name="FILE", help="Where to; else to standard output.")] = None,
    /,
    *,
    options: Reading = _READING,
) -> None:
    """Write rows that are invalid or were skipped as CSV, with the reason.

    It can be fed in again.

    Example: `dialler import rejects 7 rejects.csv`
    """
    with ExitStack() as files:
        async with connected(options) as api:
            await api.get(f"/imports/{import_id}/file")  # Raises what is wrong before a file is emptied.
            sink = sys.stdout.buffer if file is None else files.enter_context(opened(file, "wb"))
            await api.download(f"/imports/{import_id}/rejects", sink.write)
        sink.flush()


@app.command
async def review(
    import_id: ImportId,
    /,
    *,
    update_existing: Annotated[
        bool, Parameter(help="Update leads that have the customer key of a row: mapped fields only.")
    ] = False,
    only_existing: Annotated[bool, Parameter(help="Update those, and import no new ones.")] = False,
    options: Writing = _WRITING,
) -> None:
    """Show what a run would do, and how many leads would not be dialled now, and why.

    The run loads this and nothing else: if the records change meanwhile it says so, and asks for a new review.

    Example: `dialler import review 7 --update-existing`
    """
    params = {
        "import_new": str(not only_existing).lower(),
        "update_existing": str(update_existing or only_existing).lower(),
    }
    await _staged(import_id, "review", options, **params)


@app.command
async def run(import_id: ImportId, /, *, options: Writing = _WRITING) -> None:
    """Load what was reviewed, or go on with that.

    Example: `dialler import run 7`
    """
    await _staged(import_id, "run", options)


@app.command
async def cancel(import_id: ImportId, /, *, options: Writing = _WRITING) -> None:
    """Give an import up and delete its rows.

    Leads that it has loaded stay, and so does the report of one that is done.

    Example: `dialler import cancel 7`
    """
    async with connected(options) as api:
        one = await api.post(f"/imports/{import_id}/cancel")
    if options.json:
        print_json(one)
    elif one["stage"] == "done":
        print_line(f"import {import_id} is done; the rows that it kept are deleted, its report stays")
    else:
        print_line(f"import {import_id} is cancelled")


@app.command
async def resume(import_id: ImportId, /, *, options: Writing = _WRITING) -> None:
    """Go on with an import at the stage it is at; say what is next where somebody must decide.

    Example: `dialler import resume 7`
    """
    async with connected(options) as api:
        one = await api.get(f"/imports/{import_id}")
        if one["stage"] == "check":
            one = await in_lines(api, import_id, "check")
        elif one["stage"] == "done" or one["is_running"]:
            one = await in_lines(api, import_id, "run")
    if options.json:
        print_json(one)
    else:
        _print_import(one)


@app.command
async def templates(*, options: Reading = _READING) -> None:
    """List saved mappings.

    Example: `dialler import templates`
    """
    async with connected(options) as api:
        answer = await api.get("/imports/templates")
    if options.json:
        print_json(answer)
        return
    columns = {"name": "name", "version": "version", "mapping.region": "region", "created_at": "saved"}
    print_table(answer["items"], {**columns, "created_by": "by"}, empty="there are no templates")


async def send_file(api: Connection, import_id: int, file: str, **said: Any) -> dict[str, Any]:
    """Send a file, "-" for standard input; return its preview."""
    answers: list[dict[str, Any]] = []
    with ExitStack() as files:
        source = sys.stdin.buffer if file == "-" else files.enter_context(opened(Path(file), "rb"))
        header = said.pop("header")
        params = {
            "name": "standard input" if file == "-" else Path(file).name,
            "header": None if header is None else str(header).lower(),
            **said,
        }
        await api.upload(f"/imports/{import_id}/file", params, chunks_of(source, file), answers.append)
    if not answers:
        raise DiallerError("the file was sent, and not answered")
    return answers[-1]


async def in_lines(api: Connection, import_id: int, stage: str, **params: str) -> dict[str, Any]:
    """Let a stage go on, with its progress on the screen; return the import."""
    progress = StageProgress()
    await api.upload(f"/imports/{import_id}/{stage}", params, _nothing(), progress.take)
    progress.end()
    if progress.one is None:
        raise DiallerError(f"the {stage} ended without an answer")
    return progress.one


async def _nothing() -> AsyncIterator[bytes]:
    for chunk in tuple[bytes]():
        yield chunk


async def _staged(import_id: int, stage: str, options: Writing, **params: str) -> None:
    async with connected(options) as api:
        one = await in_lines(api, import_id, stage, **params)
    if options.json:
        print_json(one)
    else:
        _print_import(one)


def said_header(header: bool, no_header: bool) -> bool | None:
    """Return what was said about the header. Raises UsageError."""
    if header and no_header:
        raise UsageError("give either --header or --no-header")
    return True if header else False if no_header else None


def mapping_form(options: tuple[str, ...], file: Path | None, *, keep_rest: bool) -> dict[str, Any]:
    """Return a mapping as the API takes it. Raises UsageError, SettingsError."""
    from dialler.importing.mapping import parse_map_option

    params = mapping_params(options, file)
    fields: dict[str, list[str]] = {}
    for field, column in map(parse_map_option, params["map"]):
        fields.setdefault(field, []).append(column)
    form = {"fields": fields, "keep_rest": keep_rest}
    if file is not None:
        form |= {"guess": params["guess"] == "true", "keep_rest": keep_rest or params["keep_rest"] == "true"}
    return form


def _print_import(one: dict[str, Any]) -> None:
    if one["stage"] == "done":
        _print_report(one["report"])
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
    _tell_what_next(one)


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


def _print_report(report: dict[str, Any]) -> None:
    print_line(
        f"{report['rows']:,} rows: {report['imported']:,} imported, {report['updated']:,} updated,"
        f" {report['rejected']:,} rejected, {report['skipped']:,} skipped, {report['dropped']:,} dropped,"
        f" {report['duplicates']:,} with a number that another lead has"
    )
    for word, key in (("rejected", "reasons"), ("skipped", "skipped_because"), ("noticed", "warnings")):
        for code, count in report[key].items():
            print_line(f"  {word} {count:,}: {code.removeprefix('skipped_')}")
    for line in (*report["notes"], *report["examples"][:5]):
        print_line(f"  {line}")


def _print_preview(one: dict[str, Any]) -> None:
    file = one["file"]
    has = "with" if file["has_header"] else "without"
    delimiter = {"\t": "tab"}.get(file["delimiter"], file["delimiter"])
    print_line(
        f"{file['name']}: {one['rows']:,} rows, {len(one['header'])} columns, {has} header;"
        f" encoding {file['encoding']}, delimiter {delimiter}"
    )
    for line in file["notes"]:
        print_line(f"  note: {line}")
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
    _tell_what_next(one)


def _tell_what_next(one: dict[str, Any]) -> None:
    if one["stage"] in _NEXT:
        note(_NEXT[one["stage"]].format(id=one["import_id"]))
