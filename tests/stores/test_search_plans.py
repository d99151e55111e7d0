"""A search never walks through a whole table: the plan of every statement that a criterion runs, on both databases."""

from collections.abc import Sequence
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from dialler.domain.filter_fields import LEAD_FIELDS, SESSION_FIELDS
from dialler.domain.filter_text import read_filter
from dialler.ports import Records
from dialler.stores.open import AnyStore
from dialler.stores.records import SqlRecords
from dialler.stores.transaction import Transaction
from tests.contracts.store.test_search import LEAD_FILTERS, SESSION_FILTERS, fill, index_all
from tests.support.stores import opened, records_url

SMALL = ("campaigns", "lists", "window_keys", "session_counts", "sessions_open")
"""Tables, and an index, whose size does not grow with leads and sessions."""


class Recorder:
    """Keeps the statements that a transaction runs, with their values."""

    def __init__(self, records: SqlRecords) -> None:
        self._run = records._in.rows
        self.ran: list[tuple[str, tuple[object, ...]]] = []
        records._in.rows = self.rows  # type: ignore[method-assign]

    def rows(self, sql: str, values: Sequence[object] = ()) -> Any:
        self.ran.append((sql, tuple(values)))
        return self._run(sql, values)


def steps_of(transaction: Transaction, sql: str, values: Sequence[object]) -> list[str]:
    """Return the steps of a statement's plan."""
    if transaction.is_sqlite:
        return [row[3] for row in transaction.rows(f"EXPLAIN QUERY PLAN {sql}", values)]
    return [row[0] for row in transaction.rows(f"EXPLAIN {sql}", values)]


def check(records: Records, noun: str, texts: Sequence[str]) -> None:
    assert isinstance(records, SqlRecords)
    transaction = records._in
    plain_rows = transaction.rows
    if not transaction.is_sqlite:
        # The tables are small here: the planner would take their few pages as a whole, where it may.
        transaction.rows("SELECT set_config('enable_seqscan', 'off', true)")
    for text in texts:
        recorder = Recorder(records)
        if noun == "leads":
            records.find_leads(read_filter(text, LEAD_FIELDS, UTC))
        else:
            records.find_sessions(read_filter(text, SESSION_FIELDS, UTC))
        transaction.rows = plain_rows  # type: ignore[method-assign]
        assert recorder.ran, text
        for sql, values in recorder.ran:
            for step in steps_of(transaction, sql, values):
                is_scan = "SCAN " in step or "Seq Scan" in step
                is_for_the_end = sql.endswith(" LIMIT 1") and " WHERE " not in sql  # the first key, or the last
                assert not is_scan or is_for_the_end or any(small in step for small in SMALL), (text, sql, step)


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def test_no_criterion_scans_a_table(kind: str, tmp_path: Path) -> None:
    with records_url(kind, tmp_path) as url:
        async with opened(url) as store:
            await check_all(store)


async def check_all(store: AnyStore) -> None:
    await store.write(fill)
    await index_all(store)
    await store.read(lambda records: check(records, "leads", LEAD_FILTERS))
    await store.read(lambda records: check(records, "sessions", SESSION_FILTERS))
