"""Acknowledged intents: the store's group commit against a bare loop of the same transaction.

The bare loop is SQLite alone: the very statements of the intents, recorded while the store ran them one to a commit,
are fed to a plain sqlite3 connection with the same pragmas, one transaction after another. It is what one writer
can do at best who acknowledges each intent by itself. The store's side is tasks that each write an intent, wait until
it is durable, and write the next.
"""

import asyncio
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from benchmarks.figure import Figure, Part, Spread, percentile
from benchmarks.intents import Picking
from benchmarks.records import Plan, make_records
from benchmarks.scale import Scale
from dialler.stores.group import GroupCommit
from dialler.stores.link import Link
from dialler.stores.sql import GROUP_DELAY, SqlStore
from dialler.stores.sqlite import SqliteDesk, sqlite_engine

WRITERS: Final = (1, 10, 100)
ORDER: Final = 50
"""Intents in one work: what the dial loop writes at most."""

SLOW_S: Final = 0.002
"""Added to each commit of both sides: the fsync of a decent disk, where this machine's takes a twentieth of that."""

Statement = tuple[str, tuple[Any, ...]]
"""SQL, and the values of each time that it ran."""

Transaction = tuple[Statement, ...]

PRAGMAS: Final = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA wal_autocheckpoint = 1000",
    "PRAGMA foreign_keys = ON",
    "PRAGMA cache_size = -65536",
    "PRAGMA temp_store = MEMORY",
)


@dataclass(frozen=True, slots=True)
class Acks:
    """What one turn of one side took: the whole, and each acknowledgement."""

    seconds: float
    each_s: Sequence[float]

    @property
    def rate(self) -> float:
        return len(self.each_s) / self.seconds

    def ms(self, share: float) -> float:
        return percentile(self.each_s, share) * 1000


def run(scale: Scale) -> Iterator[Figure]:
    """Yield the rate for several numbers of writers, on this disk and on a slower one."""
    count = scale.of(1_000, 5_000)
    with tempfile.TemporaryDirectory(prefix="bench-") as made:
        folder = Path(made)
        template = folder / "template.db"
        make_records(f"sqlite:///{template}", [Plan(name="spring", leads=[count // 2, count // 2])])
        transactions = _recorded(_copy(template), count)
        yield _figure(scale, template, transactions, 0.0)
        yield _figure(scale, template, transactions[: len(transactions) // 2], SLOW_S)


def _figure(scale: Scale, template: Path, transactions: Sequence[Transaction], slow_s: float) -> Figure:
    count = len(transactions)
    bare: list[Acks] = []
    ours: dict[int, list[Acks]] = {writers: [] for writers in WRITERS}
    orders: list[Acks] = []
    for _ in range(scale.turns):
        bare.append(_bare(_copy(template), transactions, slow_s))
        for writers, acks in ours.items():
            acks.append(asyncio.run(_grouped(_copy(template), count, writers, slow_s)))
        orders.append(asyncio.run(_grouped(_copy(template), count, 1, slow_s, order=ORDER)))
    parts = [*_parts("bare loop", bare)]
    for writers, acks in ours.items():
        parts += _parts(f"{writers} at once" if writers > 1 else "one at a time", acks)
    parts += _parts(f"in the dial loop's orders of {ORDER}", orders)
    disk = f", on a disk {SLOW_S * 1000:g} ms slower" if slow_s else ""
    most = WRITERS[-1]
    return Figure(
        name="commit-slow" if slow_s else "commit",
        what=f"acknowledged intents/s, {most} at once, against a bare loop{disk}",
        spread=Spread.of(one.rate for one in ours[most]).over(Spread.of(one.rate for one in bare)),
        parts=parts,
        notes=(f"{count:,} intents a turn; SQLite, WAL, synchronous=FULL",),
    )


def _parts(who: str, turns: Sequence[Acks]) -> Iterator[Part]:
    yield Part(who, "intents/s", Spread.of(one.rate for one in turns))
    yield Part(f"{who}: acknowledged after, p50", "ms", Spread.of(one.ms(0.5) for one in turns))
    yield Part(f"{who}: acknowledged after, p99", "ms", Spread.of(one.ms(0.99) for one in turns))


def _copy(template: Path) -> Path:
    path = template.with_name("turn.db")
    for suffix in ("", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    shutil.copy(template, path)
    return path


class _RecordingCursor(sqlite3.Cursor):
    def execute(self, sql: str, values: Any = (), /) -> Any:
        _said.append((sql, (values,)))
        return super().execute(sql, values)

    def executemany(self, sql: str, values: Any, /) -> Any:
        _said.append((sql, tuple(values)))
        return super().executemany(sql, values)


class _RecordingConnection(sqlite3.Connection):
    def cursor(self, factory: Any = _RecordingCursor) -> Any:
        return super().cursor(factory)

    # sqlite3's own shortcuts make their cursors without asking `cursor`.
    def execute(self, sql: str, values: Any = (), /) -> Any:
        return self.cursor().execute(sql, values)

    def commit(self) -> None:
        _said.append(("COMMIT", ((),)))
        super().commit()


_said: list[Statement] = []


def _recorded(path: Path, count: int) -> list[Transaction]:
    """Return the statements of `count` intents, each a transaction of its own."""
    connect = partial(sqlite3.connect, factory=_RecordingConnection)
    transactions: list[Transaction] = []
    with patch("dialler.stores.sqlite.sqlite3.connect", connect):
        group, picking = GroupCommit(SqliteDesk(path)), Picking()
        group.run([picking.start])
        for _ in range(count):
            _said.clear()  # what opening the connection said, too
            (done,) = group.run([picking.work(1)])
            if done.error is not None:
                raise done.error
            transactions.append(tuple(_said))
        group.close()
    return transactions


def _bare(path: Path, transactions: Sequence[Transaction], slow_s: float) -> Acks:
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in PRAGMAS:
        connection.execute(pragma)
    # The recorded intents found a campaign that runs.
    connection.execute("UPDATE campaigns SET desired = 'running'")
    each: list[float] = []
    began = time.perf_counter()
    for statements in transactions:
        asked = time.perf_counter()
        for sql, rows in statements:
            if len(rows) == 1:
                connection.execute(sql, rows[0]).fetchall()
            else:
                connection.executemany(sql, rows)
        time.sleep(slow_s)
        each.append(time.perf_counter() - asked)
    seconds = time.perf_counter() - began
    (written,) = connection.execute("SELECT count(*) FROM sessions").fetchone()
    connection.close()
    if written != len(transactions):
        raise RuntimeError(f"the bare loop wrote {written} intents of {len(transactions)}")
    return Acks(seconds, each)


class _SlowDesk(SqliteDesk):
    """A writing connection on a disk whose fsync takes `slow_s` longer."""

    def __init__(self, path: Path, slow_s: float) -> None:
        super().__init__(path)
        self._slow_s = slow_s

    def commit(self, link: Link) -> None:
        super().commit(link)
        time.sleep(self._slow_s)


async def _grouped(path: Path, count: int, writers: int, slow_s: float, order: int = 1) -> Acks:
    each: list[float] = []
    desk = _SlowDesk(path, slow_s) if slow_s else SqliteDesk(path)
    reading = sqlite_engine(path, mode="ro")
    async with SqlStore(desk=desk, reading=reading, group_delay=GROUP_DELAY, on_close=lambda: None) as store:
        picking = Picking()
        await store.write(picking.start)
        work = picking.work(order)

        async def write(nth: int) -> None:
            for _ in range(nth, count // order, writers):
                asked = time.perf_counter()
                if await store.write(work) != order:
                    raise RuntimeError("an intent was not written")
                each.extend([time.perf_counter() - asked] * order)

        began = time.perf_counter()
        await asyncio.gather(*[write(nth) for nth in range(writers)])
        return Acks(time.perf_counter() - began, each)
