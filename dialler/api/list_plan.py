"""What a change-set would do, told before it is done."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

import orjson

from dialler.api.forms import Json
from dialler.api.list_rows import list_settings
from dialler.domain.campaign import Campaign, LeadList
from dialler.domain.runway import PACE_SPAN, runway
from dialler.domain.weighting import percentages
from dialler.engine.outlook import dialable_counts
from dialler.errors import Conflict
from dialler.ports import Records

_DIGITS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A campaign's lists before and after, all of them, in the same order."""

    campaign: Campaign
    weighting: bool
    before: Sequence[LeadList]
    after: Sequence[LeadList]

    @property
    def changed_before(self) -> list[LeadList]:
        """The lists that change, as they are."""
        return [old for old, new in zip(self.before, self.after, strict=True) if old != new]

    @property
    def changed(self) -> list[LeadList]:
        """The lists that change, as they will be."""
        return [new for old, new in zip(self.before, self.after, strict=True) if old != new]


def plan_json(records: Records, plan: Plan, now: datetime) -> Json:
    """Return what the plan would do, list by list and in all."""
    pace = sum(records.attempts_since([each.list_id for each in plan.before], now - PACE_SPAN).values())
    old = _sides(records, plan, plan.before, pace, now, weighting=plan.campaign.settings.weighting)
    new = _sides(records, plan, plan.after, pace, now, weighting=plan.weighting)
    gained = [after["dialable"] - before["dialable"] for before, after in zip(old, new, strict=True)]
    dialable_before, dialable_after = (sum(each["dialable"] for each in sides) for sides in (old, new))
    return {
        "campaign": plan.campaign.name,
        "applied": False,
        "fingerprint": fingerprint_of(plan.campaign, plan.before),
        "attempts_last_hour": pace,
        "weighting": [plan.campaign.settings.weighting, plan.weighting],
        "become_dialable": sum(n for n in gained if n > 0),
        "blocked": -sum(n for n in gained if n < 0),
        "dialable": [dialable_before, dialable_after],
        "runway_h": [_hours(dialable_before, pace), _hours(dialable_after, pace)],
        "lists": [
            {
                "list_id": before.list_id,
                "name": before.name,
                "changes": _changes(before, after),
                **{key: [was[key], will[key]] for key in ("dialable", "percentage", "runway_h")},
            }
            for before, after, was, will in zip(plan.before, plan.after, old, new, strict=True)
        ],
    }


def _sides(
    records: Records, plan: Plan, lists: Sequence[LeadList], pace: int, now: datetime, *, weighting: bool
) -> list[dict[str, Any]]:
    """Return for each list, before or after: leads that can be dialled, percentage, runway."""
    owners = {plan.campaign.campaign_id: plan.campaign}
    counts = dialable_counts(records, lists, owners, now)
    shares = percentages(lists, weighting=weighting)
    sides: list[dict[str, Any]] = []
    for each in lists:
        dialable = counts[each.list_id] if each.to_dial else 0
        share = shares.get(each.list_id)
        side = {
            "dialable": dialable,
            "percentage": None if share is None else round(share, 2),
            "runway_h": None if share is None else _hours(dialable, pace * share / 100),
        }
        sides.append(side)
    return sides


def _hours(dialable: int, attempts: float) -> float | None:
    lasts = runway(dialable, attempts)
    return None if lasts is None else round(lasts.total_seconds() / 3600, 2)


def _changes(before: LeadList, after: LeadList) -> Json:
    """Return what changes of a list, each with what it was and what it will be."""
    old, new = list_settings(before), list_settings(after)
    return {key: [old[key], new[key]] for key in old if old[key] != new[key]}


def fingerprint_of(campaign: Campaign, lists: Sequence[LeadList]) -> str:
    """Return a text that is the same as long as the lists and the weighting are: part by part, so that what has
    changed can be told."""
    parts = {"weighting": str(campaign.settings.weighting).lower()}
    for each in lists:
        state = [list_settings(each), each.strategy.version if each.strategy else None]
        parts[str(each.list_id)] = sha256(orjson.dumps(state)).hexdigest()[:_DIGITS]
    return ".".join(f"{key}-{value}" for key, value in parts.items())


def still_as(fingerprint: str, campaign: Campaign, lists: Sequence[LeadList]) -> None:
    """Raise Conflict, which says what has changed, if the lists are not as they were at the fingerprint."""
    now = fingerprint_of(campaign, lists)
    if fingerprint == now:
        return
    was, found = (dict(part.partition("-")[::2] for part in text.split(".")) for text in (fingerprint, now))
    said = []
    if was.get("weighting") != found["weighting"]:
        said.append(f"weighting is {'on' if campaign.settings.weighting else 'off'} now")
    for each in lists:
        key = str(each.list_id)
        if key not in was:
            said.append(f"list {each.name!r} is new")
        elif was[key] != found[key]:
            said.append(f"list {each.name!r} is now " + ", ".join(_said(each)))
    said += [f"list {key} is gone" for key in was if key not in found]
    raise Conflict(
        f"the lists of campaign {campaign.name!r} have changed since the preview: {'; '.join(said)}; look at it again"
    )


def _said(each: LeadList) -> list[str]:
    strategy = "none" if each.strategy is None else f"{each.strategy.name} version {each.strategy.version}"
    settings = {key: value for key, value in list_settings(each).items() if key not in ("name", "strategy")}
    return [f"strategy {strategy}", *(f"{key} {value}" for key, value in settings.items() if value is not None)]
