"""Follows live calls through the exchange's events, to the verdict and into the records."""

from collections import OrderedDict
from datetime import timedelta
from typing import Final

from dialler.domain.attempt import ended, followed
from dialler.domain.call import Call, CallState, apply, verdict_of
from dialler.domain.campaign import Wrap
from dialler.domain.session import Session
from dialler.engine.aftermath import write_end
from dialler.engine.board import Tracked
from dialler.engine.floor import Floor
from dialler.engine.wake import Wake
from dialler.errors import IllegalTransition
from dialler.events import AgentMoved, CallIllegal, CallUnknown, LinkChanged, SessionClosed, TrunkRested
from dialler.ports import Records
from telephony.events import (
    AgentChanged,
    Answered,
    Bridged,
    CallEvent,
    DialEnded,
    LinkDown,
    LinkUp,
    OriginateEnded,
    TelephonyEvent,
)

RECENT_MAX: Final = 10_000
"""Ended calls remembered, so that hints that trail the end are not taken for unknown calls."""

HINT_GRACE: Final = timedelta(seconds=1)
LONG_CALL_LOOK: Final = timedelta(hours=1)
"""How often the exchange is asked whether an answered call is still there."""


class Tracker:
    """The one owner of open sessions: every change of one goes through here."""

    def __init__(self, floor: Floor, watch: Wake) -> None:
        self._floor = floor
        self._watch = watch
        self._recent: OrderedDict[str, CallState] = OrderedDict()
        self.links_to_reconcile: dict[str, bool] = {}
        """Servers whose link came up, and whether the exchange was restarted."""

        self.wrapping: dict[str, Session] = {}
        """Sessions that wait for their wrap code."""

    async def run(self) -> None:
        """Handle events until cancelled."""
        async for event in self._floor.telephony.events:
            self.handle(event)

    def handle(self, event: TelephonyEvent) -> None:
        """Take in one event."""
        match event:
            case CallEvent():
                self._handle_call(event)
            case AgentChanged():
                self._floor.board.move_agent(event.server, event.queue, event.agent, event.state)
                self._floor.journal.emit(AgentMoved(at=event.at, agent=event.agent, state=event.state))
                self._floor.wake.call()
            case LinkUp():
                self._floor.journal.emit(LinkChanged(at=event.at, server=event.server, up=True, reason="logged in"))
                self.links_to_reconcile[event.server] = event.restarted
                self._watch.call()
            case LinkDown():
                self._floor.journal.emit(LinkChanged(at=event.at, server=event.server, up=False, reason=event.reason))
                self._lose(event.server)

    def note(self, tracked: Tracked, call: Call) -> None:
        """Keep what became known of a call that goes on, and write it down soon."""
        if tracked.session.session_id not in self._floor.board.calls:
            return  # It ended meanwhile; its session has been closed with all that is known.
        tracked.call = call
        tracked.session = session = followed(tracked.session, call)
        self._floor.outbox.put(lambda records: records.set_session(session))

    def end(self, tracked: Tracked, call: Call) -> None:
        """Close a session with the verdict on its call."""
        floor = self._floor
        session_id = tracked.session.session_id
        if session_id not in floor.board.calls:
            return
        now = floor.clock.now()
        outcome = verdict_of(call, has_agents=tracked.has_agents, abandon_after=floor.options.abandon_after)
        running = floor.campaigns.get(tracked.session.campaign_id)
        wrap = running.campaign.settings.wrap if running else Wrap.NONE
        tracked.call = call
        tracked.session = session = ended(tracked.session, call, outcome=outcome, wrap=wrap, at=now)
        floor.board.remove(session_id)
        floor.trunks.release(session.trunk, session_id)
        self._remember(session_id)
        floor.outbox.put(lambda records: self._write_end(records, session))
        if session.status.is_open:
            self.wrapping[session_id] = session
            self._watch.call()
        else:
            floor.journal.emit(closing_event(session))
        rested_until = floor.trunks.judge(session.trunk, outcome)
        if rested_until is not None:
            reason = f"{outcome} in a row, the last with cause {session.evidence.cause}"
            floor.journal.emit(TrunkRested(at=now, trunk=session.trunk, until=rested_until, reason=reason))
        floor.wake.call()
        floor.ended.call()

    def _write_end(self, records: Records, session: Session) -> None:
        write_end(records, session, self._floor.windows)

    def _handle_call(self, event: CallEvent) -> None:
        floor = self._floor
        tracked = floor.board.calls.get(event.call_id)
        name = type(event).__name__
        if tracked is None:
            if event.call_id in self._recent and isinstance(event, OriginateEnded | DialEnded):
                return
            if event.call_id in self._recent:
                floor.journal.emit(CallIllegal(at=event.at, call_id=event.call_id, state="ended", event=name))
            else:
                floor.journal.emit(CallUnknown(at=event.at, call_id=event.call_id, event=name))
            return
        before = tracked.call
        try:
            call = apply(before, event)
        except IllegalTransition:
            floor.journal.emit(CallIllegal(at=event.at, call_id=event.call_id, state=before.state, event=name))
            return
        tracked.call = call
        tracked.is_doubtful = False
        if call.state is CallState.ENDED:
            if call.wants_hint:
                # Older releases set no cause on a time-out; the hint that says so may come next.
                tracked.overdue_at = event.at + HINT_GRACE
                self._watch.call()
            else:
                self.end(tracked, call)
        elif isinstance(event, Answered | Bridged) and call.state is not before.state:
            tracked.overdue_at = event.at + LONG_CALL_LOOK
            self.note(tracked, call)
            floor.wake.call()

    def _lose(self, server: str) -> None:
        floor = self._floor
        floor.reconciled.discard(server)
        self.links_to_reconcile.pop(server, None)
        floor.board.forget_agents(server)
        for tracked in floor.board.of_server(server):
            tracked.is_doubtful = True
        floor.wake.call()

    def _remember(self, session_id: str) -> None:
        self._recent[session_id] = CallState.ENDED
        while len(self._recent) > RECENT_MAX:
            self._recent.popitem(last=False)


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
