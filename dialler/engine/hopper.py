"""The hopper: a short, ordered stock of leads due now, from which calls are placed.

It holds ids only and is a memory of the records, never a truth of its own: every lead is read and judged again
in the transaction of the intent. So it may be thrown away at any time (`forget`), and is, when a transaction
was undone. It is used only inside the records' transactions, which run one at a time.
"""

import heapq
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from dialler.domain.campaign import Campaign, LeadList, LeadOrder
from dialler.domain.lead import LeadState
from dialler.engine.windows import Windows
from dialler.ports import Bucket, Records


@dataclass(frozen=True, slots=True, kw_only=True)
class Refill:
    """What one refill of a list did."""

    added: int
    woken: int
    level: int
    next_at: datetime | None
    """When more may be there by itself: a window opens, a rest ends. None: not by itself."""


class Hopper:
    """The stock of one campaign, by list."""

    def __init__(self, windows: Windows, *, level: int) -> None:
        if level < 1:
            raise ValueError(f"level must be 1 or more, got {level}")
        self.level = level
        self.stale = False
        """Set by anyone when leads, lists or windows changed outside the dial path: the next look reads anew."""

        self._windows = windows
        self._leads: dict[int, deque[int]] = {}
        self._dry_until: dict[int, datetime | None] = {}
        self._good_until: dict[int, datetime] = {}

    def levels(self) -> dict[int, int]:
        """Return how many leads are in stock, by list id."""
        return {list_id: len(leads) for list_id, leads in self._leads.items()}

    def forget(self) -> None:
        """Throw everything away; the next refill reads the records."""
        self._leads.clear()
        self._dry_until.clear()
        self._good_until.clear()

    def is_dry(self, list_id: int, now: datetime) -> bool:
        """Tell whether the list is known to have nobody to call at `now`."""
        if self.stale or self._leads.get(list_id) or list_id not in self._dry_until:
            return False
        until = self._dry_until[list_id]
        return until is None or now < until

    def is_low(self, list_id: int, now: datetime) -> bool:
        """Tell whether a refill is due: half empty, or a window of the list has opened or shut since the last."""
        if self.is_dry(list_id, now):
            return False
        leads = self._leads.get(list_id)
        return leads is None or len(leads) * 2 < self.level or now >= self._good_until[list_id]

    def next_at(self, list_id: int) -> datetime | None:
        """Return when a list that is dry may have somebody again by itself."""
        return self._dry_until.get(list_id)

    def has_stock(self, records: Records, campaign: Campaign, lead_list: LeadList, now: datetime) -> bool:
        """Tell whether the list has somebody to call now, refilling when the stock has run out."""
        if self.stale:
            self.stale = False
            self.forget()
        if not self._leads.get(lead_list.list_id) and not self.is_dry(lead_list.list_id, now):
            self.refill(records, campaign, lead_list, now)
        return bool(self._leads.get(lead_list.list_id))

    def take(self, records: Records, campaign: Campaign, lead_list: LeadList, now: datetime) -> int | None:
        """Take the list's next lead; None: nobody is left to call now."""
        if not self.has_stock(records, campaign, lead_list, now):
            return None
        return self._leads[lead_list.list_id].popleft()

    def refill(self, records: Records, campaign: Campaign, lead_list: LeadList, now: datetime) -> Refill:
        """Bring the stock of one list up to its level, best leads first.

        The stock is made anew, so that an urgent lead does not wait behind the others, and leads whose
        window has shut leave it. Costs a few index look-ups for each bucket that is open.
        """
        hours = campaign.settings.hours
        woken = 0
        streams: list[Iterator[tuple[int, int, int]]] = []
        window_changes: list[datetime] = []
        rest_ends: list[datetime] = []
        for bucket in records.buckets([lead_list.list_id]):
            if not self._has_waiting(bucket):
                continue
            window_changes.append(self._windows.changes_at(hours, bucket.key, now))
            if not self._windows.is_open(hours, bucket.key, now):
                continue
            place = (bucket.list_id, bucket.key_id)
            if bucket.counts.get(LeadState.RESTING):
                woken += records.wake_rested(place, now, limit=self.level)
                due_at = records.next_due_at(place)
                if due_at is not None and due_at > now:
                    rest_ends.append(due_at)
            streams.append(self._ranked(records, place, lead_list.order))
        before = len(self._leads.get(lead_list.list_id, ()))
        stock = deque(lead_id for _, _, lead_id in self._first(streams))
        next_at = min(window_changes + rest_ends, default=None)
        self._leads[lead_list.list_id] = stock
        if stock:
            self._dry_until.pop(lead_list.list_id, None)
        else:
            self._dry_until[lead_list.list_id] = next_at
        # Rests end all the time; only a list that is dry has to look at once, the others do when half empty.
        self._good_until[lead_list.list_id] = min(window_changes, default=datetime.max.replace(tzinfo=now.tzinfo))
        return Refill(added=max(0, len(stock) - before), woken=woken, level=len(stock), next_at=next_at)

    @staticmethod
    def _has_waiting(bucket: Bucket) -> bool:
        return bool(bucket.counts.get(LeadState.READY) or bucket.counts.get(LeadState.RESTING))

    def _ranked(self, records: Records, place: tuple[int, int], order: LeadOrder) -> Iterator[tuple[int, int, int]]:
        sign = 1 if order is LeadOrder.OLDEST else -1
        for priority, lead_id in records.ready_ranks(place, order, limit=self.level):
            yield -priority, sign * lead_id, lead_id

    def _first(self, streams: list[Iterator[tuple[int, int, int]]]) -> Iterator[tuple[int, int, int]]:
        for taken, ranked in enumerate(heapq.merge(*streams)):
            if taken >= self.level:
                return
            yield ranked
