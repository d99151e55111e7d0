"""Routes that change a lead: edit, reset, complete, duplicate, delete, erase."""

from collections.abc import Callable, Collection
from datetime import datetime
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from dialler.api.bounds import LeadId
from dialler.api.campaigns import followed
from dialler.api.desk import Desk, TheDesk, Who
from dialler.api.edits import Edit
from dialler.api.forms import Json, version_of
from dialler.api.imports import target_of
from dialler.api.leads import leads_json
from dialler.domain.by_hand import complete, reset
from dialler.domain.changes import differences, lead_told
from dialler.domain.lead import Lead, LeadState, NewLead, Rank
from dialler.errors import Conflict
from dialler.events import LeadsChanged
from dialler.importing.editing import checked_numbers, edited
from dialler.ports import Records, SessionFilter

_SESSIONS_MAX = 1000

router = APIRouter(prefix="/leads", tags=["leads"])


class LeadEdit(Edit):
    """What may change of a lead. Only the keys that are given change something."""

    name: str = ""
    numbers: list[str] = Field([], max_length=20, description="all of them, in the order in which they are tried")
    region: str | None = Field(None, description="country of numbers that do not say theirs; else the lead's own")
    timezone: str = Field("", description="IANA name")
    state: str = Field("", description="the lead's own region, such as TX; its zones follow where rules have them")
    postcode: str = ""
    customer_key: str | None = None
    external_lead_id: str | None = None
    priority: int = 0
    urgent: bool = Field(False, description="its next call goes before all others of its list")
    data: dict[str, str | None] = Field({}, description="fields to set; null takes one away")
    expires_at: datetime | None = Field(None, description="without an offset on the lead's own clock; null: never")
    expected: str | None = Field(None, description="the lead's `version` as it was read; refused if it changed since")


class Duplicate(BaseModel):
    """Where a copy goes."""

    model_config = ConfigDict(extra="forbid")
    campaign: str
    list_name: Annotated[str, Field(alias="list")]
    customer_key: str | None = Field(None, max_length=200)


@router.patch("/{lead_id}")
async def edit_lead(lead_id: LeadId, edit: LeadEdit, desk: TheDesk, who: Who) -> Json:
    """Change a lead; a running engine follows at once. Numbers and zone of a lead in a call are refused."""
    changes = {key: getattr(edit, key) for key in edit.model_fields_set - {"expected", "region", "numbers"}}
    numbers = None
    if "numbers" in edit.model_fields_set:
        before = await desk.store.read(lambda records: records.lead(lead_id))
        numbers = await checked_numbers(edit.numbers, edit.region, before.window_key.country)
    now = desk.clock.now()

    def change(lead: Lead) -> Lead:
        if edit.expected is not None and edit.expected != version_of(lead):
            raise Conflict(f"lead {lead_id} has changed since it was read; look at it again")
        return edited(lead, changes, numbers, now)

    return await changed(desk, who, lead_id, "lead.edit", change)


@router.post("/{lead_id}/reset")
async def reset_lead(lead_id: LeadId, desk: TheDesk, who: Who) -> Json:
    """Make a completed or resting lead ready again. Its history and counters stay, and the limits hold."""
    return await changed(desk, who, lead_id, "lead.reset", reset)


@router.post("/{lead_id}/complete")
async def complete_lead(lead_id: LeadId, desk: TheDesk, who: Who) -> Json:
    """Complete a lead by hand: it is not dialled again."""
    return await changed(desk, who, lead_id, "lead.complete", complete)


@router.post("/{lead_id}/duplicate", status_code=201)
async def duplicate_lead(lead_id: LeadId, to: Duplicate, desk: TheDesk, who: Who) -> Json:
    """Copy a lead into another list, ready and without its history. Attempts on its numbers count there too, within
    one campaign."""
    now = desk.clock.now()

    def work(records: Records) -> Json:
        lead = records.lead(lead_id)
        owner, target = target_of(records, to.campaign, to.list_name)
        copy = NewLead(
            numbers=lead.numbers,
            window_key=lead.window_key,
            name=lead.name,
            customer_key=to.customer_key,
            external_lead_id=lead.external_lead_id,
            timezone_source=lead.timezone_source,
            timezone_given=lead.timezone_given,
            postcode=lead.postcode,
            priority=lead.ranked(Rank.ORDINARY),
            data=lead.data,
            expires_at=lead.expires_at,
        )
        [new_id] = records.add_leads(target.list_id, [copy], now)
        where = {"campaign": owner.name, "list": target.name}
        records.add_audit(now, who, "lead.duplicate", {"after": {"copy": new_id, **where}}, lead_id=lead_id)
        records.add_audit(now, who, "lead.add", {**where, "copy_of": lead_id, "after": lead_told(copy)}, lead_id=new_id)
        return leads_json(records, [records.lead(new_id)])[0]

    made = await desk.store.write(work)
    desk.journal.emit(LeadsChanged(at=now, what="lead.duplicate", lead_id=lead_id))
    await followed(desk)
    return made


@router.delete("/{lead_id}")
async def delete_lead(lead_id: LeadId, desk: TheDesk, who: Who) -> Json:
    """Delete a lead; its sessions stay. Refused while it is in a call."""
    now = desk.clock.now()

    def work(records: Records) -> Json:
        lead = records.lead(lead_id)
        shown = leads_json(records, [lead])[0]
        records.delete_leads([lead_id])
        details = {"campaign": shown["campaign"], "list": shown["list"], "before": lead_told(lead)}
        records.add_audit(now, who, "lead.delete", details, lead_id=lead_id)
        return {"deleted": shown}

    deleted = await desk.store.write(work)
    await followed(desk)
    return deleted


@router.post("/{lead_id}/erase")
async def erase_lead(
    lead_id: LeadId,
    desk: TheDesk,
    who: Who,
    confirm: Annotated[bool, Query(description="it can't be taken back")] = False,
) -> Json:
    """Forget a person for good: name, numbers, keys, data and notes, in the lead, its sessions and its audit.

    What the law asks to keep stays: sessions with their times, outcomes and wrap codes. Attempts on the numbers and
    do-not-call entries hold by a keyed hash. Refused while the lead is in a call.
    """
    if not confirm:
        raise Conflict(f"erasing lead {lead_id} can't be taken back: say confirm=true")
    # First, since it takes many transactions: who is cut off in between begins again, and the numbers are still there.
    numbers = await desk.store.read(lambda records: _numbers_to_forget(records, lead_id))
    after: int | None = 0
    while numbers and after is not None:
        step = partial(_forget, numbers, after)
        after = await desk.store.write(step, urgent=False)
    now = desk.clock.now()

    def work(records: Records) -> Json:
        state = records.lead(lead_id).state
        sessions = records.erase_lead(lead_id)
        details = {
            "sessions": sessions,
            "before": {"state": state, "erased": False},
            "after": {"state": records.lead(lead_id).state, "erased": True},
        }
        records.add_audit(now, who, "lead.erase", details, lead_id=lead_id)
        return {"erased": lead_id, "sessions": sessions}

    erased = await desk.store.write(work)
    desk.journal.emit(LeadsChanged(at=now, what="lead.erase", lead_id=lead_id))
    await followed(desk)
    return erased


def _numbers_to_forget(records: Records, lead_id: int) -> set[str]:
    """Return the numbers of a lead, those that it was called at, and as they were written. Raises NotFound, and
    Conflict for one in a call."""
    lead = records.lead(lead_id)
    if lead.state is LeadState.IN_CALL:
        raise Conflict(f"lead {lead_id} is in a call")
    called = {session.number for session in records.sessions(SessionFilter(lead_id=lead_id), limit=_SESSIONS_MAX)}
    own = {text for one in lead.numbers for text in (one.number, one.raw) if text}
    return {number for number in called | own if not number.startswith("#")}


def _forget(numbers: Collection[str], after: int, records: Records) -> int | None:
    return records.forget_numbers(numbers, after=after)


async def changed(desk: Desk, who: str, lead_id: int, what: str, change: Callable[[Lead], Lead]) -> Json:
    """Change one lead, with what changed in the audit; return it as it is then. Raises NotFound, and what `change`
    raises."""
    now = desk.clock.now()

    def work(records: Records) -> Json:
        found = records.leads_with([lead_id], to_change=True)
        before = found.get(lead_id) or records.lead(lead_id)  # raises NotFound
        after = change(before)
        if after != before:
            records.set_lead(after)
        old, new = leads_json(records, [before, after])
        records.add_audit(now, who, what, differences(old, new), lead_id=lead_id)
        return {**new, "version": version_of(after)}

    done = await desk.store.write(work)
    desk.journal.emit(LeadsChanged(at=now, what=what, lead_id=lead_id))
    await followed(desk)
    return done
