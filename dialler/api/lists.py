"""Routes for the lists of campaigns."""

from fastapi import APIRouter

from dialler.api.campaigns import followed
from dialler.api.desk import TheDesk, Who
from dialler.api.edits import ListEdit, NewList
from dialler.api.forms import Json, list_json, page
from dialler.api.looks import campaign_of, list_of
from dialler.domain.campaign import LeadList
from dialler.ports import Records

router = APIRouter(tags=["lists"])


@router.get("/lists")
async def list_lists(desk: TheDesk, campaign: str | None = None) -> Json:
    """All lists, or those of one campaign."""

    def work(records: Records) -> Json:
        campaigns = [campaign_of(records, campaign)] if campaign is not None else records.campaigns()
        return page([list_json(item, owner.name) for owner in campaigns for item in records.lists(owner.campaign_id)])

    return await desk.store.read(work)


@router.post("/campaigns/{campaign}/lists", status_code=201)
async def create_list(campaign: str, new: NewList, desk: TheDesk, who: Who) -> Json:
    """Create a list."""
    now = desk.clock.now()

    def work(records: Records) -> Json:
        owner = campaign_of(records, campaign)
        # Built here first, so that every value is checked before anything is written.
        draft = new.apply(LeadList(list_id=0, campaign_id=owner.campaign_id, name=new.name, created_at=now))
        made = records.add_list(
            owner.campaign_id,
            draft.name,
            now,
            weight=draft.weight,
            to_dial=draft.to_dial,
            order=draft.order,
            redial=draft.redial,
        )
        details = {"campaign": owner.name, "list": made.name, **new.model_dump(mode="json", exclude_unset=True)}
        records.add_audit(now, who, "list.create", details)
        return list_json(made, owner.name)

    made = await desk.store.write(work)
    await followed(desk)
    return made


@router.get("/campaigns/{campaign}/lists/{name}")
async def show_list(campaign: str, name: str, desk: TheDesk) -> Json:
    """One list, by name or id."""

    def work(records: Records) -> Json:
        owner = campaign_of(records, campaign)
        return list_json(list_of(records, owner, name), owner.name)

    return await desk.store.read(work)


@router.patch("/campaigns/{campaign}/lists/{name}")
async def set_list(campaign: str, name: str, edit: ListEdit, desk: TheDesk, who: Who) -> Json:
    """Change a list; a running engine follows at once. Keys not given stay as they are."""
    now = desk.clock.now()

    def work(records: Records) -> Json:
        owner = campaign_of(records, campaign)
        old = list_of(records, owner, name)
        new = edit.apply(old)
        records.set_list(new)
        details = {"campaign": owner.name, "list": old.name, **edit.model_dump(mode="json", exclude_unset=True)}
        records.add_audit(now, who, "list.set", details)
        return list_json(new, owner.name)

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
        records.delete_list(old.list_id)
        records.add_audit(now, who, "list.delete", {"campaign": owner.name, "list": old.name})
        return {"deleted": list_json(old, owner.name)}

    deleted = await desk.store.write(work)
    await followed(desk)
    return deleted
