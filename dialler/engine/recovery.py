"""Compares what the records say with what the exchange holds: after a start, after a lost link, on a deadline.

A call is adopted if the exchange still has it. One that has ended is closed by what the exchange wrote down of it, as
if that had been heard. Otherwise it is closed as LOST, but only after its ring time and some grace: an Originate that
was on the wire when we died may still become a ringing telephone.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from dialler.domain.call import CallState, apply, call_of
from dialler.domain.campaign import CampaignSettings
from dialler.domain.evolve import evolve
from dialler.engine.board import UNANSWERED, Tracked
from dialler.engine.floor import Floor
from dialler.engine.offers import close
from dialler.engine.pauses import Pauses
from dialler.engine.reservations import Reservations
from dialler.engine.tracking import LONG_CALL_LOOK, Tracker
from dialler.engine.wake import Wake
from dialler.engine.wrapping import Wrapping
from dialler.errors import TelephonyError
from dialler.events import CallOverdue, SessionAdopted
from dialler.ports import LiveCall, LiveState
from telephony.events import Answered, Bridged, CallEvent, Dialling, HarbourStarted, Queued, Ringing

RETRY = timedelta(seconds=1)
_log = logging.getLogger("dialler.recovery")


class Recovery:
    """Watches over calls that do not report by themselves."""

    def __init__(
        self,
        floor: Floor,
        tracker: Tracker,
        wrapping: Wrapping,
        reservations: Reservations,
        pauses: Pauses,
        watch: Wake,
    ) -> None:
        self._floor = floor
        self._tracker = tracker
        self._wrapping = wrapping
        self._reservations = reservations
        self._pauses = pauses
        self._watch = watch

    async def load(self) -> None:
        """Take up the open sessions of an earlier process; each holds its channel until it is known to be over."""
        for session in await self._floor.store.read(lambda records: records.open_sessions()):
            if session.outcome is not None:
                self._wrapping.agents.ended(session)
                self._wrapping.wait_for(session)
                continue
            if session.is_offer:
                close(self._floor, session, "the engine was started anew")
                continue
            running = self._floor.campaigns.get(session.campaign_id)
            settings = running.campaign.settings if running is not None else CampaignSettings()
            ring_timeout = timedelta(seconds=settings.ring_timeout_s)
            has_agents = session.for_agent is not None or (running is not None and running.has_agents)
            tracked = Tracked(
                session=session,
                call=call_of(session),
                has_agents=has_agents,
                patience=settings.patience_of(has_agents=has_agents),
                overdue_at=(session.accepted_at or session.created_at)
                + ring_timeout
                + self._floor.options.verdict_grace,
                is_doubtful=True,
            )
            self._tracker.take_up(tracked, launched=False)
            if session.for_agent is not None:
                self._reservations.hold(session.for_agent, session.session_id)

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            until = await self.run_once(self._floor.clock.now())
            await self._watch.wait(until)

    async def run_once(self, now: datetime) -> datetime | None:
        """Reconcile servers whose link came up, and look after what is overdue; return when to look again."""
        instants: list[datetime] = []
        links = self._tracker.links_to_reconcile
        for server in list(links):
            if (restarted := links.pop(server, None)) is None:
                continue  # It broke while another one was asked.
            breaks = self._tracker.link_breaks[server]
            try:
                await self._reconcile(server, restarted=restarted)
            except TelephonyError as error:
                _log.warning("live calls unknown", extra={"server": server, "error": str(error)})
                if self._tracker.link_breaks[server] == breaks:
                    links[server] = restarted
                    instants.append(now + RETRY)
        # A stop that came while they could not be reached still takes back what rings.
        await self._tracker.calling_off.take_back(self._watched())
        await self._look_after_overdue(now)
        instants += [tracked.overdue_at for tracked in self._watched()]
        return min(instants, default=None)

    def _watched(self) -> Sequence[Tracked]:
        """Return the calls whose deadline can be acted upon: not while the link is down, LinkUp comes first then."""
        floor = self._floor
        down = {server for server in floor.trunks.servers if not floor.is_usable(server)}
        return [
            tracked
            for tracked in floor.board.calls.values()
            if tracked.call.state is CallState.ENDED or tracked.session.server not in down
        ]

    async def _reconcile(self, server: str, *, restarted: bool) -> None:
        floor = self._floor
        breaks = self._tracker.link_breaks[server]
        live = await self._live_calls(server)
        if self._tracker.link_breaks[server] != breaks:
            return  # It broke meanwhile; the next LinkUp begins anew.
        now = floor.clock.now()
        gone: list[Tracked] = []
        for tracked in floor.board.of_server(server):
            if tracked.call.state is CallState.ENDED:
                continue  # Only a hint is still awaited.
            found = live.get(tracked.session.session_id)
            if found is not None:
                self._adopt(tracked, found, now)
            else:
                tracked.is_doubtful = True
                gone.append(tracked)
        # An originate that was on the wire may become a call while the exchange is asked: what was not up is not lost.
        lost = [tracked for tracked in gone if restarted or tracked.call.state not in UNANSWERED]
        ended = await self._ended_calls(server, gone)
        if self._tracker.link_breaks[server] != breaks:
            return
        for tracked in gone:
            self._tracker.take_in(tracked, ended.get(tracked.session.session_id, ()))
        for tracked in lost:
            self._tracker.end(tracked, tracked.call)
        floor.reconciled.add(server)
        self._pauses.look()
        floor.wake.call()

    def _ring_timeout(self, campaign_id: int) -> timedelta:
        running = self._floor.campaigns.get(campaign_id)
        settings = running.campaign.settings if running is not None else CampaignSettings()
        return timedelta(seconds=settings.ring_timeout_s)

    async def _live_calls(self, server: str) -> Mapping[str, LiveCall]:
        live = await self._floor.telephony.live_calls(server)
        # What was reported before the answer is taken in first, so that an end is not mistaken for a loss.
        await self._tracker.caught_up()
        return {call.call_id: call for call in live}

    async def _ended_calls(self, server: str, gone: Sequence[Tracked]) -> Mapping[str, Sequence[CallEvent]]:
        """Return what the exchange wrote down of calls that it does not hold any more."""
        ids = [tracked.session.session_id for tracked in gone]
        return await self._floor.telephony.ended_calls(server, ids) if ids else {}

    def _adopt(self, tracked: Tracked, found: LiveCall, now: datetime) -> None:
        floor = self._floor
        call_id = tracked.session.session_id
        call = tracked.call
        if call.sent_at is None:
            call = evolve(call, sent_at=now - found.age)
        event = _EVENT_OF[found.state]
        if event is Bridged:
            call = apply(call, Bridged(call_id=call_id, at=now, agent=found.agent or ""))
        elif event is Queued:
            # Who was put into the queue while nobody listened has waited since then.
            call = apply(call, Queued(call_id=call_id, at=now - (found.waited or timedelta(0)), queue=""))
        else:
            call = apply(call, event(call_id=call_id, at=now))
        tracked.may_play = found.state is LiveState.UP
        was_doubtful, tracked.is_doubtful = tracked.is_doubtful, False
        left = self._ring_timeout(tracked.session.campaign_id) - found.age
        tracked.overdue_at = (
            now + max(timedelta(0), left) + floor.options.verdict_grace
            if call.state in UNANSWERED
            else now + LONG_CALL_LOOK
        )
        self._tracker.note(tracked, call)
        if was_doubtful:
            floor.journal.emit(
                SessionAdopted(at=now, session_id=call_id, campaign=tracked.session.campaign, state=found.state.value)
            )

    async def _look_after_overdue(self, now: datetime) -> None:
        """Ask the exchange about calls whose verdict did not come; in a while again, where it does not answer."""
        floor = self._floor
        overdue: dict[str, list[Tracked]] = {}
        for tracked in self._watched():
            if tracked.overdue_at <= now:
                if tracked.call.state is CallState.ENDED:
                    self._tracker.end(tracked, tracked.call)
                else:
                    overdue.setdefault(tracked.session.server, []).append(tracked)
        for server, calls in overdue.items():
            try:
                is_usable = floor.is_usable(server)
                live = await self._live_calls(server) if is_usable else {}
                gone = [tracked for tracked in calls if is_usable and tracked.session.session_id not in live]
                ended = await self._ended_calls(server, gone)
                for tracked in gone:
                    self._tracker.take_in(tracked, ended.get(tracked.session.session_id, ()))
                for tracked in calls:
                    await self._settle(tracked, live.get(tracked.session.session_id), now)
            except TelephonyError as error:
                _log.warning("overdue calls unknown", extra={"server": server, "error": str(error)})
                for tracked in calls:
                    tracked.overdue_at = max(tracked.overdue_at, now + RETRY)

    async def _settle(self, tracked: Tracked, found: LiveCall | None, now: datetime) -> None:
        floor = self._floor
        session_id = tracked.session.session_id
        if session_id not in floor.board.calls or tracked.call.state is CallState.ENDED:
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


_EVENT_OF: Mapping[LiveState, type[CallEvent]] = {
    LiveState.DIALLING: Dialling,
    LiveState.RINGING: Ringing,
    LiveState.UP: Answered,
    LiveState.QUEUED: Queued,
    LiveState.BRIDGED: Bridged,
    LiveState.HARBOUR: HarbourStarted,
}
