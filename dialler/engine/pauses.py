"""The engine's own pauses: what keeps the exchanges' queues from agents for as long as one of its owners says so.

An owner says why an agent is to be kept from calls, or that he is not. Where two want him the first one's reason
stands, and a pause goes from one to the other without an end in between: in such a gap a queue could ring him. What is
wanted is compared with what the exchanges tell whenever one of them changes, so that nobody stays paused after a lost
link or a restart. A pause for another reason is the agent's own, and is left alone; so are agents of queues that none
of this engine's campaigns has: another engine on the same exchange pauses its agents for the same reasons.
"""

import heapq
import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import count
from typing import Final

import anyio
from anyio.abc import TaskGroup

from dialler.engine.floor import Floor
from dialler.engine.members import Place
from dialler.engine.wake import Wake
from dialler.errors import LinkLost, NotSent, Refused
from telephony.events import DIRECT_REASON, WRAP_UP_REASON, AgentChanged, AgentState

RETRY_S: Final = 1.0
"""After the exchange could not be asked, or did not answer, while its link is up."""

OURS: Final = frozenset({WRAP_UP_REASON, DIRECT_REASON})
_log = logging.getLogger("dialler.pauses")


class Pauses:
    """Pauses agents, gives the pauses other reasons, and ends them."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._wake = Wake(floor.clock)
        self._owners: list[Callable[[str], str | None]] = []
        self._asked: dict[tuple[str, Place], tuple[int, str | None]] = {}
        """What the exchange was asked, a pause's reason or None for its end, and has not told yet."""

        self._paused: set[str] = set()
        """Agents whom this engine has paused since it started."""

        self._asks = count()
        self._changed: dict[str, None] = {}
        """Agents to look at."""

        self._due: list[tuple[datetime, int, str]] = []
        """When to look at agents again. A heap."""

        floor.on_agent.append(self._moved)
        floor.on_lost.append(self._lost)

    def add_owner(self, reason_for: Callable[[str], str | None]) -> None:
        """Ask `reason_for` about agents, after earlier owners: it returns one of `OURS`, or None."""
        self._owners.append(reason_for)

    def look_at(self, agent: str) -> None:
        """Look at an agent: an owner wants something else of him."""
        self._changed[agent] = None
        self._wake.call()

    def look(self) -> None:
        """Look at everybody: a server can be asked again."""
        for agent in self._floor.board.members:
            self.look_at(agent)

    async def run(self) -> None:
        """Work until cancelled."""
        async with anyio.create_task_group() as tasks:
            while True:
                self._run_once(self._floor.clock.now(), tasks)
                await self._wake.wait(self._due[0][0] if self._due else None)

    def _run_once(self, now: datetime, tasks: TaskGroup) -> None:
        while self._due and self._due[0][0] <= now:
            self._changed[heapq.heappop(self._due)[2]] = None
        changed, self._changed = self._changed, {}
        for agent in changed:
            for place, reason in self._wanted(agent):
                number = next(self._asks)
                self._asked[agent, place] = number, reason
                tasks.start_soon(self._ask, agent, place, reason, number)

    def _reason(self, agent: str) -> str | None:
        return next((reason for owner in self._owners if (reason := owner(agent)) is not None), None)

    def _wanted(self, agent: str) -> Iterator[tuple[Place, str | None]]:
        """Yield where an agent is to be paused, and why, or made ready, as far as that is not asked for already."""
        wanted = self._reason(agent)
        if wanted is None and not self._is_ours(agent):
            return
        for place, standing in self._floor.board.members.of(agent).items():
            told = standing.pause_reason
            if not self._floor.is_usable(place.server) or not (told is None or told in OURS):
                continue
            asked = self._asked.get((agent, place))
            reason = told if asked is None else asked[1]
            if reason == wanted or (wanted is not None and standing.state is AgentState.AWAY):
                continue
            if reason is None and told is not None:
                continue  # The end of a pause is on its way: what follows it waits until it is told.
            yield place, wanted

    def _is_ours(self, agent: str) -> bool:
        queues = {running.campaign.settings.queue for running in self._floor.campaigns.values()}
        return agent in self._paused or any(place.queue in queues for place in self._floor.board.members.of(agent))

    async def _ask(self, agent: str, place: Place, reason: str | None, number: int) -> None:
        if reason is not None:
            self._paused.add(agent)
        try:
            known = await self._floor.telephony.set_paused(
                agent, reason is not None, reason=reason or "", queue=place.queue, server=place.server
            )
        except (NotSent, LinkLost) as error:
            known = False
            self._tell_failed(agent, place, reason, str(error))
            heapq.heappush(self._due, (self._floor.clock.now() + timedelta(seconds=RETRY_S), next(self._asks), agent))
            self._wake.call()
        except (Refused, ValueError) as error:
            # Asking again does not mend it; it is asked again when something else changes.
            known = False
            self._tell_failed(agent, place, reason, str(error))
        if not known and self._asked.get((agent, place)) == (number, reason):
            del self._asked[agent, place]

    def _tell_failed(self, agent: str, place: Place, reason: str | None, error: str) -> None:
        extra = {"agent": agent, "server": place.server, "queue": place.queue, "error": error}
        _log.warning("agent not made ready" if reason is None else "agent not paused", extra=extra)

    def _moved(self, event: AgentChanged) -> None:
        key, reason = (event.agent, Place(event.server, event.queue)), event.pause_reason
        asked = self._asked.get(key)
        is_his_own = reason is not None and reason not in OURS
        if asked is not None and (asked[1] == reason or is_his_own or event.state is AgentState.AWAY):
            del self._asked[key]
        if reason in OURS or self._reason(event.agent) is not None:
            self.look_at(event.agent)

    def _lost(self, server: str) -> None:
        """Forget what was asked of a server whose link broke: nobody knows whether it was done."""
        for key in [key for key in self._asked if key[1].server == server]:
            del self._asked[key]
