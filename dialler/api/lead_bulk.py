"""Routes that delete or move many leads, in bounded transactions."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Annotated, TypeAlias

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from dialler.api.bounds import ID_MAX
from dialler.api.campaigns import followed
from dialler.api.desk import Desk, TheDesk, Who
from dialler.api.forms import Json
from dialler.api.imports import target_of
from dialler.api.leads import e164
from dialler.api.sessions import ids_of
from dialler.domain.changes import lead_told
from dialler.domain.evolve import evolve
from dialler.domain.lead import Lead, LeadState
from dialler.errors import Conflict, UsageError
from dialler.ports import LeadFilter, Records

router = APIRouter(prefix="/leads", tags=["leads"])

AT_ONCE = 250
"""Leads of one transaction: some 10 ms, in which the engine's own writes wait."""

SHOWN_MAX = 100
"""Leads named in an answer; the rest are counted."""

LeadId = Annotated[int, Field(ge=1, le=ID_MAX)]

Action: TypeAlias = tuple[str, str, Callable[[Records, Sequence[Lead]], Mapping[int, Json]]]
"""Who does what, and how: it returns what the audit is told of each lead, by id."""


class Which(BaseModel):
    """Which leads: their ids, or a filter all of whose conditions hold."""

    model_config = ConfigDict(extra="forbid")
    lead_ids: list[LeadId] | None = Field(None, max_length=100_000)
    campaign: str | None = None
    list_name: Annotated[str | None, Field(alias="list", description="needs `campaign`")] = None
    state: LeadState | None = None
    number: str | None = None
    customer_key: str | None = None
    external_lead_id: str | None = None

    def filter(self, records: Records) -> LeadFilter | None:
        """Return the filter, None where ids are given. Raises UsageError for both, or neither."""
        conditions = (self.campaign, self.state, self.number, self.customer_key, self.external_lead_id)
        has_filter = any(each is not None for each in conditions) or self.list_name is not None
        if has_filter == (self.lead_ids is not None):
            raise UsageError("say which leads: either lead_ids or a filter (campaign, list, state, number, ...)")
        if not has_filter:
            return None
        campaign_id, list_id = ids_of(records, self.campaign, self.list_name)
        return LeadFilter(
            campaign_id=campaign_id,
            list_id=list_id,
            state=self.state,
            number=None if self.number is None else e164(self.number),
            customer_key=self.customer_key,
            external_lead_id=self.external_lead_id,
        )


class Deletion(Which):
    """Leads to delete."""

    dry_run: bool = Field(False, description="count only")


class Move(Which):
    """Leads to move."""

    to_campaign: str
    to_list: str


@router.post("/delete")
async def delete_leads(deletion: Deletion, desk: TheDesk, who: Who) -> Json:
    """Delete leads; sessions stay. Those in a call are left, and named. With `dry_run` they are only counted."""

    def delete(records: Records, leads: Sequence[Lead]) -> Mapping[int, Json]:
        records.delete_leads([lead.lead_id for lead in leads])
        names = {each.list_id: each.name for each in records.lists()}
        return {lead.lead_id: {"list": names[lead.list_id], "before": lead_told(lead)} for lead in leads}

    if deletion.dry_run:
        return await _all(desk, deletion, None, {"dry_run": True})
    return await _all(desk, deletion, (who, "lead.delete", delete), {"dry_run": False})


@router.post("/move")
async def move_leads(move: Move, desk: TheDesk, who: Who) -> Json:
    """Move leads to another list of their campaign, with their history and counters. Those in a call are left.

    Refused as a whole, up to the leads moved before, where a customer key is taken in the list.
    """
    _, target = await desk.store.read(lambda records: target_of(records, move.to_campaign, move.to_list))

    def shift(records: Records, leads: Sequence[Lead]) -> Mapping[int, Json]:
        records.set_leads([evolve(lead, list_id=target.list_id) for lead in leads])
        names = {each.list_id: each.name for each in records.lists(target.campaign_id)}
        return {
            lead.lead_id: {"before": {"list": names[lead.list_id]}, "after": {"list": target.name}} for lead in leads
        }

    return await _all(desk, move, (who, "lead.move", shift), {"list": target.name})


async def _all(desk: Desk, which: Which, action: Action | None, said: Json) -> Json:
    """Do something with all leads meant, some hundred in a transaction, and say what came of it."""
    conditions = await desk.store.read(which.filter)
    ids = iter(dict.fromkeys(which.lead_ids or ()))
    done, in_call, missing, after = 0, list[int](), list[int](), 0
    now = desk.clock.now()
    try:
        while True:
            if conditions is None:
                some = list(islice(ids, AT_ONCE))
            else:
                page = partial(_page, conditions, after)
                some = await desk.store.read(page)
            if not some:
                break
            after = some[-1]
            step = partial(_step, some, action, now)
            run = desk.store.read if action is None else desk.store.write
            found = await run(step)
            done += found[0]
            in_call += found[1]
            missing += found[2]
    except Conflict as error:
        raise Conflict(f"{error}; {done} were done before it") from error
    finally:
        if done and action is not None:
            await followed(desk)
    counts: Json = {"done": done, "in_call": len(in_call), "missing": len(missing)}
    return {**said, **counts, "in_call_ids": in_call[:SHOWN_MAX], "missing_ids": missing[:SHOWN_MAX]}


def _page(conditions: LeadFilter, after: int, records: Records) -> list[int]:
    return [lead.lead_id for lead in records.leads(conditions, after=after, limit=AT_ONCE)]


def _step(
    lead_ids: Sequence[int], action: Action | None, now: datetime, records: Records
) -> tuple[int, list[int], list[int]]:
    leads = records.leads_with(lead_ids, to_change=action is not None)
    in_call = [lead_id for lead_id, lead in leads.items() if lead.state is LeadState.IN_CALL]
    missing = [lead_id for lead_id in lead_ids if lead_id not in leads]
    free = [lead for lead in leads.values() if lead.state is not LeadState.IN_CALL]
    if action is not None and free:
        who, what, do = action
        records.add_audits(now, who, what, do(records, free))
    return len(free), in_call, missing
