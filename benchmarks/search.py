"""How long a supervisor waits for a search: each criterion on a million leads, and on their sessions.

A search is a page of ten as the API answers it, from the records on; the goal is a tenth of a second. Searches for
little that no index serves stop after a bounded number of rows, and say so: they are marked "goes on".
"""

import tempfile
import time
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from typing import Final

import anyio
from sqlalchemy import text

from benchmarks.bulk import connected, multiply_leads
from benchmarks.figure import AT_MOST, Figure, Goal, Part, Spread, percentile
from benchmarks.records import KEYS, Plan, make_records, sqlite_url
from benchmarks.scale import Scale
from dialler.domain.filter_fields import LEAD_FIELDS, SESSION_FIELDS
from dialler.domain.filter_text import read_filter
from dialler.ports import Records
from dialler.stores.open import AnyStore, open_store
from dialler.stores.search_index import BLOCK

GOAL_MS: Final = 100.0

LEADS: Final = (
    "id = 512345",
    "id contains 51234",
    'name = "Mercy 512345"',
    "name contains 51234",
    "name contains mercy",
    "number = +12000512345",
    "number contains 512345",
    "customer_key = K512345",
    "customer_key contains 51234",
    "external_lead_id = E51234",
    'list = "list 0"',
    "campaign = spring",
    "state = resting",
    "completed",
    "not completed and attempts = 3",
    "completed_reason = expired",
    "attempts = 7",
    "last_attempt >= 2026-10-01 and last_attempt < 2026-10-02",
    "last_contacted >= 2026-10-01",
    "last_contacted >= 2027-06-01",
    "last_outcome = FAX",
    "last_outcome = BUSY and completed",
    "wrap_code = DECEASED",
    "agent = PJSIP/7003",
    "session = s-512001",
    "region = TX",
    "zone = America/Denver and state = completed",
    "priority = 9",
    "created >= 2026-01-01",
    'data.merchant = "Acme 77"',
    'data.merchant contains "cme 77"',
    "data.tier = Q",
    "data.tier = Z",
    "data.merchant is empty",
    'name contains mercy and data.merchant = "Acme 77" and not completed',
    "name contains zzz",
)
SESSIONS: Final = (
    "status = complete",
    "status = rejected",
    "outcome = FAX",
    "agent = PJSIP/7003 and wrap_code = SALE",
    "number = +12000512001",
    "external_lead_id = E51200",
    "created >= 2026-02-01 and created < 2026-02-02",
    "lead = 512001",
    "workflow = predictive",
    'data.merchant = "Acme 77"',
)

_LEAD_TEXT: Final = """
UPDATE leads SET name = 'Mercy ' || lead_id, customer_key = 'K' || lead_id, external_lead_id = 'E' || (lead_id / 10),
 data = '{"merchant":"Acme ' || (lead_id % 997) || '","tier":"' || CASE WHEN lead_id % 50021 = 0 THEN 'Q' ELSE 'A' END
  || '","street":"' || (lead_id % 8191) || ' Main Street, Springfield"}',
 priority = CASE WHEN lead_id % 40009 = 0 THEN 9 ELSE 0 END, attempts = lead_id % 7 + CASE WHEN lead_id % 9973 = 0
  THEN 7 ELSE 0 END,
 state = CASE WHEN lead_id % 5 = 0 THEN 'completed' ELSE 'ready' END,
 completed_reason = CASE WHEN lead_id % 50000 = 0 THEN 'expired' WHEN lead_id % 5 = 0 THEN 'wrap' END,
 last_outcome = CASE WHEN lead_id % 30011 = 0 THEN 'FAX' WHEN lead_id % 2 = 0 THEN 'BUSY' END,
 wrap_code = CASE WHEN lead_id % 60013 = 0 THEN 'DECEASED' WHEN lead_id % 5 = 0 THEN 'SALE' END,
 last_attempt_at = CASE WHEN lead_id % 2 = 0 THEN 1767225600000000 + lead_id * 31536000 END,
 last_contacted_at = CASE WHEN lead_id % 10 = 0 THEN 1767225600000000 + lead_id * 31536000 END
"""
_SESSIONS: Final = """
INSERT INTO sessions (session_id, campaign_id, campaign, list_id, list, lead_id, attempt_no, number, created_at,
 external_lead_id, status, outcome, agent, wrap_code, dial_mode, details)
SELECT 's-' || lead_id, campaign_id, 'spring', list_id, 'list 0', lead_id, 1, '+12' || {padded},
 1767225600000000 + lead_id * 31536000, external_lead_id,
 CASE WHEN lead_id % 20 = 0 THEN 'complete' ELSE 'expired' END, coalesce(last_outcome, 'NO_ANSWER'),
 CASE WHEN lead_id % 20 = 0 THEN 'PJSIP/' || (7000 + lead_id / 20 % 500) END,
 CASE WHEN lead_id % 20 = 0 THEN 'SALE' END, 'progressive', data FROM leads ORDER BY lead_id
"""
_PADDED: Final = {"sqlite": "printf('%09d', lead_id)", "postgresql": "lpad(lead_id::text, 9, '0')"}


def run(scale: Scale) -> Iterator[Figure]:
    """Yield a figure for each criterion, and for the cost of the index."""
    count = scale.of(200_000, 1_000_000)
    with tempfile.TemporaryDirectory(prefix="bench-") as made:
        url = sqlite_url(Path(made))
        make_searchable(url, count)
        yield from search(url, scale, count)


def search(url: str, scale: Scale, count: int) -> list[Figure]:
    """Return the figures of records that `make_searchable` made."""
    return anyio.run(_searched, url, scale, count)


def make_searchable(url: str, count: int) -> None:
    """Make records with `count` leads that differ in what is searched, and a session of each."""
    make_records(url, [Plan(name="spring", leads=[len(KEYS)])])
    multiply_leads(url, 1, count)
    with connected(url) as connection:
        dialect = connection.dialect.name
        connection.execute(text(_LEAD_TEXT))
        connection.execute(text(_SESSIONS.format(padded=_PADDED[dialect])))
        connection.commit()
        if dialect == "postgresql":
            connection.connection.driver_connection.autocommit = True  # type: ignore[union-attr]
            connection.execute(text("VACUUM ANALYZE"))


async def _searched(url: str, scale: Scale, count: int) -> list[Figure]:
    async with open_store(url, write=True) as store:
        figures = [await _indexed(store, count)]
        turns = scale.of(20, 50)
        for noun, filters in (("leads", LEADS), ("sessions", SESSIONS)):
            figures += [await _timed(store, noun, said, turns) for said in filters]
        return figures


async def _indexed(store: AnyStore, count: int) -> Figure:
    began, worst = time.perf_counter(), 0.0
    while (work := await store.read(lambda records: records.search_work())) is not None:
        since = time.perf_counter()
        await store.write(lambda records, work=work: records.keep_search_work(work))  # type: ignore[misc]
        worst = max(worst, time.perf_counter() - since)
    each = (time.perf_counter() - began) / (count // BLOCK * BLOCK) * 1e6
    return Figure(
        name="index",
        what="to index a lead's text, in the background",
        spread=Spread.of([each]),
        unit="us",
        notes=[f"longest write of a block in one piece: {worst * 1e3:.0f} ms"],
    )


async def _timed(store: AnyStore, noun: str, said: str, turns: int) -> Figure:
    wanted = read_filter(said, LEAD_FIELDS if noun == "leads" else SESSION_FIELDS, UTC)

    def work(records: Records) -> tuple[float, int, bool]:
        began = time.perf_counter()
        found = records.find_leads(wanted) if noun == "leads" else records.find_sessions(wanted)
        return (time.perf_counter() - began) * 1e3, len(found.items), found.is_partial

    taken = [await store.read(work) for _ in range(turns)]
    times = [each[0] for each in taken]
    goes_on = ", goes on" if taken[0][2] else ""
    return Figure(
        name=noun,
        what=f"{said[:50]} ({taken[0][1]}{goes_on})",
        spread=Spread.of(times),
        unit="ms",
        goal=Goal(AT_MOST, GOAL_MS),
        parts=[Part("p99", "ms", Spread.of([percentile(times, 0.99)]))],
    )
