"""What people are told that agents do: as pacing sees it, but for those who are held for one call of their own.

To pacing, and to the exchange, such an agent is paused. Who looks at the floor wants to know breaks from calls to come.
"""

from collections.abc import Mapping
from typing import Final, Literal

from dialler.domain.session import Session
from dialler.engine.board import Board
from telephony.events import AgentState

RESERVED: Final[Literal["reserved"]] = "reserved"
"""Held for a call that is offered to him, or dialled for him."""

_HIDDEN_BY_HOLD: Final = frozenset({AgentState.READY, AgentState.WRAP_UP, AgentState.PAUSED})


def agent_states(board: Board) -> Mapping[str, str]:
    """Return the state of each agent of all queues, by agent."""
    return {agent: state_word(board, agent, state) for agent, state in sorted(board.agents(None).items())}


def state_word(board: Board, agent: str, state: AgentState) -> str:
    """Return what people are told of an agent who is in `state`, all his queues taken together."""
    return RESERVED if agent in board.held and state in _HIDDEN_BY_HOLD else state.value


def reserved_in(board: Board, queue: str | None) -> int:
    """Return how many agents of a queue are held for calls of their own."""
    agents = board.agents(queue)
    return sum(agent in agents and state_word(board, agent, agents[agent]) == RESERVED for agent in board.held)


def held_session(board: Board, agent: str) -> Session | None:
    """Return the session that an agent is held for, offered or under way; None: none is."""
    call_id = board.held.get(agent)
    if call_id is None:
        return None
    tracked = board.calls.get(call_id)
    return tracked.session if tracked is not None else board.offers.get(call_id)
