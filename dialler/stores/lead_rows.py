"""A lead as the values of its row, and back."""

from collections.abc import Sequence
from datetime import date
from operator import attrgetter
from typing import Any, Final

from dialler.domain.evolve import made
from dialler.domain.lead import CompletedReason, Lead, LeadState, NewLead
from dialler.domain.outcome import Outcome
from dialler.stores.codec import (
    from_us,
    from_us_or_none,
    json_object,
    numbers_from_json,
    numbers_to_json,
    to_json,
    to_us_or_none,
)
from dialler.stores.transaction import Transaction

GIVEN_COLUMNS: Final = (
    "numbers",
    "customer_key",
    "external_lead_id",
    "name",
    "timezone_source",
    "timezone_given",
    "postcode",
    "priority",
    "data",
    "expires_at",
)
"""What a lead was loaded with; its window key is apart, because it moves the lead to another bucket."""

PROGRESS_COLUMNS: Final = (
    "state",
    "completed_reason",
    "due_at",
    "attempts",
    "attempts_counted",
    "attempts_on_day",
    "attempts_day",
    "outcome_run",
    "last_attempt_at",
    "last_outcome",
    "last_contacted_at",
    "wrap_code",
    "callback_at",
    "callback_agent",
    "callback_expires_at",
)
"""What the engine makes of it."""

TURN_COLUMNS: Final = ("state", "due_at")
"""Of these, what changes as a lead goes into a call, or is put aside unseen."""

COLUMNS: Final = ("lead_id", "list_id", "campaign_id", "key_id", "created_at", *GIVEN_COLUMNS, *PROGRESS_COLUMNS)

given_of: Final = attrgetter(*GIVEN_COLUMNS)
"""What GIVEN_COLUMNS hold, as values of the lead."""

beside_turn_of: Final = attrgetter(*(name for name in PROGRESS_COLUMNS if name not in TURN_COLUMNS))
"""What PROGRESS_COLUMNS hold beside TURN_COLUMNS, as values of the lead."""


_STATES: Final = {each.value: each for each in LeadState}
_REASONS: Final = {each.value: each for each in CompletedReason}
_OUTCOMES: Final = {each.value: each for each in Outcome}


def given_values(lead: NewLead) -> tuple[object, ...]:
    """Return the values of GIVEN_COLUMNS."""
    return (
        numbers_to_json(lead.numbers),
        lead.customer_key,
        lead.external_lead_id,
        lead.name,
        lead.timezone_source,
        lead.timezone_given,
        lead.postcode,
        lead.priority,
        to_json(lead.data) if lead.data else "{}",
        to_us_or_none(lead.expires_at),
    )


def progress_values(lead: Lead) -> tuple[object, ...]:
    """Return the values of PROGRESS_COLUMNS."""
    return (
        lead.state.value,
        None if lead.completed_reason is None else lead.completed_reason.value,
        to_us_or_none(lead.due_at),
        lead.attempts,
        lead.attempts_counted,
        lead.attempts_on_day,
        None if lead.attempts_day is None else lead.attempts_day.isoformat(),
        lead.outcome_run,
        to_us_or_none(lead.last_attempt_at),
        None if lead.last_outcome is None else lead.last_outcome.value,
        to_us_or_none(lead.last_contacted_at),
        lead.wrap_code,
        to_us_or_none(lead.callback_at),
        lead.callback_agent,
        to_us_or_none(lead.callback_expires_at),
    )


def turn_values(lead: Lead) -> tuple[object, ...]:
    """Return the values of TURN_COLUMNS."""
    return (lead.state.value, to_us_or_none(lead.due_at))


def lead_of(row: Sequence[Any], transaction: Transaction) -> Lead:
    """Return the lead of a row of COLUMNS."""
    (
        lead_id,
        list_id,
        campaign_id,
        key_id,
        created_at,
        numbers,
        customer_key,
        external_lead_id,
        name,
        timezone_source,
        timezone_given,
        postcode,
        priority,
        data,
        expires_at,
        state,
        completed_reason,
        due_at,
        attempts,
        attempts_counted,
        attempts_on_day,
        attempts_day,
        outcome_run,
        last_attempt_at,
        last_outcome,
        last_contacted_at,
        wrap_code,
        callback_at,
        callback_agent,
        callback_expires_at,
    ) = row
    return made(
        Lead,
        {
            "lead_id": lead_id,
            "list_id": list_id,
            "campaign_id": campaign_id,
            "window_key": transaction.window_key(key_id),
            "created_at": from_us(created_at),
            "numbers": numbers_from_json(numbers),
            "customer_key": customer_key,
            "external_lead_id": external_lead_id,
            "name": name,
            "timezone_source": timezone_source,
            "timezone_given": timezone_given,
            "postcode": postcode,
            "priority": priority,
            "data": json_object(data),
            "expires_at": from_us_or_none(expires_at),
            "state": _STATES[state],
            "completed_reason": None if completed_reason is None else _REASONS[completed_reason],
            "due_at": from_us_or_none(due_at),
            "attempts": attempts,
            "attempts_counted": attempts_counted,
            "attempts_on_day": attempts_on_day,
            "attempts_day": None if attempts_day is None else date.fromisoformat(attempts_day),
            "outcome_run": outcome_run,
            "last_attempt_at": from_us_or_none(last_attempt_at),
            "last_outcome": None if last_outcome is None else _OUTCOMES[last_outcome],
            "last_contacted_at": from_us_or_none(last_contacted_at),
            "wrap_code": wrap_code,
            "callback_at": from_us_or_none(callback_at),
            "callback_agent": callback_agent,
            "callback_expires_at": from_us_or_none(callback_expires_at),
        },
    )
