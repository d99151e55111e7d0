"""Very many leads, made inside the database from the first few: the engine's own loading would take minutes.

The rows are what loading would have written: leads, their numbers, the counts of their buckets, the ids given out.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, cast

from sqlalchemy import Connection, text

from benchmarks.records import KEYS, PREFIX
from dialler.stores.open import database_file, parsed_url
from dialler.stores.postgres import postgres_engine
from dialler.stores.schema import leads
from dialler.stores.sqlite import sqlite_engine

AT_ONCE: Final = 1_000_000
"""Leads of one transaction."""

_NUMBERS: Final = {
    "sqlite": "WITH RECURSIVE n (i) AS (SELECT :first UNION ALL SELECT i + 1 FROM n WHERE i < :last)",
    "postgresql": "WITH n (i) AS (SELECT generate_series(CAST(:first AS bigint), CAST(:last AS bigint)))",
}
_PADDED: Final = {"sqlite": "printf('%09d', i - 1)", "postgresql": "lpad((i - 1)::text, 9, '0')"}


def multiply_leads(url: str, list_id: int, count: int, *, resting: bool = False) -> None:
    """Let a list of a few leads have `count`; `resting` lets all of them rest, and be due.

    The list's own leads must have been made first of all in it, one for each of `records.KEYS`, in that order.
    """
    with connected(url) as connection:
        dialect = connection.dialect.name
        driver = cast(Any, connection.connection.driver_connection)
        if dialect == "sqlite":
            for pragma in ("synchronous = OFF", "cache_size = -400000"):
                driver.execute(f"PRAGMA {pragma}")
        (own,) = connection.execute(text("SELECT min(lead_id) FROM leads WHERE list_id = :l"), {"l": list_id}).one()
        (top,) = connection.execute(text("SELECT value FROM meta WHERE key = 'lead_id'")).one()
        connection.commit()
        last = top + count - len(KEYS)
        for first in range(top + 1, last + 1, AT_ONCE):
            _add(connection, dialect, first, min(first + AT_ONCE - 1, last), own)
            connection.commit()
        _count(connection, list_id, resting)
        connection.execute(text("UPDATE meta SET value = :n WHERE key = 'lead_id'"), {"n": last})
        connection.commit()
        # Nothing of this is waiting to be tidied up while figures are taken.
        if dialect == "sqlite":
            driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        else:
            driver.autocommit = True
            driver.execute("VACUUM ANALYZE")
            driver.execute("CHECKPOINT")


def _add(connection: Connection, dialect: str, first: int, last: int, own: int) -> None:
    numbered, padded = _NUMBERS[dialect], _PADDED[dialect]
    mine = f"(SELECT substr(numbers, 4, {len(PREFIX) + 9}) FROM leads WHERE lead_id = o.lead_id)"
    special = {"lead_id": "i", "numbers": f"replace(o.numbers, {mine}, '{PREFIX}' || {padded})"}
    columns = [column.name for column in leads.columns]
    values = ", ".join(special.get(name, f"o.{name}") for name in columns)
    given = {"first": first, "last": last, "own": own, "keys": len(KEYS)}
    connection.execute(
        text(
            f"INSERT INTO leads ({', '.join(columns)}) {numbered} SELECT {values}"
            " FROM n CROSS JOIN leads AS o WHERE o.lead_id = :own + (i % :keys)"
        ),
        given,
    )
    connection.execute(
        text(
            f"INSERT INTO lead_numbers (number, campaign_id, lead_id) {numbered}"
            f" SELECT '{PREFIX}' || {padded}, o.campaign_id, i FROM n CROSS JOIN leads AS o WHERE o.lead_id = :own"
        ),
        {name: given[name] for name in ("first", "last", "own")},
    )


def _count(connection: Connection, list_id: int, resting: bool) -> None:
    if resting:
        connection.execute(
            text("UPDATE leads SET state = 'resting', due_at = lead_id WHERE list_id = :l"), {"l": list_id}
        )
    connection.execute(text("DELETE FROM lead_counts WHERE list_id = :l"), {"l": list_id})
    connection.execute(
        text(
            "INSERT INTO lead_counts (list_id, key_id, state, n)"
            " SELECT list_id, key_id, state, count(*) FROM leads WHERE list_id = :l GROUP BY list_id, key_id, state"
        ),
        {"l": list_id},
    )


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    """Open the records for statements of our own."""
    parsed = parsed_url(url)
    if parsed.get_backend_name() == "sqlite":
        engine = sqlite_engine(database_file(parsed), mode="rw")
    else:
        engine = postgres_engine(parsed)
    with engine.connect() as connection:
        yield connection
    engine.dispose()
