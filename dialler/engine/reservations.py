"""Agents held for one call of their own: pacing counts them neither as ready nor as free, and no queue has them.

The exchange's queues are kept from a held agent by a pause with a reason of our own, in those of his queues in which he
is not paused for another one; it ends with the hold, or goes over into the work after the talk (`Pauses`).
"""

from typing import Final

from dialler.domain.session import Session
from dialler.engine.floor import Floor
from dialler.engine.pauses import Pauses
from dialler.engine.staffing import Staffing
from dialler.errors import Conflict, NotFound
from telephony.events import DIRECT_REASON, AgentState

NAMES_MAX: Final = 10
"""Agents that an error names."""

_IN_CALL: Final = frozenset({AgentState.RINGING, AgentState.TALKING})
_REACHABLE: Final = frozenset({AgentState.READY, AgentState.WRAP_UP, AgentState.PAUSED})


class Reservations:
    """Holds agents, each for one call at most, from before it is dialled until it has ended."""

    def __init__(self, floor: Floor, pauses: Pauses, staffing: Staffing) -> None:
        self._floor = floor
        self._pauses = pauses
        self._staffing = staffing
        pauses.add_owner(lambda agent: DIRECT_REASON if agent in floor.board.held else None)
        floor.on_ended.append(self._ended)

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
            down = self._floor.links_down()
            lost = f"; the link to {', '.join(down)} is down" if down else ""
            raise NotFound(f"there is no agent {agent!r} in the exchange's queues; {there}{lost}")
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
        self._show(agent, call_id)

    def release(self, agent: str, call_id: str) -> None:
        """Let an agent go, if he is held for that call."""
        if self._floor.board.held.get(agent) == call_id:
            self._show(agent, None)

    def _ended(self, session: Session) -> None:
        if session.for_agent is not None:
            self.release(session.for_agent, session.session_id)

    def _show(self, agent: str, call_id: str | None) -> None:
        floor = self._floor
        floor.board.hold(agent, call_id)
        self._staffing.held(agent)
        floor.wake.call()
        self._pauses.look_at(agent)
