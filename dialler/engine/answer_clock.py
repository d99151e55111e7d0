"""The clock of answered calls: who waits for an agent to the end of his patience is taken to the information message.

The exchange's queue counts whole seconds and looks at them now and then, so its own time-out is only the backstop.
"""

import heapq
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

import anyio
import anyio.lowlevel

from dialler.domain.call import waits_since
from dialler.domain.evolve import evolve
from dialler.engine.board import Tracked
from dialler.engine.floor import Floor
from dialler.engine.wake import Wake
from dialler.errors import NotSent, TelephonyError
from dialler.events import CallNotDiverted

RETRY_S: Final = 0.25
"""After the exchange could not be asked, while its link is up."""

TURNS_TO_READ: Final = 2
"""Turns of the event loop after which what had arrived on a link is read: it is polled in one and read in the next."""


class AnswerClock:
    """Watches over calls that wait for an agent."""

    def __init__(self, floor: Floor, caught_up: Callable[[], Awaitable[None]]) -> None:
        """`caught_up` returns once what the exchange has reported so far is taken in."""
        self._floor = floor
        self._caught_up = caught_up
        self._due: list[tuple[float, str, datetime]] = []
        """When (monotonic) to look at a call, which, and since when it waited when that was put down. A heap."""

        self._wake = Wake(floor.clock)

    def watch(self, tracked: Tracked) -> None:
        """Set a call's clock by what is known of it by now; for every change of it."""
        since = _waits_since(tracked)
        if since is None or since == tracked.clock_since:
            return
        floor, patience = self._floor, tracked.patience
        # The wall clock says how long ago it began, the monotonic one how long is left: it is not set meanwhile.
        left_s = (since + patience.limit - patience.margin - floor.clock.now()).total_seconds()
        self._put(floor.clock.monotonic() + left_s, tracked, since)

    async def run(self) -> None:
        """Watch until cancelled."""
        async with anyio.create_task_group() as tasks:
            while True:
                left_s = self._due[0][0] - self._floor.clock.monotonic() if self._due else None
                await self._wake.wait(seconds=left_s)
                if not (calls := self._expired()):
                    continue
                # An agent may be there already: what has arrived is read before anybody is taken out of his hands.
                for _ in range(TURNS_TO_READ):
                    await anyio.lowlevel.checkpoint()
                await self._caught_up()
                for tracked in calls:
                    if _waits_since(tracked) is not None:
                        tracked.call = evolve(tracked.call, diverted=True)  # Its end may come before the answer.
                        tasks.start_soon(self._divert, tracked)

    def _expired(self) -> list[Tracked]:
        """Take the calls whose patience has ended, and that still wait as they did when their clock was set."""
        now_s, calls = self._floor.clock.monotonic(), list[Tracked]()
        while self._due and self._due[0][0] <= now_s:
            _, call_id, since = heapq.heappop(self._due)
            tracked = self._floor.board.calls.get(call_id)
            if tracked is None or tracked.clock_since != since:
                continue  # It is over, or its clock was set anew.
            tracked.clock_since = None
            if _waits_since(tracked) == since:
                calls.append(tracked)
        return calls

    async def _divert(self, tracked: Tracked) -> None:
        floor, session = self._floor, tracked.session
        try:
            if await floor.telephony.divert(session.session_id):
                return
        except NotSent as error:
            if not tracked.told_not_diverted:
                tracked.told_not_diverted = True
                floor.journal.emit(
                    CallNotDiverted(
                        at=floor.clock.now(),
                        session_id=session.session_id,
                        campaign=session.campaign,
                        reason=str(error),
                    )
                )
            self._again(tracked)
        except TelephonyError:
            self._again(tracked)  # Nobody can say; if the message plays, the exchange tells.
        else:
            # It is just ending: it need not be asked for again.
            tracked.call = evolve(tracked.call, diverted=False)
            tracked.clock_since = _waits_since(tracked)

    def _again(self, tracked: Tracked) -> None:
        """Look at a call again soon; if its link is down, when it is back and the call still waits."""
        tracked.call = evolve(tracked.call, diverted=False)
        since = _waits_since(tracked)
        if since is not None and self._floor.is_usable(tracked.session.server):
            self._put(self._floor.clock.monotonic() + RETRY_S, tracked, since)

    def _put(self, at_s: float, tracked: Tracked, since: datetime) -> None:
        tracked.clock_since = since
        entry = (at_s, tracked.session.session_id, since)
        heapq.heappush(self._due, entry)
        if self._due[0] is entry:
            self._wake.call()


def _waits_since(tracked: Tracked) -> datetime | None:
    """Return since when somebody waits for an agent in this call, None if nobody does or nobody knows."""
    if not tracked.wants_agent or tracked.is_doubtful or tracked.may_play:
        return None
    return waits_since(tracked.call, tracked.patience)
