"""The part of the records about leads."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from dialler.domain.filter import Filter
from dialler.domain.lead import Lead, NewLead, NumberAttempts
from dialler.ports.values import Bucket, Found, IndexWork, LeadFilter


class LeadRecords(Protocol):
    """Leads: loading, changing, choosing and finding them."""

    def add_leads(self, list_id: int, leads: Iterable[NewLead], now: datetime) -> Sequence[int]:
        """Add leads, ready; return their ids in order. Raises Conflict if a customer key is taken in the list."""

    def lead(self, lead_id: int) -> Lead:
        """Return one lead. Raises NotFound."""

    def leads_with(self, lead_ids: Sequence[int], *, to_change: bool = False) -> Mapping[int, Lead]:
        """Return those of the leads that there are, by id. With `to_change` nobody else can change them before the
        end of the transaction, so that what is written to them rests on what was read."""

    def lead_by_key(self, list_id: int, customer_key: str) -> Lead | None:
        """Return the list's lead with that customer key."""

    def leads_by_key(
        self, list_id: int, customer_keys: Sequence[str], *, to_change: bool = False
    ) -> Mapping[str, Lead]:
        """Return those of the list's leads that have one of the customer keys, by it; `to_change` as in
        `leads_with`."""

    def numbers_known(self, campaign_id: int, numbers: Sequence[str]) -> frozenset[str]:
        """Return those of `numbers` that a lead of the campaign already has."""

    def numbers_in_list(self, list_id: int, numbers: Sequence[str]) -> frozenset[str]:
        """Return those of `numbers` that a lead of the list already has."""

    def set_lead(self, lead: Lead) -> None:
        """Write everything of a lead that may change, and keep the counts of its bucket right. Its list may change to
        another one of the campaign: raises NotFound, Conflict for a list of another campaign, and Conflict if its
        customer key is taken there."""

    def set_leads(self, leads: Sequence[Lead]) -> None:
        """Do as `set_lead` for several different leads. Raises NotFound for any of them."""

    def delete_leads(self, lead_ids: Sequence[int]) -> None:
        """Delete leads; their sessions stay. Raises NotFound, and Conflict for one in a call: then none is deleted."""

    def erase_lead(self, lead_id: int) -> int:
        """Forget a person for good; return how many sessions were wiped.

        Name, keys, data and notes go from the lead, its sessions, its audit and the index of texts; numbers become
        keyed hashes, under which attempts on them and do-not-call entries are found as before. The lead is completed.
        Raises NotFound, and Conflict for one in a call.
        """

    def forget_numbers(self, numbers: Collection[str], *, after: int = 0) -> int | None:
        """Wipe numbers, however written, from entries of the audit that are of no lead, in a bounded part of it behind
        the id `after`; return where to go on, None at the end. For those of a person who is erased next."""

    def number_attempts(self, campaign_id: int, numbers: Sequence[str]) -> Mapping[str, NumberAttempts]:
        """Return the counted attempts on those of `numbers` that had any in the campaign, by number: a look-up each.

        They are counted as sessions end, by `set_sessions`.
        """

    def callbacks(
        self,
        campaign_id: int | None = None,
        *,
        agent: str | None = None,
        after: tuple[datetime, int] | None = None,
        limit: int = 100,
    ) -> Sequence[Lead]:
        """Return a page of leads with a callback pending, the next due first: all, or an agent's.

        `after` is (callback_at, lead id) of the last one of the page before.
        """

    def callbacks_due(self, now: datetime) -> Mapping[int, int]:
        """Count the callbacks that are due and not kept yet, by campaign id; those without any are left out.

        Leads in a call are among them. It reads the due ones along an index: for status, not for the dial path.
        """

    def wake_callbacks(self, bucket: tuple[int, int], now: datetime, *, limit: int) -> int:
        """Do as `wake_rested` for leads with a callback pending, so that they do not wait behind other rested ones."""

    def next_callback_due_at(self, bucket: tuple[int, int]) -> datetime | None:
        """Return when the next resting lead of a bucket with a callback pending is due."""

    def leads(self, which: LeadFilter, *, after: int = 0, limit: int = 100) -> Sequence[Lead]:
        """Return a page of leads by id, those above `after`."""

    def find_leads(self, wanted: Filter, *, after: int = 0, limit: int = 10) -> Found[Lead]:
        """Return a page of the leads that match, by id, those above `after`; the work is bounded. Raises NotFound for
        a campaign or list that the filter names and that is not there."""

    def search_work(self) -> IndexWork | None:
        """Return what is to be indexed next for finding leads by text, None if nothing is. Changes nothing: give it to
        `keep_search_work`, if need be in portions, the last of which says `upto` and `settled`."""

    def keep_search_work(self, work: IndexWork) -> bool:
        """Write what `search_work` found. Twice is once. False, and nothing is written, if somebody was erased since
        it was read: then it is to be read anew."""

    def buckets(self, list_ids: Sequence[int]) -> Sequence[Bucket]:
        """Return the buckets of lists, with their counts kept up by every transaction: no scan."""

    def ready_ranks(self, bucket: tuple[int, int], *, limit: int) -> Sequence[tuple[int, int, int]]:
        """Return (priority, rank, lead id) of the first ready leads of a bucket (list id, key id): the highest priority
        first, then the lowest rank, then the lowest id. Costs the same however many leads there are: one walk along an
        index.
        """

    def wake_rested(self, bucket: tuple[int, int], now: datetime, *, limit: int) -> int:
        """Make up to `limit` resting leads of a bucket that are due ready, longest due first; return how many."""

    def rest_alike(self, bucket: tuple[int, int], begins: str, until: datetime, *, limit: int) -> int:
        """Let those of the first `limit` ready leads of a bucket rest until `until`, all of whose numbers begin with
        `begins`; return how many. First as in `ready_ranks`."""

    def next_due_at(self, bucket: tuple[int, int]) -> datetime | None:
        """Return when the next resting lead of a bucket is due."""
