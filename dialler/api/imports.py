"""The route that loads a file of leads, streamed.

A file arrives as the body, in any chunks, and is loaded while it arrives; `streaming` says how the answer looks.
"""

from dataclasses import asdict
from typing import Annotated

import anyio
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from dialler.api.campaigns import followed
from dialler.api.desk import Desk, TheDesk, Who
from dialler.api.forms import Json
from dialler.api.looks import campaign_of, list_of
from dialler.api.streaming import StreamedReport, Upload
from dialler.domain.campaign import Campaign, LeadList
from dialler.engine.search_upkeep import index_leads
from dialler.events import ImportFinished
from dialler.importing.mapping import Mapping, parse_map_option
from dialler.importing.options import ImportOptions
from dialler.importing.report import ImportReport
from dialler.importing.run import import_leads
from dialler.ports import Records

router = APIRouter(prefix="/leads", tags=["leads"])

FOLLOW_EVERY_S = 5.0
"""How often a running engine is told of the leads that arrive; at the end it is told anyway."""


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

    async def load(upload: Upload) -> Json:
        report = await import_leads(
            upload.chunks(_Following(desk).now_and_then),
            store=desk.store,
            campaign=owner,
            lead_list=lead_list,
            options=options,
            clock=desk.clock,
            by=who,
            progress=lambda progress: upload.note(asdict(progress)),
            rejects=upload.tell_rejects if rejects else None,
        )
        if not dry_run:
            await _finished(desk, who, owner, lead_list, report)
        return asdict(report)

    return StreamedReport(request, load, what=f"an import into {lead_list.name}")


class _Following:
    """Tells a running engine of the leads that arrive."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._at = anyio.current_time()

    async def now_and_then(self) -> None:
        if anyio.current_time() - self._at >= FOLLOW_EVERY_S:
            self._at = anyio.current_time()
            await followed(self._desk)


def target_of(records: Records, campaign: str, list_name: str) -> tuple[Campaign, LeadList]:
    """Return the campaign and its list of these names. Raises NotFound."""
    owner = campaign_of(records, campaign)
    return owner, list_of(records, owner, list_name)


async def _finished(desk: Desk, who: str, campaign: Campaign, lead_list: LeadList, report: ImportReport) -> None:
    """Note an import in the audit and the journal, and tell the engine."""
    now = desk.clock.now()
    counts = {key: getattr(report, key) for key in ("rows", "imported", "updated", "rejected", "duplicates")}
    details = {"campaign": campaign.name, "list": lead_list.name, "after": counts}
    await desk.store.write(lambda records: records.add_audit(now, who, "lead.import", details))
    desk.journal.emit(ImportFinished(at=now, campaign=campaign.name, list=lead_list.name, **counts))
    await followed(desk)
    if desk.engine is None:
        await index_leads(desk.store)  # With a daemon it goes on beside the dialling.
