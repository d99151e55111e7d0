"""The hopper: a short, ordered stock of leads due now, from which calls are placed.

It holds ids only and is a memory of the records, never a truth of its own: every lead is read and judged again
in the transaction of the intent. So it may be thrown away at any time (`forget`), and is, when a transaction
was undone. It changes only inside the records' transactions, which run one at a time; between them, and from the
event loop's thread, one may look.
"""

import heapq
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from dialler.domain.campaign import Campaign, LeadList
from dialler.domain.lead import LeadState
from dialler.engine.windows import Windows
from dialler.ports import Bucket, Records

_NEVER = datetime.max.replace(tzinfo=UTC)


def _nothing() -> None:
    """Have nothing to write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refill:
    """What one refill of a list did."""

    lead_list: LeadList
    added: int
    woken: int
    level: int


@dataclass(slots=True)
class _Stock:
    """One list's leads, as of its last refill."""

    leads: deque[int]
    half: int
    """With fewer leads left than this, a refill is due."""

    good_until: datetime
    """When a window with leads opens or shuts, a callback is due, or the list ends: then others may be the best."""

    is_dry: bool
    """The refill found nobody."""

    more_at: datetime | None
    """When a dry list may have somebody by itself: it starts, a window opens, a rest ends. None: not by itself."""


class Hopper:
    """The stock of one campaign, by list."""

    def __init__(self, windows: Windows, *, level: int) -> None:
        if level < 1:
            raise ValueError(f"level must be 1 or more, got {level}")
        self.level = level
        self.stale = False
        """Set by anyone when leads, lists or windows changed outside the dial path: the next look reads anew."""

        self._windows = windows
        self._stocks: dict[int, _Stock] = {}
        self._refills: list[Refill] = []

    def levels(self) -> dict[int, int]:
        """Return how many leads are in stock, by list id."""
        return {list_id: len(stock.leads) for list_id, stock in self._stocks.copy().items()}

    def forget(self) -> None:
        """Throw everything away; the next refill reads the records."""
        self._stocks.clear()
        self._refills.clear()

    def told(self) -> list[Refill]:
        """Return the refills since the last time this was asked."""
        refills, self._refills = self._refills, []
        return refills

    def is_dry(self, list_id: int, now: datetime) -> bool:
        """Tell whether the list is known to have nobody to call at `now`."""
        stock = self._stocks.get(list_id)
        if self.stale or stock is None or not stock.is_dry:
            return False
        return stock.more_at is None or now < stock.more_at

    def next_at(self, list_id: int, now: datetime) -> datetime | None:
        """Return when a list that is dry at `now` may have somebody by itself; None also for one that is not dry."""
        stock = self._stocks.get(list_id)
        return stock.more_at if stock is not None and self.is_dry(list_id, now) else None

    def expect(self, list_id: int, at: datetime, *, is_promised: bool = False) -> bool:
        """Note that a lead comes back at `at`, from a call; tell whether a dry list has to look earlier for it.

        One who was promised that call (`is_promised`) does not wait until the stock is used up either.
        """
        stock = self._stocks.get(list_id)
        if stock is not None and is_promised:
            stock.good_until = min(stock.good_until, at)
        if stock is None or not stock.is_dry or (stock.more_at is not None and stock.more_at <= at):
            return False
        stock.more_at = at
        return True

    def renew(self, list_id: int) -> None:
        """Throw a list's stock away: those in it are not the best any more. Its next look reads anew."""
        self._stocks.pop(list_id, None)

    def has_stock(
        self,
        records: Records,
        campaign: Campaign,
        lead_list: LeadList,
        now: datetime,
        *,
        before_refill: Callable[[], None] = _nothing,
    ) -> bool:
        """Tell whether the list has somebody to call now.

        Refills first if the stock is below half of what the last refill brought, or if a window has opened or shut
        since. What the caller has still to write about leads that he took before, `before_refill` has to write.
        """
        if self.stale:
            self.stale = False
            self.forget()
        if self._is_low(lead_list.list_id, now):
            before_refill()
            self._refill(records, campaign, lead_list, now)
        return bool(self._stocks[lead_list.list_id].leads)

    def take(
        self,
        records: Records,
        campaign: Campaign,
        lead_list: LeadList,
        now: datetime,
        *,
        before_refill: Callable[[], None] = _nothing,
    ) -> int | None:
        """Take the list's next lead, as `has_stock` has it; None: nobody is left to call now."""
        if not self.has_stock(records, campaign, lead_list, now, before_refill=before_refill):
            return None
        return self._stocks[lead_list.list_id].leads.popleft()

    def ahead(self, list_id: int, count: int) -> Sequence[int]:
        """Return the leads that would be taken next from a list, as far as they are in stock."""
        stock = self._stocks.get(list_id)
        return list(islice(stock.leads, count)) if stock else ()

    def _is_low(self, list_id: int, now: datetime) -> bool:
        if self.is_dry(list_id, now):
            return False
        stock = self._stocks.get(list_id)
        return stock is None or not stock.leads or len(stock.leads) < stock.half or now >= stock.good_until

    def _refill(self, records: Records, campaign: Campaign, lead_list: LeadList, now: datetime) -> None:
        """Bring the stock of one list up to its level, best leads first.

        The stock is made anew, so that an urgent lead does not wait behind the others, and leads whose
        window has shut leave it. Costs a few index look-ups for each bucket that is open.
        """
        if not lead_list.is_current(now):
            self._refills.append(Refill(lead_list=lead_list, added=0, woken=0, level=0))
            self._stocks[lead_list.list_id] = _not_current(lead_list, now)
            return
        hours = campaign.settings.hours
        woken = 0
        streams: list[Iterator[tuple[int, int, int]]] = []
        window_changes: list[datetime] = []
        rest_ends: list[datetime] = []
        promises: list[datetime] = []
        for bucket in records.buckets([lead_list.list_id]):
            if not _has_waiting(bucket):
                continue
            window_changes.append(self._windows.changes_at(hours, bucket.key, now))
            if not self._windows.is_open(hours, bucket.key, now):
                continue
            place = (bucket.list_id, bucket.key_id)
            if bucket.counts.get(LeadState.RESTING):
                woken += records.wake_callbacks(place, now, limit=self.level)
                promised_at = records.next_callback_due_at(place)
                if promised_at is not None and promised_at > now:
                    promises.append(promised_at)
                woken += records.wake_rested(place, now, limit=self.level)
                due_at = records.next_due_at(place)
                if due_at is not None and due_at > now:
                    rest_ends.append(due_at)
            streams.append(self._ranked(records, place))
        known = self._stocks.get(lead_list.list_id)
        before = len(known.leads) if known else 0
        leads = deque(self._first(streams))
        self._stocks[lead_list.list_id] = _Stock(
            leads=leads,
            half=(len(leads) + 1) // 2,
            # Rests end all the time; only a list that is dry has to look at once, the others do when half empty. A
            # person who was promised a call does not wait for that. The list's end brings nobody, so it is nothing that
            # a dry list waits for.
            good_until=min(*window_changes, *promises, lead_list.ends_at or _NEVER, _NEVER),
            is_dry=not leads,
            more_at=min(window_changes + rest_ends, default=None),
        )
        self._refills.append(
            Refill(lead_list=lead_list, added=max(0, len(leads) - before), woken=woken, level=len(leads))
        )

    def _ranked(self, records: Records, place: tuple[int, int]) -> Iterator[tuple[int, int, int]]:
        for priority, rank, lead_id in records.ready_ranks(place, limit=self.level):
            yield -priority, rank, lead_id

    def _first(self, streams: list[Iterator[tuple[int, int, int]]]) -> Iterator[int]:
        for taken, (_, _, lead_id) in enumerate(heapq.merge(*streams)):
            if taken >= self.level:
                return
            yield lead_id


def _not_current(lead_list: LeadList, now: datetime) -> _Stock:
    """Return the stock of a list before its start, or after its end: nobody, and nobody is read."""
    starts_at = lead_list.starts_at
    more_at = starts_at if starts_at is not None and starts_at > now else None
    return _Stock(leads=deque(), half=0, good_until=_NEVER, is_dry=True, more_at=more_at)


def _has_waiting(bucket: Bucket) -> bool:
    return bool(bucket.counts.get(LeadState.READY) or bucket.counts.get(LeadState.RESTING))
