"""A filter as a condition in SQL, as far as SQL can say it alike on both databases.

What it can't say is left out, in such a way that everything that matches the filter matches the condition too; the
rest is decided on the rows. No part is ever NULL, so that `NOT` means what it says; and each is wrapped, so that no
planner takes it for a way to the rows: that is chosen already.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from dialler.domain.filter import All, Any_, Condition, Filter, Not, Op
from dialler.stores.codec import to_us


@dataclass(frozen=True, slots=True)
class Sql:
    """A condition with its values; empty text holds for every row."""

    text: str = ""
    values: tuple[object, ...] = ()
    is_exact: bool = False
    """Whether it says all that the filter does."""


LEAD_COLUMNS: Final[Mapping[str, str]] = {
    "id": "lead_id",
    "list_id": "list_id",
    "campaign_id": "campaign_id",
    "key_id": "key_id",
    "customer_key": "customer_key",
    "external_lead_id": "external_lead_id",
    "state": "state",
    "completed_reason": "completed_reason",
    "attempts": "attempts",
    "last_attempt": "last_attempt_at",
    "last_contacted": "last_contacted_at",
    "last_outcome": "last_outcome",
    "wrap_code": "wrap_code",
    "priority": "priority",
    "created": "created_at",
}

SESSION_COLUMNS: Final[Mapping[str, str]] = {
    "id": "session_id",
    "seq": "seq",
    "list_id": "list_id",
    "campaign_id": "campaign_id",
    "lead": "lead_id",
    "status": "status",
    "outcome": "outcome",
    "number": "number",
    "customer_key": "customer_key",
    "external_lead_id": "external_lead_id",
    "agent": "agent",
    "wrap_code": "wrap_code",
    "attempt": "attempt_no",
    "workflow": "dial_mode",
    "trunk": "trunk",
    "server": "server",
    "caller_id": "caller_id",
    "created": "created_at",
    "answered": "answered_at",
    "connected": "connected_at",
    "ended": "ended_at",
    "wrapped": "wrapped_at",
}

_ABOUT_TEXT: Final = frozenset(
    "customer_key external_lead_id agent wrap_code dial_mode trunk server caller_id number session_id".split()
)


def sql_of(wanted: Filter, columns: Mapping[str, str]) -> Sql:
    """Return the condition that everything that matches `wanted` fulfils."""
    match wanted:
        case Condition():
            return _condition(wanted, columns)
        case Not(item):
            inner = sql_of(item, columns)
            if not inner.is_exact:
                return Sql()
            return Sql(f"NOT {inner.text}", inner.values, True) if inner.text else Sql("1 = 0", (), True)
        case All(items):
            parts = [sql_of(item, columns) for item in items]
            said = [part for part in parts if part.text]
            text = f"({' AND '.join(part.text for part in said)})" if said else ""
            return Sql(text, _values(said), all(part.is_exact for part in parts))
        case Any_(items):
            parts = [sql_of(item, columns) for item in items]
            if not all(part.text for part in parts):
                return Sql()
            text = f"({' OR '.join(part.text for part in parts)})"
            return Sql(text, _values(parts), all(part.is_exact for part in parts))


def _values(parts: list[Sql]) -> tuple[object, ...]:
    return tuple(value for part in parts for value in part.values)


def _condition(wanted: Condition, columns: Mapping[str, str]) -> Sql:
    if wanted.field == "completed":
        return Sql("COALESCE(state = 'completed', FALSE)", (), True)
    column = columns.get(wanted.field)
    if column is None or wanted.op is Op.CONTAINS:
        return Sql()
    if wanted.op is Op.EMPTY:
        empty = f" OR {column} = ''" if column in _ABOUT_TEXT else ""
        return Sql(f"COALESCE({column} IS NULL{empty}, FALSE)", (), True)
    values = tuple(to_us(value) if isinstance(value, datetime) else value for value in wanted.values)
    if wanted.op is Op.IN:
        if not values:
            return Sql("1 = 0", (), True)
        return Sql(f"COALESCE({column} IN ({', '.join('?' * len(values))}), FALSE)", values, True)
    return Sql(f"COALESCE({column} {wanted.op.value} ?, FALSE)", values, True)
