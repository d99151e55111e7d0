"""Lists as JSON, with what they hold and what their weights come to."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from dialler.api.forms import Json, moment
from dialler.domain.campaign import Campaign, LeadList
from dialler.domain.redial import rules_to_json
from dialler.domain.weighting import percentages
from dialler.engine.outlook import dialable_counts
from dialler.ports import Records


def list_rows(records: Records, campaigns: Iterable[Campaign], now: datetime) -> list[Json]:
    """Return all lists of these campaigns, by campaign: sums of counts, no scan."""
    owners = {each.campaign_id: each for each in campaigns}
    lists = [each for campaign_id in owners for each in records.lists(campaign_id)]
    dialable = dialable_counts(records, lists, owners, now)
    leads: dict[int, int] = {}
    for (list_id, _), n in records.lead_totals().items():
        leads[list_id] = leads.get(list_id, 0) + n
    shares: dict[int, float] = {}
    for owner in owners.values():
        own = [each for each in lists if each.campaign_id == owner.campaign_id]
        shares.update(percentages(own, weighting=owner.settings.weighting))
    return [
        _row(each, owners[each.campaign_id], shares, leads=leads.get(each.list_id, 0), dialable=dialable[each.list_id])
        for each in lists
    ]


def list_row(records: Records, campaign: Campaign, list_id: int, now: datetime) -> Json:
    """Return one list of a campaign."""
    return next(row for row in list_rows(records, [campaign], now) if row["list_id"] == list_id)


def _row(each: LeadList, owner: Campaign, shares: Mapping[int, float], *, leads: int, dialable: int) -> Json:
    share = shares.get(each.list_id)
    return {
        "list_id": each.list_id,
        "name": each.name,
        "campaign_id": each.campaign_id,
        "campaign": owner.name,
        "created_at": moment(each.created_at),
        "leads": leads,
        "dialable_now": dialable,
        "to_dial": each.to_dial,
        "strategy": each.strategy.name if each.strategy else None,
        "strategy_version": each.strategy.version if each.strategy else None,
        "weight": each.weight,
        "percentage": None if share is None else round(share, 2),
        "starts_at": moment(each.starts_at),
        "ends_at": moment(each.ends_at),
        "lead_days": each.lead_days,
        "replanning": None if each.replan_after is None else {"replanned": min(each.replanned, leads), "leads": leads},
        "order": each.rules.order.value,
        "redial": rules_to_json(each.rules.redial),
    }


def list_settings(each: LeadList) -> Json:
    """Return what a supervisor may change of a list, for the audit and for change-sets."""
    return {
        "name": each.name,
        "weight": each.weight,
        "to_dial": each.to_dial,
        "strategy": each.strategy.name if each.strategy else None,
        "starts_at": moment(each.starts_at),
        "ends_at": moment(each.ends_at),
        "lead_days": each.lead_days,
    }
