"""Worker processes that check rows: reading one number takes 60 microseconds, and the event loop has none to spare."""

import asyncio
import gc
import multiprocessing
import os
import pickle
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import asynccontextmanager, contextmanager
from multiprocessing.connection import wait
from types import ModuleType
from typing import Final, TypeAlias

import anyio.lowlevel

from dialler.importing.stages.row_check import BlockFound, CheckSpec, ToCheck, check_block, check_steps

WORTH_PROCESSES: Final = 3_000
"""Rows; for fewer, starting processes takes longer than the work."""

PROCESSES: Final = 2
_NICE: Final = 5

Check: TypeAlias = Callable[[ToCheck], Awaitable[BlockFound]]


@asynccontextmanager
async def checkers(spec: CheckSpec, rows: int) -> AsyncIterator[Check]:
    """Yield what checks rows: in worker processes where there are many, which end with the block."""
    pickled = pickle.dumps(spec)

    async def here(block: ToCheck) -> BlockFound:
        steps = check_steps(pickled, block)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                found: BlockFound = end.value
                return found
            await anyio.lowlevel.checkpoint()

    if rows < WORTH_PROCESSES:
        yield here
        return
    pool = ProcessPoolExecutor(PROCESSES, mp_context=multiprocessing.get_context("spawn"), initializer=_begin)
    loop = asyncio.get_running_loop()

    async def there(block: ToCheck) -> BlockFound:
        try:
            with _without_main():
                checking = loop.run_in_executor(pool, check_block, pickled, block)
            return await checking
        except BrokenProcessPool:  # one that can't be started, or that someone killed, costs speed but not the import
            return await here(block)

    try:
        yield there
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


@contextmanager
def _without_main() -> Iterator[None]:
    """Let processes that are started here load what checking needs, not this process's main program as well: they
    would take a second for that, and as much memory again."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _begin() -> None:
    """Let the calls go first, and end when the process that wants the work is gone: killed, it could not tell us."""
    os.nice(_NICE)
    gc.freeze()  # there is no garbage among the modules
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=follow, daemon=True, name="parent-watch").start()
