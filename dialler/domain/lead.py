"""A lead: a person or firm to call, and where it stands."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import IntEnum, StrEnum
from typing import Final

from dialler.domain.outcome import Outcome


class LeadState(StrEnum):
    """Where the engine has a lead. Each lead is in exactly one state."""

    READY = "ready"
    RESTING = "resting"
    IN_CALL = "in_call"
    COMPLETED = "completed"


class CompletedReason(StrEnum):
    """Why a lead is not dialled again."""

    WRAP = "wrap"
    ANSWERED = "answered"
    DNC = "dnc"
    UNWORKABLE = "unworkable"
    EXHAUSTED = "exhausted"
    EXPIRED = "expired"
    MANUAL = "manual"


PRIORITY_MAX: Final = 1_000_000
"""A lead's own priority is from -PRIORITY_MAX to this."""

RANK_STEP: Final = 10 * PRIORITY_MAX
"""Ranks stand in the records' `priority`, above what own priorities can reach: so one index has all in order."""


class Rank(IntEnum):
    """What goes before all ordinary leads of its list."""

    ORDINARY = 0
    CALLBACK = 1
    """Somebody was promised a call."""

    URGENT = 2
    """Its next call does not wait for anybody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberAttempts:
    """Counted attempts on one number within a campaign, whichever leads have it."""

    counted: int
    day: date
    """The local day of the last one."""

    on_day: int
    last_at: datetime | None = None
    """When the last one ended (UTC); None: not known, and it has abandoned nobody."""

    last_outcome: Outcome | None = None
    """As what."""


class NumberStatus(StrEnum):
    """Whether a number can be dialled."""

    OK = "ok"
    BAD = "bad"
    FAX = "fax"


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """One number of a lead."""

    number: str
    """E.164."""

    raw: str = ""
    """As it stood in the source."""

    status: NumberStatus = NumberStatus.OK
    reached: int = 0
    """Attempts on it in which a person answered; counted for leads with several numbers."""


@dataclass(frozen=True, slots=True)
class WindowKey:
    """What decides when a lead's window is open; leads of one key form a bucket.

    All `zones` (IANA names, sorted) must be open at once: where several are plausible for a lead, it
    is called only when each of them allows it. `country` and `region` choose the holidays ("" = unknown).
    """

    zones: tuple[str, ...]
    country: str = ""
    region: str = ""

    def __post_init__(self) -> None:
        if not self.zones or list(self.zones) != sorted(set(self.zones)):
            raise ValueError(f"a window key needs zones, sorted and without repeats, got {self.zones}")


@dataclass(frozen=True, kw_only=True)  # no slots: see evolve
class NewLead:
    """A lead about to be loaded."""

    numbers: tuple[PhoneNumber, ...]
    window_key: WindowKey
    name: str = ""
    customer_key: str | None = None
    """Unique within its list when given."""

    external_lead_id: str | None = None
    """Groups the leads of one person across lists and campaigns."""

    timezone_source: str = "default"
    """What gave the zones: field, rule, default."""

    timezone_given: str = ""
    postcode: str = ""
    priority: int = 0
    """Higher goes first. A rank may stand above it: see `Lead.own_priority`."""

    data: Mapping[str, str] = field(default_factory=dict)
    expires_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)  # no slots: see evolve
class Lead(NewLead):
    """A lead in the records."""

    lead_id: int
    list_id: int
    campaign_id: int
    created_at: datetime
    state: LeadState = LeadState.READY
    completed_reason: CompletedReason | None = None
    due_at: datetime | None = None
    """When a resting lead is due again; None unless resting."""

    attempts: int = 0
    attempts_counted: int = 0
    """Attempts that count toward the limits; see `Outcome`."""

    attempts_on_day: int = 0
    """Counted attempts on `attempts_day`."""

    attempts_day: date | None = None
    """The local date of the last counted attempt."""

    outcome_run: int = 0
    """How many attempts in a row ended with `last_outcome`."""

    last_attempt_at: datetime | None = None
    last_outcome: Outcome | None = None
    last_contacted_at: datetime | None = None
    """When an agent last talked to the person."""

    wrap_code: str | None = None
    callback_at: datetime | None = None
    """When the person wants to be called back; None: no callback is pending."""

    callback_agent: str | None = None
    """Who promised it; whether only he keeps it is the campaign's `callbacks_to`. None: nobody in particular."""

    callback_expires_at: datetime | None = None
    """When a callback that was not kept falls back to an ordinary lead; None: never."""

    @property
    def own_priority(self) -> int:
        """The priority that it was given, without its rank."""
        return self.priority - self.rank * RANK_STEP

    @property
    def rank(self) -> "Rank":
        """Which leads it goes before, whatever its own priority."""
        return Rank(min(max(0, (self.priority + RANK_STEP // 2) // RANK_STEP), Rank.URGENT))

    def ranked(self, rank: "Rank", *, priority: int | None = None) -> int:
        """Return the `priority` of the lead at another rank; with another own priority if one is given."""
        return (self.own_priority if priority is None else priority) + rank * RANK_STEP

    @property
    def status(self) -> str:
        """`completed` or `not_completed`."""
        return "completed" if self.state is LeadState.COMPLETED else "not_completed"
