"""One transaction: running driver SQL fast on either database, and the counts that it changes.

Statements are written once, with `?` for each value, and kept to what both databases understand. Counts are
collected while the work runs and written at its end, or before somebody reads them: a work that touches the same
bucket a hundred times pays for it once, and the counts are never in another transaction than the rows.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from operator import attrgetter
from typing import Final, NoReturn, TypeVar

from dialler.domain.caller_id_rate import COUNTED, CallerIdCounts, added
from dialler.domain.lead import Lead, WindowKey
from dialler.domain.strategy import StrategySettings
from dialler.stores.edge import our_error
from dialler.stores.link import DRIVER_ERRORS, Link, SqlRow

__all__ = ["SqlRow", "Transaction", "WindowKeys", "marks", "portions"]

T = TypeVar("T")

_ASKED_AT_ONCE: Final = 512
_VALUES_MAX: Final = 900  # of one statement; SQLite before 3.32 takes 999
_WORTH_A_COPY: Final = 50  # rows


class WindowKeys:
    """Window keys by id and ids by key, as read in transactions that held, and the key of hashed numbers. None of them
    is ever changed or deleted."""

    def __init__(self) -> None:
        self.by_id: dict[int, WindowKey] = {}
        self.ids: dict[WindowKey, int] = {}
        self.number_key: bytes | None = None

    def clear(self) -> None:
        """Forget all: a transaction that was undone may have given an id that the next one gives again."""
        self.by_id.clear()
        self.ids.clear()
        self.number_key = None


class Transaction:
    """Statements and counts of one work."""

    def __init__(self, link: Link, keys: WindowKeys) -> None:
        self._link = link
        self._keys = keys
        self.is_sqlite = link.is_sqlite
        # SQLite has one writer; on PostgreSQL another engine may write to the same row between our read and write.
        self.for_update = "" if self.is_sqlite else " FOR UPDATE"
        self._lead_counts: Counter[tuple[int, int, str]] = Counter()
        self._session_counts: Counter[tuple[int, int, str, str]] = Counter()
        self._abandon_counts: Counter[tuple[int, int, str]] = Counter()
        self._caller_id_counts: dict[tuple[str, str], CallerIdCounts] = {}
        self._failure: BaseException | None = None
        self.leads: dict[int, tuple[Lead, int]] = {}
        """Leads as they are now, with their window key's id: those that nobody else can change before the end."""

        self.rules: dict[int, StrategySettings] = {}
        """What the strategies of lists say, by list id, as far as it was asked for."""

    def rows(self, sql: str, values: Sequence[object] = ()) -> Sequence[SqlRow]:
        """Run a statement; return all its rows."""
        self._check_whole()
        try:
            return self._link.rows(sql, values)
        except DRIVER_ERRORS as error:
            self._fail(error)

    def row(self, sql: str, values: Sequence[object] = ()) -> SqlRow | None:
        """Run a statement that gives one row at most."""
        found = self.rows(sql, values)
        return found[0] if found else None

    def run(self, sql: str, values: Sequence[object] = ()) -> int:
        """Run a statement that gives no rows; return how many it changed."""
        self._check_whole()
        try:
            return self._link.run(sql, values)
        except DRIVER_ERRORS as error:
            self._fail(error)

    def run_many(self, sql: str, values: Sequence[Sequence[object]]) -> int:
        """Run a statement once for each sequence of values; return how many rows were changed."""
        self._check_whole()
        try:
            return self._link.run_many(sql, values) if values else 0
        except DRIVER_ERRORS as error:
            self._fail(error)

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Insert many rows, of which each has a value for each column: some dozen in each statement, which takes
        SQLite a quarter less than one by one; PostgreSQL gets many of them as one stream, in a third of the time."""
        if len(rows) >= _WORTH_A_COPY and not self.is_sqlite:
            self._copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN", rows)
            return
        together = _VALUES_MAX // len(columns)
        for start in range(0, len(rows), together):
            some = rows[start : start + together]
            self.run(_insert(table, tuple(columns), len(some)), [value for row in some for value in row])

    def _copy(self, sql: str, rows: Sequence[Sequence[object]]) -> None:
        self._check_whole()
        try:
            self._link.copy(sql, rows)
        except DRIVER_ERRORS as error:
            self._fail(error)

    def _fail(self, error: Exception) -> NoReturn:
        self._failure = our_error(error)
        raise self._failure from error

    def _check_whole(self) -> None:
        """Raise what the database raised once: it may have given the transaction up, and what came next would be
        on its own. A work that swallows the error must not come through."""
        if self._failure is not None:
            raise self._failure

    def count_leads(self, list_id: int, key_id: int, state: str, n: int) -> None:
        """Note that `n` more leads of a bucket are in a state (fewer if below zero)."""
        self._lead_counts[list_id, key_id, state] += n

    def count_sessions(self, campaign_id: int, list_id: int, status: str, outcome: str | None, n: int) -> None:
        """Note that `n` more sessions of a list have this status and outcome."""
        self._session_counts[campaign_id, list_id, status, outcome or ""] += n

    def count_abandons(self, campaign_id: int, slot: int, counted: str, n: int) -> None:
        """Note that `n` more calls of a slot count as this."""
        self._abandon_counts[campaign_id, slot, counted] += n

    def count_caller_id(self, number: str, day: str, counts: CallerIdCounts) -> None:
        """Note that a caller id's calls of a day count as this, too."""
        noted = self._caller_id_counts.get((number, day))
        self._caller_id_counts[number, day] = counts if noted is None else added([noted, counts])

    def settle(self) -> None:
        """Write the counts noted so far; in order, so that two engines never wait for each other in a ring."""
        self._check_whole()
        if leads := sorted((*key, n) for key, n in self._lead_counts.items() if n):
            self.run_many(_ADD_LEAD_COUNT, leads)
        self._lead_counts.clear()
        if sessions := sorted((*key, n) for key, n in self._session_counts.items() if n):
            self.run_many(_ADD_SESSION_COUNT, sessions)
        self._session_counts.clear()
        if abandons := sorted((*key, n) for key, n in self._abandon_counts.items() if n):
            self.run_many(_ADD_ABANDON_COUNT, abandons)
        self._abandon_counts.clear()
        if caller_ids := sorted((*key, *_counts(counts)) for key, counts in self._caller_id_counts.items()):
            self.run_many(_ADD_CALLER_ID_COUNTS, caller_ids)
        self._caller_id_counts.clear()

    def window_key(self, key_id: int) -> WindowKey:
        """Return a stored window key."""
        if (key := self._keys.by_id.get(key_id)) is None:
            row = self.row("SELECT zones, country, region FROM window_keys WHERE key_id = ?", (key_id,))
            assert row is not None, f"a lead has window key {key_id}, which is not stored"
            key = WindowKey(tuple(row[0].split()), row[1], row[2])
            self._keys.by_id[key_id] = key
        return key

    def window_key_id(self, key: WindowKey) -> int:
        """Return the id of a window key, which is stored now if it was not."""
        if (key_id := self._keys.ids.get(key)) is None:
            values = (" ".join(key.zones), key.country, key.region)
            self.run(f"INSERT INTO window_keys {_KEY} VALUES (?, ?, ?) ON CONFLICT DO NOTHING", values)
            row = self.row(f"SELECT key_id FROM window_keys WHERE {_KEY} = (?, ?, ?)", values)
            assert row is not None
            key_id = int(row[0])
            self._keys.ids[key] = key_id
        return key_id

    @property
    def number_key(self) -> bytes | None:
        """What numbers are hashed with, once it was read."""
        return self._keys.number_key

    @number_key.setter
    def number_key(self, key: bytes) -> None:
        self._keys.number_key = key

    def forget_window_keys(self) -> None:
        """Forget what was read or stored: part of this transaction was undone."""
        self._keys.clear()

    def close(self) -> None:
        """Forget the connection: whoever kept the records beyond their work meets an error, not another's rows."""
        del self._link


_KEY = "(zones, country, region)"
_ADD_LEAD_COUNT = (
    "INSERT INTO lead_counts (list_id, key_id, state, n) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (list_id, key_id, state) DO UPDATE SET n = lead_counts.n + excluded.n"
)
_ADD_SESSION_COUNT = (
    "INSERT INTO session_counts (campaign_id, list_id, status, outcome, n) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (campaign_id, list_id, status, outcome) DO UPDATE SET n = session_counts.n + excluded.n"
)
_ADD_ABANDON_COUNT = (
    "INSERT INTO abandon_counts (campaign_id, slot, counted, n) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (campaign_id, slot, counted) DO UPDATE SET n = abandon_counts.n + excluded.n"
)
_ADD_CALLER_ID_COUNTS = (
    f"INSERT INTO caller_id_days (number, day, {', '.join(COUNTED)}) VALUES (?, ?{', ?' * len(COUNTED)})"
    " ON CONFLICT (number, day) DO UPDATE SET "
    + ", ".join(f"{name} = caller_id_days.{name} + excluded.{name}" for name in COUNTED)
)
_counts = attrgetter(*COUNTED)


def marks(n: int) -> str:
    """Return `?, ?, ?`: one for each of `n` values."""
    return ", ".join("?" * n)


def portions(values: Sequence[T]) -> Iterator[tuple[str, Sequence[T]]]:
    """Yield the values in portions to ask for, with the marks of each: `IN (?, ?)`.

    The last one is filled up with its last value to a power of two: with few different texts, both drivers
    keep the statements prepared.
    """
    for start in range(0, len(values), _ASKED_AT_ONCE):
        some = values[start : start + _ASKED_AT_ONCE]
        missing = (1 << (len(some) - 1).bit_length()) - len(some)
        yield _in_marks(len(some) + missing), [*some, *[some[-1]] * missing]


@cache
def _insert(table: str, columns: Sequence[str], rows: int) -> str:
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([f'({marks(len(columns))})'] * rows)}"


@cache
def _in_marks(n: int) -> str:
    return f"IN ({marks(n)})"
