"""Several works in one commit, each of which can fail alone.

Every work runs inside a savepoint of its own, unless it is alone in its transaction. One that raises is undone to
there, and the others go on. When the commit fails, or the database gives the whole transaction up in the middle (a
full disk, a lost link), nothing of the group was kept and every work of it fails.
"""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy.exc import SQLAlchemyError

from dialler.errors import StoreError
from dialler.ports import Records
from dialler.stores.edge import our_error
from dialler.stores.link import DRIVER_ERRORS, Link
from dialler.stores.records import SqlRecords
from dialler.stores.transaction import WindowKeys

Work = Callable[[Records], Any]


@dataclass(slots=True)
class Done:
    """What came of a work: its value, or its error."""

    value: object = None
    error: BaseException | None = None


class Desk(Protocol):
    """Where the writing connection comes from, and what its database knows about a commit gone wrong."""

    def connect(self) -> Link:
        """Return the writing connection, opened again where it was lost. Raises StoreError or a driver's error."""

    def is_undone(self, link: Link) -> bool:
        """Whether the database gave up the transaction by itself."""

    def commit(self, link: Link) -> None:
        """Commit; once it returns the transaction is durable, if it raises nothing of it was kept."""

    def close(self) -> None:
        """Close the connection."""


class _Undone(Exception):
    """The database gave the transaction up."""


class GroupCommit:
    """Runs groups of works on the one writing connection."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._keys = WindowKeys()

    def run(self, works: Sequence[Work]) -> Sequence[Done]:
        """Run the works in order and commit; return what came of each."""
        done: list[Done] = []
        link: Link | None = None
        try:
            link = self._desk.connect()
            link.begin()
            alone = len(works) == 1
            for work in works:
                done.append(self._run_one(link, work, alone))  # noqa: PERF401 - those done so far count if one raises
            self._desk.commit(link)
        except (*DRIVER_ERRORS, SQLAlchemyError, StoreError, _Undone) as error:
            self._keys.clear()
            if link is not None:
                with contextlib.suppress(*DRIVER_ERRORS):
                    link.rollback()
            cause = error.__cause__ if isinstance(error, _Undone) and error.__cause__ else error
            return _all_failed(done, len(works), cause)
        return done

    def _run_one(self, link: Link, work: Work, alone: bool) -> Done:
        # Alone in its transaction it is undone with that: two statements less, round trips on PostgreSQL.
        if not alone:
            link.run("SAVEPOINT work")
        records = SqlRecords(link, self._keys)
        try:
            value = work(records)
            records.settle()
        except BaseException as error:  # delivered to the one who asked, whatever it is
            self._keys.clear()
            self._undo(link, error, alone)
            return Done(error=our_error(error))
        finally:
            records.close()
        if not alone:
            link.run("RELEASE SAVEPOINT work")
        return Done(value=value)

    def _undo(self, link: Link, error: BaseException, alone: bool) -> None:
        if self._desk.is_undone(link):
            raise _Undone from error
        try:
            if alone:
                link.rollback()
            else:
                link.run("ROLLBACK TO SAVEPOINT work")
                link.run("RELEASE SAVEPOINT work")
        except DRIVER_ERRORS as lost:
            raise _Undone from lost

    def close(self) -> None:
        """Close the connection."""
        with contextlib.suppress(SQLAlchemyError):
            self._desk.close()


def _all_failed(done: Sequence[Done], n: int, cause: BaseException) -> Sequence[Done]:
    """Return errors for all of a group: a work's own where it had one, else `cause`, each an instance of its own."""
    failure = our_error(cause)
    if not isinstance(failure, StoreError):
        failure = StoreError(f"the transaction was undone: {failure!r}")
    padded = [*done, *[Done()] * (n - len(done))]
    return [one if one.error else Done(error=type(failure)(str(failure))) for one in padded]
