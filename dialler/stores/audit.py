"""The audit in the records: who changed what, and when.

Entries are only added, so ids rise with time, but for clocks that differ. A page is looked for along the index of a
lead, or in spans of ids, so that no request scans the whole; it says from where to go on.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import orjson

from dialler.ports import AuditEntry, AuditFilter, Found
from dialler.stores.by_time import SKEW, ends, first_since
from dialler.stores.codec import from_us, to_json, to_us
from dialler.stores.transaction import SqlRow, Transaction, marks

DOORS: Final = ("socket", "token")
"""By which people and programs come, as their names in the audit begin."""

SPAN: Final = 5_000
LOOK_MAX: Final = 50_000
"""Entries that one request passes: some ten milliseconds."""

_ADD: Final = "INSERT INTO audit (at, who, what, details, lead_id) VALUES (?, ?, ?, ?, ?)"
_COLUMNS: Final = "audit_id, at, who, what, details, lead_id"


class AuditRecords:
    """The part of the records about who changed what."""

    _in: Transaction

    def add_audit(
        self, at: datetime, who: str, what: str, details: Mapping[str, object], *, lead_id: int | None = None
    ) -> None:
        self._in.run(_ADD, (to_us(at), who, what, to_json(details), lead_id))

    def add_audits(self, at: datetime, who: str, what: str, details: Mapping[int, Mapping[str, object]]) -> None:
        self._in.run_many(
            _ADD, [(to_us(at), who, what, to_json(each), lead_id) for lead_id, each in sorted(details.items())]
        )

    def audit(
        self, which: AuditFilter, *, after: int | None = None, limit: int = 10, newest_first: bool = True
    ) -> Found[AuditEntry]:
        low, high = self._ids(which)
        if after is not None:
            low, high = (low, min(high, after)) if newest_first else (max(low, after + 1), high)
        if which.lead_id is not None:
            # Of one lead there are few: the index gives them as they are wanted.
            rows = self._between(which, low, high, limit + 1, newest_first)
            return _page(rows, limit, looked_at=len(rows))
        found: list[SqlRow] = []
        looked = 0
        while low < high and looked < LOOK_MAX:
            start, end = (max(low, high - SPAN), high) if newest_first else (low, min(high, low + SPAN))
            found += self._between(which, start, end, limit + 1 - len(found), newest_first)
            looked += end - start
            low, high = (low, start) if newest_first else (end, high)
            if len(found) > limit:
                return _page(found, limit, looked_at=looked)
        if low >= high:
            return _page(found, limit, looked_at=looked)
        following = high if newest_first else low - 1
        return Found(items=list(map(_entry, found)), next=following, looked_at=looked, is_partial=True)

    def _ids(self, which: AuditFilter) -> tuple[int, int]:
        """Return the bounds of the ids that may be meant, the upper one outside."""
        low, high = ends(self._in, "audit", "audit_id")
        skew = SKEW // timedelta(microseconds=1)
        if which.since is not None:
            low = max(low, first_since(self._in, "audit", "audit_id", "at", to_us(which.since) - skew))
        if which.until is not None:
            high = min(high, first_since(self._in, "audit", "audit_id", "at", to_us(which.until) + skew))
        return low, high

    def _between(self, which: AuditFilter, low: int, high: int, limit: int, newest_first: bool) -> list[SqlRow]:
        conditions, values = ["audit_id >= ? AND audit_id < ?"], list[object]([low, high])
        if which.lead_id is not None:
            conditions.append("lead_id = ?")
            values.append(which.lead_id)
        if which.what:
            conditions.append("substr(what, 1, ?) = ?")
            values += [len(which.what), which.what]
        if which.who is not None:
            names = (which.who, *(f"{door}:{which.who}" for door in DOORS))
            conditions.append(f"who IN ({marks(len(names))})")
            values += names
        if which.since is not None:
            conditions.append("at >= ?")
            values.append(to_us(which.since))
        if which.until is not None:
            conditions.append("at < ?")
            values.append(to_us(which.until))
        return list(
            self._in.rows(
                f"SELECT {_COLUMNS} FROM audit WHERE {' AND '.join(conditions)}"
                f" ORDER BY audit_id {'DESC' if newest_first else 'ASC'} LIMIT ?",
                (*values, limit),
            )
        )


def _page(rows: list[SqlRow], limit: int, *, looked_at: int) -> Found[AuditEntry]:
    following = int(rows[limit - 1][0]) if rows[limit:] else None
    return Found(items=list(map(_entry, rows[:limit])), next=following, looked_at=looked_at, is_partial=False)


def _entry(row: SqlRow) -> AuditEntry:
    audit_id, at, who, what, details, lead_id = row
    return AuditEntry(
        audit_id=audit_id, at=from_us(at), who=who, what=what, details=orjson.loads(details), lead_id=lead_id
    )
