"""What is it doing, and why is it not doing more."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

import anyio
from fastapi import APIRouter

from dialler.api.abandons import period_json
from dialler.api.bounds import ID_MAX
from dialler.api.desk import NO_ENGINE, TheDesk
from dialler.api.forms import Json, moment, page
from dialler.domain.campaign import Campaign, Desired
from dialler.domain.runway import runway_together
from dialler.domain.weighting import percentages
from dialler.engine.outlook import ListOutlook, outlook
from dialler.errors import StoreError
from dialler.ports import CampaignReport, EngineControl, EngineReport, Records

router = APIRouter(tags=["status"])

UNACCOUNTED_S = 1.0
"""A dial loop that is stuck gives no account, and `status` is what one asks then."""


@router.get("/status")
async def status(desk: TheDesk) -> Json:
    """The engine, its trunks and agents, and each campaign: what it does, what limits it, what its lists hold.

    Of `callbacks` `due` are those whose time has come, not kept yet; of these `waiting_for_agent` lack nothing but the
    agent who promised them (null where no engine sees agents); `next_at` is when one more is due.
    """
    now = desk.clock.now()
    report = desk.engine.report() if desk.engine is not None else None
    campaigns = await desk.store.read(lambda records: _campaigns_json(records, report, now))
    return {
        "at": moment(now),
        "version": desk.version,
        "engine": {
            "running": report is not None,
            "started_at": moment(report.started_at) if report else None,
            "note": None if report else NO_ENGINE,
        },
        "unaccounted": await _unaccounted(desk.engine) if desk.engine is not None else None,
        "trunks": _trunks_json(report),
        "agents": dict(sorted(Counter(report.agents.values()).items())) if report else {},
        "campaigns": campaigns,
    }


@router.get("/check")
async def check(desk: TheDesk) -> Json:
    """Verify the promises on the stored data. It reads everything, so it takes its time."""
    problems = await desk.store.read(lambda records: records.check())
    return page([{"promise": problem.promise, "what": problem.what} for problem in problems])


async def _unaccounted(engine: EngineControl) -> Json | None:
    """Return the differences that must be 0; None where they can't be had in time."""
    with anyio.move_on_after(UNACCOUNTED_S):
        try:
            return dict((await engine.account()).unaccounted)
        except StoreError:
            return None
    return None


def _trunks_json(report: EngineReport | None) -> list[Json]:
    return [
        {
            "name": trunk.name,
            "server": trunk.server,
            "up": trunk.up,
            "channels_used": trunk.channels_used,
            "channels": trunk.channels,
            "calls_per_second": trunk.calls_per_second,
        }
        for trunk in (report.trunks if report else ())
    ]


def _campaigns_json(records: Records, report: EngineReport | None, now: datetime) -> list[Json]:
    due = records.callbacks_due(now)
    return [
        _campaign_json(records, campaign, report, now, due.get(campaign.campaign_id, 0))
        for campaign in records.campaigns()
    ]


def _campaign_json(
    records: Records, campaign: Campaign, report: EngineReport | None, now: datetime, callbacks_due: int
) -> Json:
    reports = report.campaigns if report else ()
    own = next((each for each in reports if each.campaign_id == campaign.campaign_id), None)
    lists = outlook(records, campaign, now)
    statuses: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    by_list: Counter[int] = Counter()
    for (list_id, status_, outcome), count in records.session_counts(campaign.campaign_id).items():
        statuses[status_.value] += count
        by_list[list_id] += count
        if outcome is not None:
            outcomes[outcome.value] += count
    runways = own.runways_s if own else {}
    together = [(each.ready_open, runways.get(each.lead_list.name)) for each in lists if each.lead_list.to_dial]
    shares = _shares_json(campaign, lists, own)
    return {
        "campaign_id": campaign.campaign_id,
        "name": campaign.name,
        "desired": campaign.desired.value,
        "actual": own.actual if own else None,
        "calls": {
            "unanswered": own.calls_unanswered if own else None,
            "waiting": own.calls_waiting if own else None,
            "talking": own.calls_talking if own else None,
        },
        "queue": campaign.settings.queue,
        "agents": {
            "ready": own.agents_ready if own else None,
            "busy": own.agents_busy if own else None,
            "leaving": own.agents_leaving if own else None,
            "shared_with": list(own.agents_shared_with) if own else [],
        },
        "callbacks": {
            "due": callbacks_due,
            "waiting_for_agent": own.callbacks_waiting if own else None,
            "next_at": _next_callback_at(records, campaign, now),
        },
        "hopper": dict(own.hopper) if own else {},
        "pacing": _pacing_json(campaign, own),
        "abandons": [period_json(rate) for rate in own.abandon_rates] if own else [],
        "limits": list(own.limits) if own else _limits(campaign, lists, engine=report is not None),
        "runs_dry": _runs_dry(own) if own else [],
        "runway_s": runway_together(together),
        "next_at": moment(own.next_at if own else _next_at(lists)),
        "sessions": {
            "opened": sum(statuses.values()),
            "open": statuses["new"] + statuses["processing"],
            "by_status": dict(sorted(statuses.items())),
            "by_outcome": dict(sorted(outcomes.items())),
        },
        "lists": [
            _list_json(each, by_list[each.lead_list.list_id])
            | shares[each.lead_list.list_id]
            | {"runway_s": runways.get(each.lead_list.name)}
            for each in lists
        ],
    }


def _next_callback_at(records: Records, campaign: Campaign, now: datetime) -> str | None:
    """Return when the next callback is due that is not due yet."""
    found = records.callbacks(campaign.campaign_id, after=(now, ID_MAX), limit=1)
    return moment(found[0].callback_at) if found else None


def _shares_json(campaign: Campaign, lists: list[ListOutlook], own: CampaignReport | None) -> Mapping[int, Json]:
    """Return what part of the calls each list is to have, and what it had so far, by list id.

    `actual_percentage` is of the calls since one of the lists with somebody to call came, went or was changed, in this
    run of the engine; None for a list that has nobody to call, and before the first call.
    """
    due = percentages([each.lead_list for each in lists], weighting=campaign.settings.weighting)
    counted = {each.list: each.calls for each in own.shares.lists} if own and own.shares else {}
    total = sum(counted.values())
    return {
        each.list_id: {
            "percentage": _rounded(due.get(each.list_id)),
            "actual_percentage": _rounded(100 * counted[each.name] / total if total and each.name in counted else None),
        }
        for each in (one.lead_list for one in lists)
    }


def _rounded(percentage: float | None) -> float | None:
    return None if percentage is None else round(percentage, 2)


def _runs_dry(own: CampaignReport) -> list[str]:
    """Return the lists that will have nobody to call soon, the first of them first."""
    soon = sorted((seconds, name) for name, seconds in own.runways_s.items() if seconds < own.runway_min_s)
    return [name for _, name in soon]


def _pacing_json(campaign: Campaign, own: CampaignReport | None) -> Json:
    decision = own.pacing if own else None
    return {
        "strategy": campaign.settings.pacing,
        "calls": decision.calls if decision else None,
        "reason": decision.reason if decision else None,
        "decided_at": moment(own.decided_at) if own else None,
    }


def _list_json(each: ListOutlook, sessions: int) -> Json:
    return {
        "list_id": each.lead_list.list_id,
        "name": each.lead_list.name,
        "weight": each.lead_list.weight,
        "to_dial": each.lead_list.to_dial,
        "leads": each.leads,
        "sessions": sessions,
        "dialable_now": each.ready_open,
        "waiting_for_window": each.ready_shut,
        "next_open": moment(each.next_open),
        "next_close": moment(each.next_close),
        "resting": each.resting,
        "next_due": moment(each.next_due),
        "in_call": each.in_call,
        "completed": each.completed,
    }


def _next_at(lists: list[ListOutlook]) -> datetime | None:
    return min((at for each in lists for at in (each.next_open, each.next_due) if at is not None), default=None)


def _limits(campaign: Campaign, lists: list[ListOutlook], *, engine: bool) -> list[str]:
    """Say why nothing is dialled, from the records alone, the most binding first."""
    limits = [] if engine else [NO_ENGINE]
    if campaign.desired is not Desired.RUNNING:
        limits.append(f"the campaign is {campaign.desired.value}")
    if not lists:
        limits.append("the campaign has no list")
    elif not any(each.lead_list.to_dial for each in lists):
        limits.append("no list is to dial")
    elif not any(each.ready_open for each in lists if each.lead_list.to_dial):
        limits.append(_nobody(lists))
    return limits


def _nobody(lists: list[ListOutlook]) -> str:
    on = [each for each in lists if each.lead_list.to_dial]
    if not sum(each.leads for each in on):
        return "the lists are empty"
    shut, resting = sum(each.ready_shut for each in on), sum(each.resting for each in on)
    if not shut and not resting:
        return "all leads are completed or in a call"
    return f"nobody may be called now: {shut} wait for their calling window, {resting} rest"
