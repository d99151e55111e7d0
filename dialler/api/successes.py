"""Routes for successes: leads that were completed because of what the people agreed."""

from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Query

from dialler.api.bounds import ID_MAX, LeadId
from dialler.api.desk import TheDesk
from dialler.api.filters import EMPTY, PAGE, Size, TheFilter, equal_to
from dialler.api.forms import Json, found_page, own, session_json
from dialler.api.leads import leads_json
from dialler.api.sessions import ids_of
from dialler.domain.filter import Condition, Op, all_of
from dialler.domain.filter_fields import LEAD_FIELDS
from dialler.domain.lead import Lead, LeadState
from dialler.domain.wrap import WRAP_CODES
from dialler.errors import NotFound
from dialler.ports import Records, SessionFilter

router = APIRouter(prefix="/successes", tags=["successes"])

_CODES: Final = tuple(code.code for code in WRAP_CODES.values() if code.success)
_SESSIONS_MAX: Final = 1000


@router.get("")
async def list_successes(
    desk: TheDesk,
    campaign: str | None = None,
    list_name: Annotated[str | None, Query(alias="list", description="needs `campaign`")] = None,
    said: TheFilter = EMPTY,
    after: Annotated[int, Query(ge=0, le=ID_MAX, description="the `next` of the page before")] = 0,
    size: Size = None,
) -> Json:
    """Leads completed with a wrap code that means success, by id, ten at a time."""

    def work(records: Records) -> Json:
        campaign_id, list_id = ids_of(records, campaign, list_name)
        asked = all_of(
            [
                Condition("wrap_code", Op.IN, _CODES),
                Condition("completed", Op.TRUE),
                *equal_to({"campaign_id": campaign_id, "list_id": list_id}),
                said.read(records, LEAD_FIELDS, campaign),
            ]
        )
        found = records.find_leads(asked, after=after, limit=size or PAGE)
        return found_page(_successes(records, found.items), found)

    return await desk.store.read(work)


@router.get("/{lead_id}")
async def show_success(lead_id: LeadId, desk: TheDesk) -> Json:
    """One success, with its sessions, newest first."""

    def work(records: Records) -> Json:
        lead = records.lead(lead_id)
        if lead.state is not LeadState.COMPLETED or lead.wrap_code not in _CODES:
            raise NotFound(f"lead {lead_id} is no success: it is {lead.status}, its wrap code is {lead.wrap_code}")
        sessions = records.sessions(SessionFilter(lead_id=lead_id), limit=_SESSIONS_MAX)
        return {**_successes(records, [lead])[0], "sessions": [session_json(session) for session in sessions]}

    return await desk.store.read(work)


def _successes(records: Records, leads: Sequence[Lead]) -> list[Json]:
    return [
        {**shown, "merchant": own(lead.data, "merchant"), "agency": own(lead.data, "agency")}
        for lead, shown in zip(leads, leads_json(records, leads), strict=True)
    ]
