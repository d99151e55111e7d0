"""Callbacks that wait for the agent who promised them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from dialler.domain.lead import Lead

CALLBACK_HOLD_MAX_S = 86_400


class CallbacksTo(StrEnum):
    """Whose a callback is that names its agent."""

    ANYONE = "anyone"
    """Whoever is free keeps it."""

    AGENT = "agent"
    """His, until it expires."""

    AGENT_FIRST = "agent_first"
    """His for a while, from when it was due; then anyone's."""


@dataclass(frozen=True, slots=True)
class Promise:
    """A callback that is its agent's."""

    agent: str
    since: datetime
    """When it was due."""

    until: datetime | None
    """When it is anyone's; None: never."""


def promise_of(lead: Lead, to: CallbacksTo, *, hold_s: int) -> Promise | None:
    """Return whose the lead's callback is, and until when; None for one that is anyone's from the beginning."""
    if to is CallbacksTo.ANYONE or lead.callback_at is None or lead.callback_agent is None:
        return None
    until = lead.callback_expires_at
    if to is CallbacksTo.AGENT_FIRST:
        over = lead.callback_at + timedelta(seconds=hold_s)
        until = over if until is None else min(over, until)
    return Promise(lead.callback_agent, lead.callback_at, until)
