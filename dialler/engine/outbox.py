"""What became of calls, on its way into the records: in order, grouped, and kept while they can't be written."""

import logging
from collections import deque
from collections.abc import Callable
from typing import Final

import anyio
from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus

from dialler.clock import Clock
from dialler.engine.wake import Wake
from dialler.errors import StoreError
from dialler.events import Journal, StoreFailed
from dialler.ports import Records, Store

Work = Callable[[Records], None]

BATCH_MAX: Final = 500
RETRY_FIRST_S, RETRY_MAX_S = 0.2, 10.0
_log = logging.getLogger("dialler.outbox")


class Outbox:
    """Works for the records, run in the order in which they were put in.

    A work may run twice if its first transaction was undone, so it writes states, or reads before it counts. While
    the records fail the works wait here and `is_stuck` is true: then no call may be placed, since its end
    might not be written down. There are a few works for each live call
    at most, so the outbox is bounded by the channels.
    """

    def __init__(self, store: Store, clock: Clock, journal: Journal) -> None:
        self._store = store
        self._clock = clock
        self._journal = journal
        self._works: deque[Work] = deque()
        self._wake = Wake(clock)
        self._flushed = anyio.Event()
        self.is_stuck = False

    def __len__(self) -> int:
        return len(self._works)

    def put(self, work: Work) -> None:
        """Put in a work; it will be durable soon, after those before it."""
        self._works.append(work)
        self._wake.call()

    async def flush(self) -> None:
        """Return once everything put in so far, and since, is durable."""
        while self._works:
            if self._flushed.is_set():
                self._flushed = anyio.Event()
            self._wake.call()
            await self._flushed.wait()

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        """Write until cancelled."""
        task_status.started()
        retry_s = RETRY_FIRST_S
        while True:
            if not self._works:
                self._flushed.set()
                await self._wake.wait()
                continue
            try:
                await self._write_some()
            except StoreError as error:
                self.is_stuck = True
                self._journal.emit(StoreFailed(at=self._clock.now(), error=str(error)))
                await anyio.sleep(retry_s)
                retry_s = min(retry_s * 2, RETRY_MAX_S)
            else:
                self.is_stuck = False
                retry_s = RETRY_FIRST_S

    async def _write_some(self) -> None:
        batch = [self._works[at] for at in range(min(BATCH_MAX, len(self._works)))]
        try:
            await self._store.write(lambda records: _run_all(records, batch), urgent=False)
        except StoreError:
            raise
        except Exception:
            # One of them is wrong in itself: alone, so that it does not hold up the others.
            await self._write_singly(len(batch))
        else:
            for _ in batch:
                self._works.popleft()

    async def _write_singly(self, count: int) -> None:
        for _ in range(count):
            try:
                await self._store.write(self._works[0])
            except StoreError:
                raise
            except Exception:
                _log.exception("a record could not be written and is dropped")
            self._works.popleft()


def _run_all(records: Records, batch: list[Work]) -> None:
    for work in batch:
        work(records)
