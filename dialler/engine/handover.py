"""From a durable intent to the exchange: the one place that sends Originates."""

from collections.abc import Callable
from datetime import datetime, timedelta

import anyio

from dialler.domain.call import Call, cancelled, refused, sent
from dialler.domain.session import MANUAL
from dialler.engine.board import Tracked
from dialler.engine.campaigns import Running
from dialler.engine.floor import Floor
from dialler.engine.opening import Intent
from dialler.engine.tracking import Tracker
from dialler.errors import LinkLost, NotSent, Refused
from dialler.events import AgentServed, SessionSent
from dialler.ports import Origination

NOT_SENT_REST = timedelta(seconds=1)
"""A trunk whose exchange can't keep up is left alone for so long."""


class Handover:
    """Sends what was intended, unless it has been taken back meanwhile."""

    def __init__(self, floor: Floor, tracker: Tracker) -> None:
        self._floor = floor
        self._tracker = tracker
        self._on_the_way: dict[int, int] = {}
        self._arrived = anyio.Event()

    def take(self, intent: Intent, running: Running | None) -> Tracked:
        """Follow a committed intent from now on; its channel and token are taken."""
        session, settings = intent.session, intent.campaign.settings
        timeout = timedelta(seconds=settings.ring_timeout_s)
        has_agents = session.for_agent is not None or (running is not None and running.has_agents)
        tracked = Tracked(
            session=session,
            call=Call(call_id=session.session_id),
            has_agents=has_agents,
            patience=settings.patience_of(has_agents=has_agents),
            overdue_at=self._floor.clock.now() + timeout + self._floor.options.verdict_grace,
        )
        self._tracker.take_up(tracked, launched=True)
        return tracked

    async def send(self, tracked: Tracked, valid_until: datetime) -> None:
        """Ask for the call, once; whatever comes of it is noted in the session."""
        campaign_id = tracked.session.campaign_id
        self._on_the_way[campaign_id] = self._on_the_way.get(campaign_id, 0) + 1
        try:
            if self._may_leave(tracked, valid_until):
                await self._originate(tracked)
            else:
                self._tracker.end(tracked, cancelled(tracked.call))
        finally:
            self._on_the_way[campaign_id] -= 1
            self._arrived.set()

    async def settled(self, is_meant: Callable[[int], bool]) -> None:
        """Return once no Originate of a campaign for which `is_meant` holds is on its way to the exchange.

        Those not yet sent see for themselves that they may not leave; those being sent have a deadline.
        """
        while any(count and is_meant(campaign_id) for campaign_id, count in self._on_the_way.items()):
            if self._arrived.is_set():  # Else somebody else waits for it, too.
                self._arrived = anyio.Event()
            await self._arrived.wait()

    def _may_leave(self, tracked: Tracked, valid_until: datetime) -> bool:
        floor = self._floor
        running = floor.campaigns.get(tracked.session.campaign_id)
        return (
            floor.accepting
            and running is not None
            and (running.dials_by_hand if tracked.session.dial_mode == MANUAL else running.dials)
            and floor.clock.now() < valid_until
            and floor.is_usable(tracked.session.server)
        )

    def _tell_wait(self, running: Running) -> None:
        """Tell how long the agent for whom an Originate leaves now has been free."""
        floor = self._floor
        free_since = floor.free_agents.match(running.campaign.campaign_id)
        if free_since is not None:
            now = floor.clock.now()
            waited_s = max(0.0, (now - max(free_since, running.since)).total_seconds())
            floor.journal.emit(AgentServed(at=now, campaign=running.campaign.name, waited_s=waited_s))

    async def _originate(self, tracked: Tracked) -> None:
        floor = self._floor
        session = tracked.session
        campaign = floor.campaigns[session.campaign_id].campaign
        if tracked.has_agents and not tracked.is_direct:
            self._tell_wait(floor.campaigns[session.campaign_id])
        asked_at = floor.clock.monotonic()
        try:
            await floor.telephony.originate(
                Origination(
                    call_id=session.session_id,
                    trunk=session.trunk,
                    number=session.number,
                    caller_id=session.caller_id,
                    ring_timeout=timedelta(seconds=campaign.settings.ring_timeout_s),
                    queue=campaign.settings.queue if tracked.has_agents and not tracked.is_direct else None,
                    agent=session.for_agent,
                    answer=campaign.settings.answer_plan,
                )
            )
        except NotSent:
            floor.trunks.pause(session.trunk, NOT_SENT_REST)
            self._tracker.end(tracked, cancelled(tracked.call))
        except (Refused, ValueError) as error:
            # ValueError: a text that can't be sent, such as a caller id of two lines.
            running = floor.campaigns.get(session.campaign_id)
            if running is not None and isinstance(error, Refused) and error.configuration:
                floor.block(running, str(error))
            self._tracker.end(tracked, refused(tracked.call, str(error), floor.clock.now()))
        except LinkLost:
            # Nobody can say whether the telephone rings: it counts as placed until the exchange tells.
            tracked.is_doubtful = True
            self._tracker.note(tracked, sent(tracked.call, floor.clock.now()))
        else:
            now = floor.clock.now()
            ack_s = floor.clock.monotonic() - asked_at
            self._tracker.note(tracked, sent(tracked.call, now))
            floor.journal.emit(
                SessionSent(
                    at=now, session_id=session.session_id, campaign=session.campaign, trunk=session.trunk, ack_s=ack_s
                )
            )
