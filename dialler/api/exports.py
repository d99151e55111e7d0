"""Routes that export leads, by id, and sessions, by `seq`."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from dialler.api.desk import TheDesk
from dialler.api.filters import EMPTY, RequestFilter, TheFilter, equal_to
from dialler.api.forms import session_json
from dialler.api.leads import leads_json
from dialler.api.portions import Portion, ThePortions
from dialler.api.sessions import ids_of
from dialler.domain.filter import Filter, all_of
from dialler.domain.filter_fields import LEAD_FIELDS, SESSION_FIELDS, Fields
from dialler.ports import Records

router = APIRouter()

ListName = Annotated[str | None, Query(alias="list", description="needs `campaign`")]


@router.get("/leads/export", tags=["leads"])
async def export_leads(
    desk: TheDesk,
    portions: ThePortions,
    campaign: str | None = None,
    list_name: ListName = None,
    said: TheFilter = EMPTY,
) -> Response:
    """Leads with all their fields, by id."""

    def portion(records: Records, behind: int, count: int) -> Portion:
        asked = _asked(records, LEAD_FIELDS, campaign, list_name, said)
        found = records.find_leads(asked, after=behind, limit=count)
        return leads_json(records, found.items), found.next

    return await portions.answer(desk, portion)


@router.get("/sessions/export", tags=["sessions"])
async def export_sessions(
    desk: TheDesk,
    portions: ThePortions,
    campaign: str | None = None,
    list_name: ListName = None,
    said: TheFilter = EMPTY,
) -> Response:
    """Sessions with all their fields, in the order of intent, oldest first."""

    def portion(records: Records, behind: int, count: int) -> Portion:
        asked = _asked(records, SESSION_FIELDS, campaign, list_name, said)
        found = records.find_sessions(asked, after=behind, limit=count, newest_first=False)
        return [session_json(session) for session in found.items], found.next

    return await portions.answer(desk, portion)


def _asked(
    records: Records, fields: Fields, campaign: str | None, list_name: str | None, said: RequestFilter
) -> Filter:
    campaign_id, list_id = ids_of(records, campaign, list_name)
    plain = equal_to({"campaign_id": campaign_id, "list_id": list_id})
    return all_of([*plain, said.read(records, fields, campaign)])
