"""Routes that export leads, by id, and sessions, by `seq`."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

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


@dataclass(frozen=True, slots=True)
class _Asked:
    """Of which campaign and list, and what else must hold."""

    campaign: str | None
    list_name: str | None
    said: RequestFilter

    def read(self, records: Records, fields: Fields) -> Filter:
        """Return it as one filter. Raises NotFound and UsageError, as its parts do."""
        campaign_id, list_id = ids_of(records, self.campaign, self.list_name)
        plain = equal_to({"campaign_id": campaign_id, "list_id": list_id})
        return all_of([*plain, self.said.read(records, fields, self.campaign)])


def _asked(
    campaign: str | None = None,
    list_name: Annotated[str | None, Query(alias="list", description="needs `campaign`")] = None,
    said: TheFilter = EMPTY,
) -> _Asked:
    return _Asked(campaign, list_name, said)


Asked = Annotated[_Asked, Depends(_asked)]


@router.get("/leads/export", tags=["leads"])
async def export_leads(desk: TheDesk, asked: Asked, portions: ThePortions) -> Response:
    """Leads with all their fields, by id."""

    def portion(records: Records, behind: int, count: int) -> Portion:
        found = records.find_leads(asked.read(records, LEAD_FIELDS), after=behind, limit=count)
        return leads_json(records, found.items), found.next

    return await portions.answer(desk, portion)


@router.get("/sessions/export", tags=["sessions"])
async def export_sessions(desk: TheDesk, asked: Asked, portions: ThePortions) -> Response:
    """Sessions with all their fields, in the order of intent, oldest first."""

    def portion(records: Records, behind: int, count: int) -> Portion:
        wanted = asked.read(records, SESSION_FIELDS)
        found = records.find_sessions(wanted, after=behind, limit=count, newest_first=False)
        return [session_json(session) for session in found.items], found.next

    return await portions.answer(desk, portion)
