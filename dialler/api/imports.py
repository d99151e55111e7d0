"""The route that loads a file of leads in one go: all stages of an import in a row.

The file arrives as the body, in any chunks; `streaming` says how the answer looks. Progress is `{"import_id", "stage",
"rows", "of"}`, with `bytes` in place of `of` while the file arrives. A client who goes away before it is complete ends
the import, and nothing of it stays; after that the import goes on to its end. What goes wrong then leaves it at its
stage, and the error says how to go on.
"""

from dataclasses import asdict
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from dialler.api.desk import TheDesk, Who
from dialler.api.forms import Json
from dialler.api.import_stages import finished, following
from dialler.api.looks import campaign_of, list_of
from dialler.api.streaming import Lines, StreamedAnswer, WhenLeft
from dialler.domain.campaign import Campaign, LeadList
from dialler.importing.mapping import Mapping, parse_map_option
from dialler.importing.options import ImportOptions
from dialler.importing.run import import_leads
from dialler.ports import Records

router = APIRouter(prefix="/leads", tags=["leads"])


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
    source: Annotated[str, Query(min_length=1, max_length=500, description="what messages call the file")] = "the file",
    dry_run: bool = False,
    rejects: Annotated[bool, Query(description="send rejected rows back, as CSV")] = False,
) -> Response:
    """Load leads from a delimited text file, the body, into a list that exists."""
    mapping = Mapping(fields=tuple(map(parse_map_option, map_ or ())), guess=guess, keep_rest=keep_rest)
    options = ImportOptions(
        mapping=mapping, region=region, delimiter=delimiter, encoding=encoding, dry_run=dry_run, source=source
    )
    owner, lead_list = await desk.store.read(lambda records: target_of(records, campaign, list_name))

    async def load(lines: Lines) -> Json:
        report = await import_leads(
            request.stream(),
            store=desk.store,
            campaign=owner,
            lead_list=lead_list,
            options=options,
            clock=desk.clock,
            who=who,
            tell=following(desk, lines.progress),
            rejects=lines.rejects if rejects else None,
            at_end=partial(finished, desk),
        )
        return {"report": asdict(report)}

    return StreamedAnswer(load, what=f"an import into {lead_list.name}", when_left=WhenLeft.GOES_ON)


def target_of(records: Records, campaign: str, list_name: str) -> tuple[Campaign, LeadList]:
    """Return the campaign and its list of these names. Raises NotFound."""
    owner = campaign_of(records, campaign)
    return owner, list_of(records, owner, list_name)
