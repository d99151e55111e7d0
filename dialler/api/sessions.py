"""Routes for sessions."""

from typing import Annotated

from fastapi import APIRouter, Query

from dialler.api.bounds import ID_MAX
from dialler.api.desk import TheDesk
from dialler.api.forms import Json, page, session_json
from dialler.api.looks import campaign_of, list_of
from dialler.domain.outcome import Outcome
from dialler.domain.session import SessionStatus
from dialler.errors import UsageError
from dialler.ports import Records, SessionFilter

router = APIRouter(prefix="/sessions", tags=["sessions"])

PAGE_MAX = 1000

Limit = Annotated[int, Query(ge=1, le=PAGE_MAX)]
After = Annotated[int | None, Query(ge=0, le=ID_MAX, description="the `next` of the page before")]


@router.get("")
async def list_sessions(
    desk: TheDesk,
    campaign: str | None = None,
    list_name: Annotated[str | None, Query(alias="list", description="needs `campaign`")] = None,
    lead: Annotated[int | None, Query(ge=1, le=ID_MAX)] = None,
    status: SessionStatus | None = None,
    outcome: Outcome | None = None,
    after: After = None,
    limit: Limit = 100,
    oldest_first: bool = False,
) -> Json:
    """Sessions in the order of intent, newest first unless asked otherwise."""

    def work(records: Records) -> Json:
        campaign_id, list_id = ids_of(records, campaign, list_name)
        which = SessionFilter(campaign_id=campaign_id, list_id=list_id, lead_id=lead, status=status, outcome=outcome)
        return session_page(records, which, after=after, limit=limit, newest_first=not oldest_first)

    return await desk.store.read(work)


@router.get("/{session_id}")
async def show_session(session_id: str, desk: TheDesk) -> Json:
    """One session, with the decision behind it (`pick`) and the evidence of its outcome."""
    return session_json(await desk.store.read(lambda records: records.session(session_id)))


def session_page(
    records: Records, which: SessionFilter, *, after: int | None, limit: int, newest_first: bool = True
) -> Json:
    """Return a page of sessions."""
    found = records.sessions(which, after=after, limit=limit + 1, newest_first=newest_first)
    return page([session_json(session) for session in found[:limit]], found[limit - 1].seq if found[limit:] else None)


def ids_of(records: Records, campaign: str | None, list_name: str | None) -> tuple[int | None, int | None]:
    """Return the ids of what was named. Raises NotFound, and UsageError for a list without its campaign."""
    if campaign is None:
        if list_name is not None:
            raise UsageError("list: a list is named within its campaign: give the campaign as well")
        return None, None
    owner = campaign_of(records, campaign)
    return owner.campaign_id, list_of(records, owner, list_name).list_id if list_name is not None else None
