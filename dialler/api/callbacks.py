"""Routes for callbacks: calls that people were promised."""

from datetime import datetime
from functools import cache
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from dialler.api.bounds import LeadId
from dialler.api.callback_agents import CallbackAgents
from dialler.api.desk import Desk, TheDesk, Who
from dialler.api.forms import Json, moment, page
from dialler.api.lead_edits import changed
from dialler.api.leads import leads_json
from dialler.api.looks import campaign_of
from dialler.api.sessions import Limit
from dialler.domain.by_hand import (
    AGENT_CHARS_MAX,
    Callback,
    called_back_at,
    local_moment,
    planned_callback,
    without_callback,
)
from dialler.domain.evolve import evolve
from dialler.domain.lead import Lead, LeadState
from dialler.domain.local_day import local_time
from dialler.domain.personal_callback import promise_of
from dialler.engine.windows import Windows
from dialler.errors import Conflict, UsageError
from dialler.ports import Records

router = APIRouter(tags=["callbacks"])

_windows = Windows()


class CallbackForm(BaseModel):
    """When somebody wants to be called back; moments without an offset are on the lead's own clock."""

    model_config = ConfigDict(extra="forbid")
    at: datetime
    agent: str | None = Field(
        None,
        max_length=AGENT_CHARS_MAX,
        description="who promised it; with a wrap code else who talked. Any text where the campaign's `callbacks_to` is"
        " anyone, else an agent's interface such as PJSIP/1001",
    )
    expires_at: datetime | None = Field(None, description="then it is an ordinary lead again; a day after `at`")


@router.get("/callbacks")
async def list_callbacks(
    desk: TheDesk,
    campaign: str | None = None,
    agent: Annotated[str | None, Query(description="promised by this agent")] = None,
    after: Annotated[str | None, Query(description="the `next` of the page before")] = None,
    limit: Limit = 100,
) -> Json:
    """Callbacks that are pending, the next due first.

    `agent_until` is when one that is its agent's falls to anyone, null where it is his alone or anyone's.
    `agent_state` is his, `unknown` for one who is in no queue, null where no engine sees him; `warning` says where that
    keeps the callback waiting.
    """
    return await _pending(desk, campaign, agent, after, limit)


@router.get("/agents/callbacks")
async def list_own_callbacks(
    desk: TheDesk,
    agent: Annotated[str, Query(min_length=1, max_length=AGENT_CHARS_MAX, description="as the exchange names him")],
    campaign: str | None = None,
    after: Annotated[str | None, Query(description="the `next` of the page before")] = None,
    limit: Limit = 100,
) -> Json:
    """Callbacks that an agent promised, due or not, the next due first; as in the list of all."""
    return await _pending(desk, campaign, agent, after, limit)


async def _pending(desk: Desk, campaign: str | None, agent: str | None, after: str | None, limit: int) -> Json:
    now, agents = desk.clock.now(), CallbackAgents(desk)
    place = None if after is None else _place(after)

    def work(records: Records) -> Json:
        campaign_id = None if campaign is None else campaign_of(records, campaign).campaign_id
        found = records.callbacks(campaign_id, agent=agent, after=place, limit=limit + 1)
        items: list[Json] = []
        settings_of = cache(lambda campaign_id: records.campaign(campaign_id).settings)
        for lead, document in zip(found[:limit], leads_json(records, found[:limit]), strict=True):
            assert lead.callback_at is not None
            settings = settings_of(lead.campaign_id)
            window = _windows.window(settings.hours, lead.window_key)
            promise = promise_of(lead, settings.callbacks_to, hold_s=settings.callback_hold_s, window=window)
            items.append(
                {
                    **document,
                    "callback_local": local_time(lead.callback_at, lead.window_key.zones[0]),
                    "callback_is_due": lead.callback_at <= now,
                    "callbacks_to": settings.callbacks_to.value,
                    "agent_until": None if promise is None else moment(promise.until),
                    "agent_state": agents.state_of(lead.callback_agent),
                    "warning": agents.warning(settings, lead.callback_agent),
                }
            )
        last = found[limit - 1] if found[limit:] else None
        return page(items, None if last is None else f"{moment(last.callback_at)}/{last.lead_id}")

    return await desk.store.read(work)


@router.put("/leads/{lead_id}/callback")
async def set_callback(lead_id: LeadId, form: CallbackForm, desk: TheDesk, who: Who) -> Json:
    """Promise a call. A time outside the lead's calling window is moved to the next opening: `moved` says so.

    Whoever is free calls then, unless the campaign's `callbacks_to` leaves it to `agent`, as the exchange names him:
    then a text that can be no agent is refused, and `warning` tells of one who is in no queue now.
    Refused for a lead in a call (its agent says so with the wrap code) and for one completed by do-not-call.
    """
    now = desk.clock.now()
    lead = await desk.store.read(lambda records: records.lead(lead_id))
    campaign = await desk.store.read(lambda records: records.campaign(lead.campaign_id))
    agents = CallbackAgents(desk)
    agents.check(campaign.settings, form.agent)
    planned: list[Callback] = []

    def change(lead: Lead) -> Lead:
        window = _windows.window(campaign.settings.hours, lead.window_key)
        callback = planned_callback(
            lead, at=form.at, agent=form.agent, expires_at=form.expires_at, window=window, now=now
        )
        planned.append(callback)
        return called_back_at(lead, callback)

    done = await changed(desk, who, lead_id, "callback.set", change)
    zone = lead.window_key.zones[0]
    callback = planned[-1]
    asked_at = local_moment(form.at, zone)
    is_moved = callback.at > max(asked_at, now)
    return {
        **done,
        "asked_at": local_time(asked_at, zone),
        "callback_local": local_time(callback.at, zone),
        "moved": is_moved,
        "warning": agents.warning(campaign.settings, callback.agent),
    }


@router.delete("/leads/{lead_id}/callback")
async def cancel_callback(lead_id: LeadId, desk: TheDesk, who: Who) -> Json:
    """Take a promise back: the lead is an ordinary one again, ready. Raises Conflict where there is none."""

    def change(lead: Lead) -> Lead:
        if lead.callback_at is None:
            raise Conflict(f"lead {lead_id} has no callback")
        lead = without_callback(lead)
        return evolve(lead, state=LeadState.READY, due_at=None) if lead.state is LeadState.RESTING else lead

    return await changed(desk, who, lead_id, "callback.cancel", change)


def _place(after: str) -> tuple[datetime, int]:
    at, _, lead_id = after.rpartition("/")
    try:
        place = datetime.fromisoformat(at), int(lead_id)
        if place[0].tzinfo is None or not 0 <= place[1] < 2**63:
            raise ValueError(after)
    except ValueError as error:
        raise UsageError(f"after = {after!r}: expected the `next` of the page before") from error
    return place
