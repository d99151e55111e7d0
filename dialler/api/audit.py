"""Routes for the audit: who changed what, when, and what it was before and after."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from dialler.api.bounds import ID_MAX
from dialler.api.desk import TheDesk
from dialler.api.edits import said
from dialler.api.filters import PAGE
from dialler.api.forms import Json, found_page, moment
from dialler.api.portions import Portion, ThePortions
from dialler.api.sessions import After
from dialler.domain.list_dates import end_of, start_of
from dialler.domain.zones import canonical_zone
from dialler.ports import AuditEntry, AuditFilter, Records

router = APIRouter(prefix="/audit", tags=["audit"])

_NAME_MAX = 200


def _which(
    what: Annotated[
        str | None, Query(max_length=_NAME_MAX, description='how its name begins: "lead.", "campaign.start"')
    ] = None,
    who: Annotated[str | None, Query(max_length=_NAME_MAX, description='"ann", or with the door "socket:ann"')] = None,
    lead: Annotated[int | None, Query(ge=1, le=ID_MAX, description="of one lead")] = None,
    since: Annotated[str | None, Query(alias="from", description="a date or a moment, in `zone`")] = None,
    until: Annotated[str | None, Query(alias="to", description="the last date, or a moment, in `zone`")] = None,
    zone: Annotated[str, Query(description="IANA name, of dates and of moments without an offset")] = "UTC",
) -> AuditFilter:
    name = said("zone", lambda: canonical_zone(zone).name)
    return AuditFilter(
        what=what,
        who=who,
        lead_id=lead,
        since=_read("from", since, partial(start_of, zone=name)),
        until=_read("to", until, partial(end_of, zone=name)),
    )


Which = Annotated[AuditFilter, Depends(_which)]


def _read(key: str, text: str | None, read: Callable[[str], datetime]) -> datetime | None:
    return None if text is None else said(key, lambda: read(text))


@router.get("")
async def list_audit(
    desk: TheDesk,
    which: Which,
    after: After = None,
    size: Annotated[int, Query(ge=1, le=1000, description="items of a page")] = PAGE,
) -> Json:
    """Entries of the audit, newest first. `before` and `after` hold what changed, as it was and as it is."""
    found = await desk.store.read(lambda records: records.audit(which, after=after, limit=size))
    return found_page([entry_json(entry) for entry in found.items], found)


@router.get("/export")
async def export_audit(desk: TheDesk, which: Which, portions: ThePortions) -> Response:
    """Entries of the audit, oldest first."""

    def portion(records: Records, behind: int, count: int) -> Portion:
        found = records.audit(which, after=behind, limit=count, newest_first=False)
        return [entry_json(entry) for entry in found.items], found.next

    return await portions.answer(desk, portion)


def entry_json(entry: AuditEntry) -> Json:
    """Return an entry; `details` are what is said beside what changed."""
    told = ("before", "after", "lead_id")  # Older entries have the lead among the details, too.
    rest = {key: value for key, value in entry.details.items() if key not in told}
    return {
        "audit_id": entry.audit_id,
        "at": moment(entry.at),
        "who": entry.who,
        "what": entry.what,
        "lead_id": entry.lead_id,
        "before": entry.details.get("before"),
        "after": entry.details.get("after"),
        "details": rest,
    }
