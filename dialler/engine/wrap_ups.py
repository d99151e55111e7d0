"""Agents at work after a talk: the exchange gives them no calls until it is done, or its time is over.

An agent is paused while he still talks, so that his queues can not give him the next call in the moment in which the
last one ends. That follows from the talks alone that somebody has to write up; `Pauses` holds the exchange to it. One
who is made ready by others stays ready.
"""

import heapq
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Final

from dialler.domain.call import CallState
from dialler.domain.session import Session
from dialler.engine.board import Tracked
from dialler.engine.floor import Floor
from dialler.engine.members import Place
from dialler.engine.pauses import Pauses
from dialler.engine.wake import Wake
from telephony.events import WRAP_UP_REASON, AgentChanged, AgentState

_IN_CALL: Final = frozenset({AgentState.TALKING, AgentState.RINGING})


@dataclass(slots=True, eq=False)
class _Work:
    """One talk that its agent has to write up, or may still be in."""

    session_id: str
    campaign_id: int
    agent: str
    is_up: bool
    """Whether the call goes on."""

    seen_talking: bool = False
    free_since: datetime | None = None
    """When the agent came out of the talk: at its end, or when he handed it on. None: he is in it."""


class WrapUps:
    """Keeps agents from calls after their talks, and gives them back."""

    def __init__(self, floor: Floor, pauses: Pauses) -> None:
        self._floor = floor
        self._pauses = pauses
        self._wake = Wake(floor.clock)
        self._works: dict[str, dict[str, _Work]] = {}
        """By agent and session."""

        self._agents_of: dict[str, set[str]] = {}
        """By session."""

        self._seen: dict[str, set[Place]] = {}
        """Where an agent who has work was seen to be paused for it."""

        self._plans = count()
        self._due: list[tuple[datetime, int, str]] = []
        """When works are over. A heap."""

        pauses.add_owner(lambda agent: WRAP_UP_REASON if agent in self._works else None)
        floor.on_agent.append(self._moved)
        floor.on_lost.append(self._lost)
        floor.on_ended.append(self.ended)

    # What is told

    def joined(self, tracked: Tracked, agent: str) -> None:
        """Take in that a call was joined to an agent."""
        session = tracked.session
        if self._limit(session.campaign_id) is not None and session.session_id not in self._works.get(agent, ()):
            self._put(session, agent, is_up=True)

    def followed(self, tracked: Tracked) -> None:
        """Take up a call that goes on, from before a restart or a lost link."""
        call = tracked.call
        if call.state is CallState.TALKING and call.agent and call.call_id not in self._agents_of:
            self.joined(tracked, call.agent)

    def ended(self, session: Session) -> None:
        """Take in the end of a call; it may be from before a restart."""
        session_id = session.session_id
        assert session.ended_at is not None
        if session_id not in self._agents_of:
            if session.agent is None or not session.status.is_open:
                return
            self._put(session, session.agent, is_up=False)
        limit, needs_code = self._limit(session.campaign_id), self._needs_code(session.campaign_id)
        # Of a talk that ended unheard no code could be given; other work after it was done meanwhile.
        free_since = self._floor.clock.now() if needs_code else session.ended_at
        for agent in [*self._agents_of[session_id]]:
            work = self._works[agent][session_id]
            work.is_up = False
            self._set_free(work, free_since)
        if limit is None or (needs_code and not session.status.is_open):
            self.closed(session_id)

    def closed(self, session_id: str) -> None:
        """Take in that a session is written up, or needs nobody's work."""
        for agent in [*self._agents_of.get(session_id, ())]:
            self._drop(agent, session_id)

    def release(self, agent: str) -> None:
        """Ask no more work of an agent: he is to be ready, or somebody has made him so."""
        for session_id in [*self._works.get(agent, ())]:
            self._drop(agent, session_id)

    def _moved(self, event: AgentChanged) -> None:
        """Take in what an exchange told of a member; the board knows it already."""
        agent, place, reason = event.agent, Place(event.server, event.queue), event.pause_reason
        works = self._works.get(agent)
        if works is None:
            return
        seen = self._seen.setdefault(agent, set())
        if reason == WRAP_UP_REASON:
            seen.add(place)
        elif reason is None and event.state is not AgentState.AWAY and place in seen:
            self.release(agent)
            return
        elif reason is None:
            seen.discard(place)
        for work in works.values():
            self._follow(work, event)

    def _lost(self, server: str) -> None:
        """Forget where agents were seen paused on a server whose link broke."""
        for seen in self._seen.values():
            seen -= {place for place in seen if place.server == server}

    def replan(self) -> None:
        """Look anew at when works are over: settings may have changed."""
        agents = {agent for _, _, agent in self._due}
        self._due.clear()
        for agent in sorted(agents):
            for work in self._works.get(agent, {}).values():
                self._plan(work)

    # What is done

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            self.run_once(self._floor.clock.now())
            await self._wake.wait(self._due[0][0] if self._due else None)

    def run_once(self, now: datetime) -> None:
        """End the works whose time is over."""
        while self._due and self._due[0][0] <= now:
            agent = heapq.heappop(self._due)[2]
            for work in [*self._works.get(agent, {}).values()]:
                due_at = self._due_at(work)
                if due_at is not None and due_at <= now:
                    self._drop(agent, work.session_id)

    # Works

    def _put(self, session: Session, agent: str, *, is_up: bool) -> None:
        session_id = session.session_id
        standings = self._floor.board.members.of(agent).values()
        is_talking = any(standing.state is AgentState.TALKING for standing in standings)
        self._works.setdefault(agent, {})[session_id] = _Work(
            session_id, session.campaign_id, agent, is_up=is_up, seen_talking=is_talking
        )
        self._agents_of.setdefault(session_id, set()).add(agent)
        self._pauses.look_at(agent)

    def _drop(self, agent: str, session_id: str) -> None:
        works, agents = self._works[agent], self._agents_of[session_id]
        del works[session_id]
        agents.discard(agent)
        if not agents:
            del self._agents_of[session_id]
        if not works:
            del self._works[agent]
            self._seen.pop(agent, None)
        self._pauses.look_at(agent)

    def _follow(self, work: _Work, event: AgentChanged) -> None:
        """Follow whether an agent is in his talk: he may hand it on and come out of it before it ends."""
        if not work.is_up:
            return
        if event.state in _IN_CALL:
            work.seen_talking = work.seen_talking or event.state is AgentState.TALKING
            work.free_since = None
        elif event.state is not AgentState.AWAY and work.seen_talking:
            self._set_free(work, event.at)

    def _set_free(self, work: _Work, at: datetime) -> None:
        if work.free_since is None:
            work.free_since = at
            self._plan(work)

    def _plan(self, work: _Work) -> None:
        if (due_at := self._due_at(work)) is not None:
            heapq.heappush(self._due, (due_at, next(self._plans), work.agent))
            self._wake.call()

    def _due_at(self, work: _Work) -> datetime | None:
        """Return when a work is over, whether or not it is done; None while its agent talks."""
        if work.free_since is None:
            return None
        return work.free_since + (self._limit(work.campaign_id) or timedelta(0))

    def _limit(self, campaign_id: int) -> timedelta | None:
        running = self._floor.campaigns.get(campaign_id)
        return running.campaign.settings.wrap_up_limit if running is not None else None

    def _needs_code(self, campaign_id: int) -> bool:
        running = self._floor.campaigns.get(campaign_id)
        return running is not None and running.campaign.settings.needs_wrap_code

    # For those who ask

    @property
    def waiting(self) -> Mapping[str, int]:
        """How many talks each agent has to write up, or is in."""
        return {agent: len(works) for agent, works in self._works.items()}
