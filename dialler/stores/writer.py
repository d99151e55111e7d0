"""The thread that writes: works come in from the event loop, and go out in groups that share a commit.

One thread has the one writing connection. While it waits for the disk, works gather; it takes all of them into
its next commit, so that a slow disk makes the groups larger and not the queue longer. A work that is not urgent
may wait a little for company. Callers are woken after the commit that made their work durable, in order.
"""

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from dialler.errors import StoreError
from dialler.stores.group import Done, GroupCommit, Work

WAITING_MAX: Final = 10_000
"""Works handed over and not yet durable; whoever comes then waits for room."""

GROUP_MAX: Final = 1_000


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    work: Work
    urgent: bool
    due_s: float
    """On the monotonic clock: when it waits for company no longer."""

    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[Any]"


class Writer:
    """Hands works to the writing thread."""

    def __init__(self, group: GroupCommit, *, group_delay: timedelta, on_group: Callable[[int, float], None]) -> None:
        self._group = group
        self._group_delay_s = group_delay.total_seconds()
        self._on_group = on_group
        self._room = asyncio.Semaphore(WAITING_MAX)
        self._waiting: deque[_Waiting] = deque()
        self._urgent = 0
        self._closing = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._ended = threading.Event()
        self._on_end: Callable[[], None] | None = None
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Works handed over that no group has taken yet."""
        return len(self._waiting)

    async def write(self, work: Work, *, urgent: bool) -> Any:
        """Run `work` and return its value once it is durable. Cancelling this does not stop the work."""
        await self._room.acquire()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        waiting = _Waiting(work, urgent, time.monotonic() + self._group_delay_s, loop, future)
        with self._changed:
            if self._closing:
                self._room.release()
                raise StoreError("the records are closed")
            self._waiting.append(waiting)
            self._urgent += urgent
            self._changed.notify()
        return await future

    async def aclose(self) -> None:
        """Finish what was handed over, then end the thread."""
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        with self._changed:
            self._closing = True
            if not self._ended.is_set():
                self._on_end = lambda: _call(loop, ended.set)
            else:
                ended.set()
            self._changed.notify()
        await ended.wait()
        self._thread.join()

    def _run(self) -> None:
        try:
            while works := self._take():
                started = time.monotonic()
                done = self._group.run([one.work for one in works])
                self._wake(works, done, time.monotonic() - started)
        finally:
            self._group.close()
            with self._changed:
                self._closing = True
                self._ended.set()
                if self._on_end:
                    self._on_end()

    def _take(self) -> Sequence[_Waiting]:
        """Wait for works and return those of the next group; none once the writer is to end."""
        with self._changed:
            while not self._waiting:
                if self._closing:
                    return ()
                self._changed.wait()
            while not (self._closing or self._urgent or len(self._waiting) >= GROUP_MAX):
                left = self._waiting[0].due_s - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            works = [self._waiting.popleft() for _ in range(min(len(self._waiting), GROUP_MAX))]
            self._urgent -= sum(one.urgent for one in works)
            return works

    def _wake(self, works: Sequence[_Waiting], done: Sequence[Done], seconds: float) -> None:
        by_loop: dict[asyncio.AbstractEventLoop, list[tuple[_Waiting, Done]]] = {}
        for one, result in zip(works, done, strict=True):
            by_loop.setdefault(one.loop, []).append((one, result))
        first = works[0].loop
        for loop, pairs in by_loop.items():
            _call(loop, self._settle, pairs, (len(works), seconds) if loop is first else None)

    def _settle(self, pairs: Sequence[tuple[_Waiting, Done]], group: tuple[int, float] | None) -> None:
        """Wake the callers, on their loop."""
        for one, result in pairs:
            self._room.release()
            if one.future.done():  # its caller was cancelled; the work was not
                continue
            if result.error is None:
                one.future.set_result(result.value)
            elif isinstance(result.error, StopIteration):  # a future refuses it
                one.future.set_exception(RuntimeError("the work raised StopIteration"))
            else:
                one.future.set_exception(result.error)
        if group is not None:
            self._on_group(*group)


def _call(loop: asyncio.AbstractEventLoop, call: Callable[..., None], *values: object) -> None:
    with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
        loop.call_soon_threadsafe(call, *values)
