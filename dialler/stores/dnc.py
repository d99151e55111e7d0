"""Numbers that must not be called, in the records."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final

from dialler.ports import DncEntry, DncFilter
from dialler.stores.codec import from_us, to_us
from dialler.stores.number_keys import hashed_if_any
from dialler.stores.transaction import SqlRow, Transaction, marks, portions

EVERYWHERE: Final = 0
"""In the place of a campaign's id."""

_ADDED_AT_ONCE: Final = 2_000
_WORTH_A_LOOK: Final = 10  # numbers, at which it pays to see first whether there is anything
_COLUMNS: Final = "number, campaign_id, merchant, reason, added_at, added_by"
_AFTER_ALL_DIGITS: Final = ":"
"""Sorts behind "9" and before anything else that a number could be followed by."""


class DncRecords:
    """The part of the records about do-not-call."""

    _in: Transaction

    def add_dnc(self, entries: Iterable[DncEntry]) -> int:
        new, stream = 0, iter(entries)
        while chunk := list(islice(stream, _ADDED_AT_ONCE)):
            new += self._in.run_many(
                f"INSERT INTO dnc ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                [
                    (*_key(one.number, one.campaign_id, one.merchant), one.reason, to_us(one.added_at), one.added_by)
                    for one in chunk
                ],
            )
        return new

    def remove_dnc(self, number: str, campaign_id: int | None, merchant: str | None = None) -> bool:
        names = [number, *hashed_if_any(self._in, [number]).values()]
        gone = self._in.run(
            f"DELETE FROM dnc WHERE number IN ({marks(len(names))}) AND campaign_id = ? AND merchant = ?",
            (*names, campaign_id or EVERYWHERE, merchant or ""),
        )
        return gone > 0

    def dnc_hits(self, campaign_id: int, numbers: Sequence[str]) -> frozenset[str]:
        hits: set[str] = set()
        if len(numbers) >= _WORTH_A_LOOK and self._in.row("SELECT 1 FROM dnc LIMIT 1") is None:
            return frozenset()
        # Those of people who were erased are there under their hash.
        meant = {name: number for number, name in hashed_if_any(self._in, numbers).items()}
        for marked, some in portions([*numbers, *meant]):
            rows = self._in.rows(
                f"SELECT number FROM dnc WHERE number {marked} AND (campaign_id IN (?, ?) AND merchant = ''"
                " OR merchant <> '' AND merchant = (SELECT merchant FROM campaigns WHERE campaign_id = ?))",
                (*some, EVERYWHERE, campaign_id, campaign_id),
            )
            hits.update(meant.get(name, name) for name in (str(row[0]) for row in rows))
        return frozenset(hits)

    def dnc_entries(
        self, which: DncFilter, *, after: tuple[str, int, str] | None = None, limit: int = 100
    ) -> Sequence[DncEntry]:
        conditions, values = ["1 = 1"], list[object]()
        if which.campaign_id is not None or which.merchant is not None or which.everywhere:
            conditions.append("campaign_id = ? AND merchant = ?")
            values += [which.campaign_id or EVERYWHERE, which.merchant or ""]
        if which.digits is not None:
            begins = f"+{which.digits.removeprefix('+')}"
            conditions.append("number >= ? AND number < ?")
            values += [begins, begins + _AFTER_ALL_DIGITS]
        if after is not None:
            conditions.append("(number, campaign_id, merchant) > (?, ?, ?)")
            values += after
        rows = self._in.rows(
            f"SELECT {_COLUMNS} FROM dnc WHERE {' AND '.join(conditions)}"
            " ORDER BY number, campaign_id, merchant LIMIT ?",
            (*values, limit),
        )
        return [_entry(row) for row in rows]

    def dnc_of(self, number: str) -> Sequence[DncEntry]:
        names = [number, *hashed_if_any(self._in, [number]).values()]
        rows = self._in.rows(
            f"SELECT {_COLUMNS} FROM dnc WHERE number IN ({marks(len(names))}) ORDER BY campaign_id, merchant", names
        )
        return [_entry(row) for row in rows]


def _key(number: str, campaign_id: int | None, merchant: str | None) -> tuple[str, int, str]:
    return number, campaign_id or EVERYWHERE, merchant or ""


def _entry(row: SqlRow) -> DncEntry:
    return DncEntry(
        number=row[0],
        campaign_id=row[1] or None,
        merchant=row[2] or None,
        reason=row[3],
        added_at=from_us(row[4]),
        added_by=row[5],
    )
