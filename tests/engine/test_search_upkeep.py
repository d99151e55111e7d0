"""The index for searching leads is kept up in small portions, and wakes after imports and edits."""

from dataclasses import replace
from datetime import UTC

import anyio
import pytest

from dialler.clock import FixedClock
from dialler.domain.filter_fields import LEAD_FIELDS
from dialler.domain.filter_text import read_filter
from dialler.engine import search_upkeep
from dialler.engine.search_upkeep import SearchUpkeep, portions_of
from dialler.events import ImportFinished, Journal, LeadsChanged
from dialler.ports import IndexWork
from dialler.stores import search_index
from dialler.stores.memory import MemoryStore
from dialler.stores.records import SqlRecords
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


async def test_edits_wake_it_and_those_of_half_a_minute_are_taken_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_index, "BLOCK", 16)
    monkeypatch.setattr(search_index, "_BITMAP", 2)
    journal = Journal()
    looks: list[float] = []
    real = SqlRecords.search_work

    def counted(records: SqlRecords) -> IndexWork | None:
        looks.append(anyio.current_time())
        return real(records)

    async with MemoryStore() as store, anyio.create_task_group() as tasks:
        _, leads = await list_of_leads(store, 40, name="Mercy General")
        monkeypatch.setattr(SqlRecords, "search_work", counted)
        tasks.start_soon(SearchUpkeep(store, FixedClock(NOW), journal, is_dialling=lambda: False).run)
        await anyio.sleep(120)
        assert len(looks) == 3, "two blocks, and nothing more"
        began = anyio.current_time()
        for second in range(60):
            edited = replace(leads[second % 8], name=f"Saint Mary {second}")
            await store.write(lambda records, edited=edited: records.set_lead(edited))  # type: ignore[misc]
            journal.emit(LeadsChanged(at=NOW, what="lead.edit", lead_id=edited.lead_id))
            await anyio.sleep(1)
        await anyio.sleep(search_upkeep.TURNS_APART_S + 1)
        turns = [at for at, before in zip(looks[3:], looks[2:], strict=False) if at - before > 0.5]
        assert looks[3] - began < 1, "the first edit is not kept waiting"
        assert len(turns) <= 4, turns
        assert await store.read(lambda records: real(records)) is None  # type: ignore[arg-type]
        rows = await store.read(lambda records: records._in.rows("SELECT count(*) FROM search_pending"))  # type: ignore[attr-defined]
        assert rows[0][0] == 0
        tasks.cancel_scope.cancel()
