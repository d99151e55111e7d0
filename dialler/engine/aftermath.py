"""What follows from the end of an attempt, in one transaction: the session closed and the lead's next turn."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from dialler.domain.by_hand import Callback as PlannedCallback
from dialler.domain.by_hand import planned_callback, with_callback
from dialler.domain.campaign import in_force
from dialler.domain.changes import differences
from dialler.domain.dnc_scope import DncScope
from dialler.domain.lead import Lead
from dialler.domain.next_turn import lead_after
from dialler.domain.session import Session
from dialler.domain.wrap import Callback, WrapCode, apply_wrap, wrap_code
from dialler.engine.windows import Windows
from dialler.errors import Conflict, NotFound, UsageError
from dialler.events import SessionClosed
from dialler.ports import DncEntry, Records, SessionFilter


def write_ends(records: Records, sessions: Sequence[Session], windows: Windows) -> Sequence[Lead]:
    """Write attempts that have ended: sessions and leads.

    Returns the sessions' leads as written. Raises NotFound.
    """
    records.set_sessions(sessions)
    leads = dict(records.leads_with([session.lead_id for session in sessions], to_change=True))
    turns = _Turns(records, windows)
    for session in sessions:
        assert session.outcome is not None and session.ended_at is not None
        if session.lead_id not in leads:
            raise NotFound(f"there is no lead {session.lead_id}")
        leads[session.lead_id] = turns.next_of(leads[session.lead_id], session, None, session.ended_at)
    records.set_leads(list(leads.values()))
    return [leads[session.lead_id] for session in sessions]


def opt_out(records: Records, session_id: str, at: datetime) -> None:
    """Put a call's number on the do-not-call list, as far as its campaign says: the person has pressed the key."""
    try:
        session = records.session(session_id)
    except NotFound:
        return  # Its lead has been erased, or it is none of ours.
    settings = records.campaign(session.campaign_id).settings
    _add_dnc(records, session, settings.optout_scope, f"opted out by key {settings.optout_key}", at)


def closing_event(session: Session) -> SessionClosed:
    """Return the event that tells of a session's end."""
    assert session.outcome is not None and session.ended_at is not None
    rang_until = session.answered_at or session.ended_at
    return SessionClosed(
        at=session.wrapped_at or session.ended_at,
        session_id=session.session_id,
        campaign=session.campaign,
        list=session.list,
        lead_id=session.lead_id,
        trunk=session.trunk,
        status=session.status,
        outcome=session.outcome,
        cause=session.evidence.cause,
        answered=session.answered_at is not None,
        ring_s=(rang_until - session.ringing_at).total_seconds() if session.ringing_at else None,
        talk_s=(session.ended_at - session.connected_at).total_seconds() if session.connected_at else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackWanted:
    """A call back that was agreed; moments without an offset are on the lead's own clock."""

    at: datetime
    agent: str | None = None
    expires_at: datetime | None = None


def wrap_up(
    records: Records,
    session: Session,
    code: str,
    *,
    note: str | None,
    by: str,
    now: datetime,
    windows: Windows,
    callback: CallbackWanted | None = None,
) -> Session:
    """Give a session its wrap code: status, lead and do-not-call list follow; return the session as written.

    Only its lead's last session plans that again; a lead that is deleted is not missed. Raises UsageError for a code
    that there is not, for one that needs a callback where none is given or pending, and for one that has none;
    Conflict for a session to which it can't be given, and for a callback by another than the last session.
    """
    chosen = wrap_code(code)
    wrapped, before = apply_wrap(session, chosen, note=note, by=by, at=now)
    records.set_session(wrapped)
    lead = records.leads_with([session.lead_id], to_change=True).get(session.lead_id)
    latest = records.sessions(SessionFilter(lead_id=session.lead_id), limit=1)
    is_latest = bool(latest) and latest[0].session_id == session.session_id
    if callback is not None and chosen.callback is Callback.NONE:
        raise UsageError(f"callback: wrap code {chosen.code} has none")
    planned = lead
    if lead is not None and is_latest:
        turns = _Turns(records, windows)
        promised = lead
        if callback is not None:
            promised = with_callback(lead, turns.planned(lead, callback, now, by=session.agent))
        elif chosen.callback is Callback.REQUIRED and (lead.callback_at is None or lead.callback_at <= now):
            raise UsageError(f"wrap code {chosen.code} needs a callback: when to call, on the lead's own clock")
        planned = turns.next_of(promised, wrapped, chosen, now)
        records.set_lead(planned)
    elif callback is not None:
        raise Conflict(f"session {session.session_id} is not its lead's last one, so its callback would come too late")
    if chosen.dnc is not DncScope.NONE:
        _add_dnc(records, session, chosen.dnc, f"wrap code {code}", now, by=by)
    change = differences(
        {"wrap_code": before, **_told(session, lead)}, {"wrap_code": chosen.code, **_told(wrapped, planned)}
    )
    details = {"session_id": session.session_id, **change}
    records.add_audit(now, by, "session.wrap", details, lead_id=session.lead_id)
    return wrapped


def _told(session: Session, lead: Lead | None) -> dict[str, object]:
    """Return what a wrap code changes beside itself, for the audit."""
    said: dict[str, object] = {"note": session.wrap_note, "status": session.status}
    if lead is not None:
        callback_at = None if lead.callback_at is None else lead.callback_at.isoformat()
        said |= {"lead_state": lead.state, "completed_reason": lead.completed_reason, "callback_at": callback_at}
    return said


def last_session_of(records: Records, lead_id: int) -> Session:
    """Return the lead's last session. Raises NotFound for no such lead, Conflict for one never called."""
    records.lead(lead_id)
    found = records.sessions(SessionFilter(lead_id=lead_id), limit=1)
    if not found:
        raise Conflict(f"lead {lead_id} has not been called yet, so there is nothing to wrap up")
    return found[0]


class _Turns:
    """Next turns of leads, in one transaction: campaigns and lists are read once."""

    def __init__(self, records: Records, windows: Windows) -> None:
        self._windows = windows
        self._campaign = cache(records.campaign)
        self._list = cache(records.lead_list)

    def planned(self, lead: Lead, wanted: CallbackWanted, now: datetime, *, by: str | None) -> PlannedCallback:
        """Return the callback, `by` the agent who talked where nobody else is named."""
        window = self._windows.window(self._campaign(lead.campaign_id).settings.hours, lead.window_key)
        return planned_callback(
            lead, at=wanted.at, agent=wanted.agent or by, expires_at=wanted.expires_at, window=window, now=now
        )

    def next_of(self, lead: Lead, session: Session, wrap: WrapCode | None, at: datetime) -> Lead:
        settings = self._campaign(lead.campaign_id).settings
        lead_list = self._list(lead.list_id)
        return lead_after(
            lead,
            session,
            rules=lead_list.rules.redial,
            settings=in_force(settings, lead_list),
            window=self._windows.window(settings.hours, lead.window_key),
            ended_at=at,
            wrap=wrap,
        )


def _add_dnc(
    records: Records, session: Session, scope: DncScope, reason: str, at: datetime, *, by: str = "engine"
) -> None:
    merchant = records.campaign(session.campaign_id).settings.merchant if scope is DncScope.MERCHANT else ""
    is_narrow = scope is DncScope.CAMPAIGN or (scope is DncScope.MERCHANT and not merchant)
    entry = DncEntry(
        number=session.number,
        campaign_id=session.campaign_id if is_narrow else None,
        merchant=merchant or None,
        reason=reason,
        added_at=at,
        added_by=by,
    )
    if records.add_dnc([entry]):
        campaign = session.campaign if is_narrow else None
        after = {"numbers": [session.number], "reason": reason}
        details = {"campaign": campaign, "merchant": entry.merchant, "after": after}
        records.add_audit(at, by, "dnc.add", details, lead_id=session.lead_id)
