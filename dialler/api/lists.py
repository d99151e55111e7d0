"""Routes for the lists of campaigns."""

from dataclasses import replace
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query

from dialler.api.campaigns import followed
from dialler.api.desk import TheDesk, Who
from dialler.api.forms import Json, page
from dialler.api.list_edits import ListEdit, NewList
from dialler.api.list_rows import list_row, list_rows, list_settings
from dialler.api.looks import campaign_of, list_of, strategy_of
from dialler.domain.campaign import LeadList
from dialler.ports import Records

router = APIRouter(tags=["lists"])


@router.get("/lists")
async def list_lists(
    desk: TheDesk,
    campaign: str | None = None,
    name: Annotated[str | None, Query(description="part of the name, in either case", max_length=100)] = None,
) -> Json:
    """All lists, or those of one campaign, or whose name has a part.

    `dialable_now`: ready leads whose window is open, between the list's start and end. `percentage`: its part of the
    campaign's calls, of the lists that are to dial; null for one that is not.
    """
    now = desk.clock.now()

    def work(records: Records) -> Json:
        campaigns = [campaign_of(records, campaign)] if campaign is not None else records.campaigns()
        rows = list_rows(records, campaigns, now)
        part = (name or "").casefold()
        return page([row for row in rows if part in str(row["name"]).casefold()])

    return await desk.store.read(work)


@router.post("/campaigns/{campaign}/lists", status_code=201)
async def create_list(campaign: str, new: NewList, desk: TheDesk, who: Who) -> Json:
    """Create a list. One that is to dial has the standard strategy where none is given."""
    now = desk.clock.now()

    def work(records: Records) -> Json:
        owner = campaign_of(records, campaign)
        empty = LeadList(list_id=0, campaign_id=owner.campaign_id, name=new.name, created_at=now)
        # Built here first, so that every value is checked before anything is written.
        draft = new.draft(empty, partial(strategy_of, records), zone=owner.settings.timezone)
        made = records.add_list(
            owner.campaign_id,
            draft.name,
            now,
            weight=draft.weight,
            to_dial=draft.to_dial,
            strategy_id=draft.strategy.strategy_id if draft.strategy else None,
        )
        made = replace(draft, list_id=made.list_id)
        records.set_list(made)
        details = {"campaign": owner.name, "list": made.name, "after": list_settings(made)}
        records.add_audit(now, who, "list.create", details)
        return list_row(records, owner, made.list_id, now)

    made = await desk.store.write(work)
    await followed(desk)
    return made


@router.get("/campaigns/{campaign}/lists/{name}")
async def show_list(campaign: str, name: str, desk: TheDesk) -> Json:
    """One list, by name or id."""
    now = desk.clock.now()

    def work(records: Records) -> Json:
        owner = campaign_of(records, campaign)
        return list_row(records, owner, list_of(records, owner, name).list_id, now)

    return await desk.store.read(work)


@router.patch("/campaigns/{campaign}/lists/{name}")
async def set_list(campaign: str, name: str, edit: ListEdit, desk: TheDesk, who: Who) -> Json:
    """Change a list; a running engine follows at once. Keys not given stay as they are."""
    now = desk.clock.now()

    def work(records: Records) -> Json:
        owner = campaign_of(records, campaign)
        old = list_of(records, owner, name)
        new = edit.apply(old, partial(strategy_of, records), zone=owner.settings.timezone)
        records.set_list(new)
        details = {
            "campaign": owner.name,
            "list": old.name,
            "before": list_settings(old),
            "after": list_settings(new),
        }
        records.add_audit(now, who, "list.set", details)
        return list_row(records, owner, new.list_id, now)

    changed = await desk.store.write(work)
    await followed(desk)
    return changed


@router.delete("/campaigns/{campaign}/lists/{name}")
async def delete_list(campaign: str, name: str, desk: TheDesk, who: Who) -> Json:
    """Delete a list and its leads; sessions stay. Refused while it is to dial or has a lead in a call."""
    now = desk.clock.now()

    def work(records: Records) -> Json:
        owner = campaign_of(records, campaign)
        old = list_of(records, owner, name)
        row = list_row(records, owner, old.list_id, now)
        records.delete_list(old.list_id)
        before = {**list_settings(old), "leads": row["leads"]}
        details = {"campaign": owner.name, "list": old.name, "before": before}
        records.add_audit(now, who, "list.delete", details)
        return {"deleted": row}

    deleted = await desk.store.write(work)
    await followed(desk)
    return deleted
