"""Numbers that must not be called, and the audit, in the records."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Final

from dialler.ports import DncEntry
from dialler.stores.codec import to_json, to_us
from dialler.stores.number_keys import hashed_if_any
from dialler.stores.transaction import Transaction, marks, portions

EVERYWHERE: Final = 0
"""In the place of a campaign's id."""

_ADDED_AT_ONCE: Final = 2_000


class DncRecords:
    """The part of the records about do-not-call, and who changed what."""

    _in: Transaction

    def add_dnc(self, entries: Iterable[DncEntry]) -> int:
        new, stream = 0, iter(entries)
        while chunk := list(islice(stream, _ADDED_AT_ONCE)):
            new += self._in.run_many(
                "INSERT INTO dnc (number, campaign_id, reason, added_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                [(one.number, one.campaign_id or EVERYWHERE, one.reason, to_us(one.added_at)) for one in chunk],
            )
        return new

    def remove_dnc(self, number: str, campaign_id: int | None) -> bool:
        names = [number, *hashed_if_any(self._in, [number]).values()]
        gone = self._in.run(
            f"DELETE FROM dnc WHERE number IN ({marks(len(names))}) AND campaign_id = ?",
            (*names, campaign_id or EVERYWHERE),
        )
        return gone > 0

    def dnc_hits(self, campaign_id: int, numbers: Sequence[str]) -> frozenset[str]:
        hits: set[str] = set()
        # Those of people who were erased are there under their hash.
        meant = {name: number for number, name in hashed_if_any(self._in, numbers).items()}
        for marked, some in portions([*numbers, *meant]):
            rows = self._in.rows(
                f"SELECT number FROM dnc WHERE number {marked} AND campaign_id IN (?, ?)",
                (*some, EVERYWHERE, campaign_id),
            )
            hits.update(meant.get(name, name) for name in (str(row[0]) for row in rows))
        return frozenset(hits)

    def add_audit(
        self, at: datetime, who: str, what: str, details: Mapping[str, object], *, lead_id: int | None = None
    ) -> None:
        self._in.run(
            "INSERT INTO audit (at, who, what, details, lead_id) VALUES (?, ?, ?, ?, ?)",
            (to_us(at), who, what, to_json(details), lead_id),
        )
