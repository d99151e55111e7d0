"""Counted attempts by number: caps hold for a number, whichever leads of the campaign have it."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from dialler.domain.lead import NumberAttempts
from dialler.domain.local_day import local_date
from dialler.domain.outcome import Outcome
from dialler.domain.session import Session
from dialler.stores.codec import from_us_or_none, to_us
from dialler.stores.number_keys import hashed, hashed_if_any
from dialler.stores.transaction import Transaction, portions

_COUNT: Final = (
    "INSERT INTO number_attempts (number, campaign_id, counted, day, on_day, last_at, last_outcome)"
    " VALUES (?, ?, 1, ?, 1, ?, ?)"
    " ON CONFLICT (number, campaign_id) DO UPDATE SET counted = number_attempts.counted + 1,"
    # A clock that was set back must not start a new day.
    " on_day = CASE WHEN number_attempts.day >= excluded.day THEN number_attempts.on_day + 1 ELSE 1 END,"
    " day = CASE WHEN number_attempts.day >= excluded.day THEN number_attempts.day ELSE excluded.day END,"
    # The later one stays, in whatever order they are written.
    " last_outcome = CASE WHEN number_attempts.last_at > excluded.last_at THEN number_attempts.last_outcome"
    " ELSE excluded.last_outcome END,"
    " last_at = CASE WHEN number_attempts.last_at > excluded.last_at THEN number_attempts.last_at"
    " ELSE excluded.last_at END"
)


class AttemptRecords:
    """The part of the records about attempts on numbers."""

    _in: Transaction

    def number_attempts(self, campaign_id: int, numbers: Sequence[str]) -> Mapping[str, NumberAttempts]:
        meant = {name: number for number, name in hashed_if_any(self._in, numbers).items()}
        found: dict[str, NumberAttempts] = {}
        for marked, some in portions(list(meant)):
            rows = self._in.rows(
                "SELECT number, counted, day, on_day, last_at, last_outcome FROM number_attempts"
                f" WHERE number {marked} AND campaign_id = ?",
                (*some, campaign_id),
            )
            for name, counted, day, on_day, last_at, last_outcome in rows:
                found[meant[name]] = NumberAttempts(
                    counted=counted,
                    day=date.fromisoformat(day),
                    on_day=on_day,
                    last_at=from_us_or_none(last_at),
                    last_outcome=None if last_outcome is None else Outcome(last_outcome),
                )
        return found


def count_attempts(transaction: Transaction, ended: Sequence[Session]) -> None:
    """Count sessions that have just ended, as far as they count."""
    counted = [session for session in ended if session.counts_attempt]
    if not counted:
        return
    names = hashed(transaction, [session.number for session in counted])
    # In order, so that two engines never wait for each other in a ring.
    rows = sorted(
        (
            names[session.number],
            session.campaign_id,
            _day(session),
            to_us(session.ended_at or session.created_at),
            session.outcome or "",
        )
        for session in counted
    )
    transaction.run_many(_COUNT, rows)


def _day(session: Session) -> str:
    zone = session.timezone.split()[0] if session.timezone else "Etc/UTC"
    return local_date(session.ended_at or session.created_at, zone).isoformat()
