"""A session: the record of one attempt to reach one lead, from the intent to dial to the wrap code."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from dialler.domain.outcome import Outcome


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


@dataclass(frozen=True, slots=True, kw_only=True)
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


@dataclass(frozen=True, slots=True, kw_only=True)
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
    trunk: str = ""
    server: str = ""
    dial_mode: str = ""
    """The pacing strategy that launched it."""

    timezone: str = ""
    """The lead's zones as dialled, joined by spaces."""

    local_time: str = ""
    """The lead's wall clock at the intent, ISO 8601 with offset; the first of its zones."""

    pick: Mapping[str, object] = field(default_factory=dict)
    """The decision, frozen: gates with their values, the list's weight, the pacing's reason."""

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
