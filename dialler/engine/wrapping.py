"""Talks that wait for their agent's wrap code: closed without one once the deadline has passed."""

from collections.abc import Iterable, Set
from datetime import datetime, timedelta
from functools import partial

from dialler.domain.session import Session, SessionStatus
from dialler.domain.wrap import NO_WRAP
from dialler.engine.aftermath import closing_event, wrap_up
from dialler.engine.floor import Floor
from dialler.engine.pauses import Pauses
from dialler.engine.wake import Wake
from dialler.engine.wrap_ups import WrapUps
from dialler.ports import Records


class Wrapping:
    """Watches over sessions whose call has ended and whose wrap code is still to come."""

    def __init__(self, floor: Floor, pauses: Pauses) -> None:
        self._floor = floor
        self.agents = WrapUps(floor, pauses)
        """Those who write the talks up."""

        self._wake = Wake(floor.clock)
        self._waiting: dict[str, Session] = {}
        self._heard_at: dict[str, datetime] = {}
        """When it was heard of their ends, if it was not before the engine started."""

    @property
    def sessions(self) -> Iterable[Session]:
        """The sessions that are watched."""
        return self._waiting.values()

    @property
    def waiting(self) -> Set[str]:
        """Their ids."""
        return self._waiting.keys()

    def wait_for(self, session: Session, *, heard_at: datetime | None = None) -> None:
        """Watch a session from now on. Before it was heard that its call is over nobody could give the code."""
        self._waiting[session.session_id] = session
        if heard_at is not None:
            self._heard_at[session.session_id] = heard_at
        self._wake.call_by(self._due_at(session))

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            await self._wake.wait(self.run_once(self._floor.clock.now()))

    def run_once(self, now: datetime) -> datetime | None:
        """Give the code NONE to sessions that are due; return when the next one is."""
        for session in list(self._waiting.values()):
            if self._due_at(session) <= now:
                # By way of the outbox: behind the end of the call, which the records may not know yet.
                self._forget(session.session_id)
                close = partial(self._close, session.session_id, now)
                self._floor.outbox.put(close, then=self._closed, ends=session.session_id)
        return min(map(self._due_at, self._waiting.values()), default=None)

    async def look(self) -> None:
        """Take leave of the sessions that somebody has wrapped up. Raises StoreError."""
        self.agents.replan()
        waiting = list(self._waiting)
        if not waiting:
            return
        for session in await self._floor.store.read(lambda records: [records.session(each) for each in waiting]):
            if not session.status.is_open and session.session_id in self._waiting:
                self._forget(session.session_id)
                self.agents.closed(session.session_id)
                self._floor.journal.emit(closing_event(session))

    def _forget(self, session_id: str) -> None:
        del self._waiting[session_id]
        self._heard_at.pop(session_id, None)

    def _due_at(self, session: Session) -> datetime:
        running = self._floor.campaigns.get(session.campaign_id)
        deadline_s = running.campaign.settings.wrap_deadline_s if running else 0
        assert session.ended_at is not None
        return self._heard_at.get(session.session_id, session.ended_at) + timedelta(seconds=deadline_s)

    def _close(self, session_id: str, now: datetime, records: Records) -> tuple[Session, bool]:
        """Return the session as it is closed now, and whether the dial loop has to look earlier for its lead."""
        session = records.session(session_id)
        if session.status is not SessionStatus.PROCESSING:
            return session, False  # Somebody wrapped it up.
        closed = wrap_up(records, session, NO_WRAP.code, note=None, by="engine", now=now, windows=self._floor.windows)
        return closed, self._floor.expect(records.lead(session.lead_id), now)

    def _closed(self, done: tuple[Session, bool]) -> None:
        session, look_earlier = done
        self.agents.closed(session.session_id)
        self._floor.journal.emit(closing_event(session))
        if look_earlier:
            self._floor.wake.call()
