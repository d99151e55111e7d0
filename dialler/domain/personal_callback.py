"""Callbacks that wait for the agent who promised them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from dialler.domain.calling_window import CallingWindow
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


def promise_of(lead: Lead, to: CallbacksTo, *, hold_s: int, window: CallingWindow) -> Promise | None:
    """Return whose the lead's callback is, and until when; None for one that is anyone's from the beginning.

    His hold runs only while the lead's `window` is open: he can't keep his promise at night, either.
    """
    if to is CallbacksTo.ANYONE or lead.callback_at is None or lead.callback_agent is None:
        return None
    until = lead.callback_expires_at
    if to is CallbacksTo.AGENT_FIRST:
        until = _held_until(window, lead.callback_at, timedelta(seconds=hold_s), until)
    return Promise(lead.callback_agent, lead.callback_at, until)


def _held_until(
    window: CallingWindow, since: datetime, hold: timedelta, expires_at: datetime | None
) -> datetime | None:
    """Return when `window` has been open for `hold` since `since`, or `expires_at` if that is earlier.

    Where the window opens no more it is `expires_at`, too.
    """
    at, left = since, hold
    while expires_at is None or at < expires_at:
        opens = window.next_open(at)
        if opens is None:
            return expires_at
        shuts = window.next_close(opens)
        if shuts is None or shuts - opens >= left:
            over = opens + left
            return over if expires_at is None else min(over, expires_at)
        at, left = shuts, left - (shuts - opens)
    return expires_at
