"""Agents and the calls that wait for them. It knows no time."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from telephony.answer_plan import QUEUE_PRIORITY
from telephony.events import WRAP_UP_REASON, AgentState
from telephony.simulated.plan import AgentGroup

OFF_CALL = frozenset({AgentState.READY, AgentState.PAUSED, AgentState.AWAY})
IN_CALL = frozenset({AgentState.RINGING, AgentState.TALKING})

Standing = tuple[AgentState, str | None]
"""What a member is doing, and why it is paused, if it is."""


class Waiting(NamedTuple):
    """Where a call waits."""

    server: str
    queue: str
    priority: int


@dataclass(slots=True, eq=False)
class Agent:
    """A queue member, of one server."""

    name: str
    server: str
    queues: dict[str, str | None]
    """The queues that the agent is in; why the agent is paused there, None where not."""

    picks_up: bool = True
    talks_s: float | None = None
    """How long the agent talks at most."""

    phone: AgentState = AgentState.READY
    """Of the telephone alone: READY where it is idle, RINGING, TALKING or AWAY."""

    at_work: bool = False
    """In a call, or in the work that the agent does after it."""

    turns: int = 0
    """How often a call came to the agent: the work after an earlier one does not end that after a later."""

    wish: AgentState | None = None
    """What the agent wants to be when the call, and the work after it, is done."""

    told: dict[str, Standing] = field(default_factory=dict)
    """What was reported last, by queue."""

    def standing(self, queue: str) -> Standing:
        """Return how the agent stands in a queue."""
        if queue not in self.queues:
            return AgentState.AWAY, None
        reason = self.queues[queue]
        if self.phone is not AgentState.READY or reason is None:
            return self.phone, reason
        return AgentState.WRAP_UP if reason == WRAP_UP_REASON else AgentState.PAUSED, reason

    def is_ready(self, queue: str) -> bool:
        """Tell whether the agent takes a call of a queue now."""
        return self.standing(queue)[0] is AgentState.READY

    @property
    def state(self) -> AgentState:
        """What the agent does, all queues taken together."""
        states = {self.standing(queue)[0] for queue in self.queues}
        return next((state for state in _FREE_FIRST if state in states), AgentState.AWAY)


_FREE_FIRST = (AgentState.READY, *(state for state in AgentState if state is not AgentState.READY))


class Desk:
    """Joins waiting calls and ready agents: whoever waits longest goes first on both sides, calls by priority."""

    def __init__(self, groups: Iterable[AgentGroup], default_server: str) -> None:
        self.agents: dict[str, Agent] = {}
        self.queues: set[tuple[str, str]] = set()
        """The queues that there are, by server."""

        # Insertion order is waiting order, of calls within each priority, the highest first.
        self._ready: dict[str, Agent] = {}
        self._calls: dict[str, Waiting] = {}
        for group in groups:
            server = group.server or default_server
            self.queues.update((server, queue) for queue in group.queues)
            for _ in range(group.number):
                name = f"SIM/agent-{len(self.agents) + 1:03d}"
                self.agents[name] = Agent(
                    name, server, dict.fromkeys(group.queues), picks_up=group.picks_up, talks_s=group.talks_s
                )
        self._ready.update(self.agents)

    def of_server(self, server: str) -> list[Agent]:
        """Return the agents whose queues are on `server`."""
        return [agent for agent in self.agents.values() if agent.server == server]

    def line_up(self, agent: Agent) -> None:
        """Look at an agent who has changed; one who becomes ready goes to the end of the line."""
        if agent.state is not AgentState.READY:
            self._ready.pop(agent.name, None)
        elif agent.name not in self._ready:
            self._ready[agent.name] = agent

    def enter(self, call_id: str, *, server: str, queue: str, priority: int = QUEUE_PRIORITY) -> None:
        """Let a call wait."""
        waiting = Waiting(server, queue, priority)
        behind = [each for each, other in self._calls.items() if other.priority < priority]
        self._calls[call_id] = waiting
        for each in behind:
            self._calls[each] = self._calls.pop(each)

    def leave(self, call_id: str) -> None:
        """Forget a call; it need not be here."""
        self._calls.pop(call_id, None)

    def match(self) -> tuple[str, Agent] | None:
        """Take the longest waiting call for which an agent is ready, and the agent idle longest. None if none."""
        if not self._ready:
            return None
        for call_id, (server, queue, _) in self._calls.items():
            for agent in self._ready.values():
                if agent.server == server and agent.is_ready(queue):
                    del self._calls[call_id]
                    return call_id, agent
        return None
