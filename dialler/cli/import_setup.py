"""dialler import start, list, show, file, map, cancel, templates."""

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from dialler.cli.connection import Connection, connected
from dialler.cli.import_printing import print_import, print_notes, print_preview, tell_what_next
from dialler.cli.imports import mapping_params
from dialler.cli.options import Paging, Reading, Writing
from dialler.cli.printing import print_json, print_line, print_table
from dialler.cli.sessions import tell_next
from dialler.cli.uploading import chunks_of, opened
from dialler.errors import DiallerError, UsageError

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

ImportId = Annotated[int, Parameter(name="IMPORT", help="The import's number.")]


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
        tell_what_next(one)


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


async def show(import_id: ImportId, /, *, options: Reading = _READING) -> None:
    """Show where an import stands.

    Example: `dialler import show 7`
    """
    async with connected(options) as api:
        one = await api.get(f"/imports/{import_id}")
    if options.json:
        print_json(one)
    else:
        print_import(one)


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
            preview = await _send_file(
                api, import_id, file, delimiter=delimiter, encoding=encoding, header=_said_header(header, no_header)
            )
    if options.json:
        print_json(preview)
    else:
        print_preview(preview)


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
    form: dict[str, Any] = {"header": _said_header(header, no_header), "save_as": save_as}
    if template is not None:
        if map_ or mapping is not None or region is not None or keep_rest:
            raise UsageError("give either --template, or the mapping itself")
        form["template"] = template
    else:
        form |= _mapping_form(map_, mapping, keep_rest=keep_rest) | {"region": region}
    async with connected(options) as api:
        one = await api.post(f"/imports/{import_id}/mapping", form)
    if options.json:
        print_json(one)
    else:
        for field, columns in one["mapping"]["columns"].items():
            print_line(f"{field}: {', '.join(columns)}")
        print_notes(one["mapping"]["notes"])
        tell_what_next(one)


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


async def _send_file(api: Connection, import_id: int, file: str, **said: Any) -> dict[str, Any]:
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


def _said_header(header: bool, no_header: bool) -> bool | None:
    """Return what was said about the header. Raises UsageError."""
    if header and no_header:
        raise UsageError("give either --header or --no-header")
    return True if header else False if no_header else None


def _mapping_form(options: tuple[str, ...], file: Path | None, *, keep_rest: bool) -> dict[str, Any]:
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
