"""The part of the records about what people ask and leave."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from dialler.ports.values import AuditEntry, AuditFilter, DncEntry, DncFilter, Found, Problem, SavedFilter


class DeskRecords(Protocol):
    """What people ask and leave: do-not-call entries, filters, columns, the audit; and whether all is sound."""

    def add_dnc(self, entries: Iterable[DncEntry]) -> int:
        """Add entries; return how many were new."""

    def remove_dnc(self, number: str, campaign_id: int | None, merchant: str | None = None) -> bool:
        """Remove one entry; False if it was not there."""

    def dnc_hits(self, campaign_id: int, numbers: Sequence[str]) -> frozenset[str]:
        """Return those of `numbers` that must not be called for the campaign: by its own entries, its merchant's, and
        those that hold anywhere. A campaign that there is not has only the last."""

    def dnc_entries(
        self, which: DncFilter, *, after: tuple[str, int, str] | None = None, limit: int = 100
    ) -> Sequence[DncEntry]:
        """Return a page of entries by number, campaign (0 for none) and merchant ("" for none); `after` is these three
        of the last one of the page before. One walk along an index."""

    def dnc_of(self, number: str) -> Sequence[DncEntry]:
        """Return all entries of a number."""

    def save_filter(self, who: str, noun: str, name: str, text: str, now: datetime) -> bool:
        """Keep a filter under a name, in place of what had the name; return whether it is new."""

    def saved_filters(self, who: str, noun: str | None = None) -> Sequence[SavedFilter]:
        """Return a user's filters, by noun and name."""

    def delete_filter(self, who: str, noun: str, name: str) -> None:
        """Forget a filter. Raises NotFound."""

    def view_columns(self, who: str, view: str) -> Sequence[str] | None:
        """Return the columns that a user wants to see in a view, None if nothing was said."""

    def set_view_columns(self, who: str, view: str, columns: Sequence[str] | None) -> None:
        """Keep a user's columns of a view; None forgets them."""

    def add_audit(
        self, at: datetime, who: str, what: str, details: Mapping[str, object], *, lead_id: int | None = None
    ) -> None:
        """Note who changed what; with `lead_id` of whom, so that it goes when the person is erased."""

    def add_audits(self, at: datetime, who: str, what: str, details: Mapping[int, Mapping[str, object]]) -> None:
        """Note the same of several leads, each with its own details, by lead id."""

    def audit(
        self, which: AuditFilter, *, after: int | None = None, limit: int = 10, newest_first: bool = True
    ) -> Found[AuditEntry]:
        """Return a page of the entries that match, in the order in which they were written; `after` is the id of the
        last one of the page before. The work is bounded: along the index of a lead, else along a bounded part of the
        audit, which moments narrow down."""

    def check(self) -> Sequence[Problem]:
        """Verify the promises on the stored data: counts against rows, one open session a lead, an `in_call` lead
        for each open session and the other way round, seq without repeats. Scans."""
