"""Routes for calls of one certain agent: those he asks for, and those he is offered."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field, model_validator

from dialler.api.agents import AgentForm
from dialler.api.bounds import LeadId
from dialler.api.desk import Desk, TheDesk, Who
from dialler.api.forms import Json, session_json
from dialler.api.leads import e164
from dialler.api.list_rows import list_settings
from dialler.api.looks import campaign_of, list_of
from dialler.domain.campaign import Campaign, LeadList
from dialler.domain.changes import lead_told
from dialler.errors import UsageError
from dialler.importing.adding import Added, GivenLead, add_leads, check_leads
from dialler.importing.checking import Rejected
from dialler.ports import LeadFilter, ManualCall, Records, SessionFilter
from telephony.member import BYTES_MAX

router = APIRouter(prefix="/agents", tags=["agents"])

OFFER_SESSIONS = 5
"""Earlier sessions that are told with an offer."""

MANUAL_LIST = "manual"
"""The list that gets leads made of numbers which agents dial, where none is named; its dialler is off."""


class Dial(AgentForm):
    """Whom an agent calls: a lead, or a number in a campaign."""

    lead_id: LeadId | None = None
    campaign: str | None = Field(None, description="with `number`")
    number: str | None = Field(None, description="E.164; with `region` also as it is written there")
    list_name: str | None = Field(None, alias="list", description="for a number that is no lead yet; else `manual`")
    region: str | None = Field(None, description="country of `number`, two letters")
    name: str = Field("", max_length=500, description="of a lead that is made of the number")

    @model_validator(mode="after")
    def _one_way(self) -> "Dial":
        by_number = (self.campaign, self.number, self.list_name, self.region, self.name or None)
        if self.lead_id is not None and any(each is not None for each in by_number):
            raise ValueError("give lead_id alone, or campaign and number")
        if self.lead_id is None and (self.campaign is None or self.number is None):
            raise ValueError("expected lead_id, or campaign and number")
        return self


@router.post("/dial", status_code=201)
async def dial(wanted: Dial, desk: TheDesk, who: Who) -> Json:
    """Call a lead, or a number, for an agent: he is held for the call, and it is joined to nobody else.

    It passes the same gates as any call, but for two: a paused campaign and a list that is off do not stop it. A
    number that is no lead of the campaign becomes one, in the list that is named, or in one called `manual`, which is
    made with its dialler off. Answers with the session; a refusal says which gate is shut, as `explain` does.
    """
    engine = desk.running_engine()
    if wanted.lead_id is not None:
        lead_id = wanted.lead_id
        lead = await desk.store.read(lambda records: records.lead(lead_id))
        campaign_id = lead.campaign_id
        find: Callable[[Records], int] = lambda records: lead_id  # noqa: E731
    else:
        campaign_id, find = await _by_number(wanted, desk, who)
    call = ManualCall(agent=wanted.agent, campaign_id=campaign_id, find=find, by=who)
    return session_json(await engine.dial(call))


class Accept(AgentForm):
    """Who accepts his offer."""


class Skip(AgentForm):
    """Who skips his offer, and why."""

    reason: str = Field(min_length=1, max_length=200)


@router.get("/offer")
async def offer(agent: Annotated[str, Query(max_length=BYTES_MAX)], desk: TheDesk) -> Json:
    """Return the lead that an agent is offered, with what became of its last calls; nothing is dialled yet."""
    found = desk.running_engine().offer(agent)
    lead_id = found.session.lead_id
    last = await desk.store.read(
        lambda records: [
            {"at": each.created_at.isoformat(), "number": each.number, "outcome": each.outcome, "agent": each.agent}
            for each in records.sessions(SessionFilter(lead_id=lead_id), limit=OFFER_SESSIONS + 1)
            if each.session_id != found.session.session_id
        ]
    )
    told = session_json(found.session)
    return {**told, "until": found.until.isoformat(), "last_sessions": last[:OFFER_SESSIONS]}


@router.post("/accept")
async def accept(wanted: Accept, desk: TheDesk, who: Who) -> Json:
    """Call the lead that an agent is offered, for him alone.

    Every gate is checked again; a refusal says why, and closes the offer. Answers with the session.
    """
    return session_json(await desk.running_engine().accept(wanted.agent, who))


@router.post("/skip")
async def skip(wanted: Skip, desk: TheDesk, who: Who) -> Json:
    """Close an agent's offer without a call; it is no attempt, and the lead rests for `rest_min_s`."""
    return session_json(await desk.running_engine().skip(wanted.agent, wanted.reason, who))


async def _by_number(wanted: Dial, desk: Desk, who: str) -> tuple[int, Callable[[Records], int]]:
    """Return the campaign, and what finds its lead with the number, or makes one."""
    assert wanted.campaign is not None and wanted.number is not None
    said, list_name = wanted.campaign, wanted.list_name
    owner = await desk.store.read(lambda records: campaign_of(records, said))
    number = e164(wanted.number, wanted.region)
    given = GivenLead(numbers=[number], name=wanted.name)
    [checked] = await check_leads([given], campaign=owner, region=wanted.region)
    now = desk.clock.now()

    def find(records: Records) -> int:
        own_list = None if list_name is None else list_of(records, owner, list_name)
        whole = LeadFilter(campaign_id=owner.campaign_id, number=number)
        for which in [whole] if own_list is None else [replace(whole, list_id=own_list.list_id), whole]:
            if known := records.leads(which, limit=1):
                return known[0].lead_id
        if isinstance(checked, Rejected):
            raise UsageError(f"number = {wanted.number!r}: {checked.reason}")
        lead_list = own_list or _manual_list(records, owner, who, now)
        [added] = add_leads(records, [checked], campaign=owner, lead_list=lead_list, now=now)
        assert isinstance(added, Added)  # It has no customer key, so it can't meet another lead.
        where = {"campaign": owner.name, "list": lead_list.name}
        records.add_audits(now, who, "lead.add", {added.lead_id: {**where, "after": lead_told(added.after)}})
        return added.lead_id

    return owner.campaign_id, find


def _manual_list(records: Records, owner: Campaign, who: str, now: datetime) -> LeadList:
    """Return the campaign's list for numbers that agents dial; made, with its dialler off, where there is none."""
    known = next((each for each in records.lists(owner.campaign_id) if each.name == MANUAL_LIST), None)
    if known is not None:
        return known
    made = records.add_list(owner.campaign_id, MANUAL_LIST, now, to_dial=False)
    details = {"campaign": owner.name, "list": made.name, "after": list_settings(made)}
    records.add_audit(now, who, "list.create", details)
    return made
