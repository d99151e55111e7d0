"""Lets an exchange's queue look at once for whom an agent who got free is: Asterisk's looks by itself once a second.

Who is left waiting for that second may be taken to the message while an agent is idle.
"""

from datetime import datetime, timedelta
from itertools import islice
from typing import Final

import anyio
from anyio.abc import TaskGroup

from dialler.domain.call import waits_since
from dialler.domain.session import Session
from dialler.engine.board import Tracked
from dialler.engine.floor import Floor
from dialler.engine.members import Place
from dialler.engine.wake import Wake
from dialler.errors import TelephonyError
from telephony.events import AgentChanged, AgentState

LOOKS_MAX: Final = 10
"""Calls of one queue that look when an agent gets free: those that wait longest."""

SOON: Final = timedelta(seconds=0.1)
"""Before the end of a patience nobody is told to look any more: what tells Asterisk's queue would be a key in the
information message, were it taken there meanwhile."""


class QueueLooks:
    """Knows who waits in which queue, and tells the exchange when to look."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._wake = Wake(floor.clock)
        self._waiting: dict[Place, dict[str, Tracked]] = {}
        """By queue, in the order in which they came into it. Who has an agent, or the message, leaves it at a look."""

        self._place_of: dict[str, Place] = {}
        self._free: dict[Place, None] = {}
        """Queues in which an agent got free since the last look."""

        floor.on_agent.append(self._moved)
        floor.on_ended.append(self._ended)

    def queued(self, tracked: Tracked, queue: str) -> None:
        """Take in that a call came into a queue; "" is none: it is for one agent."""
        session_id = tracked.session.session_id
        if queue and session_id not in self._place_of:
            self._place_of[session_id] = place = Place(tracked.session.server, queue)
            self._waiting.setdefault(place, {})[session_id] = tracked

    def _ended(self, session: Session) -> None:
        self._leave(session.session_id)

    def _leave(self, session_id: str) -> None:
        place = self._place_of.pop(session_id, None)
        if place is not None:
            waiting = self._waiting[place]
            del waiting[session_id]
            if not waiting:
                del self._waiting[place]

    def _moved(self, event: AgentChanged) -> None:
        place = Place(event.server, event.queue)
        if event.state is AgentState.READY and place in self._waiting:
            self._free[place] = None
            self._wake.call()

    async def run(self) -> None:
        """Work until cancelled."""
        async with anyio.create_task_group() as tasks:
            while True:
                await self._wake.wait(None)
                free, self._free = self._free, {}
                for place in free:
                    self._look(place, tasks)

    def _look(self, place: Place, tasks: TaskGroup) -> None:
        waiting, now = self._waiting.get(place, {}), self._floor.clock.now()
        for call_id in [call_id for call_id, each in waiting.items() if not _waits(each)]:
            self._leave(call_id)
        for call_id in islice((call_id for call_id, each in waiting.items() if _has_time(each, now)), LOOKS_MAX):
            tasks.start_soon(self._ask, call_id)

    async def _ask(self, call_id: str) -> None:
        try:
            await self._floor.telephony.look_again(call_id)
        except TelephonyError:
            return  # It looks by itself, a little later.


def _waits(tracked: Tracked) -> bool:
    return waits_since(tracked.call, tracked.patience) is not None


def _has_time(tracked: Tracked, now: datetime) -> bool:
    since, patience = waits_since(tracked.call, tracked.patience), tracked.patience
    return since is not None and not tracked.is_doubtful and now < since + patience.limit - patience.margin - SOON
