"""Preparing the next batch while one becomes durable."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio
from anyio.abc import TaskGroup

from dialler.importing.failures import only_error
from dialler.ports import Records, Store


class WriteBehind:
    """Hands works to the records, each when the one before is durable."""

    def __init__(self, store: Store, tasks: TaskGroup) -> None:
        self._store = store
        self._tasks = tasks
        self._is_free = anyio.Lock()

    async def write(self, work: Callable[[Records], None]) -> None:
        """Wait for the work before, and hand this one over."""
        await self._is_free.acquire()
        self._is_free.release()
        await self._tasks.start(self._write, work)

    async def _write(self, work: Callable[[Records], None], *, task_status: anyio.abc.TaskStatus[None]) -> None:
        async with self._is_free:
            task_status.started()
            await self._store.write(work)


@asynccontextmanager
async def write_behind(store: Store) -> AsyncIterator[WriteBehind]:
    """Yield what writes behind; at the block's end all is durable. Raises what the first work that failed raised."""
    try:
        async with anyio.create_task_group() as tasks:
            yield WriteBehind(store, tasks)
    except BaseExceptionGroup as group:
        raise only_error(group) from group
