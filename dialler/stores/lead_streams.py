"""Which index serves a condition on leads."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Final

from dialler.domain.digits import next_containing
from dialler.domain.filter import All, Condition, Filter, Op, folded
from dialler.domain.lead import LeadState
from dialler.stores.by_time import ends
from dialler.stores.search_index import PIECE, SearchIndex, pieces_of, whole_piece
from dialler.stores.streams import Streams

LISTS_MAX: Final = 200
"""So many lists are walked side by side at most."""

_EQUAL: Final = ("completed_reason", "last_outcome", "wrap_code", "external_lead_id", "key_id")


class LeadStreams(Streams):
    """Streams of leads' ids, rising."""

    table, key = "leads", "lead_id"
    ranges: Mapping[str, str] = {"last_contacted": "last_contacted_at", "last_attempt": "last_attempt_at"}

    _both: tuple[Condition, Condition] | None = None
    """A list and a state that must both hold: they share an index."""

    def of(self, wanted: Filter) -> Iterator[int] | None:
        if not isinstance(wanted, All):
            return super().of(wanted)
        before = self._both
        said = [item for item in wanted.items if isinstance(item, Condition) and item.op in (Op.EQ, Op.IN, Op.TRUE)]
        lists = next((item for item in said if item.field == "list_id"), None)
        states = next((item for item in said if item.field in ("state", "completed")), None)
        if lists is not None and states is not None:
            self._both = lists, states
        try:
            return super().of(wanted)
        finally:
            self._both = before

    def of_condition(self, wanted: Condition) -> Iterator[int] | None:
        field, values = wanted.field, wanted.values
        if wanted.op is Op.CONTAINS:
            return self._containing(field, str(values[0]))
        if wanted.op is Op.TRUE:
            return self._in_state(self._lists(), [LeadState.COMPLETED.value])
        if wanted.op not in (Op.EQ, Op.IN):
            return None
        if field == "id":
            return self.these(value for value in values if isinstance(value, int))
        if field in _EQUAL:
            return self.each(lambda value: self.indexed(f"{field} = ?", value), values)
        if field == "number":
            return self.each(lambda value: self.indexed("number = ?", value, source="lead_numbers"), values)
        if field == "agent":
            return self.each(lambda value: self.indexed("agent = ?", value, source="sessions"), values)
        if field == "session":
            return self.these(self._ids("SELECT lead_id FROM sessions WHERE session_id = ?", values))
        if field == "customer_key":
            by_list = "SELECT lead_id FROM leads WHERE list_id IN (SELECT list_id FROM lists) AND customer_key = ?"
            return self.these(self._ids(by_list, values))
        if field == "priority":
            if 0 in values:
                return None
            return self.each(lambda value: self.indexed("priority <> 0 AND priority = ?", value), values)
        if field in ("list_id", "state"):
            states = [state.value for state in LeadState] if field == "list_id" else list(map(str, values))
            return self._in_state(list(values) if field == "list_id" else self._lists(), states)
        return self._equal_text(field, [str(value) for value in values])

    def _in_state(self, lists: Sequence[object], states: Sequence[str]) -> Iterator[int] | None:
        if self._both is not None:
            lists = self._both[0].values
            states = list(map(str, self._both[1].values)) or [LeadState.COMPLETED.value]
        if len(lists) > LISTS_MAX:
            return None
        return self.merged(
            [
                self.indexed("list_id = ? AND state = ?", list_id, state)
                for list_id in dict.fromkeys(lists)
                for state in dict.fromkeys(states)
            ]
        )

    def _lists(self) -> Sequence[object]:
        return [row[0] for row in self._in.rows("SELECT list_id FROM lists")]

    def _ids(self, select: str, values: Sequence[object]) -> list[int]:
        return [row[0] for value in values for row in self._in.rows(select, (value,))]

    def _containing(self, field: str, part: str) -> Iterator[int] | None:
        if field == "id":
            return self._with_digits(part)
        if field in ("text", "name", "number", "customer_key", "external_lead_id") or field.startswith("data."):
            return self._with_pieces([pieces_of(part)]) if len(folded(part)) >= PIECE else None
        return None

    def _equal_text(self, field: str, values: Sequence[str]) -> Iterator[int] | None:
        if field in ("text", "name") and all(len(folded(value)) >= PIECE for value in values):
            return self._with_pieces([pieces_of(value) for value in values])
        if field.startswith("data."):
            own = field[5:]
            return self._with_pieces(
                [pieces_of(value) if len(folded(value)) >= PIECE else {whole_piece(own, value)} for value in values]
            )
        return None

    def _with_digits(self, digits: str) -> Iterator[int]:
        last = ends(self._in, self.table, self.key)[1]

        def ids() -> Iterator[int]:
            lead_id = self.after
            while True:
                lead_id = next_containing(digits, max(lead_id, 0))
                yield lead_id

        return takewhile(lambda lead_id: lead_id < last, ids())

    def _with_pieces(self, alternatives: Sequence[set[str]]) -> Iterator[int]:
        index = SearchIndex(self._in)
        upto = index.upto()

        def walked() -> Iterator[int]:
            after, self.after = self.after, max(self.after, upto)
            try:
                rest = self.indexed("1 = 1")
                first = next(rest, None)
            finally:
                self.after = after
            if first is not None:
                yield first
                yield from rest

        found = [index.having(pieces, self.after, upto) for pieces in alternatives]
        return self.merged([*found, index.pending(self.after), walked()])
