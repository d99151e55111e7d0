"""A connection as its driver has it: statements go straight there, in either database's manner.

SQLAlchemy opens connections, keeps them in its pools, and makes and migrates the schema. For the statements of a call
it would build an execution context and a result each, which take several times what SQLite itself does.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, Final, cast

import psycopg
from sqlalchemy import Connection

SqlRow = tuple[Any, ...]
"""A row, by position."""

DRIVER_ERRORS: Final = (sqlite3.Error, psycopg.Error)
"""What the methods of a Link raise."""


@cache
def _for_psycopg(sql: str) -> str:
    return sql.replace("?", "%s")


class Link:
    """Statements, written with `?` for each value, on a connection that SQLAlchemy has opened."""

    def __init__(self, connection: Connection, *, begin: str | None = None) -> None:
        """`begin` begins a transaction, None: the driver does so by itself."""
        self.connection = connection
        self.is_sqlite = connection.dialect.name == "sqlite"
        self._begin = begin
        driver: Any = connection.connection.driver_connection
        self._driver = driver
        self._cursor = driver.cursor()

    def rows(self, sql: str, values: Sequence[object] = ()) -> Sequence[SqlRow]:
        """Run a statement; return all its rows."""
        self._cursor.execute(sql if self.is_sqlite else _for_psycopg(sql), values)
        return cast(Sequence[SqlRow], self._cursor.fetchall())

    def run(self, sql: str, values: Sequence[object] = ()) -> int:
        """Run a statement that gives no rows; return how many it changed."""
        self._cursor.execute(sql if self.is_sqlite else _for_psycopg(sql), values)
        return cast(int, self._cursor.rowcount)

    def run_many(self, sql: str, values: Sequence[Sequence[object]]) -> int:
        """Run a statement once for each sequence of values, of which there is one at least; return how many rows
        were changed."""
        self._cursor.executemany(sql if self.is_sqlite else _for_psycopg(sql), values)
        return cast(int, self._cursor.rowcount)

    def copy(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Send rows to a `COPY ... FROM STDIN`, which only PostgreSQL has."""
        with self._cursor.copy(sql) as stream:
            for row in rows:
                stream.write_row(row)

    def begin(self) -> None:
        """Begin a transaction."""
        if self._begin is not None:
            self._cursor.execute(self._begin)

    def commit(self) -> None:
        """Commit the transaction."""
        self._driver.commit()

    def rollback(self) -> None:
        """Undo the transaction; nothing happens if the database has done so."""
        self._driver.rollback()

    def close(self) -> None:
        """Let go of the last statement: SQLite keeps its file open as long as there is one."""
        self._cursor.close()

    @property
    def is_in_transaction(self) -> bool:
        """Whether SQLite has a transaction open. It undoes one by itself on a full disk, among others."""
        return cast(bool, self._driver.in_transaction)

    @property
    def is_lost(self) -> bool:
        """Whether the link to a PostgreSQL server is broken."""
        return cast(bool, self._driver.closed)
