"""dialler import rows, fix, drop, rejects."""

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from dialler.cli.connection import connected
from dialler.cli.import_setup import ImportId
from dialler.cli.options import Paging, Reading, Writing
from dialler.cli.printing import print_json, print_line, print_table
from dialler.cli.sessions import tell_next
from dialler.cli.uploading import opened
from dialler.errors import UsageError

_READING, _WRITING, _PAGING = Reading(), Writing(), Paging()


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
