"""Sums over the counts that every transaction keeps up: what the records hold, without a scan."""

from collections.abc import Mapping, Sequence
from typing import Final

from dialler.domain.lead import LeadState, WindowKey
from dialler.domain.session import SessionStatus
from dialler.stores.sessions import OPEN
from dialler.stores.transaction import Transaction, marks

_SESSIONS: Final = (
    "SELECT campaign_id, list_id, status, SUM(n) FROM session_counts GROUP BY campaign_id, list_id, status"
)
_LEADS: Final = "SELECT list_id, state, SUM(n) FROM lead_counts GROUP BY list_id, state"
_READY_KEYS: Final = "SELECT DISTINCT key_id FROM lead_counts WHERE list_id IN ({lists}) AND state = 'ready' AND n <> 0"
_READY: Final = (
    "SELECT list_id, SUM(n) FROM lead_counts WHERE list_id IN ({lists}) AND key_id IN ({keys}) AND state = 'ready'"
    " GROUP BY list_id"
)
_ASKED_AT_ONCE: Final = 500


class TotalRecords:
    """The part of the records that adds up. The database does the adding."""

    _in: Transaction

    def session_totals(self) -> Mapping[tuple[int, int, SessionStatus], int]:
        self._in.settle()
        return {(row[0], row[1], SessionStatus(row[2])): int(row[3]) for row in self._in.rows(_SESSIONS)}

    def open_session_ids(self) -> frozenset[str]:
        return frozenset(row[0] for row in self._in.rows(f"SELECT session_id FROM sessions WHERE {OPEN}"))

    def lead_totals(self) -> Mapping[tuple[int, LeadState], int]:
        self._in.settle()
        return {(row[0], LeadState(row[1])): int(row[2]) for row in self._in.rows(_LEADS)}

    def ready_keys(self, list_ids: Sequence[int]) -> Mapping[int, WindowKey]:
        self._in.settle()
        found: dict[int, WindowKey] = {}
        for start in range(0, len(list_ids), _ASKED_AT_ONCE):
            lists = list_ids[start : start + _ASKED_AT_ONCE]
            for (key_id,) in self._in.rows(_READY_KEYS.format(lists=marks(len(lists))), lists):
                found[key_id] = self._in.window_key(key_id)
        return found

    def ready_totals(self, list_ids: Sequence[int], key_ids: Sequence[int]) -> Mapping[int, int]:
        self._in.settle()
        totals = dict.fromkeys(list_ids, 0)
        for start in range(0, len(list_ids), _ASKED_AT_ONCE):
            lists = list_ids[start : start + _ASKED_AT_ONCE]
            for first in range(0, len(key_ids), _ASKED_AT_ONCE):
                keys = key_ids[first : first + _ASKED_AT_ONCE]
                sql = _READY.format(lists=marks(len(lists)), keys=marks(len(keys)))
                for list_id, n in self._in.rows(sql, (*lists, *keys)):
                    totals[list_id] += int(n)
        return totals
