"""Keeps the index for searching leads up to date, beside the dialling and without its notice.

The texts are cut on a reading thread; what was found is written in small portions that wait for nobody and let others
share their commits. Between two portions it rests as long as the last one took, so that calls always come first.
"""

from collections.abc import Iterator
from dataclasses import replace
from time import monotonic
from typing import Final

import anyio

from dialler.clock import Clock
from dialler.engine.wake import Wake
from dialler.events import Event, ImportFinished, Journal
from dialler.ports import IndexWork, Store

PORTION: Final = 500
"""Rows of one write: about three milliseconds of the records' thread."""


class SearchUpkeep:
    """Indexes leads after each import, and looks once an hour for those that were edited."""

    def __init__(self, store: Store, clock: Clock, journal: Journal) -> None:
        self._store = store
        self._wake = Wake(clock)
        journal.subscribe(self._note)

    def _note(self, event: Event) -> None:
        if isinstance(event, ImportFinished):
            self._wake.call()

    async def run(self) -> None:
        """Keep the index up to date until cancelled."""
        while True:
            await index_leads(self._store, is_patient=True)
            await self._wake.wait()


async def index_leads(store: Store, *, is_patient: bool = False) -> None:
    """Index all leads that are not, or were edited since; patiently: as much rest as work."""
    while True:
        began = monotonic()
        work = await store.read(lambda records: records.search_work())
        if work is None:
            return
        for portion in portions_of(work):
            await _rest(is_patient, began)
            began = monotonic()
            await store.write(lambda records, some=portion: records.keep_search_work(some), urgent=False)  # type: ignore[misc]
        await _rest(is_patient, began)


async def _rest(is_patient: bool, began: float) -> None:
    await anyio.sleep(monotonic() - began if is_patient else 0)


def portions_of(work: IndexWork) -> Iterator[IndexWork]:
    """Yield the work in portions; only the last one moves the marker and settles what was edited."""
    starts = range(0, len(work.rows), PORTION) or range(1)
    for start in starts:
        portion = replace(work, rows=work.rows[start : start + PORTION])
        yield portion if start == starts[-1] else replace(portion, upto=None, settled=())
