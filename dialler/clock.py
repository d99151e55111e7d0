"""Time, as everything here is given it: wall clock for the law, monotonic clock for durations."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Where `now` comes from."""

    def now(self) -> datetime:
        """Return the wall clock: aware, UTC. It may step when the machine's clock is set."""

    def monotonic(self) -> float:
        """Return seconds since an arbitrary start; never steps. The event loop sleeps by this one."""


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


class LoopClock:
    """A wall clock that starts at `start` and runs with an event loop's clock: virtual time."""

    def __init__(self, start: datetime, loop_time: Callable[[], float]) -> None:
        self._start = start.astimezone(UTC)
        self._loop_time = loop_time
        self._origin = loop_time()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._loop_time() - self._origin)

    def monotonic(self) -> float:
        return self._loop_time()


class FixedClock:
    """A clock that stands still until it is set: for commands about one moment, and for tests."""

    def __init__(self, at: datetime) -> None:
        self.at = at.astimezone(UTC)

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()
