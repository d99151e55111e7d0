"""Sessions in the records."""

from collections.abc import Mapping, Sequence
from typing import Final

from dialler.domain.abandon import entry_of
from dialler.domain.evolve import evolve
from dialler.domain.outcome import Outcome
from dialler.domain.session import Session, SessionStatus
from dialler.errors import Conflict, NotFound
from dialler.ports import SessionFilter
from dialler.stores.abandons import count_ended, stored_entry
from dialler.stores.attempts import count_attempts
from dialler.stores.caller_ids import count_caller_id
from dialler.stores.codec import to_us_or_none
from dialler.stores.session_rows import (
    COLUMNS,
    COURSE_COLUMNS,
    INTENT_COLUMNS,
    course_values,
    intent_values,
    session_of,
)
from dialler.stores.transaction import SqlRow, Transaction, marks, portions

OPEN: Final = "status IN ('new', 'processing')"
"""As it stands in the schema's partial index, so that the databases see that they may use it."""

_OPEN: Final = frozenset(status.value for status in SessionStatus if status.is_open)
_SELECT: Final = f"SELECT {', '.join(COLUMNS)} FROM sessions"
_ADD: Final = (
    f"INSERT INTO sessions (seq, {', '.join(INTENT_COLUMNS + COURSE_COLUMNS)})"
    f" VALUES ({marks(1 + len(INTENT_COLUMNS + COURSE_COLUMNS))}) ON CONFLICT DO NOTHING"
)
_NEXT_SEQ_SQLITE: Final = "SELECT seq + 1 FROM sqlite_sequence WHERE name = 'sessions'"
_NEXT_SEQS_POSTGRES: Final = "SELECT nextval(pg_get_serial_sequence('sessions', 'seq')) FROM generate_series(1, ?)"
_OLD: Final = (
    "SELECT session_id, seq, campaign_id, list_id, status, outcome, lead_id, caller_id_day, wrap_code, dial_mode,"
    " ended_at, created_at FROM sessions WHERE session_id"
)
_SET: Final = f"UPDATE sessions SET {', '.join(f'{name} = ?' for name in COURSE_COLUMNS)} WHERE seq = ?"
# By this way round SQLite walks along the open ones only; asked for them by seq, it would walk along all.
_SEQS_OPEN: Final = f"SELECT seq FROM sessions WHERE {OPEN}"


class SessionRecords:
    """The part of the records about sessions."""

    _in: Transaction

    def add_session(self, session: Session) -> Session:
        return self.add_sessions([session])[0]

    def add_sessions(self, sessions: Sequence[Session]) -> Sequence[Session]:
        numbered = [
            evolve(session, seq=seq) for session, seq in zip(sessions, self._next_seqs(len(sessions)), strict=True)
        ]
        rows = [(session.seq, *intent_values(session), *course_values(session)) for session in numbered]
        if self._in.run_many(_ADD, rows) < len(rows):
            self._in.run_many("DELETE FROM sessions WHERE seq = ?", [(session.seq,) for session in numbered])
            raise Conflict(self._why_not_added(sessions))
        for session in numbered:
            self._in.count_sessions(session.campaign_id, session.list_id, session.status.value, session.outcome, 1)
            count_ended(self._in, session.campaign_id, None, entry_of(session))
            count_caller_id(self._in, session, is_new=True)
        return numbered

    def _next_seqs(self, n: int) -> Sequence[int]:
        """Return the next places in the order; they are the database's to give, and none is given twice."""
        if not self._in.is_sqlite:
            return [row[0] for row in self._in.rows(_NEXT_SEQS_POSTGRES, (n,))]
        row = self._in.row(_NEXT_SEQ_SQLITE)  # It has one writer, and a row of a higher number moves the sequence on.
        first: int = row[0] if row else 1
        return range(first, first + n)

    def _why_not_added(self, sessions: Sequence[Session]) -> str:
        for session in sessions:
            held = self._in.row(f"SELECT session_id FROM sessions WHERE lead_id = ? AND {OPEN}", (session.lead_id,))
            if held and held[0] != session.session_id:
                return f"lead {session.lead_id} has an open session already: {held[0]}"
            if self._in.row("SELECT 1 FROM sessions WHERE session_id = ?", (session.session_id,)):
                return f"there is a session {session.session_id} already"
        return "two of the sessions are of one lead, or have one id"

    def set_session(self, session: Session) -> None:
        self.set_sessions([session])

    def set_sessions(self, sessions: Sequence[Session]) -> None:
        old: dict[str, SqlRow] = {}
        for marked, some in portions(sorted({session.session_id for session in sessions})):
            rows = self._in.rows(f"{_OLD} {marked} ORDER BY session_id{self._in.for_update}", some)
            old.update((row[0], row) for row in rows)
        values: list[tuple[object, ...]] = []
        ended: list[Session] = []
        for session in sessions:
            if session.session_id not in old:
                raise NotFound(f"there is no session {session.session_id}")
            _, seq, campaign_id, list_id, status, outcome, lead_id, shown_on, *told = old[session.session_id]
            new_status = session.status.value
            if status not in _OPEN and new_status in _OPEN:
                held = self._in.row(f"SELECT session_id FROM sessions WHERE lead_id = ? AND {OPEN}", (lead_id,))
                if held:
                    raise Conflict(f"lead {lead_id} has an open session already: {held[0]}")
            values.append((*course_values(session), seq))
            if outcome is None and session.outcome is not None:
                ended.append(session)
                count_caller_id(self._in, session, is_new=shown_on is None)
            elif shown_on is None:  # An offer takes its caller id when it is accepted.
                count_caller_id(self._in, session, is_new=True)
            if (status, outcome) != (new_status, session.outcome):
                self._in.count_sessions(campaign_id, list_id, status, outcome, -1)
                self._in.count_sessions(campaign_id, list_id, new_status, session.outcome, 1)
            # What was written once stays as it is in the row, whatever the value says.
            wrapped, dial_mode, ended_at, created_at = told
            count_ended(
                self._in,
                campaign_id,
                stored_entry(outcome, wrapped, dial_mode, ended_at, created_at),
                stored_entry(
                    session.outcome, session.wrap_code, dial_mode, to_us_or_none(session.ended_at), created_at
                ),
            )
        self._in.run_many(_SET, values)
        count_attempts(self._in, ended)

    def session(self, session_id: str) -> Session:
        row = self._in.row(f"{_SELECT} WHERE session_id = ?", (session_id,))
        if row is None:
            raise NotFound(f"there is no session {session_id}")
        return session_of(row)

    def last_sessions(self, lead_ids: Sequence[int]) -> Mapping[int, Session]:
        found: dict[int, Session] = {}
        for marked, some in portions(lead_ids):
            rows = self._in.rows(
                f"{_SELECT} WHERE seq IN (SELECT MAX(seq) FROM sessions WHERE lead_id {marked} GROUP BY lead_id)", some
            )
            found.update((session.lead_id, session) for session in map(session_of, rows))
        return found

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
