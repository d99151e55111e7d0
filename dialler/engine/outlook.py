"""What a campaign's lists hold for the moment, and for later: read from counts, never by a scan of leads."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from dialler.domain.calling_hours import CallingHours
from dialler.domain.campaign import Campaign, LeadList
from dialler.domain.lead import LeadState, WindowKey
from dialler.engine.windows import Windows
from dialler.ports import Bucket, Records

_FAR = timedelta(days=360)
"""Beyond this a change of a window is looked at twice: `Windows` also says so of one that never opens."""

_windows = Windows()


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOutlook:
    """One list at one moment. The counts add up to its leads."""

    lead_list: LeadList
    ready_open: int
    """Ready, and their window is open, between the list's start and end: they can be dialled now, as far as times
    go."""

    ready_shut: int
    """Ready, but outside their window or the list's dates."""

    resting: int
    """Resting after an attempt, or until a callback."""

    in_call: int
    completed: int
    next_open: datetime | None
    """When the first window with ready leads opens (UTC); None: none is shut, or none opens within 370 days."""

    next_close: datetime | None
    """When the first of the open windows with ready leads shuts (UTC); None: none is open."""

    next_due: datetime | None
    """When the first resting lead is due again (UTC, may have passed); None: none rests."""

    @property
    def leads(self) -> int:
        """All leads of the list."""
        return self.ready_open + self.ready_shut + self.resting + self.in_call + self.completed


def outlook(records: Records, campaign: Campaign, now: datetime, *, windows: Windows = _windows) -> list[ListOutlook]:
    """Return the outlook of each of the campaign's lists at `now`, by list id.

    It costs one look at each bucket: as many as the lists have window keys, however many leads they hold.
    """
    lists = records.lists(campaign.campaign_id)
    buckets: dict[int, list[Bucket]] = {lead_list.list_id: [] for lead_list in lists}
    for bucket in records.buckets(list(buckets)):
        buckets[bucket.list_id].append(bucket)
    hours = campaign.settings.hours
    outlooks = []
    for lead_list in lists:
        counts: Counter[LeadState] = Counter()
        ready_open = 0
        opens: list[datetime] = []
        closes: list[datetime] = []
        dues: list[datetime] = []
        for bucket in buckets[lead_list.list_id]:
            counts.update(bucket.counts)
            if (ready := bucket.counts.get(LeadState.READY, 0)) and lead_list.is_current(now):
                is_open = windows.is_open(hours, bucket.key, now)
                ready_open += ready if is_open else 0
                if (change := _change(windows, hours, bucket.key, now)) is not None:
                    (closes if is_open else opens).append(change)
            if bucket.counts.get(LeadState.RESTING, 0):
                due = records.next_due_at((bucket.list_id, bucket.key_id))
                dues += [due] if due is not None else []
        if lead_list.starts_at is not None and lead_list.starts_at > now and counts[LeadState.READY]:
            opens.append(lead_list.starts_at)
        if lead_list.ends_at is not None and closes:
            closes.append(lead_list.ends_at)
        outlooks.append(
            ListOutlook(
                lead_list=lead_list,
                ready_open=ready_open,
                ready_shut=counts[LeadState.READY] - ready_open,
                resting=counts[LeadState.RESTING],
                in_call=counts[LeadState.IN_CALL],
                completed=counts[LeadState.COMPLETED],
                next_open=min(opens, default=None),
                next_close=min(closes, default=None),
                next_due=min(dues, default=None),
            )
        )
    return outlooks


def dialable_counts(
    records: Records,
    lists: Iterable[LeadList],
    campaigns: Mapping[int, Campaign],
    now: datetime,
    *,
    windows: Windows = _windows,
) -> Mapping[int, int]:
    """Return how many leads of each list are ready with their window open, between the list's start and end.

    `campaigns` are the lists', by id. Costs a few sums of counts for each of the calling hours.
    """
    lists_of: dict[CallingHours, list[int]] = {}
    found: dict[int, int] = {}
    for each in lists:
        found[each.list_id] = 0
        if each.is_current(now):
            lists_of.setdefault(campaigns[each.campaign_id].settings.hours, []).append(each.list_id)
    for hours, list_ids in lists_of.items():
        keys = records.ready_keys(list_ids)
        found.update(records.ready_totals(list_ids, [each for each in keys if windows.is_open(hours, keys[each], now)]))
    return found


def _change(windows: Windows, hours: CallingHours, key: WindowKey, now: datetime) -> datetime | None:
    """Return when the window opens or shuts next; None if it does neither within 370 days."""
    change = windows.changes_at(hours, key, now)
    if change - now < _FAR:
        return change
    window = windows.window(hours, key)
    return window.next_close(now) if window.is_open(now) else window.next_open(now)
