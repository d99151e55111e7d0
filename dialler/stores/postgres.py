"""PostgreSQL: the records in a server that several engines share.

The writing connection is opened again after it was lost. If it is lost during a commit nobody knows at first whether
the commit held; the server is asked by the transaction's number once it answers again.
"""

import time
from datetime import timedelta
from typing import Final

import psycopg
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

from dialler.errors import StoreError, StoreLocked
from dialler.stores.link import Link
from dialler.stores.sql import READERS, SqlStore

_LOCK: Final = 0x6469616C  # "dial": the advisory lock of whoever writes alone
_ASK_AGAIN_S: Final = 0.25
_ASK_FOR_S: Final = 20.0


def postgres_engine(url: URL, *, reading: bool = False, command: str = "dialler") -> Engine:
    """Return an engine for a server, over psycopg."""
    options = {"connect_timeout": 10, "application_name": command[:63]}
    if reading:
        return create_engine(
            url,
            hide_parameters=True,
            pool_size=READERS,
            max_overflow=0,
            pool_pre_ping=True,
            connect_args={**options, "options": "-c default_transaction_read_only=on"},
            isolation_level="REPEATABLE READ",  # one view for the whole work
        )
    return create_engine(
        url, hide_parameters=True, pool_size=1, max_overflow=1, pool_pre_ping=True, connect_args=options
    )


class PostgresDesk:
    """The writing connection to a server; with `exclusive` it also holds the advisory lock, as long as it lives."""

    def __init__(self, url: URL, *, exclusive: bool, command: str) -> None:
        self._engine = postgres_engine(url, command=command)
        self._exclusive = exclusive
        self._link: Link | None = None

    def connect(self, wait: timedelta = timedelta(0)) -> Link:
        """Return the link. Raises StoreLocked if another one still has the lock after `wait`."""
        if self._link is None or self._link.is_lost:
            self._drop()
            connection = self._engine.connect()
            try:
                if self._exclusive:
                    _take_lock(connection, wait)
                self._link = Link(connection)
            except BaseException:
                connection.invalidate()
                connection.close()
                raise
        return self._link

    def is_undone(self, link: Link) -> bool:
        return link.is_lost

    def commit(self, link: Link) -> None:
        ((number,),) = link.rows("SELECT pg_current_xact_id_if_assigned()::text")
        try:
            link.commit()
        except psycopg.Error as error:
            if number is None or not link.is_lost:
                raise
            self._drop()
            if not self._has_held(number, error):
                raise

    def _has_held(self, number: str, error: psycopg.Error) -> bool:
        """Return whether the transaction was committed. Raises StoreError if the server does not say in time."""
        deadline = time.monotonic() + _ASK_FOR_S
        while True:
            try:
                with self._engine.connect() as connection:
                    row = connection.exec_driver_sql("SELECT pg_xact_status(%s::xid8)", (number,)).fetchone()
                if row is not None and row[0] != "in progress":
                    return bool(row[0] == "committed")
            except SQLAlchemyError:
                pass  # it is still away
            if time.monotonic() > deadline:
                raise StoreError(
                    f"the link broke during a commit and the server can't be asked: transaction {number}"
                    " may have been kept"
                ) from error
            time.sleep(_ASK_AGAIN_S)

    def _drop(self) -> None:
        if self._link is not None:
            connection, self._link = self._link.connection, None
            connection.invalidate()
            connection.close()

    def close(self) -> None:
        self._drop()
        self._engine.dispose()


def _take_lock(connection: Connection, wait: timedelta) -> None:
    deadline = time.monotonic() + wait.total_seconds()
    while True:
        row = connection.exec_driver_sql("SELECT pg_try_advisory_lock(%s)", (_LOCK,)).fetchone()
        connection.commit()
        if row is not None and row[0]:
            return
        if time.monotonic() >= deadline:
            raise StoreLocked(f"the records are held by {_holder(connection)}; waited {wait.total_seconds():g} s")
        time.sleep(_ASK_AGAIN_S)


def _holder(connection: Connection) -> str:
    row = connection.exec_driver_sql(
        "SELECT a.pid, a.application_name, a.client_addr::text FROM pg_locks AS l"
        " JOIN pg_stat_activity AS a ON a.pid = l.pid"
        " WHERE l.locktype = 'advisory' AND l.granted AND l.objid = %s AND l.classid = 0",
        (_LOCK,),
    ).fetchone()
    connection.rollback()
    if row is None:
        return "another connection"
    return f"server process {row[0]} ({row[1] or 'unknown'}, from {row[2] or 'this machine'})"


class PostgresStore(SqlStore):
    """The records in a server. With `exclusive` nobody else may be exclusive at the same time."""

    def __init__(
        self,
        url: URL,
        *,
        write: bool,
        exclusive: bool,
        wait: timedelta,
        group_delay: timedelta,
        command: str,
    ) -> None:
        desk = PostgresDesk(url, exclusive=exclusive, command=command) if write else None
        if desk is not None:
            desk.connect(wait)
        super().__init__(
            desk=desk,
            reading=postgres_engine(url, reading=True, command=command),
            group_delay=group_delay,
            on_close=lambda: None,
        )
