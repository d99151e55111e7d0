"""What the records are asked with, and what they answer with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from dialler.domain.lead import LeadState, WindowKey
from dialler.domain.outcome import Outcome
from dialler.domain.session import SessionStatus

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """The leads of one list that share a window key."""

    list_id: int
    key_id: int
    key: WindowKey
    counts: Mapping[LeadState, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class DncEntry:
    """A number that must not be called: in one campaign, in all campaigns of one merchant, or anywhere (neither)."""

    number: str
    """E.164."""

    campaign_id: int | None
    reason: str
    added_at: datetime
    merchant: str | None = None
    added_by: str = ""

    def __post_init__(self) -> None:
        if self.campaign_id is not None and self.merchant is not None:
            raise ValueError(f"an entry is of a campaign or of a merchant, got both for {self.number}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DncFilter:
    """Which do-not-call entries; None matches all."""

    digits: str | None = None
    """How the number begins, from its country code on."""

    campaign_id: int | None = None
    merchant: str | None = None
    everywhere: bool = False
    """Only those that hold anywhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadFilter:
    """Which leads; None matches all."""

    campaign_id: int | None = None
    list_id: int | None = None
    state: LeadState | None = None
    number: str | None = None
    customer_key: str | None = None
    external_lead_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFilter:
    """Which sessions; None matches all."""

    campaign_id: int | None = None
    list_id: int | None = None
    lead_id: int | None = None
    status: SessionStatus | None = None
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which entries of the audit; None matches all."""

    what: str | None = None
    """How the name of what was done begins: "lead." for all that was done to leads."""

    who: str | None = None
    """"socket:ann", or without the door by which she came, "ann"."""

    lead_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    """The first moment that is not meant any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """Who changed what, and when."""

    audit_id: int
    at: datetime
    who: str
    what: str
    details: Mapping[str, object]
    """Of what it was, with `before` and `after` where there is one."""

    lead_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class Found(Generic[T]):
    """A page of what was found."""

    items: Sequence[T]
    next: int | None
    """To be given back as `after`; None: there is no more."""

    looked_at: int
    """Rows that were looked at, or passed."""

    is_partial: bool
    """Whether the search stopped before the page was full, since it had looked at enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexWork:
    """What a part of the index for searching leads is to hold."""

    rows: Sequence[tuple[str, int, bytes]]
    """Piece of text, block, which leads of the block."""

    upto: int | None = None
    """The id up to which leads are indexed with this; None leaves it as it is."""

    settled: Sequence[tuple[int, int]] = ()
    """Edited leads that are indexed anew with this, and the versions that were read."""

    forgotten: int = 0
    """How often somebody was erased before this was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedFilter:
    """A filter that a user keeps: of "leads" or "sessions"."""

    noun: str
    name: str
    text: str
    saved_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A promise that stored data breaks, found by `dialler db check`."""

    promise: str
    what: str
