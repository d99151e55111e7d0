"""One call as it happens: the telephone's events folded into a value.

Events may come in any order and twice; the earliest moment of each kind is kept, so the order does not matter.
`HungUp` ends a call. What came before it, and only that, decides the outcome (`call_verdict`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from dialler.domain.call_state import TRANSITIONS, CallState, advance
from dialler.domain.evolve import evolve
from dialler.domain.patience import Patience
from dialler.domain.session import Evidence, Session
from telephony.causes import Cause
from telephony.events import (
    Answered,
    Bridged,
    CallEvent,
    Classified,
    DialEnded,
    HarbourStarted,
    HungUp,
    MessageLeft,
    MessagePlayed,
    OptedOut,
    OriginateEnded,
    Queued,
    Ringing,
)

__all__ = [
    "TRANSITIONS",
    "Call",
    "CallState",
    "advance",
    "apply",
    "call_of",
    "cancelled",
    "patience_began",
    "refused",
    "sent",
    "waits_for_nobody",
    "waits_since",
]

NOTHING_SAID: Final = Evidence()

REASON_TIMEOUT, REASON_ANSWERED = 3, 4  # OriginateResponse

_WAITING: Final = frozenset({CallState.ANSWERED, CallState.WAITING})
_NOBODY_THERE: Final = frozenset({"MACHINE", "FAX", "HANGUP"})
"""Verdicts of machine detection after which no agent is waited for."""

# Events that can only happen once someone, or something, has picked up.
_AFTER_ANSWER: Final = frozenset(
    {Answered, Classified, Queued, Bridged, HarbourStarted, MessagePlayed, MessageLeft, OptedOut}
)

_WITHOUT_CHANNEL: Final = frozenset({HungUp, OriginateEnded})
"""Events that a call may have without a channel; all others need one."""

_FLAGS: Final[Mapping[type[CallEvent], str]] = {
    HarbourStarted: "harbour",
    MessagePlayed: "message_played",
    MessageLeft: "message_left",
    OptedOut: "opted_out",
}
"""What is only remembered to have happened."""


@dataclass(frozen=True, kw_only=True)  # no slots: see evolve
class Call:
    """A call so far. Moments are aware, UTC; None: not (yet) seen."""

    call_id: str
    state: CallState = CallState.NEW
    sent_at: datetime | None = None
    ringing_at: datetime | None = None
    answered_at: datetime | None = None
    classified_at: datetime | None = None
    """When machine detection had its verdict."""

    queued_at: datetime | None = None
    connected_at: datetime | None = None
    ended_at: datetime | None = None
    agent: str | None = None
    evidence: Evidence = NOTHING_SAID
    channel_seen: bool = False
    """The exchange had a channel for it: without one, no telephone can have rung."""

    harbour: bool = False
    diverted: bool = False
    """The exchange was asked to take it to the information message."""

    message_played: bool = False
    message_left: bool = False
    opted_out: bool = False
    cancelled_by_us: bool = False
    """We took it back (stop, window shut, agent gone). Not set when we end it after its full ring time."""

    given_up: bool = False
    """We ended it after it had rung for as long as it has to, before its ring time was over: nobody answered."""

    refused: bool = False
    """The exchange did not take it, or it never left us: nothing was placed."""

    @property
    def rang(self) -> bool:
        """Whether the far end rang, or more."""
        return self.ringing_at is not None or self.answered

    @property
    def answered(self) -> bool:
        """Whether someone, or something, picked up, as far as anything says."""
        return (
            self.answered_at is not None
            or self.evidence.reason == REASON_ANSWERED
            or self.evidence.dial_status == "ANSWER"
        )

    @property
    def wants_hint(self) -> bool:
        """Whether the outcome may still turn on a hint that trails HungUp: unanswered, and no cause was set."""
        return (
            self.state is CallState.ENDED
            and not (self.answered or self.refused)
            and self.evidence.cause in (None, Cause.NOT_SET)
            and self.evidence.reason is None
        )


def sent(call: Call, at: datetime) -> Call:
    """Return the call once it was handed to the exchange; its events may already have overtaken this."""
    state = CallState.SENT if call.state is CallState.NEW else call.state
    return evolve(call, state=state, sent_at=_earlier(call.sent_at, at))


def refused(call: Call, error: str, at: datetime) -> Call:
    """Return the call ended because nothing was placed: the exchange said no, or it could not be sent."""
    evidence = evolve(call.evidence, error=error)
    return evolve(call, state=CallState.ENDED, ended_at=call.ended_at or at, evidence=evidence, refused=True)


def cancelled(call: Call) -> Call:
    """Return the call marked as taken back by us; it ends when the exchange says so, at once if it was never sent."""
    state = CallState.ENDED if call.state is CallState.NEW else call.state
    return evolve(call, state=state, cancelled_by_us=True)


def apply(call: Call, event: CallEvent) -> Call:
    """Return the call after `event`. A hint that trails HungUp is kept as evidence, nothing else.

    Raises IllegalTransition for other events of a call that has ended.
    """
    state, evidence = advance(call.state, event), _evidence(call.evidence, event)
    if call.state is CallState.ENDED:
        return evolve(call, evidence=evidence)
    kind = type(event)
    changes: dict[str, Any] = {"state": state, "evidence": evidence}
    if kind not in _WITHOUT_CHANNEL:
        changes["channel_seen"] = True
    if kind in _AFTER_ANSWER:
        changes["answered_at"] = _earlier(call.answered_at, event.at)
    if kind is Ringing:
        changes["ringing_at"] = _earlier(call.ringing_at, event.at)
    elif kind is Queued:
        changes["queued_at"] = _earlier(call.queued_at, event.at)
    elif kind is Classified:
        changes["classified_at"] = _earlier(call.classified_at, event.at)
    elif kind is HungUp:
        changes["ended_at"] = event.at
    elif flag := _FLAGS.get(kind):
        changes[flag] = True
    elif isinstance(event, Bridged) and (call.connected_at is None or event.at < call.connected_at):
        # Of several agents (a transfer) the first to talk is the one the call was for.
        changes |= {"connected_at": event.at, "agent": event.agent}
    return evolve(call, **changes)


def call_of(session: Session) -> Call:
    """Return the call of a stored session, as far as the session remembers it: to adopt it after a restart.

    Whether a message was playing is not stored; the exchange says so again if it matters.
    """
    if not session.status.is_open or session.outcome is not None:
        state = CallState.ENDED
    elif session.connected_at is not None:
        state = CallState.TALKING
    elif session.queued_at is not None:
        state = CallState.WAITING
    elif session.answered_at is not None:
        state = CallState.ANSWERED
    elif session.ringing_at is not None:
        state = CallState.RINGING
    else:
        state = CallState.NEW if session.sent_at is None else CallState.SENT
    return Call(
        call_id=session.session_id,
        state=state,
        sent_at=session.sent_at,
        ringing_at=session.ringing_at,
        answered_at=session.answered_at,
        queued_at=session.queued_at,
        connected_at=session.connected_at,
        ended_at=session.ended_at,
        agent=session.agent,
        evidence=session.evidence,
        channel_seen=session.ringing_at is not None or session.answered_at is not None,
    )


def waits_since(call: Call, patience: Patience) -> datetime | None:
    """Return since when a person waits for an agent who has not come (UTC), None while nobody does.

    For calls that go to agents. A machine does not wait, nor does somebody who is told the message, or about to be.
    """
    if call.state not in _WAITING or waits_for_nobody(call):
        return None
    return patience_began(call, patience)


def waits_for_nobody(call: Call) -> bool:
    """Tell whether no agent is waited for any more: one came, a machine answered, or the message takes over."""
    is_served = call.diverted or call.harbour or call.connected_at is not None
    return is_served or call.evidence.amd_status in _NOBODY_THERE


def patience_began(call: Call, patience: Patience) -> datetime | None:
    """Return from when the wait of the person who answered counts (UTC); None: not yet, or nobody answered."""
    return patience.began_at(
        answered_at=call.answered_at,
        classified_at=call.classified_at,
        amd_cause=call.evidence.amd_cause,
        queued_at=call.queued_at,
    )


def _evidence(said: Evidence, event: CallEvent) -> Evidence:
    """Return the evidence with what `event` adds; what was said first stands."""
    news: Mapping[str, Any]
    match event:
        case Classified(status=status, cause=cause):
            news = {"amd_status": status or None, "amd_cause": cause or None}
        case OriginateEnded(reason=reason):
            news = {"reason": reason}
        case DialEnded(dial_status=status):
            news = {"dial_status": status or None}
        case HungUp():
            news = {
                "cause": event.cause,
                "cause_text": event.cause_text or None,
                "tech_cause": event.tech_cause,
                "hangup_by": None if event.by is None else event.by.value,
            }
        case _:
            return said
    return evolve(said, **{name: value for name, value in news.items() if getattr(said, name) is None})


def _earlier(known: datetime | None, at: datetime) -> datetime:
    return at if known is None else min(known, at)
