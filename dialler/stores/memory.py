"""Records that live as long as the process: for tests and the simulated day.

The same SQL on a private in-memory SQLite, run inline on the event loop: no thread, so it works on a virtual
clock, and two runs of the same calls are the same to the last byte.
"""

from collections.abc import Callable
from typing import Any, Self, TypeVar, cast

from anyio.lowlevel import cancel_shielded_checkpoint
from sqlalchemy import StaticPool, create_engine, event

from dialler.errors import StoreError
from dialler.ports import Records
from dialler.stores.edge import our_error
from dialler.stores.group import GroupCommit
from dialler.stores.link import Link
from dialler.stores.records import SqlRecords
from dialler.stores.schema import metadata
from dialler.stores.tally import Tally
from dialler.stores.transaction import WindowKeys

T = TypeVar("T")


class MemoryDesk:
    """The one connection of a MemoryStore."""

    def __init__(self) -> None:
        engine = create_engine("sqlite://", poolclass=StaticPool, hide_parameters=True)

        @event.listens_for(engine, "connect")
        def own_transactions(driver: Any, _record: object) -> None:
            driver.isolation_level = None  # else the driver begins and ends transactions by itself
            driver.execute("PRAGMA temp_store = MEMORY")

        self._engine = engine
        with engine.begin() as connection:
            metadata.create_all(connection)
        self.link = Link(engine.connect(), begin="BEGIN")

    def connect(self) -> Link:
        return self.link

    def is_undone(self, link: Link) -> bool:
        return not link.is_in_transaction

    def commit(self, link: Link) -> None:
        link.commit()

    def close(self) -> None:
        self.link.close()
        self.link.connection.close()
        self._engine.dispose()


class MemoryStore(Tally):
    """`dialler.ports.Store` without a disk; each write is a transaction, and nothing outlives `aclose`."""

    def __init__(self) -> None:
        super().__init__()
        self._desk = MemoryDesk()
        self._group = GroupCommit(self._desk)
        self._is_closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    @property
    def waiting(self) -> int:
        """Works that wait for the next commit: none ever does."""
        return 0

    async def write(self, work: Callable[[Records], T], *, urgent: bool = True) -> T:
        """Run `work` at once; `urgent` makes no difference."""
        self._check_open()
        (done,) = self._group.run([work])
        self.count(1, 0.0)
        await cancel_shielded_checkpoint()  # others get their turn, as they would with a disk
        if done.error is not None:
            raise done.error
        return cast(T, done.value)

    async def read(self, work: Callable[[Records], T]) -> T:
        """Run `work` at once, without the right to write."""
        self._check_open()
        value = self._read(work)
        await cancel_shielded_checkpoint()
        return value

    def _read(self, work: Callable[[Records], T]) -> T:
        link = self._desk.link
        records = SqlRecords(link, WindowKeys())
        link.run("PRAGMA query_only = ON")
        try:
            link.begin()
            return work(records)
        except Exception as error:
            raise our_error(error) from error
        finally:
            records.close()
            link.rollback()
            link.run("PRAGMA query_only = OFF")

    def _check_open(self) -> None:
        if self._is_closed:
            raise StoreError("the records are closed")

    async def aclose(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._group.close()
