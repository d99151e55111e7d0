"""A session: the record of one attempt to reach one lead, from the intent to dial to the wrap code."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from dialler.domain.campaign import Wrap
from dialler.domain.outcome import Outcome
from dialler.errors import IllegalTransition

MANUAL: Final = "manual"
"""The dial mode of a call that an agent asked for."""

PREVIEW: Final = "preview"
"""The pacing strategy whose calls are offered to agents first."""


class SessionStatus(StrEnum):
    """How far the attempt got."""

    NEW = "new"
    PROCESSING = "processing"
    COMPLETE = "complete"
    REJECTED = "rejected"
    FAILED = "failed"
    EXPIRED = "expired"

    @property
    def is_open(self) -> bool:
        """Whether the attempt is still under way."""
        return self in (SessionStatus.NEW, SessionStatus.PROCESSING)


@dataclass(frozen=True, kw_only=True)  # no slots: see evolve
class Evidence:
    """What the exchange said, kept raw beside the outcome drawn from it."""

    cause: int | None = None
    cause_text: str | None = None
    tech_cause: int | None = None
    dial_status: str | None = None
    reason: int | None = None
    amd_status: str | None = None
    amd_cause: str | None = None
    hangup_by: str | None = None
    error: str | None = None
    """The refusal's text, where the exchange refused the call."""


@dataclass(frozen=True, kw_only=True)  # no slots: see evolve
class Session:
    """One attempt. It keeps copies of names, because lists are edited and deleted later."""

    session_id: str
    """UUIDv7; also the call's id at the exchange."""

    campaign_id: int
    campaign: str
    list_id: int
    list: str
    lead_id: int
    attempt_no: int
    number: str
    created_at: datetime
    status: SessionStatus = SessionStatus.NEW
    seq: int = 0
    """Place in the order of intent, given by the records; 0 before that."""

    outcome: Outcome | None = None
    name: str = ""
    external_lead_id: str | None = None
    customer_key: str | None = None
    caller_id: str | None = None
    caller_id_day: date | None = None
    """The local day of its pool on which the caller id counts as used; None: it is of no pool."""

    trunk: str = ""
    server: str = ""
    dial_mode: str = ""
    """The pacing strategy that launched it; `MANUAL` if an agent asked for it."""

    for_agent: str | None = None
    """The one agent whom the call is for (his interface); None: whoever is free."""

    timezone: str = ""
    """The lead's zones as dialled, joined by spaces."""

    local_time: str = ""
    """The lead's wall clock at the intent, ISO 8601 with offset; the first of its zones."""

    pick: Mapping[str, object] = field(default_factory=dict)
    """The decision, frozen: gates with their values, the list's weight, the pacing's reason."""

    details: Mapping[str, object] = field(default_factory=dict)
    """The lead's data fields at the intent: merchant, agency, what may be agreed."""

    accepted_at: datetime | None = None
    """When the call for one agent was his to make: asked for, or accepted as an offer. None: an offer still, or a call
    for whoever is free."""

    sent_at: datetime | None = None
    ringing_at: datetime | None = None
    answered_at: datetime | None = None
    queued_at: datetime | None = None
    connected_at: datetime | None = None
    ended_at: datetime | None = None
    wrapped_at: datetime | None = None
    evidence: Evidence = Evidence()
    agent: str | None = None
    counts_attempt: bool = False
    wrap_code: str | None = None
    wrap_note: str | None = None
    wrap_edited_by: str | None = None
    wrap_edited_at: datetime | None = None

    @property
    def is_offer(self) -> bool:
        """Whether it is a call that its agent has not accepted, if it is open: nothing of it was dialled."""
        return self.for_agent is not None and self.accepted_at is None


STATUS_TRANSITIONS: Final[Mapping[SessionStatus, Set[SessionStatus]]] = {
    SessionStatus.NEW: {SessionStatus.PROCESSING, SessionStatus.FAILED, SessionStatus.EXPIRED},
    SessionStatus.PROCESSING: {
        SessionStatus.COMPLETE,
        SessionStatus.REJECTED,
        SessionStatus.FAILED,
        SessionStatus.EXPIRED,
    },
    # A final status moves only when a wrap code is edited.
    SessionStatus.COMPLETE: {SessionStatus.REJECTED},
    SessionStatus.REJECTED: {SessionStatus.COMPLETE},
    SessionStatus.FAILED: frozenset(),
    SessionStatus.EXPIRED: frozenset(),
}

STATUS_OF: Final[Mapping[Outcome, SessionStatus]] = {
    Outcome.CONNECTED: SessionStatus.COMPLETE,  # where no wrap code is asked for; see `status_after`
    Outcome.ABANDONED: SessionStatus.EXPIRED,
    Outcome.ABANDONED_SHORT: SessionStatus.EXPIRED,
    Outcome.PLAYED: SessionStatus.COMPLETE,
    Outcome.OPTED_OUT: SessionStatus.REJECTED,
    Outcome.MACHINE: SessionStatus.EXPIRED,
    Outcome.MACHINE_MESSAGE: SessionStatus.EXPIRED,
    Outcome.FAX: SessionStatus.EXPIRED,
    Outcome.NO_ANSWER: SessionStatus.EXPIRED,
    Outcome.BUSY: SessionStatus.EXPIRED,
    Outcome.REJECTED_CALL: SessionStatus.EXPIRED,
    Outcome.UNREACHABLE: SessionStatus.EXPIRED,
    Outcome.BLOCKED: SessionStatus.FAILED,
    Outcome.INVALID_NUMBER: SessionStatus.FAILED,
    Outcome.NO_ROUTE: SessionStatus.FAILED,
    Outcome.CONGESTION: SessionStatus.FAILED,
    Outcome.FAILED: SessionStatus.FAILED,
    Outcome.CANCELLED: SessionStatus.EXPIRED,
    Outcome.LOST: SessionStatus.EXPIRED,
}


def status_after(outcome: Outcome, wrap: Wrap, *, wrapped: SessionStatus | None = None) -> SessionStatus:
    """Return the status of an attempt that ended with `outcome`.

    `wrap` is the campaign's mode; `wrapped` the status of the wrap code, None while there is none. A talk
    whose wrap code is required stays Processing until the code comes, or the deadline with the code NONE.
    """
    if outcome is Outcome.CONNECTED:
        if wrapped is not None:
            return wrapped
        if wrap is Wrap.REQUIRED:
            return SessionStatus.PROCESSING
    return STATUS_OF[outcome]


def moved(status: SessionStatus, to: SessionStatus) -> SessionStatus:
    """Return `to`, after a check: raises IllegalTransition for a move that STATUS_TRANSITIONS does not have."""
    if status is not to and to not in STATUS_TRANSITIONS[status]:
        raise IllegalTransition(status, to)
    return to
