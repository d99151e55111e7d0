"""Routes for the rows of an import: look at them, correct, drop and download them."""

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from dialler.api.bounds import ID_MAX
from dialler.api.desk import TheDesk, Who, noted
from dialler.api.forms import Json, page
from dialler.api.import_json import row_json
from dialler.api.import_setup import ImportId
from dialler.api.sessions import Limit
from dialler.domain.lead_import import RowStatus
from dialler.errors import Conflict, UsageError
from dialler.importing.stages.fixing import drop_rows, fix_row
from dialler.importing.stages.rejects import rejects_of
from dialler.importing.stages.row_pages import rows_after
from dialler.importing.stages.staged import first_row, header_of
from dialler.ports import Records

router = APIRouter(prefix="/imports", tags=["imports"])


class Which(StrEnum):
    """Rows by what is wrong with them."""

    ALL = "all"
    VALID = "valid"
    INVALID = "invalid"
    SKIPPED = "skipped"


_STATUSES = {
    Which.ALL: (),
    Which.VALID: (RowStatus.VALID, RowStatus.IMPORTED, RowStatus.UPDATED),
    Which.INVALID: (RowStatus.INVALID, RowStatus.REJECTED),
    Which.SKIPPED: (RowStatus.SKIPPED,),
}


class Cells(BaseModel):
    """Corrected cells."""

    model_config = ConfigDict(extra="forbid")
    cells: Annotated[dict[str, Annotated[str, Field(max_length=10_000)]], Field(min_length=1)]


class Drop(BaseModel):
    """Rows that are not wanted: some, or all that are invalid."""

    model_config = ConfigDict(extra="forbid")
    rows: Annotated[list[Annotated[int, Field(ge=1, le=ID_MAX)]], Field(max_length=10_000)] = []
    invalid: bool = False


@router.get("/{import_id}/rows")
async def list_rows(
    import_id: ImportId,
    desk: TheDesk,
    which: Which = Which.ALL,
    after: Annotated[int, Query(ge=0, le=ID_MAX, description="the `next` of the page before")] = 0,
    limit: Limit = 100,
) -> Json:
    """Rows by number, with what was found in them."""

    def work(records: Records) -> Json:
        one = records.lead_import(import_id)
        start = max(after, first_row(one))
        found = rows_after(records, import_id, start, statuses=_STATUSES[which], limit=limit + 1)
        header = header_of(one)
        return page([row_json(row, header) for row in found[:limit]], found[limit - 1].row if found[limit:] else None)

    return await desk.store.read(work)


@router.patch("/{import_id}/rows/{row}")
async def correct_row(
    import_id: ImportId, row: Annotated[int, Field(ge=1, le=ID_MAX)], form: Cells, desk: TheDesk, who: Who
) -> Json:
    """Correct cells of one row; it is checked again, and the import is to be reviewed again."""
    fixed = await fix_row(
        store=desk.store, import_id=import_id, row=row, cells=form.cells, who=who, now=desk.clock.now()
    )
    return await desk.store.read(lambda records: row_json(fixed, header_of(records.lead_import(import_id))))


@router.post("/{import_id}/rows/drop")
async def drop(import_id: ImportId, form: Drop, desk: TheDesk, who: Who) -> Json:
    """Delete rows, by number or all that are invalid; the import is to be reviewed again."""
    if bool(form.rows) == form.invalid:
        raise UsageError("expected either rows or invalid = true")
    statuses = (RowStatus.INVALID,) if form.invalid else ()
    dropped = await drop_rows(store=desk.store, import_id=import_id, rows=form.rows, statuses=statuses)
    details = {"import": import_id, "before": {"rows": form.rows or "invalid", "n": dropped}}
    await noted(desk, who, "lead.import.drop", details)
    return {"dropped": dropped}


@router.get("/{import_id}/rejects", response_class=StreamingResponse)
async def rejects(import_id: ImportId, desk: TheDesk) -> StreamingResponse:
    """Rows that are invalid, or were skipped, as CSV that can be fed in again: the file's columns, and the reason."""
    one = await desk.store.read(lambda records: records.lead_import(import_id))
    if not one.file:
        raise Conflict(f"import {import_id} waits for its file")
    return StreamingResponse(rejects_of(desk.store, one), media_type="text/csv; charset=utf-8")
