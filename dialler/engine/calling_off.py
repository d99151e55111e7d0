"""Ends calls that nobody has answered yet: taken back, or given up because they have rung for long enough."""

from collections.abc import Iterable

import anyio

from dialler.domain.call import CallState
from dialler.domain.campaign import Desired
from dialler.domain.evolve import evolve
from dialler.engine.board import UNANSWERED, Tracked
from dialler.engine.floor import Floor
from dialler.errors import NotSent, TelephonyError


class CallingOff:
    """Asks the exchange to end calls; what became of them it tells as of all others."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor

    def is_unwanted(self, tracked: Tracked) -> bool:
        """Tell whether a call rings for a campaign that has been stopped, and is to be taken back."""
        running = self._floor.campaigns.get(tracked.session.campaign_id)
        is_stopped = running is not None and running.campaign.desired is Desired.STOPPED
        may_ring = tracked.call.state in UNANSWERED and not tracked.is_doubtful
        return is_stopped and may_ring and not tracked.call.cancelled_by_us

    async def take_back(self, calls: Iterable[Tracked]) -> None:
        """Ask to end those of `calls` that are unwanted."""
        async with anyio.create_task_group() as tasks:
            for tracked in calls:
                if self.is_unwanted(tracked):
                    tasks.start_soon(self._take_back, tracked)

    async def _take_back(self, tracked: Tracked) -> None:
        tracked.call = evolve(tracked.call, cancelled_by_us=True)  # Its end may come before the answer.
        if not await self._hang_up(tracked):
            # Perhaps its channel is yet to come; when it does, or when the link is back, it is asked again.
            tracked.call = evolve(tracked.call, cancelled_by_us=False)

    async def give_up(self, tracked: Tracked) -> None:
        """Ask to end a call that has rung for as long as it has to: as if its ring time were over."""
        if tracked.session.session_id not in self._floor.board.calls or tracked.call.state is not CallState.RINGING:
            return
        tracked.call = evolve(tracked.call, given_up=True)  # Its end may come before the answer.
        if not await self._hang_up(tracked):
            tracked.call = evolve(tracked.call, given_up=False)
            if (scene := self._floor.scene_of(tracked.session.campaign_id)) is not None:
                scene.not_given_up(tracked)

    async def _hang_up(self, tracked: Tracked) -> bool:
        """Ask to end a call; False if it was not asked, or there is no such call yet."""
        try:
            return await self._floor.telephony.hang_up(tracked.session.session_id)
        except NotSent:
            return False
        except TelephonyError:
            return True  # Nobody can say.
