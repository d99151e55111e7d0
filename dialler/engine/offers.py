"""Offers: leads picked for certain agents, of whom nothing is dialled until they accept.

An offer holds its agent and its lead, and neither a channel nor a token. One that is not accepted is closed as
cancelled, whatever the reason; it is no attempt.
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import anyio

from dialler.domain.attempt import ended
from dialler.domain.call import Call
from dialler.domain.campaign import Wrap, in_force
from dialler.domain.evolve import evolve
from dialler.domain.next_turn import lead_after_offer
from dialler.domain.outcome import Outcome
from dialler.domain.session import Evidence, Session
from dialler.engine.aftermath import closing_event
from dialler.engine.campaigns import Running
from dialler.engine.floor import Floor
from dialler.engine.opening import Intent
from dialler.engine.reservations import Reservations
from dialler.engine.wake import Wake
from dialler.errors import Conflict, NotFound
from dialler.ports import Offer, Records
from telephony.events import AgentChanged

NO_ANSWER: Final = "no answer"
AGAIN: Final = timedelta(seconds=5)
"""How long an offer stays at least for which something was missing when it was accepted."""


@dataclass(slots=True, eq=False)
class _Open:
    session: Session
    until: datetime
    is_taken: bool = False
    """Whether somebody accepts or skips it at this moment."""


class Offers:
    """The open offers of one engine."""

    def __init__(self, floor: Floor, reservations: Reservations) -> None:
        self._floor = floor
        self._reservations = reservations
        self._open: dict[str, _Open] = {}
        """By agent: each has one at most."""

        self._wake = Wake(floor.clock)
        floor.on_agent.append(self._moved)
        floor.on_lost.append(lambda server: self.look())

    async def run(self, time_over: Callable[[str], Coroutine[Any, Any, None]]) -> None:
        """Until cancelled, call `time_over` with each agent who did not answer his offer in time."""
        async with anyio.create_task_group() as tasks:
            while True:
                now = self._floor.clock.now()
                for agent, each in [*self._open.items()]:
                    if each.until <= now and not each.is_taken:
                        each.until = now + AGAIN
                        tasks.start_soon(time_over, agent)
                due = [each.until for each in self._open.values() if not each.is_taken]
                await self._wake.wait(min(due, default=None))

    def make(self, intent: Intent, running: Running) -> None:
        """Offer a committed intent to its agent; one who is not there any more, or has a call, gets none."""
        session = intent.session
        assert session.for_agent is not None
        until = self._floor.clock.now() + timedelta(seconds=intent.campaign.settings.preview_s)
        try:
            self._reservations.servers_for(session.for_agent)
        except (Conflict, NotFound) as error:
            close(self._floor, session, str(error))
            return
        self._open[session.for_agent] = offer = _Open(session, until)
        self._floor.board.offers[session.session_id] = session
        self._reservations.hold(session.for_agent, session.session_id)
        self._wake.call()
        self._look_at(offer)

    def hold(self, session: Session) -> bool:
        """Hold the agent of a call that is to leave at once; close it, and return False, where he is gone by now."""
        assert session.for_agent is not None
        try:
            self._reservations.servers_for(session.for_agent)
        except (Conflict, NotFound) as error:
            close(self._floor, session, str(error), rests=True)
            return False
        self._reservations.hold(session.for_agent, session.session_id)
        return True

    def of(self, agent: str) -> Offer:
        """Return an agent's offer. Raises NotFound for one who has none."""
        offer = self._open.get(agent)
        if offer is None:
            raise NotFound(f"agent {agent} has no offer")
        return Offer(session=offer.session, until=offer.until)

    def take(self, agent: str) -> Session:
        """Return an agent's offer, which is in the caller's hands from now on: he drops, closes or leaves it.

        Raises NotFound where he has none, Conflict where somebody accepts or skips it already.
        """
        session = self.of(agent).session
        if self._open[agent].is_taken:
            raise Conflict(f"the offer of agent {agent} is being accepted or skipped already")
        self._open[agent].is_taken = True
        return session

    def leave(self, session: Session) -> None:
        """Leave an offer that was taken as it was, for a while at least, so that he can try again."""
        assert session.for_agent is not None
        offer = self._open[session.for_agent]
        offer.is_taken, offer.until = False, max(offer.until, self._floor.clock.now() + AGAIN)
        self._wake.call()
        self._look_at(offer)

    def drop(self, session: Session) -> None:
        """Keep an offer no more that has become a call; its agent stays held for it."""
        assert session.for_agent is not None
        self._open.pop(session.for_agent, None)
        self._floor.board.offers.pop(session.session_id, None)

    def close(self, session: Session, reason: str, *, rests: bool = False, by: str | None = None) -> Session:
        """Close an offer that was not accepted, and let its agent go; the lead `rests` as after an attempt.

        Who skipped it, if a person did, is `by`, for the audit."""
        assert session.for_agent is not None
        self.drop(session)
        closed = close(self._floor, session, reason, rests=rests, by=by)
        self._reservations.release(session.for_agent, session.session_id)
        return closed

    def look(self) -> None:
        """Close the offers that are no longer wanted, or whose agents can't take them."""
        for each in [*self._open.values()]:
            self._look_at(each)

    def _moved(self, event: AgentChanged) -> None:
        offer = self._open.get(event.agent)
        if offer is not None:
            self._look_at(offer)

    def _look_at(self, offer: _Open) -> None:
        session = offer.session
        running = self._floor.campaigns.get(session.campaign_id)
        if offer.is_taken:
            return
        if not self._floor.accepting:
            self.close(session, "the engine stops")
        elif running is None or not running.dials or not running.makes_offers:
            self.close(session, "the campaign makes no offers any more")
        else:
            assert session.for_agent is not None
            try:
                self._reservations.servers_for(session.for_agent, held_for=session.session_id)
            except (Conflict, NotFound) as error:
                self.close(session, str(error))


def close(floor: Floor, session: Session, reason: str, *, rests: bool = False, by: str | None = None) -> Session:
    """Close the session of an offer that was not accepted; it is written down soon."""
    # A call that was to leave at once and lost its agent before that was never his.
    session = evolve(session, accepted_at=None)
    call = Call(call_id=session.session_id, evidence=Evidence(error=f"not accepted: {reason}"))
    closed = ended(session, call, outcome=Outcome.CANCELLED, wrap=Wrap.NONE, at=floor.clock.now())
    floor.outbox.put(
        partial(_write, floor=floor, session=closed, reason=reason, rests=rests, by=by),
        then=lambda look_earlier: floor.wake.call() if look_earlier else None,
        ends=session.session_id,
    )
    floor.journal.emit(closing_event(closed))
    floor.ended.call()
    return closed


def _write(records: Records, *, floor: Floor, session: Session, reason: str, rests: bool, by: str | None) -> bool:
    """Write an offer's end; return whether the dial loop has to look earlier for its lead."""
    assert session.ended_at is not None
    lead = records.leads_with([session.lead_id], to_change=True).get(session.lead_id)
    if lead is None:
        raise NotFound(f"there is no lead {session.lead_id}")
    if records.session(session.session_id).ended_at is not None:
        # Written before, by a commit of which nobody heard: by now the lead may be in its next call.
        return floor.expect(lead, session.ended_at)
    records.set_sessions([session])
    settings = in_force(records.campaign(lead.campaign_id).settings, records.lead_list(lead.list_id))
    window = floor.windows.window(settings.hours, lead.window_key)
    lead = lead_after_offer(lead, settings=settings, window=window, ended_at=session.ended_at, rests=rests)
    records.set_lead(lead)
    if by is not None:
        after = {"session_id": session.session_id, "agent": session.for_agent, "reason": reason}
        details = {"campaign": session.campaign, "list": session.list, "after": after}
        records.add_audit(session.ended_at, by, "agent.skip", details, lead_id=session.lead_id)
    return floor.expect(lead, session.ended_at)
