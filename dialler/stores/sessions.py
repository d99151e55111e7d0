"""Sessions in the records."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from dialler.domain.outcome import Outcome
from dialler.domain.session import Session, SessionStatus
from dialler.errors import Conflict, NotFound
from dialler.ports import SessionFilter
from dialler.stores.session_rows import (
    COLUMNS,
    COURSE_COLUMNS,
    INTENT_COLUMNS,
    course_values,
    intent_values,
    session_of,
)
from dialler.stores.transaction import Transaction, marks

OPEN: Final = "status IN ('new', 'processing')"
"""As it stands in the schema's partial index, so that the databases see that they may use it."""

_SELECT: Final = f"SELECT {', '.join(COLUMNS)} FROM sessions"
_ADD: Final = (
    f"INSERT INTO sessions ({', '.join(INTENT_COLUMNS + COURSE_COLUMNS)})"
    f" VALUES ({marks(len(INTENT_COLUMNS + COURSE_COLUMNS))}) ON CONFLICT DO NOTHING RETURNING seq"
)
_OLD: Final = "SELECT campaign_id, list_id, status, outcome, lead_id FROM sessions WHERE session_id = ?"
_SET: Final = f"UPDATE sessions SET {', '.join(f'{name} = ?' for name in COURSE_COLUMNS)} WHERE session_id = ?"
# By this way round SQLite walks along the open ones only; asked for them by seq, it would walk along all.
_SEQS_OPEN: Final = f"SELECT seq FROM sessions WHERE {OPEN}"


class SessionRecords:
    """The part of the records about sessions."""

    _in: Transaction

    def add_session(self, session: Session) -> Session:
        row = self._in.row(_ADD, intent_values(session) + course_values(session))
        if row is None:
            raise Conflict(self._why_not_added(session))
        self._in.count_sessions(session.campaign_id, session.list_id, session.status.value, session.outcome, 1)
        return replace(session, seq=row[0])

    def _why_not_added(self, session: Session) -> str:
        held = self._in.row(f"SELECT session_id FROM sessions WHERE lead_id = ? AND {OPEN}", (session.lead_id,))
        if held and held[0] != session.session_id:
            return f"lead {session.lead_id} has an open session already: {held[0]}"
        return f"there is a session {session.session_id} already"

    def set_session(self, session: Session) -> None:
        old = self._in.row(_OLD + self._in.for_update, (session.session_id,))
        if old is None:
            raise NotFound(f"there is no session {session.session_id}")
        campaign_id, list_id, status, outcome, lead_id = old
        if session.status.is_open and not SessionStatus(status).is_open:
            held = self._in.row(f"SELECT session_id FROM sessions WHERE lead_id = ? AND {OPEN}", (lead_id,))
            if held:
                raise Conflict(f"lead {lead_id} has an open session already: {held[0]}")
        self._in.run(_SET, (*course_values(session), session.session_id))
        if (status, outcome) != (session.status.value, session.outcome):
            self._in.count_sessions(campaign_id, list_id, status, outcome, -1)
            self._in.count_sessions(campaign_id, list_id, session.status.value, session.outcome, 1)

    def session(self, session_id: str) -> Session:
        row = self._in.row(f"{_SELECT} WHERE session_id = ?", (session_id,))
        if row is None:
            raise NotFound(f"there is no session {session_id}")
        return session_of(row)

    def open_sessions(self) -> Sequence[Session]:
        return [session_of(row) for row in self._in.rows(f"{_SELECT} WHERE seq IN ({_SEQS_OPEN}) ORDER BY seq")]

    def sessions(
        self,
        which: SessionFilter,
        *,
        after: int | None = None,
        limit: int = 100,
        newest_first: bool = True,
    ) -> Sequence[Session]:
        conditions, values = ["1 = 1"], list[object]()
        for name in ("campaign_id", "list_id", "lead_id", "status", "outcome"):
            if (value := getattr(which, name)) is not None:
                conditions.append(f"{name} = ?")
                values.append(value)
        if which.status is not None and which.status.is_open:
            conditions.append(f"seq IN ({_SEQS_OPEN})")  # few, where a walk by seq may pass all there are
        if after is not None:
            conditions.append("seq < ?" if newest_first else "seq > ?")
            values.append(after)
        direction = "DESC" if newest_first else "ASC"
        rows = self._in.rows(
            f"{_SELECT} WHERE {' AND '.join(conditions)} ORDER BY seq {direction} LIMIT ?", (*values, limit)
        )
        return [session_of(row) for row in rows]

    def session_counts(self, campaign_id: int | None = None) -> Mapping[tuple[int, SessionStatus, Outcome | None], int]:
        self._in.settle()
        select = "SELECT list_id, status, outcome, n FROM session_counts WHERE n <> 0"
        if campaign_id is None:
            rows = self._in.rows(select)
        else:
            rows = self._in.rows(f"{select} AND campaign_id = ?", (campaign_id,))
        return {
            (list_id, SessionStatus(status), Outcome(outcome) if outcome else None): n
            for list_id, status, outcome, n in rows
        }
