"""What happens next: steps at their instants, in order, played by one loop."""

import heapq
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

import anyio

SLEEP_MAX_S: Final = 3600.0
"""Virtual-time loops refuse lone timers of a day; and a wall clock may be set meanwhile."""

Step = Callable[[], None]


class Schedule:
    """Steps by instant; those of one instant in the order in which they were put."""

    def __init__(self, now: Callable[[], datetime], sleep: Callable[[float], Awaitable[None]]) -> None:
        self._now = now
        self._sleep = sleep
        self._steps: list[tuple[datetime, int, Step]] = []
        self._count = 0
        self._playing_at: datetime | None = None
        self._waiting: anyio.CancelScope | None = None
        self._waiting_until: datetime | None = None

    @property
    def moment(self) -> datetime:
        """The instant for which the step being played was put; outside of steps, now."""
        return self._playing_at or self._now()

    def put(self, delay_s: float, step: Step) -> None:
        """Play `step` in `delay_s` seconds, counted from `moment`: steps that are late do not delay later ones."""
        at = self.moment + timedelta(seconds=delay_s)
        self._count += 1
        heapq.heappush(self._steps, (at, self._count, step))
        if self._waiting_until is None or at < self._waiting_until:
            self.wake()

    def wake(self) -> None:
        """End `wait`, if somebody is in it."""
        if self._waiting is not None:
            self._waiting.cancel()

    def play_next(self) -> bool:
        """Play the next step if it is due; False if none is."""
        if not self._steps or self._steps[0][0] > self._now():
            return False
        self._playing_at, _, step = heapq.heappop(self._steps)
        try:
            step()
        finally:
            self._playing_at = None
        return True

    async def wait(self) -> None:
        """Wait until the next step is due, or `wake`. There must be nothing to await between `play_next` and this."""
        with anyio.CancelScope() as self._waiting:
            if self._steps:
                self._waiting_until = self._steps[0][0]
                left_s = (self._waiting_until - self._now()).total_seconds()
                await self._sleep(min(max(0.0, left_s), SLEEP_MAX_S))
            else:
                await anyio.Event().wait()
        self._waiting = self._waiting_until = None
