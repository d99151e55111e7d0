"""Agents who have just been joined to a call, and of whom their exchange has yet to say that they are not ready.

Asterisk tells from two threads that an agent has a call, and what his telephone does. Where he picks up at once the
first may come some milliseconds sooner; to pacing he would be ready meanwhile, and a call be launched for nobody.
"""

from collections.abc import Callable
from datetime import datetime

from dialler.domain.session import Session
from dialler.engine.board import Tracked
from dialler.engine.floor import Floor
from dialler.engine.members import Place
from telephony.events import AgentChanged, AgentState, Bridged


class Presumed:
    """Lets such agents be talking until their exchange says something of them, or the call is over."""

    def __init__(self, floor: Floor, tell: Callable[[AgentChanged], None]) -> None:
        """`tell` takes in what an agent does."""
        self._floor = floor
        self._tell = tell
        self._places: dict[str, list[Place]] = {}
        """Where each agent is presumed to talk."""

        self._agents: dict[str, str] = {}
        """Who is, by his call."""

        floor.on_ended.append(self._ended)
        floor.on_lost.append(self._lost)

    def joined(self, tracked: Tracked, event: Bridged) -> None:
        """Take in that a call was joined to an agent."""
        ready = [
            place
            for place, standing in self._floor.board.members.of(event.agent).items()
            if place.server == tracked.session.server and standing.state is AgentState.READY
        ]
        if ready:
            self._places[event.agent], self._agents[event.call_id] = ready, event.agent
            self._put(event.agent, ready, AgentState.TALKING, event.at)

    def told(self, agent: str) -> None:
        """Take in that an exchange says what an agent does: that is presumed no more."""
        self._places.pop(agent, None)

    def _ended(self, session: Session) -> None:
        agent = self._agents.pop(session.session_id, None)
        if agent is not None and (places := self._places.pop(agent, None)):
            self._put(agent, places, AgentState.READY, self._floor.clock.now())

    def _lost(self, server: str) -> None:
        self._places = {
            agent: places for agent, places in self._places.items() if all(each.server != server for each in places)
        }

    def _put(self, agent: str, places: list[Place], state: AgentState, at: datetime) -> None:
        for server, queue in places:
            self._tell(AgentChanged(server=server, at=at, agent=agent, queue=queue, state=state))
