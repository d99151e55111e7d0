"""SQLite: the records in one file.

Exactly one connection in the whole installation writes and checkpoints: SQLite before 3.51.3 can corrupt a WAL that
two connections write and checkpoint at once (sqlite.org/wal.html, "the WAL-reset bug"). Whoever writes holds the
lock beside the file; everybody else opens it `mode=ro`, and nobody uses `mmap_size`.
"""

import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Final
from urllib.parse import quote

from sqlalchemy import Connection, Engine, QueuePool, StaticPool, create_engine, event

from dialler.stores.link import Link
from dialler.stores.sql import READERS, SqlStore

BEGIN_WRITING: Final = "BEGIN IMMEDIATE"
_BUSY_MS: Final = 5_000
_COMMON: Final = ("PRAGMA cache_size = -65536", "PRAGMA temp_store = MEMORY", f"PRAGMA busy_timeout = {_BUSY_MS}")
_WRITING: Final = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # a commit is on the disk when it returns
    "PRAGMA wal_autocheckpoint = 1000",
    "PRAGMA journal_size_limit = 67108864",
    "PRAGMA foreign_keys = ON",
)


def sqlite_engine(path: Path, *, mode: str) -> Engine:
    """Return an engine for a file: `mode` is "ro", "rw" or "rwc" (create it where it is not there)."""
    writes = mode != "ro"
    uri = f"file:{quote(str(path.absolute()))}?mode={mode}"

    def connect() -> sqlite3.Connection:
        # isolation_level None: the driver must not begin and end transactions by itself.
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
        try:
            for pragma in (*_COMMON, *(_WRITING if writes else ("PRAGMA query_only = ON",))):
                connection.execute(pragma)
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    engine = (
        create_engine("sqlite://", creator=connect, hide_parameters=True, poolclass=StaticPool)
        if writes
        else create_engine(
            "sqlite://", creator=connect, hide_parameters=True, poolclass=QueuePool, pool_size=READERS, max_overflow=0
        )
    )

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(BEGIN_WRITING if writes else "BEGIN")

    return engine


class SqliteDesk:
    """The one writing connection of a file."""

    def __init__(self, path: Path) -> None:
        self._engine = sqlite_engine(path, mode="rw")
        self._link: Link | None = None

    def connect(self) -> Link:
        if self._link is None:
            self._link = Link(self._engine.connect(), begin=BEGIN_WRITING)
        return self._link

    def is_undone(self, link: Link) -> bool:
        return not link.is_in_transaction

    def commit(self, link: Link) -> None:
        link.commit()

    def close(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link.connection.close()
        self._engine.dispose()


class SqliteStore(SqlStore):
    """The records in a file. The caller holds the writer's lock if `write`; `on_close` gives it back."""

    def __init__(self, path: Path, *, write: bool, group_delay: timedelta, on_close: Callable[[], None]) -> None:
        super().__init__(
            desk=SqliteDesk(path) if write else None,
            reading=sqlite_engine(path, mode="ro"),
            group_delay=group_delay,
            on_close=on_close,
        )
