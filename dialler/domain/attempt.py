"""An attempt written down: the call's story copied into its session."""

from dataclasses import replace
from datetime import datetime

from dialler.domain.call import Call
from dialler.domain.campaign import Wrap
from dialler.domain.outcome import Outcome, counts_attempt
from dialler.domain.session import Session, SessionStatus, change_status, status_after


def followed(session: Session, call: Call) -> Session:
    """Return the session with what its call has done so far: Processing once it was handed to the exchange."""
    session = replace(
        session,
        sent_at=call.sent_at,
        ringing_at=call.ringing_at,
        answered_at=call.answered_at,
        queued_at=call.queued_at,
        connected_at=call.connected_at,
        ended_at=call.ended_at,
        agent=call.agent,
        evidence=call.evidence,
    )
    if session.status is SessionStatus.NEW and (call.sent_at is not None or call.channel_seen):
        return change_status(session, SessionStatus.PROCESSING)
    return session


def ended(session: Session, call: Call, *, outcome: Outcome, wrap: Wrap, at: datetime) -> Session:
    """Return the session after its call ended: closed, or waiting for its wrap code.

    `wrap` is the campaign's mode; `at` the end of a call whose own end was never reported.
    """
    session = followed(session, call)
    session = replace(
        session,
        outcome=outcome,
        ended_at=call.ended_at or at,
        counts_attempt=counts_attempt(outcome, rang=call.rang),
    )
    to = status_after(outcome, wrap)
    if session.status is SessionStatus.NEW and to not in (SessionStatus.FAILED, SessionStatus.EXPIRED):
        session = change_status(session, SessionStatus.PROCESSING)
    return change_status(session, to)
