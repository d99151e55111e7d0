"""Compares what the records say with what the exchange holds: after a start, after a lost link, on a deadline.

A call is adopted if the exchange still has it. Otherwise it is closed as LOST, but only after its ring time and
some grace: an Originate that was on the wire when we died may still become a ringing telephone.
"""

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import anyio
import anyio.lowlevel

from dialler.domain.call import CallState, apply, call_of
from dialler.domain.session import Session, SessionStatus
from dialler.engine.aftermath import wrap_up
from dialler.engine.board import UNANSWERED, Tracked
from dialler.engine.floor import Floor
from dialler.engine.tracking import LONG_CALL_LOOK, Tracker, closing_event
from dialler.engine.wake import Wake
from dialler.errors import StoreError, TelephonyError
from dialler.events import CallOverdue, SessionAdopted
from dialler.ports import LiveCall, LiveState, Records
from telephony.events import Answered, Bridged, CallEvent, Dialling, Ringing

RETRY = timedelta(seconds=1)
NO_WRAP_CODE = "NONE"
_log = logging.getLogger("dialler.recovery")


class Recovery:
    """Watches over calls that do not report by themselves, and over talks that are not wrapped up."""

    def __init__(self, floor: Floor, tracker: Tracker, watch: Wake) -> None:
        self._floor = floor
        self._tracker = tracker
        self._watch = watch

    async def load(self) -> None:
        """Take up the open sessions of an earlier process; each holds its channel until it is known to be over."""
        for session in await self._floor.store.read(lambda records: records.open_sessions()):
            if session.outcome is not None:
                self._tracker.wrapping[session.session_id] = session
                continue
            running = self._floor.campaigns.get(session.campaign_id)
            settings = running.campaign.settings if running else None
            ring_timeout_s = settings.ring_timeout_s if settings else 60
            tracked = Tracked(
                session=session,
                call=call_of(session),
                has_agents=bool(running and running.pacing and running.pacing.needs_agents),
                overdue_at=session.created_at + timedelta(seconds=ring_timeout_s) + self._floor.options.verdict_grace,
                is_doubtful=True,
            )
            self._floor.board.add(tracked)
            self._floor.trunks.hold(session.trunk, session.session_id, launched=False)

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            until = await self.run_once(self._floor.clock.now())
            await self._watch.wait(until)

    async def run_once(self, now: datetime) -> datetime | None:
        """Reconcile servers whose link came up, and look after what is overdue; return when to look again."""
        retry = False
        for server, restarted in list(self._tracker.links_to_reconcile.items()):
            try:
                await self._reconcile(server, restarted=restarted)
            except TelephonyError as error:
                _log.warning("live calls unknown", extra={"server": server, "error": str(error)})
                retry = True
            else:
                self._tracker.links_to_reconcile.pop(server, None)
        retry = await self._look_after_overdue(now) or retry
        await self._close_unwrapped(now)
        instants = [tracked.overdue_at for tracked in self._floor.board.calls.values() if self._is_watched(tracked)]
        instants += [self._wrap_due_at(session) for session in self._tracker.wrapping.values()]
        if retry:
            instants.append(now + RETRY)
        return min(instants, default=None)

    def _is_watched(self, tracked: Tracked) -> bool:
        """Tell whether a deadline can be acted upon: not while the link is down, LinkUp comes first then."""
        server = tracked.session.server
        known = {self._floor.trunks.trunk(name).server for name in self._floor.trunks}
        return tracked.call.state is CallState.ENDED or server not in known or self._floor.is_usable(server)

    async def _reconcile(self, server: str, *, restarted: bool) -> None:
        floor = self._floor
        live = await self._live_calls(server)
        now = floor.clock.now()
        for tracked in floor.board.of_server(server):
            found = live.get(tracked.session.session_id)
            if found is not None:
                self._adopt(tracked, found, now)
            elif restarted or tracked.call.state not in UNANSWERED:
                # It was up and is gone: it ended while nobody listened.
                self._tracker.end(tracked, tracked.call)
            else:
                tracked.is_doubtful = True
        floor.reconciled.add(server)
        floor.wake.call()

    async def _live_calls(self, server: str) -> Mapping[str, LiveCall]:
        live = await self._floor.telephony.live_calls(server)
        # What was reported before the answer is taken in first, so that an end is not mistaken for a loss.
        for _ in range(10_000):
            if not self._floor.telephony.events.statistics().current_buffer_used:
                break
            await anyio.lowlevel.checkpoint()
        return {call.call_id: call for call in live}

    def _adopt(self, tracked: Tracked, found: LiveCall, now: datetime) -> None:
        floor = self._floor
        call_id = tracked.session.session_id
        call = tracked.call
        if call.sent_at is None:
            call = replace(call, sent_at=now - found.age)
        event = _EVENT_OF[found.state]
        if event is Bridged:
            call = apply(call, Bridged(call_id=call_id, at=now, agent=found.agent or ""))
        else:
            call = apply(call, event(call_id=call_id, at=now))
        was_doubtful, tracked.is_doubtful = tracked.is_doubtful, False
        running = floor.campaigns.get(tracked.session.campaign_id)
        ring_timeout = timedelta(seconds=running.campaign.settings.ring_timeout_s if running else 60)
        tracked.overdue_at = (
            now + max(timedelta(0), ring_timeout - found.age) + floor.options.verdict_grace
            if call.state in UNANSWERED
            else now + LONG_CALL_LOOK
        )
        self._tracker.note(tracked, call)
        if was_doubtful:
            floor.journal.emit(
                SessionAdopted(at=now, session_id=call_id, campaign=tracked.session.campaign, state=found.state.value)
            )

    async def _look_after_overdue(self, now: datetime) -> bool:
        """Ask the exchange about calls whose verdict did not come; return whether to try again soon."""
        floor = self._floor
        retry = False
        overdue: dict[str, list[Tracked]] = {}
        for tracked in list(floor.board.calls.values()):
            if tracked.overdue_at <= now and self._is_watched(tracked):
                if tracked.call.state is CallState.ENDED:
                    self._tracker.end(tracked, tracked.call)
                else:
                    overdue.setdefault(tracked.session.server, []).append(tracked)
        for server, calls in overdue.items():
            try:
                live = await self._live_calls(server) if floor.is_usable(server) else {}
                for tracked in calls:
                    await self._settle(tracked, live.get(tracked.session.session_id), now)
            except TelephonyError as error:
                _log.warning("overdue calls unknown", extra={"server": server, "error": str(error)})
                retry = True
        return retry

    async def _settle(self, tracked: Tracked, found: LiveCall | None, now: datetime) -> None:
        floor = self._floor
        session_id = tracked.session.session_id
        if session_id not in floor.board.calls:
            return  # Its end came while we asked.
        unanswered = tracked.call.state in UNANSWERED
        if unanswered:
            floor.journal.emit(CallOverdue(at=now, session_id=session_id, campaign=tracked.session.campaign))
        if found is None:
            self._tracker.end(tracked, tracked.call)
            return
        self._adopt(tracked, found, now)
        if tracked.call.state in UNANSWERED:
            tracked.overdue_at = now + floor.options.verdict_grace
            await floor.telephony.hang_up(session_id)

    def _wrap_due_at(self, session: Session) -> datetime:
        running = self._floor.campaigns.get(session.campaign_id)
        wrap_deadline_s = running.campaign.settings.wrap_deadline_s if running else 0
        assert session.ended_at is not None
        return session.ended_at + timedelta(seconds=wrap_deadline_s)

    async def _close_unwrapped(self, now: datetime) -> None:
        floor = self._floor
        due = [session for session in self._tracker.wrapping.values() if self._wrap_due_at(session) <= now]
        for session in due:
            try:
                closed = await floor.store.write(partial(self._unwrapped, session.session_id, now))
            except StoreError:
                return  # The outbox tells of it; the next look tries again.
            del self._tracker.wrapping[session.session_id]
            floor.journal.emit(closing_event(closed))
            floor.wake.call()

    def _unwrapped(self, session_id: str, now: datetime, records: Records) -> Session:
        session = records.session(session_id)
        if session.status is not SessionStatus.PROCESSING:
            return session  # Somebody wrapped it up.
        return wrap_up(records, session, NO_WRAP_CODE, note=None, by="engine", now=now, windows=self._floor.windows)


_EVENT_OF: Mapping[LiveState, type[CallEvent]] = {
    LiveState.DIALLING: Dialling,
    LiveState.RINGING: Ringing,
    LiveState.UP: Answered,
    LiveState.BRIDGED: Bridged,
}
