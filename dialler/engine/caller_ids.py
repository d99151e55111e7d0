"""Caller ids of pools: how they stand, in the transaction that uses them, and what waits for one."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Final

from dialler.domain.caller_id import CallerIdPool
from dialler.domain.caller_id_choice import CallerIdBook
from dialler.errors import NotFound
from dialler.ports import Records

LOOK_AGAIN: Final = timedelta(hours=1)
"""Where nobody can say when a number will be free it is looked again after so long; edits of the pool come first."""

_NEVER: Final = datetime.min.replace(tzinfo=UTC)


class CallerIdBooks:
    """The books of one engine, kept from transaction to transaction.

    A book whose revision is still the records' holds what they hold: only another engine, or somebody's edit, makes it
    be read anew. Nobody else can use the pool's numbers before the end of the transaction.
    """

    def __init__(self) -> None:
        self._books: dict[str, CallerIdBook] = {}

    @staticmethod
    def lock(records: Records, names: Iterable[str | None]) -> None:
        """Take hold of several pools; in order, so that two engines never wait for each other in a ring."""
        wanted = sorted({name for name in names if name is not None})
        for name in wanted if len(wanted) > 1 else ():
            book_of(records, name, to_change=True)

    def open(self, records: Records, name: str) -> CallerIdBook:
        """Return a pool's book as of now. One that is not there has no numbers."""
        kept = self._books.get(name)
        found = book_of(records, name, to_change=True, kept=kept)
        self._books[name] = found
        return found

    def write(self, records: Records, book: CallerIdBook, used: Iterable[str]) -> None:
        """Write how numbers are used, as the book has it."""
        uses = {number: book.uses[number] for number in used}
        if uses:
            book.pool = replace(book.pool, revision=records.set_caller_id_uses(book.pool.pool_id, uses))

    def use(self, records: Records, book: CallerIdBook, number: str, now: datetime) -> date:
        """Use a number for one call; return the day of its pool for which that counts."""
        book.use(number, now)
        self.write(records, book, [number])
        return book.uses[number].day

    def forget(self) -> None:
        """Forget all: what was written may have been undone."""
        self._books.clear()


def book_of(records: Records, name: str, *, to_change: bool = False, kept: CallerIdBook | None = None) -> CallerIdBook:
    """Return the book of a pool, `kept` if nothing has happened to it since."""
    try:
        pool = records.caller_id_pool(name, to_change=to_change)
    except NotFound:
        return CallerIdBook(CallerIdPool(pool_id=0, name=name, created_at=_NEVER), (), {})
    if kept is not None and (kept.pool.pool_id, kept.pool.revision) == (pool.pool_id, pool.revision):
        return kept
    return CallerIdBook(pool, records.caller_ids(pool.pool_id), records.caller_id_uses(pool.pool_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerIdWait:
    """Calls on a trunk wait for a caller id."""

    reason: str
    until: datetime | None
    """When one is free (UTC); None: only somebody's doing brings one."""


class CallerIdWaits:
    """What a campaign's calls wait for, by trunk."""

    def __init__(self) -> None:
        self._waits: dict[str, tuple[CallerIdWait, datetime]] = {}

    def note(self, waits: Mapping[str, CallerIdWait], now: datetime) -> None:
        """Note what calls wait for from now on."""
        for trunk, wait in waits.items():
            self._waits[trunk] = (wait, wait.until or now + LOOK_AGAIN)

    def is_waiting(self, trunk: str, now: datetime) -> bool:
        """Tell whether no call on a trunk could show anything."""
        noted = self._waits.get(trunk)
        return noted is not None and now < noted[1]

    def next_at(self, now: datetime) -> datetime | None:
        """Return when to look again; None: nothing waits."""
        return min((until for _, until in self._waits.values() if until > now), default=None)

    def now(self, now: datetime) -> Iterator[tuple[str, CallerIdWait]]:
        """Yield what waits now, by trunk."""
        for trunk, (wait, until) in self._waits.items():
            if now < until:
                yield trunk, wait

    def clear(self) -> None:
        """Forget all: the pool, or who uses it, may have changed."""
        self._waits.clear()
