"""Agents held for one call of their own: pacing counts them neither as ready nor as free, and no queue has them.

The exchange's queues are kept from a held agent by a pause with a reason of our own, in those of his queues in which he
is not paused for another one; it ends with the hold. What the exchange tells of its members as a link comes up is held
against who is held, so a restart leaves nobody paused, and nobody who is held goes to a queue's next call.
"""

import logging
from collections.abc import Mapping
from typing import Final

import anyio

from dialler.domain.session import Session
from dialler.engine.floor import Floor
from dialler.engine.wake import Wake
from dialler.errors import Conflict, NotFound, TelephonyError
from telephony.events import DIRECT_REASON, AgentChanged, AgentState

NAMES_MAX: Final = 10
"""Agents that an error names."""

_IN_CALL: Final = frozenset({AgentState.RINGING, AgentState.TALKING})
_REACHABLE: Final = frozenset({AgentState.READY, AgentState.WRAP_UP, AgentState.PAUSED})
_log = logging.getLogger("dialler.reservations")


class Reservations:
    """Holds agents, each for one call at most, from before it is dialled until it has ended."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._agents: dict[str, str] = {}
        """Who is held for which call."""

        self._pauses: dict[str, dict[tuple[str, str], str | None]] = {}
        """Why each agent is paused, by server and queue; None: he is not."""

        self._unsettled: dict[str, None] = {}
        self._settling: set[str] = set()
        self._wake = Wake(floor.clock)
        floor.on_ended.append(self._ended)
        floor.on_agent.append(self._moved)
        floor.on_lost.append(self._lost)

    async def run(self) -> None:
        """Pause who is held, and end the pauses of who is not any more, until cancelled."""
        async with anyio.create_task_group() as tasks:
            while True:
                for agent in [each for each in self._unsettled if each not in self._settling]:
                    del self._unsettled[agent]
                    self._settling.add(agent)
                    tasks.start_soon(self._settle, agent)
                await self._wake.wait()

    def servers_for(self, agent: str, *, held_for: str | None = None) -> frozenset[str]:
        """Return the exchanges on which an agent can be rung for a call of his own: he is ready there, or paused.

        Raises NotFound for one whom no exchange tells of, Conflict for one who is away, in a call, or held for one
        other than `held_for`.
        """
        board = self._floor.board
        states = board.servers_of(agent)
        if not states:
            known = sorted(board.agents(None))
            more = f" and {len(known) - NAMES_MAX} more" if len(known) > NAMES_MAX else ""
            there = f"there are {', '.join(known[:NAMES_MAX])}{more}" if known else "no exchange tells of any"
            raise NotFound(f"there is no agent {agent!r} in the exchange's queues; {there}")
        if (call_id := board.held.get(agent)) not in (None, held_for):
            raise Conflict(f"agent {agent} is held for another call already, session {call_id}")
        busy = [state for state in states.values() if state in _IN_CALL]
        if busy:
            raise Conflict(f"agent {agent} is {busy[0]}: a call for him can be placed once that has ended")
        servers = frozenset(server for server, state in states.items() if state in _REACHABLE)
        if not servers:
            raise Conflict(f"agent {agent} is away: his telephone is not logged in at the exchange")
        return servers

    def hold(self, agent: str, call_id: str) -> None:
        """Hold an agent for a call from now on."""
        self._agents[call_id] = agent
        self._show(agent, call_id)

    def release(self, call_id: str) -> None:
        """Let the agent go who is held for a call, if one is."""
        agent = self._agents.pop(call_id, None)
        if agent is not None:
            self._show(agent, None)

    @property
    def held(self) -> Mapping[str, str]:
        """The calls, and the agents who are held for them."""
        return self._agents

    def _ended(self, session: Session) -> None:
        self.release(session.session_id)

    def _show(self, agent: str, call_id: str | None) -> None:
        floor = self._floor
        for queue in floor.board.hold(agent, call_id):
            floor.free_agents.moved(queue, agent, floor.clock.now())
            for scene in floor.scenes():
                if scene.queue == queue:
                    scene.agent_moved(agent)
        floor.wake.call()
        self._look_at(agent)

    def _moved(self, event: AgentChanged) -> None:
        pauses = self._pauses.setdefault(event.agent, {})
        member = event.server, event.queue
        is_new = member not in pauses
        if event.state is AgentState.AWAY:
            # Out of the queue, or behind a link that may be broken: told anew, it is looked at anew.
            pauses.pop(member, None)
        else:
            pauses[member] = event.pause_reason
        if is_new and event.state is not AgentState.AWAY:
            self._look_at(event.agent)

    def _lost(self, server: str) -> None:
        for pauses in self._pauses.values():
            for member in [each for each in pauses if each[0] == server]:
                del pauses[member]

    def _look_at(self, agent: str) -> None:
        self._unsettled[agent] = None
        self._wake.call()

    async def _settle(self, agent: str) -> None:
        """Pause an agent in each queue where he has no pause, if he is held; else end the pauses that are ours."""
        telephony, is_held = self._floor.telephony, agent in self._floor.board.held
        ours = None if is_held else DIRECT_REASON
        pauses = self._pauses.get(agent, {})
        try:
            for (server, queue), reason in list(pauses.items()):
                if reason != ours:
                    continue
                done = await telephony.set_paused(
                    agent, is_held, reason=DIRECT_REASON if is_held else "", queue=queue, server=server
                )
                # The exchange's own word may come later; a hold that ends before that is to know of the pause.
                if done and (server, queue) in pauses:
                    pauses[server, queue] = DIRECT_REASON if is_held else None
        except TelephonyError as error:
            # When the link is back its members are told anew, and looked at.
            _log.warning("agent not paused" if is_held else "agent not ready again", extra=_facts(agent, error))
        finally:
            self._settling.discard(agent)
            self._wake.call()


def _facts(agent: str, error: TelephonyError) -> dict[str, str]:
    return {"agent": agent, "error": str(error)}
