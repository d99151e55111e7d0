"""Routes for change-sets: several lists of a campaign changed together, shown first, and put back in one step."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from dialler.api.campaigns import followed
from dialler.api.desk import TheDesk, Who
from dialler.api.forms import Json, moment
from dialler.api.list_edits import ListEdit
from dialler.api.list_plan import Plan, plan_json, still_as
from dialler.api.list_rows import list_settings
from dialler.api.looks import campaign_of, list_of, strategy_of
from dialler.api.replan_preview import Planned, replan_preview
from dialler.domain.campaign import WEIGHT_DEFAULT, Campaign, LeadList
from dialler.domain.change_set import CampaignLists, differences, put_back, state_of
from dialler.errors import Conflict, NotFound, UsageError
from dialler.ports import Records

router = APIRouter(tags=["lists"])


class ListChanges(BaseModel):
    """What is to change, together."""

    model_config = ConfigDict(extra="forbid")
    lists: dict[str, ListEdit] = Field({}, description="by the list's present name, or its id")
    weighting: bool | None = Field(None, description="switched on, lists get weight 100 but where they say another")
    fingerprint: str | None = Field(
        None, description="of a preview: refused if lists have changed since", max_length=10**6
    )


@router.post("/campaigns/{campaign}/lists/apply")
async def apply_changes(
    campaign: str,
    changes: ListChanges,
    desk: TheDesk,
    who: Who,
    preview: Annotated[bool, Query(description="only show what it would do")] = False,
) -> Json:
    """Change several lists of a campaign, all or nothing; a running engine follows at once.

    The answer tells for each list what changes, its leads that can be dialled now, its percentage, and its runway: the
    hours that those leads last when the campaign goes on at the pace of the last hour. `become_dialable` and
    `blocked` are leads of the whole campaign. A preview says in `replan` how many leads another strategy would bring
    back, let rest longer or less, or exhaust.
    """
    now = desk.clock.now()

    def look(records: Records) -> Json:
        return plan_json(records, planned(records, campaign_of(records, campaign), changes), now)

    def turns(records: Records) -> Sequence[Planned]:
        plan = planned(records, campaign_of(records, campaign), changes)
        owner = plan.campaign
        return [
            Planned(campaign=owner, lead_list=old, new_campaign=owner, new_list=new)
            for old, new in zip(plan.before, plan.after, strict=True)
        ]

    def work(records: Records) -> Json:
        plan = planned(records, campaign_of(records, campaign), changes)
        document = plan_json(records, plan, now)
        _write(records, plan.campaign, plan.weighting, plan.changed)
        before, after = _states(plan.campaign, plan.changed_before), _states(plan.campaign, plan.changed)
        after = replace(after, weighting=plan.weighting)
        made = records.add_change_set(plan.campaign.campaign_id, before=before, after=after, who=who, now=now)
        details = {
            "campaign": plan.campaign.name,
            "change_set": made.change_set_id,
            "before": _told(plan.campaign.settings.weighting, plan.changed_before),
            "after": _told(plan.weighting, plan.changed),
        }
        records.add_audit(now, who, "list.apply", details)
        return document | {"applied": True, "change_set_id": made.change_set_id}

    if preview:
        return await desk.store.read(look) | {"replan": await replan_preview(desk, turns)}
    done = await desk.store.write(work)
    await followed(desk)
    return done


@router.post("/campaigns/{campaign}/lists/undo")
async def undo_changes(campaign: str, desk: TheDesk, who: Who) -> Json:
    """Put the lists of the campaign's last change-set back to what they were. One step: not the one before it, too.

    Refused where one of them, or the campaign's weighting, was changed since then.
    """
    now = desk.clock.now()

    def work(records: Records) -> Json:
        owner = campaign_of(records, campaign)
        last = records.last_change_set(owner.campaign_id)
        if last is None or last.undone_at is not None:
            why = "there was none yet" if last is None else f"that of {last.at:%Y-%m-%d %H:%M:%S} UTC is undone already"
            raise Conflict(f"campaign {owner.name!r} has no change-set to undo: {why}")
        lists = {each.list_id: each for each in records.lists(owner.campaign_id)}
        found = CampaignLists(weighting=owner.settings.weighting, lists={each: state_of(lists[each]) for each in lists})
        if said := differences(last.after, found):
            raise Conflict(
                f"the change-set of {last.at:%Y-%m-%d %H:%M:%S} UTC can't be undone, lists have changed since:"
                f" {'; '.join(said)}"
            )
        old = [lists[each] for each in last.after.lists]
        new = [_restored(records, lists[list_id], last.before) for list_id in last.after.lists]
        _write(records, owner, last.before.weighting, new)
        records.set_undone(last.change_set_id, now)
        details = {
            "campaign": owner.name,
            "change_set": last.change_set_id,
            "before": _told(last.after.weighting, old),
            "after": _told(last.before.weighting, new),
        }
        records.add_audit(now, who, "list.undo", details)
        return {
            "campaign": owner.name,
            "change_set_id": last.change_set_id,
            "at": moment(last.at),
            "who": last.who,
            "undone_at": moment(now),
            "weighting": last.before.weighting,
            "lists": [{"list_id": each.list_id, **list_settings(each)} for each in new],
        }

    done = await desk.store.write(work)
    await followed(desk)
    return done


def planned(records: Records, campaign: Campaign, changes: ListChanges) -> Plan:
    """Return what the changes come to. Raises UsageError, NotFound, and Conflict: for a name that two lists would
    have, and for lists that are not as the fingerprint says."""
    before = records.lists(campaign.campaign_id)
    if changes.fingerprint is not None:
        still_as(changes.fingerprint, campaign, before)
    if not changes.lists and changes.weighting is None:
        raise UsageError("nothing to change: the change-set names no list, and no weighting")
    weighting = campaign.settings.weighting if changes.weighting is None else changes.weighting
    after = {each.list_id: each for each in before}
    if weighting and not campaign.settings.weighting:
        after = {list_id: replace(each, weight=WEIGHT_DEFAULT) for list_id, each in after.items()}
    named: dict[int, str] = {}
    for name, edit in changes.lists.items():
        list_id = list_of(records, campaign, name).list_id
        if list_id in named:
            raise UsageError(f"lists: {named[list_id]!r} and {name!r} are one list")
        named[list_id] = name
        try:
            after[list_id] = edit.apply(after[list_id], partial(strategy_of, records), zone=campaign.settings.timezone)
        except UsageError as error:
            raise UsageError(f"lists.{name}: {error}") from error
    names: dict[str, int] = {}
    for each in after.values():
        if each.name in names:
            raise Conflict(f"lists {names[each.name]} and {each.list_id} would both be named {each.name!r}")
        names[each.name] = each.list_id
    return Plan(campaign=campaign, weighting=weighting, before=before, after=[after[each.list_id] for each in before])


def _restored(records: Records, lead_list: LeadList, before: CampaignLists) -> LeadList:
    state = before.lists[lead_list.list_id]
    try:
        strategy = None if state.strategy_id is None else records.strategy(state.strategy_id)
    except NotFound as error:
        raise Conflict(f"list {state.name!r} can't have its strategy back: {error}") from error
    return put_back(lead_list, state, strategy)


def _write(records: Records, campaign: Campaign, weighting: bool, lists: list[LeadList]) -> None:
    records.set_lists(lists)
    if weighting != campaign.settings.weighting:
        settings = replace(campaign.settings, weighting=weighting)
        records.set_campaign(replace(campaign, settings=settings, version=campaign.version + 1))


def _states(campaign: Campaign, lists: list[LeadList]) -> CampaignLists:
    return CampaignLists(weighting=campaign.settings.weighting, lists={each.list_id: state_of(each) for each in lists})


def _told(weighting: bool, lists: list[LeadList]) -> Json:
    return {"weighting": weighting, "lists": {str(each.list_id): list_settings(each) for each in lists}}
