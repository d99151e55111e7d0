"""What agents do, and what is done with them: each change is reported, queue by queue."""

from collections.abc import Callable, Iterable
from functools import partial

from telephony.errors import Refused, UnknownQueue
from telephony.events import AgentChanged, AgentState
from telephony.member import Member, Pause
from telephony.simulated.desk import IN_CALL, OFF_CALL, Agent, Desk
from telephony.simulated.schedule import Schedule

Report = Callable[[str, AgentChanged], None]
"""Takes a server and its event."""


class Agents:
    """The agents of all servers. `connect` is called when one of them may have become ready."""

    def __init__(self, desk: Desk, schedule: Schedule, report: Report, connect: Callable[[], None]) -> None:
        self._desk = desk
        self._schedule = schedule
        self._report = report
        self._connect = connect

    # From outside

    def make(self, name: str, state: AgentState) -> None:
        """Make an agent ready, paused or away: now, or after the work that the agent has.

        Raises KeyError for an unknown agent, ValueError for another state.
        """
        if state not in OFF_CALL:
            raise ValueError(f"an agent can be made ready, paused or away, not {state}")
        agent = self._desk.agents[name]
        agent.wish = state
        if not agent.at_work:
            self._free(agent)

    def add(self, member: Member, servers: Iterable[str]) -> bool:
        """Put an agent into a queue, on the servers that have it; False where he is in it. Raises Refused."""
        asked = list(servers)
        found = [server for server in asked if (server, member.queue) in self._desk.queues]
        if not found:
            raise UnknownQueue(member.queue, asked)
        agent = self._desk.agents.get(member.agent)
        if agent is None:
            agent = self._desk.agents[member.agent] = Agent(member.agent, found[0], {})
        if agent.server not in found:
            raise Refused(f"{member.agent} is an agent of {agent.server}: simulated agents have one server")
        if member.queue in agent.queues:
            return False
        agent.queues[member.queue] = member.reason if member.paused else None
        self._tell(agent)
        return True

    def remove(self, member: Member, servers: Iterable[str]) -> bool:
        """Take an agent out of a queue; False where he is not in it. Raises Refused."""
        asked = list(servers)
        if not any((server, member.queue) in self._desk.queues for server in asked):
            raise UnknownQueue(member.queue, asked)
        agent = self._desk.agents.get(member.agent)
        if agent is None or agent.server not in asked or member.queue not in agent.queues:
            return False
        del agent.queues[member.queue]
        self._tell(agent)
        return True

    def pause(self, pause: Pause, servers: Iterable[str]) -> bool:
        """Pause an agent in the queues that are meant, or end it; False where he is in none of them."""
        agent = self._desk.agents.get(pause.agent)
        if agent is None or agent.server not in servers:
            return False
        meant = [queue for queue in agent.queues if pause.queue in (None, queue)]
        for queue in meant:
            agent.queues[queue] = pause.reason if pause.paused else None
        self._tell(agent)
        return bool(meant)

    def tell_all(self, server: str) -> None:
        """Report how all agents of a server stand."""
        for agent in self._desk.of_server(server):
            agent.told.clear()
            self._tell(agent)

    def restart(self, server: str) -> None:
        """Take their calls from the agents of a server. Nothing is reported."""
        for agent in self._desk.of_server(server):
            if agent.phone in IN_CALL:
                agent.phone, agent.at_work = AgentState.READY, False
                self._obey(agent)
                self._desk.line_up(agent)

    # In calls

    def ring(self, agent: Agent) -> None:
        """Let an agent's telephone ring."""
        self._busy(agent, AgentState.RINGING)

    def talk(self, agent: Agent) -> None:
        """Let an agent talk."""
        self._busy(agent, AgentState.TALKING)

    def let_go(self, agent: Agent, *, work_s: float) -> None:
        """Free an agent of a call; once `work_s` of work are done, for which the agent pauses unless somebody has."""
        unpaused = [queue for queue, reason in agent.queues.items() if reason is None]
        agent.phone = AgentState.READY
        if not work_s or not unpaused:
            self._free(agent)
            return
        for queue in unpaused:
            agent.queues[queue] = ""
        self._tell(agent)
        self._schedule.put(work_s, partial(self._end_work, agent, agent.turns, unpaused))

    def _busy(self, agent: Agent, phone: AgentState) -> None:
        agent.at_work, agent.phone = True, phone
        agent.turns += 1
        self._tell(agent)

    def _end_work(self, agent: Agent, turns: int, queues: Iterable[str]) -> None:
        if agent.turns != turns:
            return
        for queue in queues:
            if agent.queues.get(queue) == "":
                agent.queues[queue] = None
        self._free(agent)

    def _free(self, agent: Agent) -> None:
        agent.at_work = False
        self._obey(agent)
        self._tell(agent)

    def _obey(self, agent: Agent) -> None:
        """Let an agent be what he wants to be."""
        wish, agent.wish = agent.wish, None
        if wish is None:
            return
        agent.phone = AgentState.AWAY if wish is AgentState.AWAY else AgentState.READY
        if wish is not AgentState.AWAY:
            agent.queues = dict.fromkeys(agent.queues, "" if wish is AgentState.PAUSED else None)

    def _tell(self, agent: Agent) -> None:
        """Report what has changed of an agent, and let calls that wait have him."""
        self._desk.line_up(agent)
        for queue in dict.fromkeys([*agent.queues, *agent.told]):
            state, reason = standing = agent.standing(queue)
            is_member = queue in agent.queues
            if is_member and agent.told.get(queue) == standing:
                continue
            if is_member:
                agent.told[queue] = standing
            else:
                del agent.told[queue]
            self._report(
                agent.server,
                AgentChanged(
                    server=agent.server,
                    at=self._schedule.moment,
                    agent=agent.name,
                    queue=queue,
                    state=state,
                    pause_reason=reason,
                    is_member=is_member,
                ),
            )
        if agent.state is AgentState.READY:
            self._connect()
