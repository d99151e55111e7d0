"""Exports: CSV or JSON lines, sent while they are read, so that memory does not grow with what there is.

Rows come in an order that goes on where it stopped. Who was interrupted asks again with the last one he has as
`after`. With `limit` the answer is a portion, and the header `dialler-next` says where to go on; it is empty at the
end.
"""

import csv
import io
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Final, Literal

import orjson
from fastapi import Depends, Query, Response
from starlette.responses import StreamingResponse

from dialler.api.bounds import ID_MAX
from dialler.api.desk import Desk
from dialler.api.forms import Json

NEXT: Final = "dialler-next"
AT_ONCE: Final = 500
"""Rows that are read at once."""

Format = Literal["csv", "jsonl"]
Portion = tuple[Sequence[Json], int | None]
_MEDIA: Final[Mapping[str, str]] = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}


@dataclass(frozen=True, slots=True)
class Portions:
    """What was said of an export."""

    form: Format
    after: int
    limit: int | None
    has_head: bool

    async def answer(self, desk: Desk, portion: Callable[..., Portion]) -> Response:
        """Return the rows that `portion(records, behind=key, count=n)` gives, one portion after the other.

        A portion is rows, and the key to go on behind, None at the end; it may be empty before that.
        """
        # The first portion is read before the answer begins, so that what is wrong with the request has its own status.
        first = await desk.store.read(partial(portion, behind=self.after, count=self.limit or AT_ONCE))
        write = _csv if self.form == "csv" else _jsonl
        media = _MEDIA[self.form]
        if self.limit is not None:
            headers = {NEXT: "" if first[1] is None else str(first[1])}
            return Response(write(first[0], self.has_head), media_type=media, headers=headers)

        async def chunks() -> AsyncIterator[bytes]:
            rows, behind = first
            is_due = self.has_head
            while True:
                if rows:
                    yield write(rows, is_due)
                    is_due = False
                if behind is None:
                    return
                rows, behind = await desk.store.read(partial(portion, behind=behind, count=AT_ONCE))

        return StreamingResponse(chunks(), media_type=media)


def _portions(
    form: Annotated[Format, Query(alias="format")] = "csv",
    after: Annotated[int, Query(ge=0, le=ID_MAX, description="the last one that is there already")] = 0,
    limit: Annotated[int | None, Query(ge=1, le=1000, description="only a portion of so many rows")] = None,
    head: Annotated[bool | None, Query(description="whether CSV has a heading; else only behind `after` 0")] = None,
) -> Portions:
    return Portions(form, after, limit, after == 0 if head is None else head)


ThePortions = Annotated[Portions, Depends(_portions)]


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
