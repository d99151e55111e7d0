"""Caller-id pools in the records, and how the calls that showed each number were answered.

Counts are written in the transactions that add sessions and end them, so they never say anything else than the
sessions do; `check` compares the two. How a number was used stands in its own row, so that a choice needs no sums.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date, datetime
from functools import lru_cache
from typing import Final

import orjson

from dialler.domain.caller_id import CallerId, CallerIdPool, CallerIdUse, PoolSettings, WhenNone
from dialler.domain.caller_id_rate import COUNTED, NEVER_SHOWN, SHORT, CallerIdCounts, counts_of
from dialler.domain.campaign import Campaign
from dialler.domain.outcome import TRAITS, Outcome
from dialler.domain.session import Session
from dialler.errors import Conflict, NotFound, StoreError
from dialler.stores.codec import from_us, from_us_or_none, to_json, to_us, to_us_or_none
from dialler.stores.transaction import SqlRow, Transaction, portions

_POOL: Final = "pool_id, name, created_at, settings, revision"
_NUMBER: Final = "number, areas, trunks, calls_per_day_max, rest_s, off_reason, off_until"
_ADD: Final = (
    f"INSERT INTO caller_ids (pool_id, {_NUMBER}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (number) DO UPDATE SET pool_id = excluded.pool_id, areas = excluded.areas,"
    " trunks = excluded.trunks, calls_per_day_max = excluded.calls_per_day_max, rest_s = excluded.rest_s,"
    # Another pool has turns of its own.
    " off_reason = excluded.off_reason, off_until = excluded.off_until, turn = 0"
)
_SET: Final = (
    "UPDATE caller_ids SET areas = ?, trunks = ?, calls_per_day_max = ?, rest_s = ?, off_reason = ?, off_until = ?"
    " WHERE number = ? AND pool_id = ?"
)
_USE: Final = "UPDATE caller_ids SET last_at = ?, day = ?, on_day = ?, turn = ? WHERE number = ? AND pool_id = ?"


def _texts(outcomes: Sequence[Outcome]) -> str:
    return ", ".join(f"'{outcome}'" for outcome in sorted(outcomes))


_NEVER_SHOWN: Final = f"outcome IN ({_texts(list(NEVER_SHOWN))})"
_LIVE: Final = _texts([outcome for outcome, traits in TRAITS.items() if traits.live])
_ANSWERED: Final = f"outcome IS NOT NULL AND answered_at IS NOT NULL AND NOT {_NEVER_SHOWN}"
_AS: Final = {
    "calls": "1 = 1",
    "tried": f"outcome IS NOT NULL AND NOT {_NEVER_SHOWN}",
    "answered": _ANSWERED,
    "persons": f"outcome IN ({_LIVE})",
    "connected": f"outcome = '{Outcome.CONNECTED}'",
    "short": f"{_ANSWERED} AND ended_at - answered_at < {SHORT // SHORT.resolution}",
    "blocked": f"outcome = '{Outcome.BLOCKED}'",
}
"""As `counts_of`, for the rows of sessions; a test compares the two."""

CALLER_ID_COUNTS: Final = " UNION ALL ".join(
    f"SELECT number, day, '{name}', {name} FROM caller_id_days WHERE {name} <> 0" for name in COUNTED
)
CALLER_ID_ROWS: Final = " UNION ALL ".join(
    f"SELECT caller_id, caller_id_day, '{name}', COUNT(*) FROM sessions WHERE caller_id_day IS NOT NULL"
    f" AND {_AS[name]} GROUP BY caller_id, caller_id_day"
    for name in COUNTED
)
"""What the counts must be, from the sessions."""


class CallerIdRecords:
    """The part of the records about caller ids."""

    _in: Transaction
    campaigns: Callable[[], Sequence[Campaign]]

    def caller_id_pools(self) -> Sequence[CallerIdPool]:
        return [_pool(row) for row in self._in.rows(f"SELECT {_POOL} FROM caller_id_pools ORDER BY pool_id")]

    def caller_id_pool(self, name: str, *, to_change: bool = False) -> CallerIdPool:
        lock = self._in.for_update if to_change else ""
        row = self._in.row(f"SELECT {_POOL} FROM caller_id_pools WHERE name = ?{lock}", (name,))
        if row is None:
            raise NotFound(f"there is no caller-id pool {name!r}")
        return _pool(row)

    def add_caller_id_pool(self, name: str, settings: PoolSettings, now: datetime) -> CallerIdPool:
        row = self._in.row(
            "INSERT INTO caller_id_pools (name, created_at, settings, revision) VALUES (?, ?, ?, 1)"
            f" ON CONFLICT DO NOTHING RETURNING {_POOL}",
            (name, to_us(now), to_json(asdict(settings))),
        )
        if row is None:
            raise Conflict(f"there is a caller-id pool {name!r} already")
        return _pool(row)

    def set_caller_id_pool(self, pool: CallerIdPool) -> None:
        taken = self._in.row(
            "SELECT pool_id FROM caller_id_pools WHERE name = ? AND pool_id <> ?", (pool.name, pool.pool_id)
        )
        if taken:
            raise Conflict(f"there is a caller-id pool {pool.name!r} already")
        self._in.run(
            "UPDATE caller_id_pools SET name = ?, settings = ? WHERE pool_id = ?",
            (pool.name, to_json(asdict(pool.settings)), pool.pool_id),
        )
        self._changed(pool.pool_id)

    def delete_caller_id_pool(self, pool_id: int) -> None:
        row = self._in.row("SELECT name FROM caller_id_pools WHERE pool_id = ?", (pool_id,))
        if row is None:
            raise NotFound(f"there is no caller-id pool {pool_id}")
        users = [each.name for each in self.campaigns() if each.settings.caller_id_pool == row[0]]
        if users:
            raise Conflict(f"caller-id pool {row[0]!r} is that of campaign {', '.join(map(repr, users))}")
        self._in.run("UPDATE caller_ids SET pool_id = NULL WHERE pool_id = ?", (pool_id,))
        self._in.run("DELETE FROM caller_id_pools WHERE pool_id = ?", (pool_id,))

    def caller_ids(self, pool_id: int) -> Sequence[CallerId]:
        rows = self._in.rows(f"SELECT {_NUMBER} FROM caller_ids WHERE pool_id = ? ORDER BY number", (pool_id,))
        return [_caller_id(row) for row in rows]

    def pools_of_caller_ids(self, numbers: Sequence[str]) -> Mapping[str, str]:
        found: dict[str, str] = {}
        for marked, some in portions(numbers):
            rows = self._in.rows(
                "SELECT number, name FROM caller_ids JOIN caller_id_pools ON caller_id_pools.pool_id ="
                f" caller_ids.pool_id WHERE number {marked}",
                some,
            )
            found.update((row[0], row[1]) for row in rows)
        return found

    def add_caller_ids(self, pool_id: int, caller_ids: Sequence[CallerId]) -> None:
        held = self.pools_of_caller_ids([each.number for each in caller_ids])
        if held:
            number, pool = min(held.items())
            raise Conflict(f"number {number} is in caller-id pool {pool!r} already")
        self._in.run_many(_ADD, [(pool_id, each.number, *_values(each)) for each in caller_ids])
        self._changed(pool_id)

    def set_caller_ids(self, pool_id: int, caller_ids: Sequence[CallerId]) -> None:
        self._check_in(pool_id, [each.number for each in caller_ids])
        self._in.run_many(_SET, [(*_values(each), each.number, pool_id) for each in caller_ids])
        self._changed(pool_id)

    def remove_caller_ids(self, pool_id: int, numbers: Sequence[str]) -> None:
        self._check_in(pool_id, numbers)
        self._in.run_many(
            "UPDATE caller_ids SET pool_id = NULL WHERE number = ? AND pool_id = ?",
            [(number, pool_id) for number in numbers],
        )
        self._changed(pool_id)

    def caller_id_uses(self, pool_id: int) -> Mapping[str, CallerIdUse]:
        rows = self._in.rows(
            "SELECT number, last_at, day, on_day, turn FROM caller_ids WHERE pool_id = ? AND last_at IS NOT NULL",
            (pool_id,),
        )
        return {
            number: CallerIdUse(last_at=from_us(last_at), day=date.fromisoformat(day), on_day=on_day, turn=turn)
            for number, last_at, day, on_day, turn in rows
        }

    def set_caller_id_uses(self, pool_id: int, uses: Mapping[str, CallerIdUse]) -> int:
        self._in.run_many(
            _USE,
            [
                (to_us(use.last_at), use.day.isoformat(), use.on_day, use.turn, number, pool_id)
                for number, use in uses.items()
            ],
        )
        return self._changed(pool_id)

    def caller_id_days(self, pool_id: int, *, since: date) -> Mapping[tuple[str, date], CallerIdCounts]:
        self._in.settle()
        rows = self._in.rows(
            f"SELECT number, day, {', '.join(COUNTED)} FROM caller_id_days WHERE day >= ?"
            " AND number IN (SELECT number FROM caller_ids WHERE pool_id = ?)",
            (since.isoformat(), pool_id),
        )
        return {
            (number, date.fromisoformat(day)): CallerIdCounts(**dict(zip(COUNTED, counts, strict=True)))
            for number, day, *counts in rows
        }

    def _check_in(self, pool_id: int, numbers: Sequence[str]) -> None:
        known = {each.number for each in self.caller_ids(pool_id)}
        if missing := [number for number in numbers if number not in known]:
            raise NotFound(f"there is no number {missing[0]} in the caller-id pool")

    def _changed(self, pool_id: int) -> int:
        """Note that something happened to a pool; return its revision."""
        row = self._in.row(
            "UPDATE caller_id_pools SET revision = revision + 1 WHERE pool_id = ? RETURNING revision", (pool_id,)
        )
        if row is None:
            raise NotFound(f"there is no caller-id pool {pool_id}")
        revision: int = row[0]
        return revision


def count_caller_id(transaction: Transaction, session: Session, *, is_new: bool) -> None:
    """Count a session that is new, or has just ended, for the caller id that it shows, if that is of a pool."""
    if session.caller_id_day is None or session.caller_id is None:
        return
    counts = counts_of(session)
    transaction.count_caller_id(
        session.caller_id, session.caller_id_day.isoformat(), counts if is_new else replace(counts, calls=0)
    )


def _values(each: CallerId) -> tuple[object, ...]:
    return (
        to_json(each.areas),
        to_json(each.trunks),
        each.calls_per_day_max,
        each.rest_s,
        each.off_reason,
        to_us_or_none(each.off_until),
    )


def _caller_id(row: SqlRow) -> CallerId:
    number, areas, trunks, calls_per_day_max, rest_s, off_reason, off_until = row
    return CallerId(
        number=number,
        areas=tuple(orjson.loads(areas)),
        trunks=tuple(orjson.loads(trunks)),
        calls_per_day_max=calls_per_day_max,
        rest_s=rest_s,
        off_reason=off_reason,
        off_until=from_us_or_none(off_until),
    )


def _pool(row: SqlRow) -> CallerIdPool:
    return CallerIdPool(
        pool_id=row[0],
        name=row[1],
        created_at=from_us(row[2]),
        settings=_settings(row[3], f"caller-id pool {row[0]} ({row[1]})"),
        revision=row[4],
    )


# Read in every transaction of the dial path and changed by hand.
@lru_cache(maxsize=1_000)
def _settings(text: str, where: str) -> PoolSettings:
    try:
        plain = orjson.loads(text)
        if "when_none" in plain:
            plain["when_none"] = WhenNone(plain["when_none"])
        return PoolSettings(**plain)
    except (ValueError, TypeError) as error:
        raise StoreError(f"{where}: the stored settings are not valid: {error}") from error
