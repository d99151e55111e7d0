"""What agents spend their time with, by the events that the engine tells."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

from dialler.events import AgentMoved
from telephony.events import AgentState


@dataclass
class AgentTimes:
    """Agents, and the seconds that they spent in each state. All times are monotonic seconds."""

    spent_s: Counter[AgentState] = field(default_factory=Counter)
    """Seconds that all agents together spent in each state, as far as they were counted (`count`)."""

    _agents: dict[str, tuple[AgentState, float, float]] = field(default_factory=dict)
    """By agent: his state, since when, and until when it is counted."""

    def moved(self, event: AgentMoved, now_s: float) -> None:
        """Take in an agent's new state."""
        self._spend(event.agent, now_s)
        state = AgentState(event.state)
        if event.agent not in self._agents or self._agents[event.agent][0] is not state:
            self._agents[event.agent] = (state, now_s, now_s)

    def count(self, now_s: float) -> None:
        """Count what they do up to now."""
        for agent in self._agents:
            self._spend(agent, now_s)

    def counted(self, now_s: float) -> tuple[float, float]:
        """Return how long all together talked and were idle, up to now."""
        self.count(now_s)
        return self.spent_s[AgentState.TALKING], self.spent_s[AgentState.READY]

    def utilisation(self, now_s: float) -> float:
        """Return talk time over talk and idle time, up to now; 0 where there was neither."""
        talk_s, idle_s = self.counted(now_s)
        return talk_s / (talk_s + idle_s) if talk_s else 0.0

    def idle_for_s(self, now_s: float) -> float:
        """Return for how long the one who has been ready longest has been so; 0 where nobody is."""
        return max((now_s - since for state, since, _ in self._agents.values() if state is AgentState.READY), default=0)

    @property
    def agents(self) -> Collection[str]:
        """All who were ever told of."""
        return self._agents.keys()

    def in_state(self, state: AgentState) -> list[str]:
        """Return the agents in a state."""
        return [agent for agent, (his, _, _) in self._agents.items() if his is state]

    def _spend(self, agent: str, now_s: float) -> None:
        if agent in self._agents:
            state, since_s, counted_s = self._agents[agent]
            self.spent_s[state] += now_s - counted_s
            self._agents[agent] = (state, since_s, now_s)
