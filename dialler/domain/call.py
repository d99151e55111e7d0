"""One call as it happens: the telephone's events folded into a value, and the outcome drawn from it.

Events may come in any order and twice; the earliest moment of each kind is kept, so the order does not matter.
`HungUp` ends a call. What came before it, and only that, decides the outcome.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from dialler.domain.call_state import TRANSITIONS, CallState, advance
from dialler.domain.cause_outcome import OUTCOME_OF_DIAL_STATUS, OUTCOME_OF_REASON, OUTCOME_OF_SIP, outcome_of_cause
from dialler.domain.evolve import evolve
from dialler.domain.outcome import Outcome
from dialler.domain.session import Evidence, Session
from telephony.causes import Cause, cause_of_sip
from telephony.events import (
    Answered,
    Bridged,
    CallEvent,
    Classified,
    DialEnded,
    HangupBy,
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
    "ABANDON_AFTER",
    "TRANSITIONS",
    "Call",
    "CallState",
    "advance",
    "apply",
    "call_of",
    "cancelled",
    "refused",
    "sent",
    "verdict_of",
]

ABANDON_AFTER: Final = timedelta(seconds=2)  # 16 CFR 310.4(b)(4)(iii); from the answer, the stricter start

NOTHING_SAID: Final = Evidence()

REASON_TIMEOUT, REASON_ANSWERED = 3, 4  # OriginateResponse

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
    queued_at: datetime | None = None
    connected_at: datetime | None = None
    ended_at: datetime | None = None
    agent: str | None = None
    evidence: Evidence = NOTHING_SAID
    channel_seen: bool = False
    """The exchange had a channel for it: without one, no telephone can have rung."""

    harbour: bool = False
    message_played: bool = False
    message_left: bool = False
    opted_out: bool = False
    cancelled_by_us: bool = False
    """We took it back (stop, window shut, agent gone). Not set when we end it after its full ring time."""

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


def verdict_of(call: Call, *, has_agents: bool, abandon_after: timedelta = ABANDON_AFTER) -> Outcome:
    """Return the outcome of a call that has ended, or that will never report any more (LOST if nothing is known).

    `has_agents`: answered calls of the campaign go to agents, not to a message. `abandon_after` is the
    longest lawful wait for an agent, from the answer. The rows are those of the outcomes table, first match wins.
    """
    said = call.evidence
    ended = call.ended_at is not None
    if call.refused:  # 1
        return Outcome.NO_ROUTE if _no_endpoint(said) else Outcome.FAILED
    if call.connected_at is not None and not call.harbour:  # 3
        return Outcome.CONNECTED
    # 9.3: the abandon clock may pull a person out of the agent's hands at the last moment; that is ABANDONED below.
    if call.opted_out:  # 4
        return Outcome.OPTED_OUT
    if call.message_left:  # 5
        return Outcome.MACHINE_MESSAGE
    if said.amd_status == "MACHINE":  # 6
        return Outcome.MACHINE
    if said.amd_status == "FAX":  # 10, which after the rows of answered calls could never be reached
        return Outcome.FAX
    if call.answered:
        return _answered_verdict(call, has_agents=has_agents, abandon_after=abandon_after)
    if call.cancelled_by_us and (ended or call.sent_at is None):  # 11
        return Outcome.CANCELLED
    if said.reason == REASON_TIMEOUT:  # 12
        return Outcome.NO_ANSWER
    return _unanswered_verdict(call)


def _answered_verdict(call: Call, *, has_agents: bool, abandon_after: timedelta) -> Outcome:
    """Return the outcome of a call that a person answered and no agent took (rows 6a to 9)."""
    if not has_agents:  # 6a
        return Outcome.PLAYED
    if call.harbour:  # 8
        return Outcome.ABANDONED
    if call.ended_at is None:
        return Outcome.LOST
    # If our side hung up on a person who had nobody to talk to, it is we who abandoned them, however soon.
    by_us = call.cancelled_by_us or call.evidence.hangup_by in (HangupBy.SYSTEM, HangupBy.AGENT)
    nothing_happened = call.queued_at is None and call.evidence.amd_status is None
    if call.evidence.amd_status == "HANGUP" or (nothing_happened and not by_us):  # 7
        return Outcome.ABANDONED_SHORT
    if by_us or call.answered_at is None or call.ended_at - call.answered_at > abandon_after:  # 8
        return Outcome.ABANDONED
    return Outcome.ABANDONED_SHORT  # 9


def _unanswered_verdict(call: Call) -> Outcome:
    """Return the outcome by TechCause, Cause, DialStatus and Reason (rows 2 and 13 to 17)."""
    said = call.evidence
    if said.tech_cause is not None and said.tech_cause in OUTCOME_OF_SIP:  # 13, 14
        return OUTCOME_OF_SIP[said.tech_cause]
    cause = said.cause or (cause_of_sip(said.tech_cause) if said.tech_cause else Cause.NOT_SET)
    if cause != Cause.NOT_SET:  # 15
        return outcome_of_cause(cause, rang=call.rang)
    hint = OUTCOME_OF_DIAL_STATUS.get(said.dial_status or "") or OUTCOME_OF_REASON.get(said.reason or 0)
    if hint is not None:  # 16
        return hint
    if said.reason is not None and not call.channel_seen:  # 2
        return Outcome.NO_ROUTE if _no_endpoint(said) else Outcome.FAILED
    if call.ended_at is None:  # 17
        return Outcome.LOST
    if _no_endpoint(said):
        return Outcome.NO_ROUTE
    return Outcome.NO_ANSWER if call.rang else Outcome.FAILED  # cause 0: our time-out, on older releases


def _no_endpoint(said: Evidence) -> bool:
    """Tell whether the exchange says that the trunk's endpoint is missing."""
    return "endpoint" in f"{said.error or ''} {said.cause_text or ''}".lower()


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
