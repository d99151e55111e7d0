"""What became of calls, on its way into the records: in order, grouped, and kept while they can't be written."""

import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby, islice
from operator import attrgetter
from typing import Any, Final, TypeVar

import anyio
from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus

from dialler.clock import Clock
from dialler.engine.wake import Wake
from dialler.errors import StoreError
from dialler.events import Journal, StoreFailed
from dialler.ports import Records, Store

T = TypeVar("T")
V = TypeVar("V")

BATCH_MAX: Final = 500
RETRY_FIRST_S, RETRY_MAX_S = 0.2, 10.0
_log = logging.getLogger("dialler.outbox")


@dataclass(frozen=True, slots=True)
class _Entry:
    write: Callable[[Records, Sequence[Any]], Sequence[Any]]
    value: Any
    then: Callable[[Any], None] | None
    ends: str | None

    def alone(self, records: Records) -> Sequence[Any]:
        return self.write(records, [self.value])


def _one_by_one(records: Records, works: Sequence[Callable[[Records], Any]]) -> Sequence[Any]:
    return [work(records) for work in works]


class Outbox:
    """Works for the records, run in the order in which they were put in.

    A work may run twice if its first transaction was undone, so it writes states, or reads before it counts. While
    the records fail the works wait here and `is_stuck` is true: then no call may be placed, since its end
    might not be written down. There are a few works for each live call at most, so the outbox is bounded by the
    channels.
    """

    def __init__(self, store: Store, clock: Clock, journal: Journal) -> None:
        self._store = store
        self._clock = clock
        self._journal = journal
        self._entries: deque[_Entry] = deque()
        self._batch: Sequence[_Entry] = ()
        self._put_in = self._done = 0
        self._wake = Wake(clock)
        self._progress = anyio.Event()
        self.is_stuck = False
        self._ending: set[str] | None = None

    def __len__(self) -> int:
        return len(self._entries)

    def put(
        self, work: Callable[[Records], T], then: Callable[[T], None] | None = None, *, ends: str | None = None
    ) -> None:
        """Put in a work; it will be durable soon, after those before it, and `then` gets what it returned.

        `ends` is the session that it closes.
        """
        self.put_value(_one_by_one, work, then, ends=ends)

    def put_value(
        self,
        write: Callable[[Records, Sequence[V]], Sequence[T]],
        value: V,
        then: Callable[[T], None] | None = None,
        *,
        ends: str | None = None,
    ) -> None:
        """Put in a value that `write` will write; `then` gets what it returned for this one.

        Values that follow each other and have the same `write` are given to it together, in their order. It sees
        which of them a later one makes needless. `ends` is the session that it closes.
        """
        self._entries.append(_Entry(write, value, then, ends))
        if ends is not None and self._ending is not None:
            self._ending.add(ends)
        self._put_in += 1
        self._wake.call()

    @contextmanager
    def ends(self) -> Iterator[Set[str]]:
        """Collect, until the end of the block, the sessions whose end waits here, or is put in. For one at a time."""
        assert self._ending is None
        self._ending = {entry.ends for entry in self._entries if entry.ends is not None}
        try:
            yield self._ending
        finally:
            self._ending = None

    async def flush(self) -> None:
        """Return once everything put in so far is durable."""
        last = self._put_in
        while self._done < last:
            if self._progress.is_set():
                self._progress = anyio.Event()
            await self._progress.wait()

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        """Write until cancelled."""
        task_status.started()
        retry_s = RETRY_FIRST_S
        while True:
            if not self._entries:
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
        try:
            values = await self._store.write(self._write_batch, urgent=False)
        except StoreError:
            raise
        except Exception:
            # One of them is wrong in itself: alone, so that it does not hold up the others.
            await self._write_singly(self._batch)
        else:
            for entry, value in zip(self._batch, values, strict=True):
                self._end(entry, value)

    def _write_batch(self, records: Records) -> Sequence[Any]:
        """Write the first entries: those that are there once the transaction begins, however long it had to wait.

        In the records' thread: the copy is made in one step, and only the loop that waits for us takes entries out.
        """
        self._batch = list(islice(self._entries.copy(), BATCH_MAX))
        values: list[Any] = []
        for write, entries in groupby(self._batch, key=attrgetter("write")):
            values += write(records, [entry.value for entry in entries])
        return values

    async def _write_singly(self, batch: Sequence[_Entry]) -> None:
        for entry in batch:
            try:
                (value,) = await self._store.write(entry.alone)
            except StoreError:
                raise
            except Exception:
                _log.exception("a record could not be written and is dropped")
                self._count_done()
            else:
                self._end(entry, value)

    def _end(self, entry: _Entry, value: object) -> None:
        self._count_done()
        if entry.then is not None:
            entry.then(value)

    def _count_done(self) -> None:
        self._entries.popleft()
        self._done += 1
        self._progress.set()
