"""The part of the records about sessions."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from dialler.domain.abandon import AbandonCounts
from dialler.domain.filter import Filter
from dialler.domain.lead import LeadState, WindowKey
from dialler.domain.outcome import Outcome
from dialler.domain.session import Session, SessionStatus
from dialler.ports.values import Found, SessionFilter


class SessionRecords(Protocol):
    """Sessions, and what is counted of them and of leads."""

    def add_session(self, session: Session) -> Session:
        """Write a new session; return it with its `seq`. Raises Conflict if the lead has an open one (the schema
        says so)."""

    def add_sessions(self, sessions: Sequence[Session]) -> Sequence[Session]:
        """Write new sessions, numbered in their order; return them with their `seq`. Raises Conflict as
        `add_session` does: then none of them was added."""

    def set_session(self, session: Session) -> None:
        """Write everything of a session that may change. Raises NotFound."""

    def set_sessions(self, sessions: Sequence[Session]) -> None:
        """Do as `set_session` for several different sessions. Raises NotFound for any of them."""

    def session(self, session_id: str) -> Session:
        """Return one session. Raises NotFound."""

    def last_sessions(self, lead_ids: Sequence[int]) -> Mapping[int, Session]:
        """Return the last session of each of these leads that was ever called, by lead: a look-up each."""

    def open_sessions(self) -> Sequence[Session]:
        """Return all sessions whose status is open, by seq."""

    def sessions(
        self,
        which: SessionFilter,
        *,
        after: int | None = None,
        limit: int = 100,
        newest_first: bool = True,
    ) -> Sequence[Session]:
        """Return a page of sessions by seq; `after` is the seq of the last one of the page before."""

    def find_sessions(
        self, wanted: Filter, *, after: int | None = None, limit: int = 10, newest_first: bool = True
    ) -> Found[Session]:
        """As `find_leads`, by seq."""

    def session_counts(self, campaign_id: int | None = None) -> Mapping[tuple[int, SessionStatus, Outcome | None], int]:
        """Return counts by (list id, status, outcome), kept up by every transaction: no scan."""

    def abandon_counts(self, campaign_id: int, *, since: int) -> Mapping[int, AbandonCounts]:
        """Return what a campaign's calls counted as, by slot (`domain.abandon`), from slot `since` on; slots without
        any are not there. Kept up by every transaction that ends a session or changes its wrap code: no scan."""

    def session_totals(self) -> Mapping[tuple[int, int, SessionStatus], int]:
        """Return counts of sessions by (campaign id, list id, status), also of lists that are gone: no scan."""

    def open_session_ids(self) -> frozenset[str]:
        """Return the ids of all sessions whose status is open: one walk along an index that holds no others."""

    def lead_totals(self) -> Mapping[tuple[int, LeadState], int]:
        """Return counts of leads by (list id, state): no scan."""

    def ready_keys(self, list_ids: Sequence[int]) -> Mapping[int, WindowKey]:
        """Return the window keys of the ready leads of these lists, by id: no scan."""

    def ready_totals(self, list_ids: Sequence[int], key_ids: Sequence[int]) -> Mapping[int, int]:
        """Return how many leads of each list are ready and have one of these window keys: no scan."""
