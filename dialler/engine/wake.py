"""Waiting for something to happen, or for the next known instant."""

from datetime import datetime, timedelta

import anyio
import anyio.lowlevel

from dialler.clock import Clock

SAFETY_WAKE_S = 3600.0
"""The longest sleep: it heals wall clocks that were set, and events that were missed."""

RESOLUTION_S = 0.001
"""The shortest sleep."""


class Wake:
    """Lets a loop sleep until someone calls, or until an instant.

    Several may sleep: a call wakes all of them, and each looks for itself whether what it waits for is there. A call
    while nobody sleeps ends the next sleep at once.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._called = anyio.Event()
        self._wakes_at: datetime | None = None

    def call(self) -> None:
        """Wake who sleeps."""
        self._called.set()

    def call_by(self, at: datetime) -> None:
        """Wake a sleeper who would not look at `at` (UTC) by himself. For a wake that one loop sleeps on."""
        if self._wakes_at is None or at < self._wakes_at:
            self.call()

    async def wait(self, until: datetime | None = None, *, seconds: float | None = None) -> None:
        """Sleep until called, until `until` (UTC), for `seconds`, or for an hour: whichever comes first."""
        now = self._clock.now()
        pause = SAFETY_WAKE_S
        if until is not None:
            pause = min(pause, (until - now).total_seconds())
        if seconds is not None:
            pause = min(pause, seconds)
        if pause > 0:
            self._wakes_at = now + timedelta(seconds=pause)
            # Timers may fire a little early, by the resolution of their clock: not before the instant, then.
            with anyio.move_on_after(max(pause, RESOLUTION_S)):
                await self._called.wait()
            self._wakes_at = None
        else:
            # A pass that is due at once still lets the others run.
            await anyio.lowlevel.checkpoint()
        if self._called.is_set():
            self._called = anyio.Event()
