"""What people do to a lead by hand, beside its calls: bring it back, complete it, promise a call."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from dialler.domain.calling_window import CallingWindow
from dialler.domain.evolve import evolve
from dialler.domain.lead import CompletedReason, Lead, LeadState, NumberStatus, Rank
from dialler.domain.zone_offsets import zone_info
from dialler.errors import Conflict, UsageError

CALLBACK_KEPT: Final = timedelta(days=1)
"""How long a callback goes before ordinary leads where nobody says when it expires."""

AGENT_CHARS_MAX: Final = 100
CALLBACK_AHEAD_MAX: Final = timedelta(days=731)


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """A call that was promised."""

    at: datetime
    """Inside the lead's window."""

    agent: str | None = None
    expires_at: datetime


def reset(lead: Lead) -> Lead:
    """Return a completed or resting lead ready again; its counters and its history stay, and limits hold.

    Raises Conflict for a lead in a call, and for one without a number that can be dialled.
    """
    _check_free(lead, "reset")
    if not _has_usable(lead):
        raise Conflict(f"lead {lead.lead_id} has no number that can be dialled; give it one first")
    return evolve(without_callback(lead), state=LeadState.READY, completed_reason=None, due_at=None, outcome_run=0)


def complete(lead: Lead) -> Lead:
    """Return the lead completed by hand: it is not dialled again. Raises Conflict for a lead in a call."""
    _check_free(lead, "completed")
    if lead.state is LeadState.COMPLETED:
        return lead
    return evolve(
        without_callback(lead), state=LeadState.COMPLETED, completed_reason=CompletedReason.MANUAL, due_at=None
    )


def revived(lead: Lead, now: datetime) -> Lead:
    """Return a lead that was edited, ready again if it was completed for a reason that is gone."""
    is_mended = lead.completed_reason is CompletedReason.UNWORKABLE and _has_usable(lead)
    is_later = lead.completed_reason is CompletedReason.EXPIRED and (lead.expires_at is None or lead.expires_at > now)
    if not (is_mended or is_later):
        return lead
    return evolve(lead, state=LeadState.READY, completed_reason=None, due_at=None)


def local_moment(said: datetime, zone: str) -> datetime:
    """Return `said` in UTC; without an offset it is read on the wall clock of `zone`. Raises UsageError for a moment
    that no calendar has."""
    try:
        return (said if said.tzinfo is not None else said.replace(tzinfo=zone_info(zone))).astimezone(UTC)
    except OverflowError as error:
        raise UsageError(f"{said.isoformat()}: expected a moment of the years 1 to 9999") from error


def planned_callback(
    lead: Lead,
    *,
    at: datetime,
    agent: str | None,
    expires_at: datetime | None,
    window: CallingWindow,
    now: datetime,
) -> Callback:
    """Return the callback as it can be kept: outside the lead's window it is moved to the next opening.

    Moments without an offset are read on the lead's wall clock. Raises UsageError for a time that is past or too far
    ahead, for a window that does not open, and for an expiry before the call.
    """
    zone = lead.window_key.zones[0]
    wanted = local_moment(at, zone)
    if not now - timedelta(minutes=1) <= wanted <= now + CALLBACK_AHEAD_MAX:
        raise UsageError(f"at = {at.isoformat()}: expected a time from now to two years ahead")
    opening = window.next_open(max(wanted, now))
    if opening is None:
        raise UsageError(f"at = {at.isoformat()}: the lead's calling window does not open within a year from then")
    ends = opening + CALLBACK_KEPT if expires_at is None else local_moment(expires_at, zone)
    if ends <= opening:
        raise UsageError(f"expires_at = {ends.isoformat()}: the call is at {opening.isoformat()}, after that")
    return Callback(at=opening, agent=agent or None, expires_at=ends)


def with_callback(lead: Lead, callback: Callback) -> Lead:
    """Return the lead with the callback noted; when it is due is for `called_back_at`, or `lead_after`, to say."""
    return evolve(lead, callback_at=callback.at, callback_agent=callback.agent, callback_expires_at=callback.expires_at)


def called_back_at(lead: Lead, callback: Callback) -> Lead:
    """Return a lead outside a call due at the callback, before ordinary leads.

    Raises Conflict for a lead in a call, one completed by do-not-call, and one without a number to dial.
    """
    _check_free(lead, "called back later: its agent says so with the wrap code")
    if lead.completed_reason is CompletedReason.DNC:
        raise Conflict(f"lead {lead.lead_id} must not be called: it is completed by do-not-call")
    if not _has_usable(lead):
        raise Conflict(f"lead {lead.lead_id} has no number that can be dialled")
    return evolve(
        with_callback(lead, callback),
        state=LeadState.RESTING,
        completed_reason=None,
        due_at=callback.at,
        priority=lead.ranked(Rank.CALLBACK),
    )


def without_callback(lead: Lead) -> Lead:
    """Return the lead with no callback pending, as an ordinary one; an urgent one stays so."""
    if lead.callback_at is None:
        return lead
    rank = Rank.URGENT if lead.rank is Rank.URGENT else Rank.ORDINARY
    return evolve(lead, callback_at=None, callback_agent=None, callback_expires_at=None, priority=lead.ranked(rank))


def is_forgotten(lead: Lead, now: datetime) -> bool:
    """Tell whether a callback that is pending has expired."""
    return lead.callback_at is not None and lead.callback_expires_at is not None and lead.callback_expires_at <= now


def _has_usable(lead: Lead) -> bool:
    return any(number.status is NumberStatus.OK for number in lead.numbers)


def _check_free(lead: Lead, what: str) -> None:
    if lead.state is LeadState.IN_CALL:
        raise Conflict(f"lead {lead.lead_id} is in a call and can't be {what}")
