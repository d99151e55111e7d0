"""Callbacks: leads whose people were promised a call."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from dialler.domain.lead import Lead, LeadState
from dialler.stores.codec import from_us_or_none, to_us
from dialler.stores.lead_rows import COLUMNS, lead_of
from dialler.stores.transaction import Transaction

# Conditions stand in the text as they do in the partial indexes: only then are those used. A lead has a due_at while it
# rests and only then; asked for its state, SQLite would rather walk along all that rest.
_PENDING: Final = f"SELECT {', '.join(COLUMNS)} FROM leads WHERE callback_at IS NOT NULL"
_DUE_COUNTS: Final = (
    "SELECT campaign_id, COUNT(*) FROM leads WHERE callback_at IS NOT NULL AND callback_at <= ? GROUP BY campaign_id"
)
_DUE: Final = "WHERE list_id = ? AND key_id = ? AND callback_at IS NOT NULL AND due_at IS NOT NULL"
_WAKE: Final = (
    "UPDATE leads SET state = 'ready', due_at = NULL WHERE lead_id IN ("
    f"SELECT lead_id FROM leads {_DUE} AND due_at <= ? ORDER BY due_at, lead_id LIMIT ?{{for_update}})"
)


class CallbackRecords:
    """The part of the records about callbacks."""

    _in: Transaction

    def callbacks(
        self,
        campaign_id: int | None = None,
        *,
        agent: str | None = None,
        after: tuple[datetime, int] | None = None,
        limit: int = 100,
    ) -> Sequence[Lead]:
        conditions, values = "", list[object]()
        if agent is not None:
            conditions += " AND callback_agent = ?"
            values.append(agent)
        if campaign_id is not None:
            conditions += " AND campaign_id = ?"
            values.append(campaign_id)
        if after is not None:
            conditions += " AND (callback_at, lead_id) > (?, ?)"
            values += [to_us(after[0]), after[1]]
        rows = self._in.rows(f"{_PENDING}{conditions} ORDER BY callback_at, lead_id LIMIT ?", (*values, limit))
        return [lead_of(row, self._in) for row in rows]

    def callbacks_due(self, now: datetime) -> Mapping[int, int]:
        return dict(self._in.rows(_DUE_COUNTS, (to_us(now),)))

    def wake_callbacks(self, bucket: tuple[int, int], now: datetime, *, limit: int) -> int:
        self._in.leads.clear()  # some of them may be among the woken
        woken = self._in.run(_WAKE.format(for_update=self._in.for_update), (*bucket, to_us(now), limit))
        self._in.count_leads(*bucket, LeadState.RESTING.value, -woken)
        self._in.count_leads(*bucket, LeadState.READY.value, woken)
        return woken

    def next_callback_due_at(self, bucket: tuple[int, int]) -> datetime | None:
        row = self._in.row(f"SELECT due_at FROM leads {_DUE} ORDER BY due_at, lead_id LIMIT 1", bucket)
        return None if row is None else from_us_or_none(row[0])
