"""Routes for campaigns, and their control: start, stop, pause, drain."""

from collections.abc import Callable, Sequence, Set
from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from fastapi import APIRouter

from dialler.api.desk import Desk, TheDesk, Who
from dialler.api.edits import CampaignEdit, NewCampaign, pacing_of
from dialler.api.forms import Json, campaign_json, page
from dialler.api.looks import campaign_of, pool_of
from dialler.api.replan_preview import DryRun, Planned, replan_preview, was_and_is
from dialler.domain.campaign import WEIGHT_DEFAULT, Campaign, CampaignSettings, Desired
from dialler.domain.changes import differences
from dialler.domain.serving import lacks
from dialler.errors import Conflict, NotFound, UsageError
from dialler.ports import Records

router = APIRouter(prefix="/campaigns", tags=["campaigns"])


class Command(StrEnum):
    """What a supervisor may tell a campaign's dialler."""

    START = "start"
    STOP = "stop"
    PAUSE = "pause"
    DRAIN = "drain"


_WANTED = {
    Command.START: Desired.RUNNING,
    Command.STOP: Desired.STOPPED,
    Command.PAUSE: Desired.PAUSED,
    Command.DRAIN: Desired.DRAINING,
}


@router.get("")
async def list_campaigns(desk: TheDesk) -> Json:
    """All campaigns."""
    return page([campaign_json(campaign) for campaign in await desk.store.read(lambda records: records.campaigns())])


@router.post("", status_code=201)
async def create_campaign(new: NewCampaign, desk: TheDesk, who: Who) -> Json:
    """Create a campaign. It is stopped, and has no lists."""
    settings = new.settings()
    now = desk.clock.now()

    def work(records: Records) -> Campaign:
        _check_pool(records, settings)
        campaign = records.add_campaign(new.name, settings, now)
        records.add_audit(now, who, "campaign.create", {"campaign": campaign.name, "after": _told(campaign)})
        return campaign

    return campaign_json(await desk.store.write(work))


@router.get("/{campaign}")
async def show_campaign(campaign: str, desk: TheDesk) -> Json:
    """One campaign, by name or id."""
    return campaign_json(await desk.store.read(lambda records: campaign_of(records, campaign)))


@router.patch("/{campaign}")
async def set_campaign(campaign: str, edit: CampaignEdit, desk: TheDesk, who: Who, dry_run: DryRun = False) -> Json:
    """Change settings of a campaign; a running engine follows at once. Keys not given stay as they are.

    When weighting is switched on, all its lists get weight 100: they go on equal, as they were. Other limits of
    attempts, or another least rest, plan leads that rest or are exhausted anew, in the background, as if they had been
    these from the start. With `dry_run` nothing is changed: `replan` says how many would come back, rest longer or
    less, or be exhausted.
    """
    now, trunks = desk.clock.now(), desk.trunks_known()

    def change(records: Records) -> tuple[Campaign, Campaign]:
        old = campaign_of(records, campaign)
        new = replace(old, settings=edit.apply(old.settings), version=old.version + 1)
        if new.settings.caller_id_pool != old.settings.caller_id_pool:
            _check_pool(records, new.settings)
        if old.desired is Desired.RUNNING:
            _check_startable(new, trunks)
        return old, new

    if dry_run:
        return await _previewed(desk, change)

    def work(records: Records) -> Campaign:
        old, new = change(records)
        records.set_campaign(new)
        if new.settings.weighting and not old.settings.weighting:
            even_weights(records, new, who, now)
        details = {"campaign": old.name, **differences(_told(old), _told(new))}
        records.add_audit(now, who, "campaign.set", details)
        return new

    changed = await desk.store.write(work)
    await followed(desk)
    return campaign_json(changed)


@router.post("/{campaign}/{command}")
async def control_campaign(campaign: str, command: Command, desk: TheDesk, who: Who) -> Json:
    """Start, stop, pause or drain a campaign's dialler; answers once the engine obeys, with what is now true.

    After `stop` is answered no further call is placed. `actual` is None where no engine runs: then what is wanted
    is written down, and the next engine follows it.
    """
    now, trunks = desk.clock.now(), desk.trunks_known()

    def work(records: Records) -> Campaign:
        old = campaign_of(records, campaign)
        new = replace(old, desired=_WANTED[command])
        if command is Command.START:
            _check_startable(new, trunks)
        records.set_campaign(new)
        details = {
            "campaign": old.name,
            "before": {"desired": old.desired.value},
            "after": {"desired": new.desired.value},
        }
        records.add_audit(now, who, f"campaign.{command.value}", details)
        return new

    changed = await desk.store.write(work)
    await followed(desk)
    return campaign_json(changed) | _actual(desk, changed)


def even_weights(records: Records, campaign: Campaign, who: str, now: datetime) -> None:
    """Give all lists of a campaign weight 100."""
    for each in records.lists(campaign.campaign_id):
        if each.weight != WEIGHT_DEFAULT:
            records.set_list(replace(each, weight=WEIGHT_DEFAULT))
            details = {
                "campaign": campaign.name,
                "list": each.name,
                "before": {"weight": each.weight},
                "after": {"weight": WEIGHT_DEFAULT},
            }
            records.add_audit(now, who, "list.set", details)


def _told(campaign: Campaign) -> Json:
    """Return what a supervisor may change of a campaign."""
    own = ("campaign_id", "created_at", "desired", "version")
    return {key: value for key, value in campaign_json(campaign).items() if key not in own}


async def _previewed(desk: Desk, change: Callable[[Records], tuple[Campaign, Campaign]]) -> Json:
    """Return what a change of a campaign would do."""

    def plan(records: Records) -> Sequence[Planned]:
        old, new = change(records)
        return [
            Planned(campaign=old, lead_list=each, new_campaign=new, new_list=each)
            for each in records.lists(old.campaign_id)
        ]

    replan = await replan_preview(desk, plan)
    old, new = await desk.store.read(change)
    changes = was_and_is(campaign_json(old), campaign_json(new))
    changes.pop("version", None)
    return {"applied": False, "name": old.name, "changes": changes, "replan": replan}


async def followed(desk: Desk) -> None:
    """Wait until the engine, where one runs, does what the records now say."""
    if desk.engine is not None:
        await desk.engine.follow()


def _actual(desk: Desk, campaign: Campaign) -> Json:
    reports = desk.engine.report().campaigns if desk.engine is not None else ()
    for report in reports:
        if report.campaign_id == campaign.campaign_id:
            return {"actual": report.actual, "limits": list(report.limits)}
    return {"actual": None, "limits": ["no engine runs: `dialler run` starts one"] if desk.engine is None else []}


def _check_pool(records: Records, settings: CampaignSettings) -> None:
    """Raise NotFound if the campaign's pool of caller ids is not there."""
    if settings.caller_id_pool is not None:
        found = pool_of(records, settings.caller_id_pool)
        if found.name != settings.caller_id_pool:
            raise NotFound(f"there is no caller-id pool {settings.caller_id_pool!r}; campaigns name it: {found.name}")


def _check_startable(campaign: Campaign, trunks: Set[str]) -> None:
    """Raise Conflict if the campaign could not place a call; `trunks` are those known, empty where nobody knows any."""
    settings = campaign.settings
    try:
        strategy = pacing_of(settings)
    except UsageError as error:
        raise Conflict(f"campaign {campaign.name!r} can't run: {error}") from error
    if (reason := lacks(settings, needs_agents=strategy.needs_agents)) is not None:
        raise Conflict(f"campaign {campaign.name!r} can't run: {reason}")
    if trunks and (unknown := [trunk for trunk in settings.trunks if trunk not in trunks]):
        raise Conflict(
            f"campaign {campaign.name!r} can't run: unknown trunk {', '.join(map(repr, unknown))};"
            f" the settings have {', '.join(sorted(trunks))}"
        )
