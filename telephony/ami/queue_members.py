"""Queue members to `AgentChanged`: all of them at (re)connection, then each change."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final, NamedTuple

from telephony.ami.translate import Fields, text
from telephony.events import WRAP_UP_REASON, AgentChanged, AgentState

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


class Standing(NamedTuple):
    """What a member is doing, and why it is paused, if it is."""

    state: AgentState
    pause_reason: str | None


GONE: Final = Standing(AgentState.AWAY, None)


def standing_of(message: Fields) -> Standing:
    """Return what a member is doing; one who was paused in a call still talks until it ends."""
    reason = text(message, "pausedreason") if text(message, "paused") == "1" else None
    state = STATES.get(text(message, "status"), AgentState.AWAY)
    if state is AgentState.READY and reason is not None:
        state = AgentState.WRAP_UP if reason == WRAP_UP_REASON else AgentState.PAUSED
    return Standing(state, reason)


class QueueMembers:
    """The members of one server's queues, as last heard. `queues` empty follows all."""

    def __init__(self, server: str, queues: tuple[str, ...]) -> None:
        self._server = server
        self._queues = frozenset(queues)
        self._standing: dict[tuple[str, str], Standing] = {}
        self._told_meanwhile: dict[tuple[str, str], Standing | None] | None = None
        """What single events have said since the link is up; None: the list has come, and holds it."""

    @property
    def interfaces(self) -> frozenset[str]:
        """All members' interfaces."""
        return frozenset(agent for _, agent in self._standing)

    def link_up(self) -> None:
        """Expect a list: what events say from now on is no older than it, though they may come before its end."""
        self._told_meanwhile = {}

    def whole(self, messages: Iterable[Fields], at: datetime) -> list[AgentChanged]:
        """Take a QueueStatus list; return how every member stands, and those who left as away."""
        gone = dict.fromkeys(self._standing, GONE)
        self._standing = {}
        for message in messages:
            queue, agent = text(message, "queue"), text(message, "location")
            if text(message, "event") == "QueueMember" and agent and self._follows(queue):
                self._standing[queue, agent] = standing_of(message)
        told, self._told_meanwhile = self._told_meanwhile or {}, None
        for key, standing in told.items():
            self._stands(key, standing)
        return [self._event(key, standing, at) for key, standing in (gone | self._standing).items()]

    def changed(self, message: Fields, at: datetime) -> AgentChanged | None:
        """Take a QueueMember event; return the change, None where nothing that is followed changed."""
        key = text(message, "queue"), text(message, "interface")
        if not key[1] or not self._follows(key[0]):
            return None
        before = self._standing.get(key)
        standing = None if text(message, "event") == "QueueMemberRemoved" else standing_of(message)
        self._stands(key, standing)
        if self._told_meanwhile is not None:
            self._told_meanwhile[key] = standing
        return None if before == standing else self._event(key, standing or GONE, at)

    def _stands(self, key: tuple[str, str], standing: Standing | None) -> None:
        if standing is None:
            self._standing.pop(key, None)
        else:
            self._standing[key] = standing

    def _follows(self, queue: str) -> bool:
        return not self._queues or queue in self._queues

    def _event(self, key: tuple[str, str], standing: Standing, at: datetime) -> AgentChanged:
        queue, agent = key
        return AgentChanged(
            server=self._server,
            at=at,
            agent=agent,
            queue=queue,
            state=standing.state,
            pause_reason=standing.pause_reason,
            is_member=key in self._standing,
        )
