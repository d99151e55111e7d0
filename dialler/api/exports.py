"""Routes that export: CSV or JSON lines, sent while they are read, so that memory does not grow with what there is.

Rows come in an order that goes on where it stopped: sessions by `seq`, leads by id. Who was interrupted asks again with
the last one he has as `after`. With `limit` the answer is a portion, and the header `dialler-next` says where to go on;
it is empty at the end.
"""

import csv
import io
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from functools import partial
from typing import Annotated, Final, Literal

import orjson
from fastapi import APIRouter, Query, Response
from starlette.responses import StreamingResponse

from dialler.api.bounds import ID_MAX
from dialler.api.desk import Desk, TheDesk
from dialler.api.filters import EMPTY, TheFilter, equal_to
from dialler.api.forms import Json, session_json
from dialler.api.leads import leads_json
from dialler.api.sessions import ids_of
from dialler.domain.filter import all_of
from dialler.domain.filter_fields import LEAD_FIELDS, SESSION_FIELDS
from dialler.ports import Records

router = APIRouter()

NEXT: Final = "dialler-next"
AT_ONCE: Final = 500
"""Rows that are read at once."""

Format = Literal["csv", "jsonl"]
Portion = tuple[Sequence[Json], int | None]
_MEDIA: Final[Mapping[str, str]] = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}

ListName = Annotated[str | None, Query(alias="list", description="needs `campaign`")]
After = Annotated[int, Query(ge=0, le=ID_MAX, description="the last one that is there already")]
Head = Annotated[bool | None, Query(description="whether CSV has a heading; else only behind `after` 0")]
Limit = Annotated[int | None, Query(ge=1, le=1000, description="only a portion of so many rows")]


@router.get("/leads/export", tags=["leads"])
async def export_leads(
    desk: TheDesk,
    form: Annotated[Format, Query(alias="format")] = "csv",
    campaign: str | None = None,
    list_name: ListName = None,
    said: TheFilter = EMPTY,
    after: After = 0,
    limit: Limit = None,
    head: Head = None,
) -> Response:
    """Leads with all their fields, by id."""

    def portion(records: Records, behind: int, count: int) -> Portion:
        campaign_id, list_id = ids_of(records, campaign, list_name)
        plain = equal_to({"campaign_id": campaign_id, "list_id": list_id})
        asked = all_of([*plain, said.read(records, LEAD_FIELDS, campaign)])
        found = records.find_leads(asked, after=behind, limit=count)
        return leads_json(records, found.items), found.next

    return await _answer(desk, portion, form, after, limit, head)


@router.get("/sessions/export", tags=["sessions"])
async def export_sessions(
    desk: TheDesk,
    form: Annotated[Format, Query(alias="format")] = "csv",
    campaign: str | None = None,
    list_name: ListName = None,
    said: TheFilter = EMPTY,
    after: After = 0,
    limit: Limit = None,
    head: Head = None,
) -> Response:
    """Sessions with all their fields, in the order of intent, oldest first."""

    def portion(records: Records, behind: int, count: int) -> Portion:
        campaign_id, list_id = ids_of(records, campaign, list_name)
        plain = equal_to({"campaign_id": campaign_id, "list_id": list_id})
        asked = all_of([*plain, said.read(records, SESSION_FIELDS, campaign)])
        found = records.find_sessions(asked, after=behind, limit=count, newest_first=False)
        return [session_json(session) for session in found.items], found.next

    return await _answer(desk, portion, form, after, limit, head)


async def _answer(
    desk: Desk,
    portion: Callable[..., Portion],
    form: Format,
    after: int,
    limit: int | None,
    head: bool | None,
) -> Response:
    has_head = after == 0 if head is None else head
    # The first portion is read before the answer begins, so that what is wrong with the request has its own status.
    first = await desk.store.read(partial(portion, behind=after, count=limit or AT_ONCE))
    write = _csv if form == "csv" else _jsonl
    if limit is not None:
        headers = {NEXT: "" if first[1] is None else str(first[1])}
        return Response(write(first[0], has_head), media_type=_MEDIA[form], headers=headers)

    async def chunks() -> AsyncIterator[bytes]:
        rows, behind = first
        is_due = has_head
        while True:
            if rows:
                yield write(rows, is_due)
                is_due = False
            if behind is None:
                return
            rows, behind = await desk.store.read(partial(portion, behind=behind, count=AT_ONCE))

    return StreamingResponse(chunks(), media_type=_MEDIA[form])


def _csv(rows: Sequence[Json], has_head: bool) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    if has_head and rows:
        writer.writerow(rows[0])
    writer.writerows([_plain(value) for value in row.values()] for row in rows)
    return text.getvalue().encode()


def _plain(value: object) -> object:
    """Return what stands in a cell: what has parts is JSON."""
    return orjson.dumps(value).decode() if isinstance(value, list | dict) else value


def _jsonl(rows: Sequence[Json], _has_head: bool) -> bytes:
    return b"".join(orjson.dumps(row) + b"\n" for row in rows)
