"""The fields that filters may name, of leads and of sessions, and what each is compared with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from dialler.domain.lead import CompletedReason, Lead, LeadState
from dialler.domain.outcome import Outcome
from dialler.domain.session import Session, SessionStatus


class Kind(StrEnum):
    """What a field holds."""

    TEXT = "text"
    CHOICE = "choice"
    PHONE = "phone number"
    NUMBER = "number"
    MOMENT = "moment"
    FLAG = "yes or no"


@dataclass(frozen=True, slots=True)
class Field:
    """A field that a filter may name."""

    kind: Kind
    choices: tuple[str, ...] = ()
    """The values of a CHOICE."""


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of one kind of thing; `data.NAME` is one of its data fields, whatever NAME."""

    noun: str
    fields: Mapping[str, Field]
    also: Mapping[str, str] = field(default_factory=dict)
    """Other names."""

    def find(self, name: str) -> tuple[str, Field] | None:
        """Return a field's own name, and the field; None where there is none."""
        head, dot, own = name.partition(".")
        if head.lower() == "data" and dot and own:
            return f"data.{own}", _TEXT
        known = name.lower().replace("-", "_")
        known = self.also.get(known, known)
        return (known, self.fields[known]) if known in self.fields else None


_TEXT, _PHONE, _NUMBER = Field(Kind.TEXT), Field(Kind.PHONE), Field(Kind.NUMBER)
_MOMENT, _FLAG = Field(Kind.MOMENT), Field(Kind.FLAG)


def _choice(kind: type[StrEnum]) -> Field:
    return Field(Kind.CHOICE, tuple(each.value for each in kind))


LEAD_FIELDS: Final = Fields(
    "leads",
    {
        "id": _NUMBER,
        "text": _TEXT,
        "name": _TEXT,
        "number": _PHONE,
        "customer_key": _TEXT,
        "external_lead_id": _TEXT,
        "campaign": _TEXT,
        "list": _TEXT,
        "state": _choice(LeadState),
        "completed": _FLAG,
        "completed_reason": _choice(CompletedReason),
        "attempts": _NUMBER,
        "last_attempt": _MOMENT,
        "last_contacted": _MOMENT,
        "last_outcome": _choice(Outcome),
        "wrap_code": _TEXT,
        "agent": _TEXT,
        "session": _TEXT,
        "country": _TEXT,
        "region": _TEXT,
        "zone": _TEXT,
        "priority": _NUMBER,
        "created": _MOMENT,
    },
    {
        "lead": "id",
        "lead_id": "id",
        "external_id": "external_lead_id",
        "last_attempt_at": "last_attempt",
        "last_contact": "last_contacted",
        "last_contacted_at": "last_contacted",
        "session_id": "session",
        "timezone": "zone",
        "created_at": "created",
    },
)

SESSION_FIELDS: Final = Fields(
    "sessions",
    {
        "id": _TEXT,
        "seq": _NUMBER,
        "lead": _NUMBER,
        "campaign": _TEXT,
        "list": _TEXT,
        "status": _choice(SessionStatus),
        "outcome": _choice(Outcome),
        "number": _PHONE,
        "name": _TEXT,
        "customer_key": _TEXT,
        "external_lead_id": _TEXT,
        "agent": _TEXT,
        "wrap_code": _TEXT,
        "attempt": _NUMBER,
        "workflow": _TEXT,
        "trunk": _TEXT,
        "server": _TEXT,
        "caller_id": _TEXT,
        "created": _MOMENT,
        "answered": _MOMENT,
        "connected": _MOMENT,
        "ended": _MOMENT,
        "wrapped": _MOMENT,
    },
    {
        "session": "id",
        "session_id": "id",
        "lead_id": "lead",
        "attempt_no": "attempt",
        "dial_mode": "workflow",
        "intention": "created",
        "external_id": "external_lead_id",
        **{f"{name}_at": name for name in ("created", "answered", "connected", "ended", "wrapped")},
    },
)

LEAD_VALUES: Final[Mapping[str, Callable[[Lead], object]]] = {
    "id": lambda lead: lead.lead_id,
    "list_id": lambda lead: lead.list_id,
    "campaign_id": lambda lead: lead.campaign_id,
    "text": lambda lead: (
        lead.name,
        lead.customer_key,
        lead.external_lead_id,
        *(each.number for each in lead.numbers),
        *lead.data.values(),
    ),
    "name": lambda lead: lead.name,
    "number": lambda lead: tuple(each.number for each in lead.numbers),
    "customer_key": lambda lead: lead.customer_key,
    "external_lead_id": lambda lead: lead.external_lead_id,
    "state": lambda lead: lead.state.value,
    "completed": lambda lead: lead.state is LeadState.COMPLETED,
    "completed_reason": lambda lead: lead.completed_reason and lead.completed_reason.value,
    "attempts": lambda lead: lead.attempts,
    "last_attempt": lambda lead: lead.last_attempt_at,
    "last_contacted": lambda lead: lead.last_contacted_at,
    "last_outcome": lambda lead: lead.last_outcome and lead.last_outcome.value,
    "wrap_code": lambda lead: lead.wrap_code,
    "country": lambda lead: lead.window_key.country,
    "region": lambda lead: lead.window_key.region,
    "zone": lambda lead: lead.window_key.zones,
    "priority": lambda lead: lead.priority,
    "created": lambda lead: lead.created_at,
}
"""The values of a lead's fields; the rest (campaign, list, agent, session) stands in other records."""

SESSION_VALUES: Final[Mapping[str, Callable[[Session], object]]] = {
    "id": lambda session: session.session_id,
    "seq": lambda session: session.seq,
    "list_id": lambda session: session.list_id,
    "campaign_id": lambda session: session.campaign_id,
    "lead": lambda session: session.lead_id,
    "campaign": lambda session: session.campaign,
    "list": lambda session: session.list,
    "status": lambda session: session.status.value,
    "outcome": lambda session: session.outcome and session.outcome.value,
    "number": lambda session: session.number,
    "name": lambda session: session.name,
    "customer_key": lambda session: session.customer_key,
    "external_lead_id": lambda session: session.external_lead_id,
    "agent": lambda session: session.agent,
    "wrap_code": lambda session: session.wrap_code,
    "attempt": lambda session: session.attempt_no,
    "workflow": lambda session: session.dial_mode,
    "trunk": lambda session: session.trunk,
    "server": lambda session: session.server,
    "caller_id": lambda session: session.caller_id,
    "created": lambda session: session.created_at,
    "answered": lambda session: session.answered_at,
    "connected": lambda session: session.connected_at,
    "ended": lambda session: session.ended_at,
    "wrapped": lambda session: session.wrapped_at,
}


def lead_value(lead: Lead, name: str) -> object:
    """Return the value of a field that stands in the lead itself. Raises KeyError for another one."""
    return lead.data.get(name[5:]) if name.startswith("data.") else LEAD_VALUES[name](lead)


def session_value(session: Session, name: str) -> object:
    """Return the value of a session's field; its data fields are those that the lead had at the intent."""
    if name.startswith("data."):
        value = session.details.get(name[5:])
        return None if value is None else str(value)
    return SESSION_VALUES[name](session)
