"""The index for searching leads is kept up in small portions, and wakes after an import."""

from datetime import UTC

import anyio
import pytest

from dialler.clock import FixedClock
from dialler.domain.filter_fields import LEAD_FIELDS
from dialler.domain.filter_text import read_filter
from dialler.engine import search_upkeep
from dialler.engine.search_upkeep import SearchUpkeep, portions_of
from dialler.events import ImportFinished, Journal
from dialler.ports import IndexWork
from dialler.stores import search_index
from dialler.stores.memory import MemoryStore
from tests.support.stores import NOW, list_of_leads


def test_only_the_last_portion_moves_the_marker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_upkeep, "PORTION", 2)
    rows = [(f"g{nth}", 0, b"") for nth in range(5)]
    work = IndexWork(rows=rows, upto=31, settled=[(1, 1)])
    portions = list(portions_of(work))
    assert [row for portion in portions for row in portion.rows] == rows
    assert [(portion.upto, list(portion.settled)) for portion in portions] == [(None, []), (None, []), (31, [(1, 1)])]
    assert list(portions_of(IndexWork(rows=[], upto=31))) == [IndexWork(rows=[], upto=31)]


async def test_leads_are_indexed_after_an_import(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_index, "BLOCK", 16)
    monkeypatch.setattr(search_index, "_BITMAP", 2)
    journal = Journal()
    async with MemoryStore() as store, anyio.create_task_group() as tasks:
        upkeep = SearchUpkeep(store, FixedClock(NOW), journal, is_dialling=lambda: False)
        tasks.start_soon(upkeep.run)
        await anyio.wait_all_tasks_blocked()
        await list_of_leads(store, 100, name="Mercy General")
        assert await store.read(lambda records: records.search_work()) is not None
        counts = {"rows": 100, "imported": 100, "updated": 0, "rejected": 0, "duplicates": 0}
        journal.emit(ImportFinished(at=NOW, campaign="Spring", list="A", **counts))
        await anyio.sleep(60)  # of virtual time
        assert await store.read(lambda records: records.search_work()) is None
        wanted = read_filter("name contains mercy", LEAD_FIELDS, UTC)
        assert len((await store.read(lambda records: records.find_leads(wanted, limit=1000))).items) == 100
        tasks.cancel_scope.cancel()
