"""Agents at work after a talk: the exchange gives them no calls until it is done, or its time is over.

An agent is paused while he still talks, so that his queues can not give him the next call in the moment in which the
last one ends. What is wanted follows from the talks alone that somebody has to write up, and what is the case from the
exchange: the two are compared whenever one of them changes, so that nobody stays paused after a lost link or a
restart. A pause for another reason is the agent's own, and is left alone; one who is made ready by others stays ready.
"""

import heapq
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Final

import anyio
from anyio.abc import TaskGroup

from dialler.domain.call import CallState
from dialler.domain.session import Session
from dialler.engine.board import Tracked
from dialler.engine.floor import Floor
from dialler.engine.members import Place
from dialler.engine.wake import Wake
from dialler.errors import LinkLost, NotSent, Refused
from telephony.events import WRAP_UP_REASON, AgentChanged, AgentState

RETRY_S: Final = 1.0
"""After the exchange could not be asked, or did not answer, while its link is up."""

_IN_CALL: Final = frozenset({AgentState.TALKING, AgentState.RINGING})
_log = logging.getLogger("dialler.wrap_ups")


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

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._wake = Wake(floor.clock)
        self._works: dict[str, dict[str, _Work]] = {}
        """By agent and session."""

        self._agents_of: dict[str, set[str]] = {}
        """By session."""

        self._seen: dict[str, set[Place]] = {}
        """Where an agent who has work was seen to be paused for it."""

        self._asked: dict[tuple[str, Place], tuple[int, bool]] = {}
        """What the exchange was asked, a pause or its end, and has not told yet."""

        self._asks = count()
        self._changed: dict[str, None] = {}
        """Agents to look at."""

        self._due: list[tuple[datetime, int, str]] = []
        """When to look at agents. A heap."""

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
        limit = self._limit(session.campaign_id)
        for agent in [*self._agents_of[session_id]]:
            work = self._works[agent][session_id]
            work.is_up = False
            self._set_free(work, session.ended_at)
        if limit is None or (self._needs_code(session.campaign_id) and not session.status.is_open):
            self.closed(session_id)

    def closed(self, session_id: str) -> None:
        """Take in that a session is written up, or needs nobody's work."""
        for agent in [*self._agents_of.get(session_id, ())]:
            self._drop(agent, session_id)

    def release(self, agent: str) -> None:
        """Ask no more work of an agent: he is to be ready, or somebody has made him so."""
        for session_id in [*self._works.get(agent, ())]:
            self._drop(agent, session_id)

    def moved(self, event: AgentChanged) -> None:
        """Take in what an exchange told of a member; the floor's members know it already."""
        agent, place, reason = event.agent, Place(event.server, event.queue), event.pause_reason
        asked = self._asked.get((agent, place))
        if asked is not None and (asked[1] is (reason == WRAP_UP_REASON) or event.state is AgentState.AWAY):
            del self._asked[agent, place]
        works = self._works.get(agent)
        if works is None:
            if reason == WRAP_UP_REASON:
                self._look_at(agent)
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
        self._look_at(agent)

    def lost(self, server: str) -> None:
        """Forget what was asked of a server whose link broke: nobody knows whether it was done."""
        for agent, place in [key for key in self._asked if key[1].server == server]:
            del self._asked[agent, place]
        for seen in self._seen.values():
            seen -= {place for place in seen if place.server == server}

    def look(self) -> None:
        """Look at everybody: a server can be asked again."""
        for agent in self._floor.members:
            self._look_at(agent)

    def replan(self) -> None:
        """Look anew at when works are over: settings may have changed."""
        agents = {agent for _, _, agent in self._due}
        self._due.clear()
        for agent in sorted(agents):
            self._look_at(agent)
            for work in self._works.get(agent, {}).values():
                self._plan(work)

    # What is done

    async def run(self) -> None:
        """Work until cancelled."""
        async with anyio.create_task_group() as tasks:
            while True:
                self.run_once(self._floor.clock.now(), tasks)
                await self._wake.wait(self._due[0][0] if self._due else None)

    def run_once(self, now: datetime, tasks: TaskGroup) -> None:
        """End the works whose time is over, and ask the exchanges for what is not as it is to be."""
        while self._due and self._due[0][0] <= now:
            agent = heapq.heappop(self._due)[2]
            self._look_at(agent)
            for work in [*self._works.get(agent, {}).values()]:
                due_at = self._due_at(work)
                if due_at is not None and due_at <= now:
                    self._drop(agent, work.session_id)
        changed, self._changed = self._changed, {}
        for agent in changed:
            for place, paused in self._wanted(agent):
                number = next(self._asks)
                self._asked[agent, place] = number, paused
                tasks.start_soon(self._ask, agent, place, paused, number)

    def _wanted(self, agent: str) -> Iterator[tuple[Place, bool]]:
        """Yield where an agent is to be paused, or made ready, as far as that is not asked for already."""
        has_work = agent in self._works
        for place, standing in self._floor.members.of(agent).items():
            if not self._floor.is_usable(place.server):
                continue
            asked = self._asked.get((agent, place))
            is_ours = standing.pause_reason == WRAP_UP_REASON if asked is None else asked[1]
            if has_work and not is_ours and standing.pause_reason is None and standing.state is not AgentState.AWAY:
                yield place, True
            elif not has_work and is_ours:
                yield place, False

    async def _ask(self, agent: str, place: Place, paused: bool, number: int) -> None:
        reason = WRAP_UP_REASON if paused else ""
        try:
            known = await self._floor.telephony.set_paused(
                agent, paused, reason=reason, queue=place.queue, server=place.server
            )
        except (NotSent, LinkLost) as error:
            known = False
            self._tell_failed(agent, place, paused, str(error))
            heapq.heappush(self._due, (self._floor.clock.now() + timedelta(seconds=RETRY_S), next(self._asks), agent))
            self._wake.call()
        except (Refused, ValueError) as error:
            # Asking again does not mend it; it is asked again when something else changes.
            known = False
            self._tell_failed(agent, place, paused, str(error))
        if not known and self._asked.get((agent, place)) == (number, paused):
            del self._asked[agent, place]

    def _tell_failed(self, agent: str, place: Place, paused: bool, error: str) -> None:
        extra = {"agent": agent, "server": place.server, "queue": place.queue, "error": error}
        _log.warning("agent not paused" if paused else "agent not made ready", extra=extra)

    # Works

    def _put(self, session: Session, agent: str, *, is_up: bool) -> None:
        session_id = session.session_id
        is_talking = any(standing.state is AgentState.TALKING for standing in self._floor.members.of(agent).values())
        self._works.setdefault(agent, {})[session_id] = _Work(
            session_id, session.campaign_id, agent, is_up=is_up, seen_talking=is_talking
        )
        self._agents_of.setdefault(session_id, set()).add(agent)
        self._look_at(agent)

    def _drop(self, agent: str, session_id: str) -> None:
        works, agents = self._works[agent], self._agents_of[session_id]
        del works[session_id]
        agents.discard(agent)
        if not agents:
            del self._agents_of[session_id]
        if not works:
            del self._works[agent]
            self._seen.pop(agent, None)
        self._look_at(agent)

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
            heapq.heappush(self._due, (due_at, next(self._asks), work.agent))
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

    def _look_at(self, agent: str) -> None:
        self._changed[agent] = None
        self._wake.call()

    # For those who ask

    @property
    def waiting(self) -> Mapping[str, int]:
        """How many talks each agent has to write up, or is in."""
        return {agent: len(works) for agent, works in self._works.items()}
