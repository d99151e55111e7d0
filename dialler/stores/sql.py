"""The records in a database on disk: one writing thread, a few reading ones."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Final, Self, TypeVar, cast

import anyio
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from dialler.errors import StoreError
from dialler.ports import Records
from dialler.stores.edge import our_error
from dialler.stores.group import Desk, GroupCommit
from dialler.stores.link import DRIVER_ERRORS, Link
from dialler.stores.records import SqlRecords
from dialler.stores.tally import Tally
from dialler.stores.transaction import WindowKeys
from dialler.stores.writer import Writer

T = TypeVar("T")

READERS: Final = 4
GROUP_DELAY: Final = timedelta(milliseconds=20)


class SqlStore(Tally):
    """`dialler.ports.Store` on a database; SqliteStore and PostgresStore say how it is opened.

    `desk` is None where the records were opened for reading only.
    """

    def __init__(
        self, *, desk: Desk | None, reading: Engine, group_delay: timedelta, on_close: Callable[[], None]
    ) -> None:
        super().__init__()
        self._reading = reading
        self._keys = WindowKeys()
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="store-reader")
        self._on_close = on_close
        self._is_closed = False
        self._writer = None if desk is None else Writer(GroupCommit(desk), group_delay=group_delay, on_group=self.count)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    @property
    def waiting(self) -> int:
        """Works that wait for the next commit."""
        return 0 if self._writer is None else self._writer.waiting

    async def write(self, work: Callable[[Records], T], *, urgent: bool = True) -> T:
        """See `dialler.ports.Store`."""
        if self._writer is None:
            raise StoreError("the records were opened for reading only")
        return cast(T, await self._writer.write(work, urgent=urgent))

    async def read(self, work: Callable[[Records], T]) -> T:
        """See `dialler.ports.Store`."""
        if self._is_closed:
            raise StoreError("the records are closed")
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)

    def _read(self, work: Callable[[Records], T]) -> T:
        try:
            with self._reading.connect() as connection, connection.begin():
                link = Link(connection)
                records = SqlRecords(link, self._keys)
                try:
                    return work(records)
                finally:
                    records.close()
                    link.close()
        except (*DRIVER_ERRORS, SQLAlchemyError, OSError) as error:
            raise our_error(error) from error

    async def aclose(self) -> None:
        """Finish what was handed over, then close; a second call does nothing."""
        if self._is_closed:
            return
        self._is_closed = True
        with anyio.CancelScope(shield=True):
            # The readers first: SQLite tidies its WAL away when the last connection goes, if that one may write.
            await asyncio.to_thread(self._readers.shutdown)
            self._reading.dispose()
            if self._writer is not None:
                await self._writer.aclose()
            self._on_close()
