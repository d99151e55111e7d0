"""How far a call has got, as a table: all that can happen to a call is on this screen."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from dialler.errors import IllegalTransition
from telephony.events import (
    Answered,
    Bridged,
    CallEvent,
    Classified,
    DialEnded,
    Dialling,
    HarbourStarted,
    HungUp,
    MessageLeft,
    MessagePlayed,
    OptedOut,
    OriginateEnded,
    Queued,
    Ringing,
)


class CallState(StrEnum):
    """A call only ever moves down this list; what comes late or twice leaves it where it is."""

    NEW = "new"
    """Intended, not yet sent to the exchange."""

    SENT = "sent"
    DIALLING = "dialling"
    RINGING = "ringing"
    ANSWERED = "answered"
    """Looked at for a machine, or hearing the campaign's message, which may yet lead to the queue."""

    WAITING = "waiting"
    """In the queue, for an agent."""

    MESSAGE = "message"
    """Hearing the information message, asking not to be called again, or a machine on which one was left."""

    TALKING = "talking"
    ENDED = "ended"


_FROM_MESSAGE: Mapping[type[CallEvent], CallState] = {
    Bridged: CallState.TALKING,
    HungUp: CallState.ENDED,
}
_FROM_WAITING: Mapping[type[CallEvent], CallState] = {
    **_FROM_MESSAGE,
    HarbourStarted: CallState.MESSAGE,
    MessageLeft: CallState.MESSAGE,
    OptedOut: CallState.MESSAGE,
}
_FROM_ANSWERED = {**_FROM_WAITING, Queued: CallState.WAITING}
_FROM_RINGING = {
    **_FROM_ANSWERED,
    Answered: CallState.ANSWERED,
    MessagePlayed: CallState.ANSWERED,  # it has overtaken Answered
    Classified: CallState.ANSWERED,  # it has overtaken Answered
}
_FROM_DIALLING = {**_FROM_RINGING, Ringing: CallState.RINGING}
_FROM_SENT = {**_FROM_DIALLING, Dialling: CallState.DIALLING}

TRANSITIONS: Final[Mapping[CallState, Mapping[type[CallEvent], CallState]]] = {
    CallState.NEW: _FROM_SENT,  # an event may overtake the answer to Originate
    CallState.SENT: _FROM_SENT,
    CallState.DIALLING: _FROM_DIALLING,
    CallState.RINGING: _FROM_RINGING,
    CallState.ANSWERED: _FROM_ANSWERED,
    CallState.WAITING: _FROM_WAITING,
    CallState.MESSAGE: _FROM_MESSAGE,
    CallState.TALKING: {HungUp: CallState.ENDED},
    CallState.ENDED: {},
}

HINTS: Final = (OriginateEnded, DialEnded)
"""Say nothing about the state, and may trail HungUp: they travel another way through the exchange."""


def advance(state: CallState, event: CallEvent) -> CallState:
    """Return the state after `event`: the same state if it is late or repeated.

    Raises IllegalTransition for any event but a hint of a call that has ended.
    """
    if state is CallState.ENDED and not isinstance(event, HINTS):
        raise IllegalTransition(state, event)
    return TRANSITIONS[state].get(type(event), state)
