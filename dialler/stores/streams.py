"""Where a search may look: the keys that an index gives for a condition, in the order of pages.

A stream yields keys (leads' ids, sessions' places) behind a given one, forward or backward; everything that fulfils its
condition is in it. Of several conditions that must all hold the sparsest stream is walked: the one that ends first,
else the one whose first keys lie farthest apart. No stream reads far ahead of who takes from it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from heapq import merge
from itertools import chain, islice
from typing import Final

from dialler.domain.filter import All, Any_, Condition, Filter, Op
from dialler.stores.by_time import SKEW, first_since
from dialler.stores.codec import to_us
from dialler.stores.transaction import Transaction

PROBE: Final = 100
"""Keys that are taken to see how sparse a stream is."""

WALK_IS_CHEAPER: Final = 8
"""A walk passes so many keys in the time in which a stream's key is looked up."""

RANGE_MAX: Final = 5_000
"""So few keys of a range may be sorted; the order of an index by time is not that of pages."""

_PORTION: Final = 500
_ORDERED: Final = (Op.EQ, Op.LT, Op.LE, Op.GT, Op.GE)


class Streams:
    """Streams of one table. Subclasses say which index serves a condition."""

    table: str
    key: str
    ranges: Mapping[str, str]
    """Columns by field whose indexes give few keys of a range."""

    def __init__(self, transaction: Transaction, after: int, sign: int) -> None:
        """Keys come behind `after`, rising with `sign` 1, falling with -1."""
        self._in, self._sign = transaction, sign
        self._behind, self._order = (">", "ASC") if sign > 0 else ("<", "DESC")
        self.after = after

    def of(self, wanted: Filter) -> Iterator[int] | None:
        """Return the best stream for a filter, None where no index helps."""
        match wanted:
            case Condition():
                stream = self.of_condition(wanted)
                return stream if stream is not None else next(self._of_ranges([wanted]), None)
            case All(items):
                return self._sparsest([*self._of_ranges(items), *(self.of(item) for item in items)])
            case Any_(items):
                streams: list[Iterator[int]] = []
                for item in items:
                    if (stream := self.of(item)) is None:
                        return None
                    streams.append(stream)
                return self.merged(streams)
            case _:
                return None

    def of_condition(self, wanted: Condition) -> Iterator[int] | None:
        """Return the stream of an indexed condition, else None."""
        raise NotImplementedError

    def narrow(self, wanted: Filter) -> int | None:
        """Move `after` to where the first match may be; return the last key that may match, None for no end."""
        end: int | None = None
        for item in wanted.items if isinstance(wanted, All) else (wanted,):
            if not isinstance(item, Condition) or item.op not in _ORDERED:
                continue
            for is_low in (True, False) if item.op is Op.EQ else (item.op in (Op.GE, Op.GT),):
                if (bound := self._bound(item, is_low)) is None:
                    continue
                if is_low == (self._sign > 0):
                    self.after = max(self.after, bound - 1) if is_low else min(self.after, bound + 1)
                else:
                    end = bound if end is None else (max(end, bound) if is_low else min(end, bound))
        return end

    def _bound(self, wanted: Condition, is_low: bool) -> int | None:
        value = wanted.values[0]
        if wanted.field == ("id" if self.key == "lead_id" else "seq"):
            return int(value) if isinstance(value, int) else None
        if wanted.field != "created":
            return None
        at = to_us(value)  # type: ignore[arg-type]
        skew = SKEW // timedelta(microseconds=1)
        return first_since(self._in, self.table, self.key, "created_at", at - skew if is_low else at + skew)

    def _of_ranges(self, items: Sequence[Filter]) -> Iterator[Iterator[int] | None]:
        """Yield a stream for each field whose bounds leave few keys."""
        by_column: dict[str, list[tuple[str, object]]] = {}
        for item in items:
            if isinstance(item, Condition) and item.op in _ORDERED and item.field in self.ranges:
                value = item.values[0]
                bound = value if isinstance(value, int) else to_us(value)  # type: ignore[arg-type]
                by_column.setdefault(self.ranges[item.field], []).append((item.op.value, bound))
        for column, bounds in by_column.items():
            said = " AND ".join(f"{column} {op} ?" for op, _ in bounds)
            yield self.few(said, [value for _, value in bounds])

    def few(self, condition: str, values: Sequence[object]) -> Iterator[int] | None:
        """Return a stream of the keys under a condition if they are few, else None."""
        rows = self._in.rows(f"SELECT {self.key} FROM {self.table} WHERE {condition} LIMIT ?", (*values, RANGE_MAX + 1))
        return self.these(row[0] for row in rows) if len(rows) <= RANGE_MAX else None

    def these(self, keys: Iterable[int]) -> Iterator[int]:
        """Return a stream of known keys."""
        ahead = {key for key in keys if (key - self.after) * self._sign > 0}
        return iter(sorted(ahead, reverse=self._sign < 0))

    def indexed(self, condition: str, *values: object, source: str = "") -> Iterator[int]:
        """Return a stream along an index that holds the keys of a condition in order."""
        after = self.after
        select = f"SELECT {self.key} FROM {source or self.table} WHERE {condition} AND {self.key} {self._behind} ?"
        group = f" GROUP BY {self.key}" if source else ""
        while True:
            rows = self._in.rows(
                f"{select}{group} ORDER BY {self.key} {self._order} LIMIT ?", (*values, after, _PORTION)
            )
            yield from (row[0] for row in rows)
            if len(rows) < _PORTION:
                return
            after = rows[-1][0]

    def each(self, stream: Callable[[object], Iterator[int]], values: Sequence[object]) -> Iterator[int]:
        """Return what the streams of several values give together."""
        return self.merged([stream(value) for value in values])

    def merged(self, streams: Sequence[Iterator[int]]) -> Iterator[int]:
        """Yield what several streams give, in order, each key once."""
        last: int | None = None
        for key in merge(*streams, reverse=self._sign < 0):
            if key != last:
                last = key
                yield key

    def _sparsest(self, streams: Sequence[Iterator[int] | None]) -> Iterator[int] | None:
        best: tuple[tuple[int, int], Iterator[int]] | None = None
        for stream in streams:
            if stream is None:
                continue
            head = list(islice(stream, PROBE))
            rank = (0, len(head)) if len(head) < PROBE else (1, -abs(head[-1] - self.after))
            if best is None or rank < best[0]:
                best = rank, chain(head, stream)
            if not head:
                break
        return None if best is None else best[1]

    def is_worth_it(self, stream: Iterator[int]) -> Iterator[int] | None:
        """Return the stream, from its beginning; None where it gives so much that a walk is cheaper."""
        head = list(islice(stream, PROBE))
        if len(head) == PROBE and abs(head[-1] - self.after) < PROBE * WALK_IS_CHEAPER:
            return None
        return chain(head, stream)
