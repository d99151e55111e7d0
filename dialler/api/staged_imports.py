"""Routes for imports in stages: list, file, mapping, check, review, run. Each is kept in the records.

What takes long (check, review, run) answers in JSON lines as it goes: `{"progress": {"stage", "rows", "of"}}` now and
then, `{"import": ...}` at last, or an `{"error": ..., "kind": ...}` line. Whoever goes away ends the work behind its
last batch; the same request goes on from there.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from enum import StrEnum
from functools import partial
from typing import Annotated, Any, Self, TypeAlias

import anyio
from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from dialler.api.bounds import ID_MAX
from dialler.api.campaigns import followed
from dialler.api.desk import Desk, TheDesk, Who
from dialler.api.edits import Name
from dialler.api.forms import Json, moment, page
from dialler.api.kinds import error_document
from dialler.api.looks import campaign_of, list_of
from dialler.api.sessions import Limit
from dialler.domain.import_block import ImportRow
from dialler.domain.lead_import import ImportStage, ImportTemplate, LeadImport, RowStatus
from dialler.errors import Conflict, DiallerError, UsageError
from dialler.events import ImportFinished
from dialler.importing.column_names import guessed_fields
from dialler.importing.lead_file import RejectsText
from dialler.importing.mapping import Mapping as ColumnMapping
from dialler.importing.rows import Row
from dialler.importing.stages.checking import check_import, mapped, mapping_of
from dialler.importing.stages.filing import header_sha256, take_file
from dialler.importing.stages.fixing import drop_rows, fix_row
from dialler.importing.stages.plain_lead import FIELDS
from dialler.importing.stages.reviewing import review_import
from dialler.importing.stages.row_check import corrected
from dialler.importing.stages.row_pages import rows_after
from dialler.importing.stages.running import cancel_import, run_import
from dialler.importing.stages.staged import Tell, expected, first_row, header_of, labels_of, rows_of
from dialler.ports import Records

router = APIRouter(prefix="/imports", tags=["imports"])

PROGRESS_EVERY_S = 0.5
FOLLOW_EVERY_S = 5.0
_PREVIEW_ROWS = 10
_PAGE = 500
Work: TypeAlias = Callable[[Tell], Awaitable[LeadImport]]

ImportId = Annotated[int, Field(ge=1, le=ID_MAX)]


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


class NewImport(BaseModel):
    """Where the leads are to go."""

    model_config = ConfigDict(extra="forbid")
    campaign: str
    list_name: Annotated[str, Field(alias="list", min_length=1, max_length=200)]
    new_list: bool = Field(False, description="make the list when the import is run; it is not to dial at first")

    @model_validator(mode="after")
    def _check_list(self) -> Self:
        if self.new_list:
            self.list_name = TypeAdapter(Name).validate_python(self.list_name)
        return self


class MappingForm(BaseModel):
    """What the columns are."""

    model_config = ConfigDict(extra="forbid")
    fields: dict[str, str | list[str]] = Field({}, description="columns by field; number may have several")
    guess: bool = True
    keep_rest: bool = Field(False, description="keep columns that are not mapped as data fields")
    region: str | None = Field(None, description="country of numbers that do not say theirs; chooses the zone rules")
    header: bool | None = Field(None, description="whether the first row names the columns; none: as it was guessed")
    template: str | None = Field(
        None, max_length=100, description="take all this from a template; NAME or NAME@VERSION"
    )
    save_as: str | None = Field(
        None, min_length=1, max_length=100, pattern="^[^@]+$", description="save it as a template"
    )


class Cells(BaseModel):
    """Corrected cells."""

    model_config = ConfigDict(extra="forbid")
    cells: Annotated[dict[str, Annotated[str, Field(max_length=10_000)]], Field(min_length=1)]


class Drop(BaseModel):
    """Rows that are not wanted: some, or all that are invalid."""

    model_config = ConfigDict(extra="forbid")
    rows: Annotated[list[Annotated[int, Field(ge=1, le=ID_MAX)]], Field(max_length=10_000)] = []
    invalid: bool = False


@router.get("")
async def list_imports(
    desk: TheDesk,
    campaign: str | None = None,
    after: Annotated[int | None, Query(ge=0, le=ID_MAX, description="the `next` of the page before")] = None,
    limit: Limit = 100,
) -> Json:
    """Imports, newest first."""

    def work(records: Records) -> Json:
        campaign_id = campaign_of(records, campaign).campaign_id if campaign is not None else None
        found = records.imports(campaign_id=campaign_id, before=after, limit=limit + 1)
        return page(imports_json(records, found[:limit]), found[limit - 1].import_id if found[limit:] else None)

    return await desk.store.read(work)


@router.post("", status_code=201)
async def start_import(new: NewImport, desk: TheDesk, who: Who) -> Json:
    """Begin an import into a list that exists, or into a new one."""
    now = desk.clock.now()

    def work(records: Records) -> Json:
        owner = campaign_of(records, new.campaign)
        list_id, name = None, new.list_name
        if not new.new_list:
            there = list_of(records, owner, new.list_name)
            list_id, name = there.list_id, there.name
        elif any(one.name == name for one in records.lists(owner.campaign_id)):
            raise Conflict(f"campaign {owner.name!r} has a list {name!r} already; expected another name for a new list")
        one = records.add_import(
            LeadImport(
                import_id=0,
                campaign_id=owner.campaign_id,
                list_id=list_id,
                list_name=name,
                created_at=now,
                created_by=who,
            )
        )
        after = {"stage": one.stage.value, "new_list": list_id is None}
        details = {"import": one.import_id, "campaign": owner.name, "list": name, "after": after}
        records.add_audit(now, who, "lead.import.start", details)
        return imports_json(records, [one])[0]

    return await desk.store.write(work)


@router.get("/templates")
async def list_templates(desk: TheDesk) -> Json:
    """Saved mappings, the latest version of each."""
    return page([template_json(one) for one in await desk.store.read(lambda records: records.import_templates())])


@router.get("/{import_id}")
async def show_import(import_id: ImportId, desk: TheDesk) -> Json:
    """One import: its stage, counts, review and report."""
    return await desk.store.read(lambda records: imports_json(records, [records.lead_import(import_id)])[0])


@router.post("/{import_id}/file", openapi_extra={"requestBody": {"content": {"text/csv": {}}, "required": True}})
async def send_file(
    import_id: ImportId,
    request: Request,
    desk: TheDesk,
    who: Who,
    name: Annotated[str, Query(min_length=1, max_length=500, description="of the file, for people")],
    delimiter: str | None = None,
    encoding: str | None = None,
    header: Annotated[bool | None, Query(description="whether the first row names the columns")] = None,
) -> Json:
    """Send the file, the body; one sent before is replaced. The answer is its preview, with what was guessed."""
    try:
        one = await take_file(
            request.stream(),
            store=desk.store,
            import_id=import_id,
            name=name,
            delimiter=delimiter,
            encoding=encoding,
            has_header=header,
        )
    except ClientDisconnect:
        raise DiallerError("the file was cut off; send it again") from None
    details = {"import": import_id, "after": {"file": name, "sha256": one.sha256, "rows": rows_of(one)}}
    await _noted(desk, who, "lead.import.file", details)
    return await desk.store.read(lambda records: preview_json(records, one))


@router.get("/{import_id}/file")
async def show_file(import_id: ImportId, desk: TheDesk) -> Json:
    """The file's first rows, how it was read, fields that its header gives away, templates that fit."""

    def work(records: Records) -> Json:
        one = records.lead_import(import_id)
        if not one.file:
            raise Conflict(f"import {import_id} waits for its file")
        return preview_json(records, one)

    return await desk.store.read(work)


@router.post("/{import_id}/mapping")
async def map_columns(import_id: ImportId, form: MappingForm, desk: TheDesk, who: Who) -> Json:
    """Say what the columns are, again if need be; the rows are to be checked after that."""
    now = desk.clock.now()

    def work(records: Records) -> Json:
        mapping, region = _mapping(records, form)
        before = records.lead_import(import_id).mapping
        one = mapped(records, import_id, mapping, region=region, header=form.header)
        records.add_audit(
            now, who, "lead.import.map", {"import": import_id, "before": _said(before), "after": _said(one.mapping)}
        )
        if form.save_as is not None:
            saved = records.add_import_template(
                ImportTemplate(
                    name=form.save_as,
                    version=0,
                    header_sha256=header_sha256(header_of(one)),
                    mapping=_said(one.mapping),
                    created_at=now,
                    created_by=who,
                )
            )
            details = {
                "template": saved.name,
                "import": import_id,
                "after": {"version": saved.version, **saved.mapping},
            }
            records.add_audit(now, who, "lead.import.template", details)
        return imports_json(records, [one])[0]

    return await desk.store.write(work)


@router.post("/{import_id}/check")
async def check_rows(import_id: ImportId, desk: TheDesk, who: Who) -> Response:
    """Check the rows, or go on with that. Answers in lines."""
    await _at(desk, import_id, ImportStage.CHECK)

    async def work(tell: Tell) -> LeadImport:
        done = await check_import(store=desk.store, import_id=import_id, tell=tell)
        await _noted(desk, who, "lead.import.check", {"import": import_id, "after": dict(done.counts)})
        return done

    return _Lines(desk, work)


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
    await _noted(desk, who, "lead.import.drop", details)
    return {"dropped": dropped}


@router.get("/{import_id}/rejects", response_class=StreamingResponse)
async def rejects(import_id: ImportId, desk: TheDesk) -> StreamingResponse:
    """Rows that are invalid, or were skipped, as CSV that can be fed in again: the file's columns, and the reason."""
    one = await desk.store.read(lambda records: records.lead_import(import_id))
    if not one.file:
        raise Conflict(f"import {import_id} waits for its file")

    async def lines() -> AsyncIterator[str]:
        text = RejectsText(header_of(one), str(one.file["delimiter"]))
        yield text.header()
        statuses = (RowStatus.INVALID, RowStatus.REJECTED, RowStatus.SKIPPED)
        after = first_row(one)
        while found := await desk.store.read(partial(_rows_after, import_id, statuses, after)):
            after = found[-1].row
            for row in found:
                reason = row.problems[-1 if row.status is RowStatus.SKIPPED else 0][1]
                yield text.row(Row(row.row, _cells(row, len(header_of(one))), row.unreadable), reason)

    return StreamingResponse(lines(), media_type="text/csv; charset=utf-8")


@router.post("/{import_id}/review")
async def review(
    import_id: ImportId, desk: TheDesk, who: Who, import_new: bool = True, update_existing: bool = False
) -> Response:
    """Look at what a run would do. Answers in lines; the run must find the records as the review did."""
    if not (import_new or update_existing):
        raise UsageError("expected import_new or update_existing: with neither nothing would be loaded")
    await _at(desk, import_id, ImportStage.REVIEW, ImportStage.RUN)

    async def work(tell: Tell) -> LeadImport:
        done = await review_import(
            store=desk.store,
            import_id=import_id,
            clock=desk.clock,
            import_new=import_new,
            update_existing=update_existing,
            tell=tell,
        )
        await _noted(desk, who, "lead.import.review", {"import": import_id, "after": done.review})
        return done

    return _Lines(desk, work)


@router.post("/{import_id}/run")
async def run(import_id: ImportId, desk: TheDesk, who: Who) -> Response:
    """Load what was reviewed, or go on with that. Answers in lines."""
    await _at(desk, import_id, ImportStage.RUN, ImportStage.DONE)

    async def work(tell: Tell) -> LeadImport:
        told_at = anyio.current_time()

        async def tell_and_follow(progress: Mapping[str, object]) -> None:
            nonlocal told_at
            await tell(progress)
            if anyio.current_time() - told_at >= FOLLOW_EVERY_S:
                told_at = anyio.current_time()
                await followed(desk)

        done, is_new = await run_import(
            store=desk.store, import_id=import_id, clock=desk.clock, who=who, tell=tell_and_follow
        )
        if is_new:
            report: Any = done.report
            counts = {key: report[key] for key in ("rows", "imported", "updated", "rejected", "duplicates")}
            finished = ImportFinished(at=desk.clock.now(), campaign=report["campaign"], list=report["list"], **counts)
            desk.journal.emit(finished)
        await followed(desk)
        return done

    return _Lines(desk, work)


@router.post("/{import_id}/cancel")
async def cancel(import_id: ImportId, desk: TheDesk, who: Who) -> Json:
    """Give an import up and delete its rows; leads that it has loaded stay. Of one that is done the report stays."""
    one = await cancel_import(store=desk.store, import_id=import_id, clock=desk.clock, who=who)
    return await desk.store.read(lambda records: imports_json(records, [one])[0])


def _rows_after(import_id: int, statuses: Collection[RowStatus], after: int, records: Records) -> Sequence[ImportRow]:
    return rows_after(records, import_id, after, statuses=statuses, limit=_PAGE)


async def _noted(desk: Desk, who: str, what: str, details: Mapping[str, object]) -> None:
    now = desk.clock.now()
    await desk.store.write(lambda records: records.add_audit(now, who, what, details))


async def _at(desk: Desk, import_id: int, *stages: ImportStage) -> None:
    """Raise Conflict, while an answer can still have its own status, for an import that is elsewhere."""
    await desk.store.read(lambda records: expected(records, import_id, *stages, to_change=False))


class _Lines(Response):
    """Answers with a work's progress while it works, and with the import at last; ends it when nobody listens."""

    media_type = "application/x-ndjson"

    def __init__(self, desk: Desk, work: Work) -> None:
        self.status_code = 200
        self.background = None
        self.init_headers({"x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._desk, self._work = desk, work

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._send, self._told_at = send, anyio.current_time()
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._await_leaving, receive, tasks.cancel_scope)
            await self._answer()
            tasks.cancel_scope.cancel()
        # Whoever left hears nothing of this.
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _answer(self) -> None:
        try:
            one = await self._work(self._tell)
            document = await self._desk.store.read(lambda records: imports_json(records, [one])[0])
        except DiallerError as error:
            await self._line(error_document(error)[1])
        else:
            await self._line({"import": document})

    async def _await_leaving(self, receive: Receive, work: anyio.CancelScope) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        work.cancel()

    async def _tell(self, progress: Mapping[str, object]) -> None:
        if anyio.current_time() - self._told_at >= PROGRESS_EVERY_S:
            self._told_at = anyio.current_time()
            await self._line({"progress": dict(progress)})

    async def _line(self, document: Json) -> None:
        line = json.dumps(document, ensure_ascii=False).encode() + b"\n"
        await self._send({"type": "http.response.body", "body": line, "more_body": True})


def _mapping(records: Records, form: MappingForm) -> tuple[ColumnMapping, str | None]:
    if form.template is not None:
        if form.fields or form.region is not None:
            raise UsageError("expected either a template, or fields and region")
        name, _, version = form.template.partition("@")
        if version and not (version.isdecimal() and len(version) < 9):
            raise UsageError(f"template = {form.template!r}: expected NAME or NAME@VERSION")
        return mapping_of(records.import_template(name, int(version) if version else None).mapping)
    pairs = [
        (field, column)
        for field, columns in form.fields.items()
        for column in ([columns] if isinstance(columns, str) else columns)
    ]
    return ColumnMapping(fields=tuple(pairs), guess=form.guess, keep_rest=form.keep_rest), form.region


def _said(mapping: Mapping[str, object]) -> Json:
    return {key: value for key, value in mapping.items() if key != "columns"}


def imports_json(records: Records, imports: Sequence[LeadImport]) -> list[Json]:
    """Return imports with the names of their campaigns."""
    campaigns = {campaign.campaign_id: campaign.name for campaign in records.campaigns()}
    return [_import_json(one, campaigns[one.campaign_id]) for one in imports]


def _import_json(one: LeadImport, campaign: str) -> Json:
    return {
        "import_id": one.import_id,
        "campaign": campaign,
        "list": one.list_name,
        "list_is_new": one.list_id is None,
        "stage": one.stage.value,
        "is_running": one.stage is ImportStage.RUN and bool(one.options.get("begun")),
        "created_at": moment(one.created_at),
        "created_by": one.created_by,
        "file": {key: value for key, value in one.file.items() if key not in ("first_cells", "first_row")} or None,
        "sha256": one.sha256 or None,
        "rows": rows_of(one) if one.file else None,
        "mapping": one.mapping or None,
        "counts": dict(one.counts),
        "review": one.review,
        "report": one.report,
    }


def preview_json(records: Records, one: LeadImport) -> Json:
    """Return a file's first rows, and what is guessed of it."""
    header = header_of(one)
    rows = rows_after(records, one.import_id, first_row(one), limit=_PREVIEW_ROWS)
    fields: dict[str, list[str]] = {}
    for field, at in guessed_fields(header):
        fields.setdefault(field, []).append(header[at])
    shape = header_sha256(header)
    before = [
        {"import_id": other.import_id, "stage": other.stage.value, "created_at": moment(other.created_at)}
        for other in records.imports_of(one.sha256)
        if other.import_id != one.import_id
    ]
    return {
        **_import_json(one, records.campaign(one.campaign_id).name),
        "header": header,
        "preview": [row.cells for row in rows],
        "guessed": fields,
        "templates": [template_json(each) for each in records.import_templates(shape)],
        "loaded_before": before,
    }


def template_json(one: ImportTemplate) -> Json:
    """Return a template."""
    return {
        "name": one.name,
        "version": one.version,
        "mapping": one.mapping,
        "created_at": moment(one.created_at),
        "created_by": one.created_by,
    }


def row_json(row: ImportRow, header: list[str]) -> Json:
    """Return a row: its cells by column with corrections in them, what is wrong, and the lead it is."""
    cells = _cells(row, len(header))
    lead = dict(zip(FIELDS, row.lead, strict=True)) if row.lead else None
    names = labels_of([*header, *[""] * (len(cells) - len(header))])
    return {
        "row": row.row,
        "status": row.status.value,
        "problems": [{"code": code, "text": text} for code, text in row.problems],
        "cells": dict(zip(names, cells, strict=False)),
        "fixed": [names[int(at)] for at in row.fixed],
        "lead": lead and {**lead, "numbers": [_number_json(*number) for number in lead["numbers"]]},
        "plan": row.plan or None,
    }


def _number_json(number: str, raw: str, kind: str) -> Json:
    return {"number": number, "raw": raw, "type": kind}


def _cells(row: ImportRow, width: int) -> list[str]:
    return corrected(row.cells, row.fixed, width)
