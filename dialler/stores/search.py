"""Finding leads and sessions by a filter, a page at a time, in bounded work.

Where an index serves the filter its keys are looked at (`streams`), else all rows are walked in order. What SQL can say
of the filter it decides (`filter_sql`), the rest is decided on the rows. One search looks at a bounded number of rows:
where these did not fill the page, it says so and from where to go on.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, Final, Generic, TypeVar

from dialler.domain.filter import EVERYTHING, All, Any_, Condition, Filter, Not, Op, holds, matches
from dialler.domain.filter_fields import lead_value, session_value
from dialler.domain.lead import Lead, WindowKey
from dialler.domain.session import Session
from dialler.errors import NotFound
from dialler.ports import Found, IndexWork
from dialler.stores import lead_rows, session_rows
from dialler.stores.filter_sql import LEAD_COLUMNS, SESSION_COLUMNS, Sql, sql_of
from dialler.stores.lead_streams import LeadStreams
from dialler.stores.search_index import SearchIndex
from dialler.stores.session_streams import SessionStreams
from dialler.stores.streams import Streams
from dialler.stores.transaction import SqlRow, Transaction, portions

T = TypeVar("T")

LOOK_MAX: Final = 10_000
"""Keys of a stream that one search looks at."""

WALK_MAX: Final = 60_000
"""Rows that one search walks past."""

DECIDE_MAX: Final = 800
"""Rows on which one search decides itself."""

LAST: Final = 2**63 - 1
"""Behind all keys."""

_BATCH_MAX: Final = 512
_SPAN_MAX: Final = 8_192


class _Search(Generic[T]):
    """One search in one table."""

    def __init__(
        self,
        transaction: Transaction,
        streams: Streams,
        select: str,
        condition: Sql,
        take: Callable[[SqlRow], T | None],
    ) -> None:
        self._in, self._streams, self._select, self._take = transaction, streams, select, take
        self._key, self._table = streams.key, streams.table
        self._where = f" AND {condition.text}" if condition.text else ""
        self._values = condition.values
        self._is_exact = condition.is_exact
        self._found: list[tuple[int, T]] = []
        self._looked = self._decided = 0

    def page(self, wanted: Filter, limit: int, sign: int) -> Found[T]:
        end = self._streams.narrow(wanted)
        stream = self._streams.of(wanted)
        if stream is not None:
            stream = self._streams.is_worth_it(stream)
        rows = self._walked(limit, sign, end) if stream is None else self._streamed(stream, sign, end)
        last = self._streams.after
        for key, row in rows:
            last = key
            if row is not None and (item := self._decide(row)) is not None:
                self._found.append((key, item))
                if len(self._found) > limit:
                    return self._so_far(self._found[limit - 1][0], limit, is_partial=False)
            if self._looked > (LOOK_MAX if stream is not None else WALK_MAX) or self._decided > DECIDE_MAX:
                return self._so_far(last, limit, is_partial=True)
        return self._so_far(None, limit, is_partial=False)

    def _so_far(self, after: int | None, limit: int, *, is_partial: bool) -> Found[T]:
        return Found(
            items=[item for _, item in self._found[:limit]], next=after, looked_at=self._looked, is_partial=is_partial
        )

    def _decide(self, row: SqlRow) -> T | None:
        if not self._is_exact:
            self._decided += 1
        return self._take(row)

    def _streamed(self, stream: Iterator[int], sign: int, end: int | None) -> Iterator[tuple[int, SqlRow | None]]:
        """Yield rows in order, and each batch's last key with no row."""
        size = 32
        order = "" if sign > 0 else " DESC"
        while batch := list(islice(stream, size)):
            is_over = end is not None and (batch[-1] - end) * sign > 0
            for marked, some in portions(batch):
                sql = f"{self._select} WHERE {self._key} {marked}{self._where} ORDER BY {self._key}{order}"
                yield from ((row[0], row) for row in self._in.rows(sql, (*some, *self._values)))
            self._looked += len(batch)
            yield batch[-1], None
            if is_over:
                return
            size = min(size * 2, _BATCH_MAX)

    def _walked(self, limit: int, sign: int, end: int | None) -> Iterator[tuple[int, SqlRow | None]]:
        """Yield rows in order, and the key up to which there is no other with no row."""
        span = 256
        behind, within, order = (">", "<=", "") if sign > 0 else ("<", ">=", " DESC")
        after = self._streams.after
        while True:
            first = self._in.row(
                f"SELECT {self._key} FROM {self._table} WHERE {self._key} {behind} ?"
                f" ORDER BY {self._key}{order} LIMIT 1",
                (after,),
            )
            if first is None or (end is not None and (first[0] - end) * sign > 0):
                return
            after, upto = first[0] - sign, first[0] + sign * (span - 1)
            room = limit + 1 if self._is_exact else _BATCH_MAX
            rows = self._in.rows(
                f"{self._select} WHERE {self._key} {behind} ? AND {self._key} {within} ?{self._where}"
                f" ORDER BY {self._key}{order} LIMIT ?",
                (after, upto, *self._values, room),
            )
            yield from ((row[0], row) for row in rows)
            reached = rows[-1][0] if len(rows) == room else upto
            self._looked += abs(reached - after)
            after = reached
            yield after, None
            span = min(span * 2, _SPAN_MAX)


_LEADS: Final = f"SELECT {', '.join(lead_rows.COLUMNS)} FROM leads"
_SESSIONS: Final = f"SELECT {', '.join(session_rows.COLUMNS)} FROM sessions"


class SearchRecords:
    """The part of the records about finding."""

    _in: Transaction

    def find_leads(self, wanted: Filter, *, after: int = 0, limit: int = 10) -> Found[Lead]:
        wanted = self._with_ids(wanted)
        stored = _replaced(wanted, self._with_keys)
        condition = sql_of(stored, LEAD_COLUMNS)

        def take(row: SqlRow) -> Lead | None:
            lead = lead_rows.lead_of(row, self._in)
            if condition.is_exact or matches(wanted, lambda name: self._lead_value(lead, name)):
                return lead
            return None

        return _Search(self._in, LeadStreams(self._in, after, 1), _LEADS, condition, take).page(stored, limit, 1)

    def find_sessions(
        self, wanted: Filter, *, after: int | None = None, limit: int = 10, newest_first: bool = True
    ) -> Found[Session]:
        wanted = self._with_ids(wanted, is_of_sessions=True)
        condition = sql_of(wanted, SESSION_COLUMNS)
        sign = -1 if newest_first else 1

        def take(row: SqlRow) -> Session | None:
            session = session_rows.session_of(row)
            if condition.is_exact or matches(wanted, lambda name: session_value(session, name)):
                return session
            return None

        begin = after if after is not None else LAST if newest_first else 0
        streams = SessionStreams(self._in, begin, sign)
        return _Search(self._in, streams, _SESSIONS, condition, take).page(wanted, limit, sign)

    def search_work(self) -> IndexWork | None:
        return SearchIndex(self._in).work()

    def keep_search_work(self, work: IndexWork) -> bool:
        return SearchIndex(self._in).keep(work)

    def _lead_value(self, lead: Lead, name: str) -> object:
        if name in ("agent", "session"):
            column = "agent" if name == "agent" else "session_id"
            rows = self._in.rows(f"SELECT DISTINCT {column} FROM sessions WHERE lead_id = ?", (lead.lead_id,))
            return tuple(row[0] for row in rows)
        return lead_value(lead, name)

    def _with_ids(self, wanted: Filter, *, is_of_sessions: bool = False) -> Filter:
        """Return the filter with campaigns and lists by their ids. Raises NotFound for a name that nothing has."""
        campaigns = self._in.rows("SELECT campaign_id, name FROM campaigns ORDER BY campaign_id")
        lists = self._in.rows("SELECT list_id, name FROM lists ORDER BY list_id")

        def by_id(one: Condition) -> Filter:
            if one.field not in ("campaign", "list"):
                return one
            there = campaigns if one.field == "campaign" else lists
            ids: list[int] = []
            for value in one.values if one.op in (Op.EQ, Op.IN) else one.values[:1]:
                asked = Op.CONTAINS if one.op is Op.CONTAINS else Op.EQ
                found = [row[0] for row in there if holds(asked, (value,), row[1])]
                found = found or [row[0] for row in there if asked is Op.EQ and str(row[0]) == value]
                ids += found
                if not found and asked is Op.EQ and not (is_of_sessions and one.field == "list"):
                    raise NotFound(f"filter: there is no {one.field} {value!r}; {_some(row[1] for row in there)}")
            known = Condition(f"{one.field}_id", Op.IN, tuple(dict.fromkeys(ids)))
            if is_of_sessions and one.field == "list":
                # Sessions of a list that is gone are found by the name that it had.
                gone = self._gone_lists({row[0] for row in lists})
                if gone:
                    return Any_((known, All((Condition("list_id", Op.IN, gone), one))))
            return known

        return _replaced(wanted, by_id)

    def _gone_lists(self, there: set[int]) -> tuple[int, ...]:
        rows = self._in.rows("SELECT DISTINCT list_id FROM session_counts ORDER BY list_id")
        return tuple(row[0] for row in rows if row[0] not in there)

    def _with_keys(self, one: Condition) -> Filter:
        """Return a condition on zone, region or country as one on window keys, of which there are few."""
        if one.field not in ("zone", "region", "country"):
            return one
        ids = []
        for key_id, zones, country, region in self._in.rows("SELECT key_id, zones, country, region FROM window_keys"):
            key = WindowKey(tuple(zones.split()), country, region)
            values: dict[str, Any] = {"zone": key.zones, "region": key.region, "country": key.country}
            if holds(one.op, one.values, values[one.field]):
                ids.append(key_id)
        return Condition("key_id", Op.IN, tuple(ids))


def _replaced(wanted: Filter, replace: Callable[[Condition], Filter]) -> Filter:
    match wanted:
        case Condition():
            return replace(wanted)
        case Not(item):
            return Not(_replaced(item, replace))
        case All(items):
            return All(tuple(_replaced(item, replace) for item in items)) if items else EVERYTHING
        case Any_(items):
            return Any_(tuple(_replaced(item, replace) for item in items))


def _some(names: Iterator[str]) -> str:
    first: Sequence[str] = list(islice(names, 10))
    return f"there is {', '.join(first)}" if first else "there is none yet"
