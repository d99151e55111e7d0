"""The promises on stored data, verified against the rows themselves. Scans everything."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from dialler.ports import Problem
from dialler.stores.abandons import COUNTED_ROWS
from dialler.stores.caller_ids import CALLER_ID_COUNTS, CALLER_ID_ROWS
from dialler.stores.sessions import OPEN
from dialler.stores.transaction import SqlRow, Transaction

SHOWN_MAX: Final = 20
"""Rows named for one promise; the rest are counted."""

COUNTS: Final = {
    "lead counts equal the leads": (
        "SELECT list_id, key_id, state, n FROM lead_counts WHERE n <> 0",
        "SELECT list_id, key_id, state, COUNT(*) FROM leads GROUP BY list_id, key_id, state",
        "list {0}, window key {1}, state {2}",
    ),
    "session counts equal the sessions": (
        "SELECT campaign_id, list_id, status, outcome, n FROM session_counts WHERE n <> 0",
        "SELECT campaign_id, list_id, status, COALESCE(outcome, ''), COUNT(*) FROM sessions"
        " GROUP BY campaign_id, list_id, status, COALESCE(outcome, '')",
        "campaign {0}, list {1}, status {2}, outcome {3!r}",
    ),
    "the abandon ledger equals the sessions": (
        "SELECT campaign_id, slot, counted, n FROM abandon_counts WHERE n <> 0",
        COUNTED_ROWS,
        "campaign {0}, slot {1} of five minutes since 1970, {2}",
    ),
    "the caller ids' counts equal the sessions": (CALLER_ID_COUNTS, CALLER_ID_ROWS, "caller id {0}, day {1}, {2}"),
}

NOBODY: Final = {
    "a lead in a call has an open session": (
        "SELECT lead_id FROM leads WHERE state = 'in_call' AND NOT EXISTS"
        f" (SELECT 1 FROM sessions WHERE sessions.lead_id = leads.lead_id AND {OPEN})",
        "lead {0} is in_call, without an open session",
    ),
    "an open session holds its lead": (
        f"SELECT session_id, lead_id, status FROM sessions WHERE {OPEN} AND NOT EXISTS"
        " (SELECT 1 FROM leads WHERE leads.lead_id = sessions.lead_id AND state = 'in_call')",
        "session {0} is {2}, but lead {1} is not in_call",
    ),
    "a lead has one open session at most": (
        f"SELECT lead_id, COUNT(*) FROM sessions WHERE {OPEN} GROUP BY lead_id HAVING COUNT(*) > 1",
        "lead {0} has {1} open sessions",
    ),
    "a session has a place in the order of its own": (
        "SELECT seq, COUNT(*) FROM sessions GROUP BY seq HAVING COUNT(*) > 1",
        "seq {0} was given to {1} sessions",
    ),
    "a lead rests until a moment, and only then has one": (
        "SELECT lead_id, state FROM leads WHERE (state = 'resting') <> (due_at IS NOT NULL)",
        "lead {0} is {1}, which does not go with its due_at",
    ),
    "a completed lead says why, and no other does": (
        "SELECT lead_id, state FROM leads WHERE (state = 'completed') <> (completed_reason IS NOT NULL)",
        "lead {0} is {1}, which does not go with its completed_reason",
    ),
    "a lead belongs to a list of its campaign": (
        "SELECT lead_id, list_id, campaign_id FROM leads WHERE NOT EXISTS (SELECT 1 FROM lists"
        " WHERE lists.list_id = leads.list_id AND lists.campaign_id = leads.campaign_id)",
        "lead {0} names list {1} of campaign {2}, which is not there",
    ),
    "a known number belongs to a lead": (
        "SELECT number, lead_id FROM lead_numbers WHERE NOT EXISTS"
        " (SELECT 1 FROM leads WHERE leads.lead_id = lead_numbers.lead_id)",
        "number {0} names lead {1}, which is not there",
    ),
}


class CheckRecords:
    """The part of the records that verifies the rest."""

    _in: Transaction

    def check(self) -> Sequence[Problem]:
        self._in.settle()
        found: list[Problem] = []
        for promise, (counted, scanned, words) in COUNTS.items():
            kept, true = (_counts(self._in.rows(sql)) for sql in (counted, scanned))
            wrong = [
                f"{words.format(*key)}: counted {kept.get(key, 0)}, there are {true.get(key, 0)}"
                for key in sorted(kept.keys() | true.keys())
                if kept.get(key, 0) != true.get(key, 0)
            ]
            found.extend(_problems(promise, wrong))
        for promise, (sql, words) in NOBODY.items():
            found.extend(_problems(promise, [words.format(*row) for row in self._in.rows(sql)]))
        if self._in.is_sqlite:
            rows = self._in.rows(f"PRAGMA integrity_check({SHOWN_MAX})")
            found.extend(_problems("the file is sound", [row[0] for row in rows if row[0] != "ok"]))
        return found


def _counts(rows: Iterable[SqlRow]) -> dict[tuple[Any, ...], int]:
    return {tuple(row[:-1]): row[-1] for row in rows}


def _problems(promise: str, wrong: Sequence[str]) -> Iterable[Problem]:
    for what in wrong[:SHOWN_MAX]:
        yield Problem(promise=promise, what=what)
    if len(wrong) > SHOWN_MAX:
        yield Problem(promise=promise, what=f"and {len(wrong) - SHOWN_MAX} more")
