"""A search never walks through a whole table: the plan of every statement that a criterion runs, on both databases."""

from collections.abc import Sequence
from datetime import UTC
from functools import partial
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


INDEXES = {
    "leads": {
        "number = +4930000017": "lead_numbers",
        "customer_key = k-43": "leads_customer_key",
        "external_lead_id = e3": "leads_external",
        "list = gold": "leads_by_list",
        "completed": "leads_by_list",
        "completed_reason = wrap": "leads_completed_reason",
        "last_attempt >= 2026-11-20 and last_attempt < 2026-11-22": "leads_last_attempt_at",
        "last_contacted >= 2026-11-05": "leads_last_contacted_at",
        "last_outcome = BUSY": "leads_last_outcome",
        "wrap_code = sale": "leads_wrap_code",
        "agent = PJSIP/7001": "sessions_agent_lead",
        "region = TX": "leads_by_key",
        "priority = 5": "leads_priority",
        "name contains mercy": "search_grams",
        'data.merchant = "acme"': "search_grams",
        "data.state = TX": "search_grams",
    },
    "sessions": {
        "lead = 17": "sessions_by_lead",
        "campaign = spring": "sessions_by_campaign",
        "list = gold and status = complete": "sessions_by_list",
        "status in (new, processing)": "sessions_open",
        "outcome = CONNECTED": "sessions_outcome",
        "number = +4930000017": "sessions_by_number",
        "external_lead_id = e3": "sessions_external_lead_id",
    },
}
"""The index that serves a criterion: a walk along the primary key is no scan by its plan, and yet it may be long."""


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
        steps = [step for sql, values in recorder.ran for step in steps_of(transaction, sql, values)]
        index = INDEXES[noun].get(text, "")
        assert any(index in step for step in steps), (text, index, steps)
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
    for noun, filters in (("leads", LEAD_FILTERS), ("sessions", SESSION_FILTERS)):
        assert set(INDEXES[noun]) <= set(filters)
        await store.read(partial(check, noun=noun, texts=filters))
