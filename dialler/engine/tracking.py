"""Follows live calls through the exchange's events, to the verdict and into the records."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Final

import anyio
import anyio.lowlevel

from dialler.domain.attempt import ended, followed
from dialler.domain.call import Call, CallState, apply
from dialler.domain.call_verdict import abandon_reason, verdict_of
from dialler.domain.campaign import Wrap
from dialler.domain.session import Session
from dialler.engine.aftermath import closing_event, opt_out, write_ends
from dialler.engine.answer_clock import AnswerClock
from dialler.engine.board import UNANSWERED, Tracked
from dialler.engine.calling_off import CallingOff
from dialler.engine.floor import Floor
from dialler.engine.presumed import Presumed
from dialler.engine.queue_looks import QueueLooks
from dialler.engine.staffing import Staffing
from dialler.engine.waits import look_for_idle, tell_abandoned, tell_wait
from dialler.engine.wake import Wake
from dialler.engine.wrapping import Wrapping
from dialler.errors import IllegalTransition
from dialler.events import (
    AgentMoved,
    CallIllegal,
    CallUnknown,
    LinkChanged,
    SessionCaughtUp,
    TrunkRested,
)
from dialler.ports import Records
from telephony.events import (
    AgentChanged,
    Bridged,
    CallEvent,
    DialEnded,
    LinkDown,
    LinkUp,
    OptedOut,
    OriginateEnded,
    Queued,
    TelephonyEvent,
)

RECENT_MAX: Final = 10_000
"""Ended calls remembered, so that hints that trail the end are not taken for unknown calls."""

EVENTS_A_TURN: Final = 100
"""Events handled before others get their turn: a few milliseconds' worth."""

HINT_GRACE: Final = timedelta(seconds=1)
LONG_CALL_LOOK: Final = timedelta(hours=1)
"""How often the exchange is asked whether an answered call is still there."""


class Tracker:
    """The one owner of open sessions: every change of one goes through here."""

    def __init__(self, floor: Floor, wrapping: Wrapping, watch: Wake, staffing: Staffing) -> None:
        """`watch` wakes the one who looks after deadlines and links."""
        self._floor = floor
        self.clock = AnswerClock(floor, self.caught_up)
        self.looks = QueueLooks(floor)
        self.calling_off = CallingOff(floor)
        self._wrapping = wrapping
        self._watch = watch
        self._staffing = staffing
        self._presumed = Presumed(floor, self._move_agent)
        self._recent: dict[str, None] = {}
        self.links_to_reconcile: dict[str, bool] = {}
        """Servers whose link came up, and whether the exchange was restarted."""

        self.link_breaks: Counter[str] = Counter()
        """How often each link broke: what was asked before a break says nothing about the time after it."""

    async def run(self) -> None:
        """Handle events until cancelled."""
        events = self._floor.telephony.events
        async for event in events:
            self.handle(event)
            # What came with it is taken in at once: a turn of the event loop for each costs more than handling it.
            with suppress(anyio.WouldBlock, anyio.EndOfStream):
                for _ in range(EVENTS_A_TURN):
                    self.handle(events.receive_nowait())

    def handle(self, event: TelephonyEvent) -> None:
        """Take in one event."""
        for observe in self._floor.on_event_lag:
            observe((self._floor.clock.now() - event.at).total_seconds())
        match event:
            case CallEvent():
                self._handle_call(event)
            case AgentChanged():
                self._presumed.told(event.agent)
                self._move_agent(event)
            case LinkUp():
                self._floor.journal.emit(LinkChanged(at=event.at, server=event.server, up=True, reason="logged in"))
                self.links_to_reconcile[event.server] = event.restarted
                self._watch.call()
            case LinkDown():
                self._floor.journal.emit(LinkChanged(at=event.at, server=event.server, up=False, reason=event.reason))
                self._lose(event.server)

    def _move_agent(self, event: AgentChanged) -> None:
        self._floor.board.move_agent(event)
        self._staffing.moved(event)
        for observe_agent in self._floor.on_agent:
            observe_agent(event)
        self._floor.journal.emit(AgentMoved(at=event.at, agent=event.agent, state=event.state))
        self._floor.wake.call()

    async def caught_up(self) -> None:
        """Return once what the exchange has reported so far is taken in."""
        for _ in range(RECENT_MAX):
            events = self._floor.telephony.events.statistics()
            if events.tasks_waiting_receive and not events.current_buffer_used:
                return
            await anyio.lowlevel.checkpoint()

    def take_up(self, tracked: Tracked, *, launched: bool) -> None:
        """Follow a call from now on. It holds a channel; `launched` now, it takes a token of its trunk as well."""
        self._floor.board.add(tracked)
        self._show(tracked)
        self._floor.trunks.hold(tracked.session.trunk, tracked.session.session_id, launched=launched)
        self._watch.call_by(tracked.overdue_at)

    def _show(self, tracked: Tracked) -> None:
        """Tell those who count calls that something became known of one."""
        running = self._floor.campaigns.get(tracked.session.campaign_id)
        if running is None or not tracked.wants_agent:
            return
        running.abandons.live(tracked.call)
        if not tracked.has_agents:
            return
        self._wrapping.agents.followed(tracked)
        if running.scene is not None:
            running.scene.call_moved(tracked)

    def note(self, tracked: Tracked, call: Call) -> None:
        """Keep what became known of a call that goes on, and write it down soon."""
        if tracked.session.session_id not in self._floor.board.calls:
            return  # It ended meanwhile; its session has been closed with all that is known.
        tracked.call = call
        self.clock.watch(tracked)
        self._show(tracked)
        tracked.session = session = followed(tracked.session, call)
        self._floor.outbox.put_value(self._write, session)

    def take_in(self, tracked: Tracked, story: Sequence[CallEvent]) -> None:
        """Close a session by what became of its call while nobody listened, its end last; nothing if nothing is known.

        Agents and pacing are not told: it is over, and where agents are now is known from them.
        """
        floor, session = self._floor, tracked.session
        if not story or session.session_id not in floor.board.calls or tracked.call.state is CallState.ENDED:
            return
        for event in story:
            before = tracked.call
            if isinstance(event, Bridged) and before.connected_at is not None:
                continue  # It was heard; what is written down of it is less exact.
            if isinstance(event, OptedOut):
                floor.outbox.put(partial(opt_out, session_id=session.session_id, at=event.at))
            tracked.call = apply(before, event)
            tell_wait(floor, tracked, before, event.at)
        floor.journal.emit(
            SessionCaughtUp(at=floor.clock.now(), session_id=session.session_id, campaign=session.campaign)
        )
        self.end(tracked, tracked.call)

    def end(self, tracked: Tracked, call: Call) -> None:
        """Close a session with the verdict on its call."""
        floor = self._floor
        session_id = tracked.session.session_id
        if session_id not in floor.board.calls:
            return
        now = floor.clock.now()
        look_for_idle(floor, tracked, call)
        outcome = verdict_of(call, has_agents=tracked.has_agents, patience=tracked.patience)
        running = floor.campaigns.get(tracked.session.campaign_id)
        wrap = running.campaign.settings.wrap if running else Wrap.NONE
        tracked.call = call
        tracked.session = session = ended(tracked.session, call, outcome=outcome, wrap=wrap, at=now)
        if running is not None:
            running.abandons.note(session)
        floor.board.remove(session_id)
        if running is not None and running.scene is not None:
            running.scene.call_ended(tracked)
        floor.trunks.release(session.trunk, session_id)
        for let_go in floor.on_ended:
            let_go(session)
        self._remember(session_id)
        floor.outbox.put_value(self._write, session, then=partial(self._end_written, session), ends=session_id)
        if session.status.is_open:
            self._wrapping.wait_for(session, heard_at=now)
        else:
            floor.journal.emit(closing_event(session))
        if (reason := abandon_reason(call, outcome)) is not None:
            tell_abandoned(floor, tracked, reason)
        rested_until = floor.trunks.judge(session.trunk, outcome)
        if rested_until is not None:
            why = f"{outcome} in a row, the last with cause {session.evidence.cause}"
            floor.journal.emit(TrunkRested(at=now, trunk=session.trunk, until=rested_until, reason=why))
        floor.wake.call()
        floor.ended.call()

    def _write(self, records: Records, sessions: Sequence[Session]) -> Sequence[bool]:
        """Write sessions as they are by now; return for each whether the dial loop has to look earlier for its lead.

        Each is written whole, so of several states of one session only the last is: a call that ends at once was
        never worth a record of its being sent.
        """
        floor = self._floor
        latest = {session.session_id: session for session in sessions}
        records.set_sessions([session for session in latest.values() if session.outcome is None])
        ends = [session for session in latest.values() if session.outcome is not None]
        look_earlier: set[str] = set()
        for session, lead in zip(ends, write_ends(records, ends, floor.windows), strict=True):
            assert session.ended_at is not None
            if floor.expect(lead, session.ended_at):
                look_earlier.add(session.session_id)
        return [session.session_id in look_earlier for session in sessions]

    def _end_written(self, session: Session, look_earlier: bool) -> None:
        if (running := self._floor.campaigns.get(session.campaign_id)) is not None:
            running.abandons.written(session)
        if look_earlier:
            self._floor.wake.call()

    def _handle_call(self, event: CallEvent) -> None:
        floor = self._floor
        tracked = floor.board.calls.get(event.call_id)
        name = type(event).__name__
        if isinstance(event, OptedOut):
            # It holds at once, and whatever else becomes of the call, also if it is not followed any more.
            floor.outbox.put(partial(opt_out, session_id=event.call_id, at=event.at))
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
        if isinstance(event, Queued):
            tracked.may_play = False
            self.looks.queued(tracked, event.queue)
        elif isinstance(event, Bridged):
            self._presumed.joined(tracked, event)
            self._wrapping.agents.joined(tracked, event.agent)
        self.clock.watch(tracked)
        self._show(tracked)
        if isinstance(event, Bridged) and tracked.has_agents and not tracked.is_direct:
            self._staffing.joined(tracked.session.campaign_id, event.agent)
        tell_wait(floor, tracked, before, event.at)
        if call.state is CallState.ENDED:
            if call.wants_hint:
                # Older releases set no cause on a time-out; the hint that says so may come next.
                tracked.overdue_at = event.at + HINT_GRACE
                self._watch.call()
            else:
                self.end(tracked, call)
        elif _is_news(before.state, call.state):
            tracked.overdue_at = event.at + LONG_CALL_LOOK
            self.note(tracked, call)
            floor.wake.call()
        elif self.calling_off.is_unwanted(tracked):
            self._watch.call()

    def _lose(self, server: str) -> None:
        floor = self._floor
        floor.reconciled.discard(server)
        self.link_breaks[server] += 1
        self.links_to_reconcile.pop(server, None)
        floor.board.forget_agents(server)
        for forget in floor.on_lost:
            forget(server)
        self._staffing.lost(server)
        for tracked in floor.board.of_server(server):
            tracked.is_doubtful = True
            self._show(tracked)
        floor.wake.call()

    def _remember(self, session_id: str) -> None:
        self._recent[session_id] = None
        if len(self._recent) > RECENT_MAX:
            del self._recent[next(iter(self._recent))]


def _is_news(before: CallState, after: CallState) -> bool:
    """Tell whether a call that goes on is worth a record: somebody answered, or an agent talks."""
    answered = before in UNANSWERED and after not in UNANSWERED
    return answered or (after is CallState.TALKING and before is not after)
