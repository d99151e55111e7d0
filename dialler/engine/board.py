"""What the engine knows at this moment: live calls and agents. Rebuilt from the records and the exchange."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from dialler.domain.call import Call, CallState
from dialler.domain.patience import PATIENCE, Patience
from dialler.domain.session import Session
from dialler.engine.agent_shares import Idle
from dialler.engine.members import Members
from telephony.events import AgentChanged, AgentState


@dataclass(slots=True, eq=False)
class Tracked:
    """One open session, and the call behind it."""

    session: Session
    call: Call
    has_agents: bool
    """Whether an answered call goes to agents."""

    overdue_at: datetime
    """Without a verdict by then, the exchange is asked."""

    patience: Patience = PATIENCE
    """How long a person waits for an agent; as the campaign had it when the call was placed."""

    is_doubtful: bool = False
    """Nobody has confirmed yet that the call exists: left over from before a restart or a lost link."""

    may_play: bool = False
    """It was found answered after such a gap and outside of the queue: perhaps a message is playing."""

    clock_since: datetime | None = None
    """From when its patience counts, as its clock is set; None: it is not set."""

    told_not_diverted: bool = False
    """It was told that the exchange could not be asked to play the message."""

    overlooked: Idle | None = None
    """An agent who could have had it when the information message began instead."""

    @property
    def is_direct(self) -> bool:
        """Whether it is for one certain agent, who is held for it: then pacing counts neither of them."""
        return self.session.for_agent is not None

    @property
    def wants_agent(self) -> bool:
        """Whether the person who answers is for an agent: all of such a campaign, else who asked for one."""
        return self.has_agents or self.call.queued_at is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallCounts:
    """Live calls of one campaign."""

    unanswered: int = 0
    waiting: int = 0
    talking: int = 0
    """With an agent, or hearing a message."""

    listening: int = 0
    """Of those, the ones that hear one."""


@dataclass(slots=True)
class Board:
    """Live calls by id, and the agents of each queue."""

    calls: dict[str, Tracked] = field(default_factory=dict)
    members: Members = field(default_factory=Members)
    """Who is in which queue, as the exchanges tell it."""

    held: dict[str, str] = field(default_factory=dict)
    """The call that each agent is held for, by agent: he is not ready for any other."""

    offers: dict[str, Session] = field(default_factory=dict)
    """Sessions of which nothing is dialled until their agents accept, by id."""

    _by_campaign: dict[int, dict[str, Tracked]] = field(default_factory=dict)
    _by_server: dict[str, dict[str, Tracked]] = field(default_factory=dict)
    _direct: dict[int, int] = field(default_factory=dict)
    """How many calls of each campaign are for one certain agent."""

    _merged: dict[str | None, Mapping[str, AgentState]] = field(default_factory=dict)
    """Answers of `agents`, until one of them moves."""

    def add(self, tracked: Tracked) -> None:
        """Follow a call from now on."""
        session = tracked.session
        self.calls[session.session_id] = tracked
        self._by_campaign.setdefault(session.campaign_id, {})[session.session_id] = tracked
        self._by_server.setdefault(session.server, {})[session.session_id] = tracked
        if tracked.is_direct:
            self._direct[session.campaign_id] = self._direct.get(session.campaign_id, 0) + 1

    def remove(self, call_id: str) -> None:
        """Follow a call no longer."""
        tracked = self.calls.pop(call_id, None)
        if tracked is not None:
            del self._by_campaign[tracked.session.campaign_id][call_id]
            del self._by_server[tracked.session.server][call_id]
            if tracked.is_direct:
                self._direct[tracked.session.campaign_id] -= 1

    def of_server(self, server: str) -> Sequence[Tracked]:
        """Return the calls on one exchange."""
        return list(self._by_server.get(server, {}).values())

    def of_campaign(self, campaign_id: int) -> Sequence[Tracked]:
        """Return the calls of one campaign."""
        return list(self._by_campaign.get(campaign_id, {}).values())

    def numbers(self) -> frozenset[str]:
        """Return the numbers that are being called, or are offered to be."""
        called = {tracked.session.number for tracked in self.calls.values()}
        return frozenset(called | {session.number for session in self.offers.values()})

    def calls_of(self, campaign_id: int) -> int:
        """Return how many live calls a campaign has, without those for certain agents."""
        return len(self._by_campaign.get(campaign_id, ())) - self.direct_of(campaign_id)

    def direct_of(self, campaign_id: int) -> int:
        """Return how many live calls a campaign has that are for certain agents."""
        return self._direct.get(campaign_id, 0)

    def counts(self, campaign_id: int, *, direct: bool = False) -> CallCounts:
        """Count a campaign's live calls by how far they got: those for certain agents alone, or all but those."""
        unanswered = waiting = talking = listening = 0
        for tracked in self._by_campaign.get(campaign_id, {}).values():
            state = tracked.call.state
            if tracked.is_direct is not direct:
                continue
            if state in UNANSWERED:
                unanswered += 1
            elif (direct or tracked.wants_agent) and state in WAITING:
                waiting += 1
            else:
                talking += 1
                listening += state is not CallState.TALKING
        return CallCounts(unanswered=unanswered, waiting=waiting, talking=talking, listening=listening)

    def move_agent(self, event: AgentChanged) -> None:
        """Note an agent's state in one queue."""
        self.members.moved(event)
        self._merged.clear()

    def state_of(self, queue: str, agent: str) -> AgentState | None:
        """Return an agent's state in one queue, the busiest of those that exchanges tell; None: no one knows him."""
        states = [standing.state for place, standing in self.members.of(agent).items() if place.queue == queue]
        return self.with_hold(agent, min(states, key=_BUSY_FIRST.index)) if states else None

    def servers_of(self, agent: str) -> Mapping[str, AgentState]:
        """Return an agent's state on each exchange that tells one, the busiest of its queues'."""
        found: dict[str, AgentState] = {}
        for place, standing in self.members.of(agent).items():
            found[place.server] = min(found.get(place.server, standing.state), standing.state, key=_BUSY_FIRST.index)
        return found

    def hold(self, agent: str, call_id: str | None) -> None:
        """Note for which call an agent is held, None for none."""
        if call_id is None:
            self.held.pop(agent, None)
        else:
            self.held[agent] = call_id
        self._merged.clear()

    def with_hold(self, agent: str, state: AgentState) -> AgentState:
        """Return what an agent is doing who is in `state`: who is held for a call is ready for no other."""
        return AgentState.PAUSED if state is AgentState.READY and agent in self.held else state

    def forget_agents(self, server: str) -> None:
        """Know nothing of the agents of one exchange, whose link broke: nobody there is free."""
        self.members.lost(server)
        self._merged.clear()

    def agents(self, queue: str | None) -> Mapping[str, AgentState]:
        """Return the agents of a queue (None: all), each once, with the busiest of their states."""
        found = self._merged.get(queue)
        if found is None:
            found = self._merged[queue] = self._merge(queue)
        return found

    def _merge(self, queue: str | None) -> Mapping[str, AgentState]:
        found: dict[str, AgentState] = {}
        for agent in self.members:
            states = [at.state for place, at in self.members.of(agent).items() if queue in (None, place.queue)]
            if states:
                found[agent] = min(states, key=_BUSY_FIRST.index)
        for agent in self.held.keys() & found.keys():
            found[agent] = self.with_hold(agent, found[agent])
        return found


UNANSWERED = frozenset({CallState.NEW, CallState.SENT, CallState.DIALLING, CallState.RINGING})
WAITING = frozenset({CallState.ANSWERED, CallState.WAITING})
_BUSY_FIRST = (
    AgentState.TALKING,
    AgentState.RINGING,
    AgentState.WRAP_UP,
    AgentState.PAUSED,
    AgentState.READY,
    AgentState.AWAY,
)
