"""Routes for sessions."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from dialler.api.bounds import ID_MAX
from dialler.api.desk import TheDesk
from dialler.api.filters import EMPTY, PAGE, Size, TheFilter, equal_to
from dialler.api.forms import Json, found_page, page, session_json
from dialler.api.looks import campaign_of, list_of
from dialler.domain.filter import Condition, Filter, Op, all_of
from dialler.domain.filter_fields import SESSION_FIELDS
from dialler.domain.outcome import Outcome
from dialler.domain.session import SessionStatus
from dialler.errors import UsageError
from dialler.ports import Records, SessionFilter

router = APIRouter(prefix="/sessions", tags=["sessions"])

PAGE_MAX = 1000
GROUP_PAGES = 2
"""Pages of sessions that one page of groups looks at, for each of its groups."""

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
    said: TheFilter = EMPTY,
    group: Literal["external_lead_id"] | None = None,
    after: After = None,
    limit: Limit = 100,
    size: Size = None,
    oldest_first: bool = False,
) -> Json:
    """Sessions in the order of intent, newest first unless asked otherwise; with a filter, ten at a time.

    With `group` an item is the latest session of one external lead id, and its `sessions` are all of them.
    """

    def work(records: Records) -> Json:
        campaign_id, list_id = ids_of(records, campaign, list_name)
        if said.is_given or size is not None or group is not None:
            plain = {
                "campaign_id": campaign_id,
                "list_id": list_id,
                "lead": lead,
                "status": status.value if status is not None else None,
                "outcome": outcome.value if outcome is not None else None,
            }
            asked = all_of([*equal_to(plain), said.read(records, SESSION_FIELDS, campaign)])
            if group is not None:
                return _grouped(records, asked, after, size or PAGE)
            found = records.find_sessions(asked, after=after, limit=size or PAGE, newest_first=not oldest_first)
            return found_page([session_json(session) for session in found.items], found)
        which = SessionFilter(campaign_id=campaign_id, list_id=list_id, lead_id=lead, status=status, outcome=outcome)
        return session_page(records, which, after=after, limit=limit, newest_first=not oldest_first)

    return await desk.store.read(work)


@router.get("/{session_id}")
async def show_session(session_id: str, desk: TheDesk) -> Json:
    """One session, with the decision behind it (`pick`) and the evidence of its outcome."""
    return session_json(await desk.store.read(lambda records: records.session(session_id)))


def _grouped(records: Records, wanted: Filter, after: int | None, size: int) -> Json:
    """Return a page of groups, each where its latest session stands; sessions without an external id are alone."""
    groups: list[Json] = []
    for _ in range(size * GROUP_PAGES):
        found = records.find_sessions(wanted, after=after, limit=size)
        for session in found.items:
            after = session.seq
            mine = [session]
            if session.external_lead_id:
                same = all_of([wanted, Condition("external_lead_id", Op.EQ, (session.external_lead_id,))])
                mine = list(records.find_sessions(same, limit=PAGE_MAX).items)
            if mine[0].seq == session.seq:
                groups.append({**session_json(session), "sessions": [session_json(each) for each in mine]})
                if len(groups) == size:
                    return {**page(groups, session.seq), "partial": False}
        if found.next is None:
            return {**page(groups), "partial": False}
        after = found.next
        if found.is_partial:
            break
    return {**page(groups, after), "partial": True}


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
