"""The route that loads a file of leads, streamed.

A file arrives as the body, in any chunks, and is loaded while it arrives. The answer is JSON lines, sent at the same
time: `{"progress": ...}` now and then, `{"rejects": text}` with CSV of rejected rows where asked for, and at last
`{"report": ...}`. What is wrong with the file as a whole is a plain error answer, since nothing was written yet; what
goes wrong later is an `{"error": ..., "kind": ...}` line in place of the report.

Who asks for rejects has to read the answer while he sends: most HTTP clients read it only afterwards, which is fine
for progress, but not for a million rejected rows.
"""

import json
import logging
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Annotated

import anyio
from fastapi import APIRouter, Query, Request
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from dialler.api.campaigns import followed
from dialler.api.desk import Desk, TheDesk, Who
from dialler.api.forms import Json
from dialler.api.kinds import error_document
from dialler.api.looks import campaign_of, list_of
from dialler.domain.campaign import Campaign, LeadList
from dialler.errors import DiallerError
from dialler.events import ImportFinished
from dialler.importing.mapping import Mapping, parse_map_option
from dialler.importing.options import ImportOptions
from dialler.importing.report import ImportReport, Progress
from dialler.importing.run import import_leads
from dialler.ports import Records

router = APIRouter(prefix="/leads", tags=["leads"])

PROGRESS_EVERY_S = 0.5
FOLLOW_EVERY_S = 5.0
"""How often a running engine is told of the leads that arrive; at the end it is told anyway."""

_log = logging.getLogger("dialler.api")


@router.post("/import", openapi_extra={"requestBody": {"content": {"text/csv": {}}, "required": True}})
async def import_file(
    request: Request,
    desk: TheDesk,
    who: Who,
    campaign: str,
    list_name: Annotated[str, Query(alias="list")],
    map_: Annotated[list[str] | None, Query(alias="map", description="FIELD=COLUMN, several times")] = None,
    guess: bool = True,
    keep_rest: bool = True,
    region: Annotated[str | None, Query(description="country of numbers that do not say theirs")] = None,
    delimiter: str | None = None,
    encoding: str | None = None,
    source: Annotated[str, Query(max_length=500, description="what messages call the file")] = "the file",
    dry_run: bool = False,
    rejects: Annotated[bool, Query(description="send rejected rows back, as CSV")] = False,
) -> Response:
    """Load leads from a delimited text file, the body, into a list that exists."""
    mapping = Mapping(fields=tuple(map(parse_map_option, map_ or ())), guess=guess, keep_rest=keep_rest)
    options = ImportOptions(
        mapping=mapping, region=region, delimiter=delimiter, encoding=encoding, dry_run=dry_run, source=source
    )
    owner, lead_list = await desk.store.read(lambda records: target_of(records, campaign, list_name))
    return _ImportAnswer(desk, request, who, owner, lead_list, options, rejects=rejects)


class _ImportAnswer(Response):
    """Loads the request's body while it answers: both at once, which a plain streaming response can't."""

    media_type = "application/x-ndjson"

    def __init__(
        self,
        desk: Desk,
        request: Request,
        who: str,
        campaign: Campaign,
        lead_list: LeadList,
        options: ImportOptions,
        *,
        rejects: bool,
    ) -> None:
        self.status_code = 200
        self.background = None
        self.init_headers({"x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._desk, self._request, self._who = desk, request, who
        self._campaign, self._list, self._options = campaign, lead_list, options
        self._wants_rejects = rejects
        self._progress: Progress | None = None
        self._told_at = self._followed_at = 0.0
        self._is_begun = False
        self._one_at_a_time = anyio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._send = send
        self._told_at = self._followed_at = anyio.current_time()
        try:
            report = await import_leads(
                self._chunks(),
                store=self._desk.store,
                campaign=self._campaign,
                lead_list=self._list,
                options=self._options,
                clock=self._desk.clock,
                progress=self._note_progress,
                rejects=self._tell_rejects if self._wants_rejects else None,
            )
            if not self._options.dry_run:
                await _finished(self._desk, self._who, self._campaign, self._list, report)
            await self._tell({"report": asdict(report)})
        except ClientDisconnect:
            _log.warning("an import into %s was cut off by its client", self._list.name)
            return
        except DiallerError as error:
            if not self._is_begun:
                raise  # It can still have its own status.
            await self._tell(error_document(error)[1])
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _chunks(self) -> AsyncIterator[bytes]:
        async for chunk in self._request.stream():
            yield chunk
            now = anyio.current_time()
            if self._progress is not None and now - self._told_at >= PROGRESS_EVERY_S:
                self._told_at = now
                await self._tell({"progress": asdict(self._progress)})
                if now - self._followed_at >= FOLLOW_EVERY_S:
                    self._followed_at = now
                    await followed(self._desk)

    def _note_progress(self, progress: Progress) -> None:
        self._progress = progress

    async def _tell_rejects(self, text: str) -> None:
        await self._tell({"rejects": text})

    async def _tell(self, document: Json) -> None:
        async with self._one_at_a_time:  # Reader and writer of the import both tell.
            if not self._is_begun:
                self._is_begun = True
                await self._send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            line = json.dumps(document, ensure_ascii=False).encode() + b"\n"
            await self._send({"type": "http.response.body", "body": line, "more_body": True})


def target_of(records: Records, campaign: str, list_name: str) -> tuple[Campaign, LeadList]:
    """Return the campaign and its list of these names. Raises NotFound."""
    owner = campaign_of(records, campaign)
    return owner, list_of(records, owner, list_name)


async def _finished(desk: Desk, who: str, campaign: Campaign, lead_list: LeadList, report: ImportReport) -> None:
    """Note an import in the audit and the journal, and tell the engine."""
    now = desk.clock.now()
    counts = {key: getattr(report, key) for key in ("rows", "imported", "updated", "rejected", "duplicates")}
    details = {"campaign": campaign.name, "list": lead_list.name, **counts}
    await desk.store.write(lambda records: records.add_audit(now, who, "lead.import", details))
    desk.journal.emit(ImportFinished(at=now, campaign=campaign.name, list=lead_list.name, **counts))
    await followed(desk)
