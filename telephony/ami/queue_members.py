"""Queue members to `AgentChanged`: all of them at (re)connection, then each change."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from telephony.ami.translate import Fields, text
from telephony.events import AgentChanged, AgentState

STATES: Final = {
    "0": AgentState.READY,  # unknown, which app_queue rings like a free one
    "1": AgentState.READY,
    "2": AgentState.TALKING,
    "3": AgentState.TALKING,
    "4": AgentState.AWAY,  # invalid
    "5": AgentState.AWAY,  # unavailable
    "6": AgentState.RINGING,
    "7": AgentState.TALKING,
    "8": AgentState.TALKING,  # on hold
}


def state_of(message: Fields) -> AgentState:
    """Return what a member is doing; one who was paused in a call still talks until it ends."""
    if text(message, "event") == "QueueMemberRemoved":
        return AgentState.AWAY
    state = STATES.get(text(message, "status"), AgentState.AWAY)
    return AgentState.PAUSED if state is AgentState.READY and text(message, "paused") == "1" else state


class QueueMembers:
    """The members of one server's queues, as last heard. `queues` empty follows all."""

    def __init__(self, server: str, queues: tuple[str, ...]) -> None:
        self._server = server
        self._queues = frozenset(queues)
        self._states: dict[tuple[str, str], AgentState] = {}

    @property
    def interfaces(self) -> frozenset[str]:
        """All members' interfaces."""
        return frozenset(agent for _, agent in self._states)

    def whole(self, messages: Iterable[Fields], at: datetime) -> list[AgentChanged]:
        """Take a QueueStatus list; return the state of every member, and those who left as away."""
        gone = dict.fromkeys(self._states, AgentState.AWAY)
        self._states = {}
        for message in messages:
            queue, agent = text(message, "queue"), text(message, "location")
            if text(message, "event") == "QueueMember" and agent and self._follows(queue):
                self._states[queue, agent] = state_of(message)
        return [self._event(key, state, at) for key, state in (gone | self._states).items()]

    def changed(self, message: Fields, at: datetime) -> AgentChanged | None:
        """Take a QueueMember event; return the change, None where nothing that is followed changed."""
        key = text(message, "queue"), text(message, "interface")
        if not key[1] or not self._follows(key[0]):
            return None
        before, state = self._states.get(key), state_of(message)
        if text(message, "event") == "QueueMemberRemoved":
            self._states.pop(key, None)
        else:
            self._states[key] = state
        return None if before is state else self._event(key, state, at)

    def _follows(self, queue: str) -> bool:
        return not self._queues or queue in self._queues

    def _event(self, key: tuple[str, str], state: AgentState, at: datetime) -> AgentChanged:
        queue, agent = key
        return AgentChanged(server=self._server, at=at, agent=agent, queue=queue, state=state)
