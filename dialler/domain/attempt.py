"""An attempt written down: the call's story copied into its session."""

from datetime import datetime
from typing import Any

from dialler.domain.call import Call
from dialler.domain.campaign import Wrap
from dialler.domain.evolve import evolve
from dialler.domain.outcome import Outcome, counts_attempt
from dialler.domain.session import Session, SessionStatus, moved, status_after


def followed(session: Session, call: Call) -> Session:
    """Return the session with what its call has done so far: Processing once it was handed to the exchange."""
    return evolve(session, **_told(call), status=_under_way(session, call))


def ended(session: Session, call: Call, *, outcome: Outcome, wrap: Wrap, at: datetime) -> Session:
    """Return the session after its call ended: closed, or waiting for its wrap code.

    `wrap` is the campaign's mode; `at` the end of a call whose own end was never reported.
    """
    status, to = _under_way(session, call), status_after(outcome, wrap)
    if status is SessionStatus.NEW and to not in (SessionStatus.FAILED, SessionStatus.EXPIRED):
        status = moved(status, SessionStatus.PROCESSING)
    return evolve(
        session,
        **{**_told(call), "ended_at": call.ended_at or at},
        outcome=outcome,
        counts_attempt=counts_attempt(outcome, rang=call.rang),
        status=moved(status, to),
    )


def _told(call: Call) -> dict[str, Any]:
    """Return what a session has from its call."""
    return {
        "sent_at": call.sent_at,
        "ringing_at": call.ringing_at,
        "answered_at": call.answered_at,
        "queued_at": call.queued_at,
        "connected_at": call.connected_at,
        "ended_at": call.ended_at,
        "agent": call.agent,
        "evidence": call.evidence,
    }


def _under_way(session: Session, call: Call) -> SessionStatus:
    """Return the status that a session has by what its call did."""
    if session.status is SessionStatus.NEW and (call.sent_at is not None or call.channel_seen):
        return moved(session.status, SessionStatus.PROCESSING)
    return session.status
