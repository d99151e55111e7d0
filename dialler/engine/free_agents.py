"""Agents who got free and wait for a call to be placed: how long the dialler makes them wait."""

from datetime import datetime

from dialler.engine.board import Board
from telephony.events import AgentState

_BUSY = frozenset({AgentState.RINGING, AgentState.TALKING})


class FreeAgents:
    """Matches each agent who got free with one Originate at most, of a campaign on a queue of his.

    Who has been free the longest comes first. An agent who is called, paused or gone before that drops out; so does
    one whose link breaks. It holds no more than the agents that are free now.
    """

    def __init__(self, board: Board) -> None:
        self._board = board
        self._waiting: dict[str, dict[str, datetime]] = {}
        """Since when, by queue and agent, in the order in which they got free."""

        self._queues: dict[str, set[str]] = {}
        """In which queues an agent is free, also once he was matched."""

    def moved(self, queue: str, agent: str, at: datetime) -> None:
        """Look at an agent whose state in a queue changed at `at`; the board knows it already."""
        state = self._board.state_of(queue, agent)
        queues = self._queues.get(agent)
        if state is AgentState.READY:
            if queues is None:
                self._queues[agent] = {queue}
                self._wait(queue, agent, at)
            elif queue not in queues:
                since = next((agents[agent] for agents in map(self._of, queues) if agent in agents), None)
                queues.add(queue)
                if since is not None:  # Else he was matched already: his queues tell of one change one by one.
                    self._wait(queue, agent, since)
        elif queues is not None:
            for each in [*queues] if state in _BUSY else [queue] if queue in queues else []:
                self._drop(each, agent)

    def lost(self) -> None:
        """Look at all of them: a link broke, and the board has forgotten the agents behind it."""
        for agent, queues in [*self._queues.items()]:
            for queue in [*queues]:
                if self._board.state_of(queue, agent) is not AgentState.READY:
                    self._drop(queue, agent)

    def match(self, queue: str | None) -> datetime | None:
        """Match an Originate for a queue with the agent who has been free the longest; return since when.

        None: nobody got free since the calls before it.
        """
        waiting = self._waiting.get(queue) if queue is not None else None
        if not waiting:
            return None
        agent = next(iter(waiting))
        since = waiting[agent]
        for each in self._queues[agent]:
            self._of(each).pop(agent, None)
        return since

    def _of(self, queue: str) -> dict[str, datetime]:
        return self._waiting.setdefault(queue, {})

    def _wait(self, queue: str, agent: str, since: datetime) -> None:
        self._of(queue)[agent] = since

    def _drop(self, queue: str, agent: str) -> None:
        self._of(queue).pop(agent, None)
        queues = self._queues[agent]
        queues.discard(queue)
        if not queues:
            del self._queues[agent]
