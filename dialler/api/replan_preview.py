"""What other redial rules or caps would make of the leads, told before they hold."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Final

from fastapi import Query

from dialler.api.desk import Desk
from dialler.api.forms import Json
from dialler.domain.campaign import Campaign, LeadList, caps_of, in_force
from dialler.domain.lead import Lead, LeadState
from dialler.domain.replan import Change, change_of
from dialler.engine.replan import replan_leads
from dialler.engine.windows import Windows
from dialler.ports import LeadFilter, Records

LOOKED_AT_MAX: Final = 50_000
"""Leads that one preview looks at: some seconds, beside the dialling."""

PAGE: Final = 200
"""Leads in one reading."""

_STATES: Final = (LeadState.RESTING, LeadState.COMPLETED, LeadState.READY)
"""In this order: those who rest are the most likely to have another turn."""


DryRun = Annotated[bool, Query(description="change nothing, and say what it would make of the leads")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A list and its campaign, as they are and as they would be."""

    campaign: Campaign
    lead_list: LeadList
    new_campaign: Campaign
    new_list: LeadList

    @property
    def has_other_turns(self) -> bool:
        """Whether redial rules or caps in force for its leads would be others."""
        old = in_force(self.campaign.settings, self.lead_list)
        new = in_force(self.new_campaign.settings, self.new_list)
        return caps_of(old) != caps_of(new) or self.lead_list.rules.redial != self.new_list.rules.redial


async def replan_preview(desk: Desk, plan: Callable[[Records], Sequence[Planned]]) -> Json:
    """Return how many leads would come back, rest longer or less, or be exhausted, if what `plan` returns held now.

    Looks at so many leads at most, in portions; `is_partial` says that there are more. Raises what `plan` raises.
    """
    counts: Counter[Change] = Counter()
    looked_at, is_partial = 0, False
    lists = [each for each in await desk.store.read(plan) if each.has_other_turns]
    windows = Windows()
    for each in lists:
        for state in _STATES:
            after: int | None = 0
            while after is not None and not is_partial:
                changes, page = await desk.store.read(partial(_look, desk, windows, each, state, after))
                counts.update(changes)
                looked_at += len(page)
                after = page[-1].lead_id if len(page) == PAGE else None
                is_partial = looked_at >= LOOKED_AT_MAX and after is not None
    totals = await desk.store.read(lambda records: records.lead_totals())
    ids = {each.lead_list.list_id for each in lists}
    held = {key: n for key, n in totals.items() if key[0] in ids}
    return {
        "lists": [each.lead_list.name for each in lists],
        "leads": sum(held.values()),
        "looked_at": looked_at,
        "is_partial": is_partial,
        **{change.value: counts[change] for change in Change if change is not Change.NONE},
        "in_call": sum(n for (_, state), n in held.items() if state is LeadState.IN_CALL),
    }


def was_and_is(old: Mapping[str, object], new: Mapping[str, object]) -> Json:
    """Return what differs, by key, each with what it was and what it would be."""
    return {key: [old.get(key), new[key]] for key in new if old.get(key) != new[key]}


def _look(
    desk: Desk, windows: Windows, each: Planned, state: LeadState, after: int, records: Records
) -> tuple[Sequence[Change], Sequence[Lead]]:
    """Return what becomes of a page of leads, and the page."""
    now = desk.clock.now()
    page = records.leads(LeadFilter(list_id=each.lead_list.list_id, state=state), after=after, limit=PAGE)
    changed = replan_leads(records, windows, each.new_campaign, each.new_list, page, now)
    return [change_of(old, new, now) for old, new in changed], page
