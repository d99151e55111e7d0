"""A session as the values of its row, and back."""

from collections.abc import Mapping, Sequence
from datetime import date
from operator import attrgetter
from typing import Any, Final

from dialler.domain.outcome import Outcome
from dialler.domain.session import Session, SessionStatus
from dialler.stores.codec import (
    evidence_from_json,
    evidence_to_json,
    from_us,
    from_us_or_none,
    json_object,
    pick_from_json,
    pick_to_json,
    to_json,
    to_us,
    to_us_or_none,
)

INTENT_COLUMNS: Final = (
    "session_id",
    "campaign_id",
    "campaign",
    "list_id",
    "list",
    "lead_id",
    "attempt_no",
    "number",
    "created_at",
    "name",
    "external_lead_id",
    "customer_key",
    "dial_mode",
    "for_agent",
    "timezone",
    "local_time",
    "pick",
    "details",
)
"""What was decided: written once."""

MOMENTS: Final = (
    "accepted_at",
    "sent_at",
    "ringing_at",
    "answered_at",
    "queued_at",
    "connected_at",
    "ended_at",
    "wrapped_at",
    "wrap_edited_at",
)

_moments_of: Final = attrgetter(*MOMENTS)

COURSE_COLUMNS: Final = (
    "status",
    "outcome",
    "caller_id",
    "caller_id_day",
    "trunk",
    "server",
    "evidence",
    "agent",
    "counts_attempt",
    "wrap_code",
    "wrap_note",
    "wrap_edited_by",
    *MOMENTS,
)
"""What became of it."""

COLUMNS: Final = ("seq", *INTENT_COLUMNS, *COURSE_COLUMNS)


def intent_values(session: Session) -> tuple[object, ...]:
    """Return the values of INTENT_COLUMNS."""
    return (
        session.session_id,
        session.campaign_id,
        session.campaign,
        session.list_id,
        session.list,
        session.lead_id,
        session.attempt_no,
        session.number,
        to_us(session.created_at),
        session.name,
        session.external_lead_id,
        session.customer_key,
        session.dial_mode,
        session.for_agent,
        session.timezone,
        session.local_time,
        pick_to_json(session.pick),
        to_json(session.details) if session.details else "{}",
    )


def course_values(session: Session) -> tuple[object, ...]:
    """Return the values of COURSE_COLUMNS."""
    return (
        session.status.value,
        None if session.outcome is None else session.outcome.value,
        session.caller_id,
        None if session.caller_id_day is None else session.caller_id_day.isoformat(),
        session.trunk,
        session.server,
        evidence_to_json(session.evidence),
        session.agent,
        session.counts_attempt,
        session.wrap_code,
        session.wrap_note,
        session.wrap_edited_by,
        *map(to_us_or_none, _moments_of(session)),
    )


def session_of(row: Sequence[Any]) -> Session:
    """Return the session of a row of COLUMNS."""
    stored: Mapping[str, Any] = dict(zip(COLUMNS, row, strict=True))
    outcome, day = stored["outcome"], stored["caller_id_day"]
    return Session(
        **{
            **stored,
            **{name: from_us_or_none(stored[name]) for name in MOMENTS},
            "created_at": from_us(stored["created_at"]),
            "caller_id_day": None if day is None else date.fromisoformat(day),
            "pick": pick_from_json(stored["pick"]),
            "details": json_object(stored["details"]),
            "status": SessionStatus(stored["status"]),
            "outcome": None if outcome is None else Outcome(outcome),
            "evidence": evidence_from_json(stored["evidence"]),
            "counts_attempt": bool(stored["counts_attempt"]),
        }
    )
