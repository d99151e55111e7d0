"""Which index serves a condition on sessions."""

from collections.abc import Iterator, Mapping
from typing import Final

from dialler.domain.filter import Condition, Op
from dialler.domain.session import SessionStatus
from dialler.stores.streams import Streams

_EQUAL: Final = {
    "list_id": "list_id",
    "campaign_id": "campaign_id",
    "lead": "lead_id",
    "number": "number",
    "external_lead_id": "external_lead_id",
    "outcome": "outcome",
    "wrap_code": "wrap_code",
    "agent": "agent",
}


class SessionStreams(Streams):
    """Streams of sessions' places."""

    table, key = "sessions", "seq"
    ranges: Mapping[str, str] = {}

    def of_condition(self, wanted: Condition) -> Iterator[int] | None:
        field, values = wanted.field, wanted.values
        if wanted.op not in (Op.EQ, Op.IN):
            return None
        if field == "seq":
            return self.these(value for value in values if isinstance(value, int))
        if field == "id":
            return self.these(
                row[0]
                for value in values
                for row in self._in.rows("SELECT seq FROM sessions WHERE session_id = ?", (value,))
            )
        if field in _EQUAL:
            return self.each(lambda value: self.indexed(f"{_EQUAL[field]} = ?", value), values)
        if field == "status" and all(SessionStatus(str(value)).is_open for value in values):
            open_ones = self._in.rows("SELECT seq FROM sessions WHERE status IN ('new', 'processing')")
            return self.these(row[0] for row in open_ones)
        return None
