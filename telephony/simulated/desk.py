"""Agents and the calls that wait for them. It knows no time."""

from collections.abc import Iterable
from dataclasses import dataclass

from telephony.events import AgentState
from telephony.simulated.plan import AgentGroup

OFF_CALL = frozenset({AgentState.READY, AgentState.PAUSED, AgentState.AWAY})


@dataclass(slots=True)
class Agent:
    """A queue member."""

    name: str
    server: str
    queues: tuple[str, ...]
    picks_up: bool = True
    talks_s: float | None = None
    """How long they talk at most."""

    state: AgentState = AgentState.READY
    at_work: bool = False
    """In a call, or in the work after it."""

    next_state: AgentState = AgentState.READY
    """What the agent wants to be when the call, and the work after it, is done."""


class Desk:
    """Joins waiting calls and ready agents: whoever waits longest goes first, on both sides."""

    def __init__(self, groups: Iterable[AgentGroup], default_server: str) -> None:
        self.agents: dict[str, Agent] = {}
        # Insertion order is waiting order.
        self._ready: dict[str, Agent] = {}
        self._calls: dict[str, tuple[str, str]] = {}
        for group in groups:
            for _ in range(group.number):
                name = f"SIM/agent-{len(self.agents) + 1:03d}"
                self.agents[name] = Agent(
                    name, group.server or default_server, group.queues, group.picks_up, group.talks_s
                )
        self._ready.update(self.agents)

    def of_server(self, server: str) -> list[Agent]:
        """Return the agents whose queues are on `server`."""
        return [agent for agent in self.agents.values() if agent.server == server]

    def set_state(self, agent: Agent, state: AgentState) -> None:
        """Note an agent's state; one who becomes ready goes to the end of the line."""
        agent.state = state
        self._ready.pop(agent.name, None)
        if state is AgentState.READY:
            self._ready[agent.name] = agent

    def enter(self, call_id: str, *, server: str, queue: str) -> None:
        """Let a call wait."""
        self._calls[call_id] = (server, queue)

    def leave(self, call_id: str) -> None:
        """Forget a call; it need not be here."""
        self._calls.pop(call_id, None)

    def match(self) -> tuple[str, Agent] | None:
        """Take the longest waiting call for which an agent is ready, and the agent idle longest. None if none."""
        if not self._ready:
            return None
        for call_id, (server, queue) in self._calls.items():
            for agent in self._ready.values():
                if agent.server == server and queue in agent.queues:
                    del self._calls[call_id]
                    return call_id, agent
        return None
