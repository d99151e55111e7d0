"""Change-sets: several lists of a campaign changed together, and put back together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from dialler.domain.campaign import LeadList
from dialler.domain.strategy import Strategy


@dataclass(frozen=True, slots=True, kw_only=True)
class ListState:
    """What a supervisor may change of a list."""

    name: str
    weight: int
    to_dial: bool
    strategy_id: int | None
    starts_at: datetime | None
    ends_at: datetime | None
    lead_days: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignLists:
    """A campaign's weighting and some of its lists, by id, at one moment."""

    weighting: bool
    lists: Mapping[int, ListState]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSet:
    """A change-set in the records."""

    change_set_id: int
    campaign_id: int
    at: datetime
    who: str
    before: CampaignLists
    """Of the lists that it changed, and no others."""

    after: CampaignLists
    undone_at: datetime | None = None


def state_of(lead_list: LeadList) -> ListState:
    """Return what may change of a list, as it is now."""
    return ListState(
        name=lead_list.name,
        weight=lead_list.weight,
        to_dial=lead_list.to_dial,
        strategy_id=None if lead_list.strategy is None else lead_list.strategy.strategy_id,
        starts_at=lead_list.starts_at,
        ends_at=lead_list.ends_at,
        lead_days=lead_list.lead_days,
    )


def put_back(lead_list: LeadList, state: ListState, strategy: Strategy | None) -> LeadList:
    """Return the list with another state; `strategy` is the one that the state names."""
    return replace(
        lead_list,
        name=state.name,
        weight=state.weight,
        to_dial=state.to_dial,
        strategy=strategy,
        starts_at=state.starts_at,
        ends_at=state.ends_at,
        lead_days=state.lead_days,
    )


def differences(expected: CampaignLists, found: CampaignLists) -> Sequence[str]:
    """Return in words what is not as expected: of weighting, and of the lists in `expected`."""
    said = []
    if found.weighting != expected.weighting:
        said.append(f"weighting is {'on' if found.weighting else 'off'}")
    for list_id, state in expected.lists.items():
        now = found.lists.get(list_id)
        if now is None:
            said.append(f"list {state.name!r} is gone")
        elif now != state:
            keys = [key for key in ListState.__slots__ if getattr(now, key) != getattr(state, key)]
            said.append(f"list {state.name!r}: " + ", ".join(f"{key} is {getattr(now, key)}" for key in keys))
    return said
