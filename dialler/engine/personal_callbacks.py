"""Callbacks that wait for the agents who promised them: once one is ready he is held, and his call goes to him alone.

The dial loop tells which wait (`Picking`), so they need no looking for; what an engine that has gone remembered, the
dial loop of another finds when their short rest is over.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

import anyio

from dialler.engine.direct import DirectCalls
from dialler.engine.floor import Floor
from dialler.engine.picking import WaitingCallback
from dialler.engine.wake import Wake
from dialler.errors import Conflict, NotFound, Shortage, StoreError
from telephony.events import AgentChanged, AgentState

AGAIN: Final = timedelta(seconds=5)
"""After so long a call is tried again for which no channel was free."""


class PersonalCallbacks:
    """Calls people whose agents are ready."""

    def __init__(self, floor: Floor, direct: DirectCalls) -> None:
        self._floor = floor
        self._direct = direct
        self._waiting: dict[str, dict[int, WaitingCallback]] = {}
        """By agent and lead, the longest waiting first."""

        self._look_at: dict[str, datetime] = {}
        """Agents who may be ready, and from when on to look."""

        self._wake = Wake(floor.clock)
        floor.on_agent.append(self._moved)

    def wait_for(self, callbacks: Iterable[WaitingCallback]) -> None:
        """Remember callbacks until their agents are ready, or until their rest is over."""
        for each in callbacks:
            self._waiting.setdefault(each.agent, {})[each.lead_id] = each
            self._look_soon(each.agent)

    def waiting(self) -> Mapping[int, int]:
        """Count the callbacks that wait for nothing but their agents, by campaign id."""
        now = self._floor.clock.now()
        # What is past its time was looked at by the dial loop since, and is remembered anew if it waits still.
        return Counter(each.campaign_id for own in self._waiting.values() for each in own.values() if each.due_at > now)

    async def run(self) -> None:
        """Call until cancelled."""
        async with anyio.create_task_group() as calls:  # A call may have to wait for a token.
            while True:
                now = self._floor.clock.now()
                for agent in [agent for agent, at in self._look_at.items() if at <= now]:
                    del self._look_at[agent]
                    calls.start_soon(self._call_for, agent)
                await self._wake.wait(min(self._look_at.values(), default=None))

    def _moved(self, event: AgentChanged) -> None:
        # One who was let go again since no channel was free is ready, too: his calls have to wait.
        if event.state is AgentState.READY and event.agent in self._waiting and event.agent not in self._look_at:
            self._look_soon(event.agent)

    def _look_soon(self, agent: str) -> None:
        self._look_at[agent] = self._floor.clock.now()
        self._wake.call()

    def _is_ready(self, agent: str) -> bool:
        board = self._floor.board
        return agent not in board.held and AgentState.READY in board.servers_of(agent).values()

    async def _call_for(self, agent: str) -> None:
        """Call the first of an agent's people who can be called now."""
        waiting = self._waiting.get(agent, {})
        for each in [*waiting.values()]:
            if each.due_at <= self._floor.clock.now():
                del waiting[each.lead_id]  # The dial loop looks at it.
            elif self._is_ready(agent):
                try:
                    await self._direct.call_back(each)
                except Shortage:
                    self._look_at[agent] = self._floor.clock.now() + AGAIN
                    self._wake.call()
                    return
                except (Conflict, NotFound, StoreError):
                    pass  # It comes back when its rest is over, and the gates say what is the matter.
                waiting.pop(each.lead_id, None)
        if not waiting:
            self._waiting.pop(agent, None)
