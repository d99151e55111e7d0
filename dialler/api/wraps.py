"""Routes for wrap codes: what the people agreed, set or edited by hand."""

from collections.abc import Callable

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from dialler.api.bounds import LeadId
from dialler.api.callback_agents import CallbackAgents
from dialler.api.callbacks import CallbackForm
from dialler.api.campaigns import followed
from dialler.api.desk import Desk, TheDesk, Who
from dialler.api.forms import Json, moment, session_json
from dialler.domain.session import Session
from dialler.engine.aftermath import CallbackWanted, last_session_of, wrap_up
from dialler.engine.windows import Windows
from dialler.ports import Records

router = APIRouter()

_windows = Windows()


class Wrap(BaseModel):
    """What the people agreed."""

    model_config = ConfigDict(extra="forbid")
    code: str = Field(min_length=1, max_length=40)
    note: str | None = Field(None, max_length=2000)
    callback: CallbackForm | None = Field(None, description="needed where the code is a callback")


@router.post("/leads/{lead_id}/wrap", tags=["leads"])
async def wrap_lead(lead_id: LeadId, wrap: Wrap, desk: TheDesk, who: Who) -> Json:
    """Set or edit the wrap code of the lead's last session."""
    return await _wrap(desk, who, wrap, lambda records: last_session_of(records, lead_id))


@router.post("/sessions/{session_id}/wrap", tags=["sessions"])
async def wrap_session(session_id: str, wrap: Wrap, desk: TheDesk, who: Who) -> Json:
    """Set or edit the wrap code of a session.

    Its status moves between Complete and Rejected as the code says; the old code stays in the audit. Where it is its
    lead's last one, that is completed, or due again, by the new code.
    """
    return await _wrap(desk, who, wrap, lambda records: records.session(session_id))


async def _wrap(desk: Desk, who: str, wrap: Wrap, find: Callable[[Records], Session]) -> Json:
    now, agents = desk.clock.now(), CallbackAgents(desk)
    form = wrap.callback
    wanted = None if form is None else CallbackWanted(at=form.at, agent=form.agent, expires_at=form.expires_at)

    def work(records: Records) -> Json:
        session = find(records)
        settings = records.campaign(session.campaign_id).settings
        agents.check(settings, None if form is None else form.agent)
        wrapped = wrap_up(
            records, session, wrap.code, note=wrap.note, by=who, now=now, windows=_windows, callback=wanted
        )
        lead = records.leads_with([session.lead_id]).get(session.lead_id)
        is_promised = lead is not None and lead.callback_at is not None
        return {
            **session_json(wrapped),
            "callback_at": moment(lead.callback_at) if lead is not None else None,
            "warning": agents.warning(settings, lead.callback_agent) if lead is not None and is_promised else None,
        }

    wrapped = await desk.store.write(work)
    await followed(desk)
    return wrapped
