"""Keeps the index for searching leads up to date, beside the dialling and without its notice.

The texts are cut on a reading thread; what was found is written in small portions that wait for nobody and let others
share their commits. Between two portions it rests: as long as the last one took while nobody is called, and much
longer while calls are up. Cutting texts holds the interpreter's lock, and whoever dials would wait for it. Between two
turns it waits for a while, so that edits that come one by one are taken together.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from time import monotonic
from typing import Final

import anyio

from dialler.clock import Clock
from dialler.engine.wake import Wake
from dialler.events import Event, ImportFinished, Journal, LeadsChanged
from dialler.ports import IndexWork, Store

REST_IDLE: Final = 1.0
REST_BUSY: Final = 99.0
"""How long it rests, by how long it worked: in a hundred agents who get free, one at most meets it at work."""

TURNS_APART_S: Final = 30.0
"""From the end of one turn to the next one at the earliest: until then each search looks at what was edited itself."""

PORTION: Final = 500
"""Rows of one write: about three milliseconds of the records' thread."""


class SearchUpkeep:
    """Indexes leads that were loaded, added or edited, soon after they were; and looks once an hour anyway."""

    def __init__(self, store: Store, clock: Clock, journal: Journal, *, is_dialling: Callable[[], bool]) -> None:
        self._store = store
        self._is_dialling = is_dialling
        self._wake = Wake(clock)
        journal.subscribe(self._note)

    def _note(self, event: Event) -> None:
        if isinstance(event, ImportFinished | LeadsChanged):
            self._wake.call()

    async def run(self) -> None:
        """Keep the index up to date until cancelled."""
        while True:
            await index_leads(self._store, rest=lambda: REST_BUSY if self._is_dialling() else REST_IDLE)
            await anyio.sleep(TURNS_APART_S)
            await self._wake.wait()


async def index_leads(store: Store, *, rest: Callable[[], float] = lambda: 0.0) -> None:
    """Index all leads that are not, or were edited since; `rest` says how long to rest, by how long it worked."""
    while True:
        began = monotonic()
        work = await store.read(lambda records: records.search_work())
        if work is None:
            return
        for portion in portions_of(work):
            await anyio.sleep((monotonic() - began) * rest())
            began = monotonic()
            is_kept = await store.write(
                lambda records, some=portion: records.keep_search_work(some),  # type: ignore[misc]
                urgent=False,
            )
            if not is_kept:  # Somebody was erased meanwhile, who would come back with it.
                break
        await anyio.sleep((monotonic() - began) * rest())


def portions_of(work: IndexWork) -> Iterator[IndexWork]:
    """Yield the work in portions; only the last one moves the marker and settles what was edited."""
    starts = range(0, len(work.rows), PORTION) or range(1)
    for start in starts:
        portion = replace(work, rows=work.rows[start : start + PORTION])
        yield portion if start == starts[-1] else replace(portion, upto=None, settled=())
