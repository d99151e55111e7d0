"""The outcome of a call that has ended, drawn from all that was told of it."""

from enum import StrEnum

from dialler.domain.call import REASON_TIMEOUT, Call, patience_began
from dialler.domain.cause_outcome import OUTCOME_OF_DIAL_STATUS, OUTCOME_OF_REASON, OUTCOME_OF_SIP, outcome_of_cause
from dialler.domain.outcome import TRAITS, Outcome
from dialler.domain.patience import PATIENCE, Patience
from dialler.domain.session import Evidence
from telephony.causes import Cause, cause_of_sip
from telephony.events import HangupBy


class AbandonReason(StrEnum):
    """Why somebody who answered counts as abandoned."""

    NO_AGENT = "no_agent"
    """Patience ended, and we took them to the information message."""

    QUEUE = "queue"
    """The exchange took them there by itself: nobody is logged in, or its own, longer, time-out."""

    PULLED = "pulled"
    """An agent came in the same instant, and the message took them out of his hands."""

    HUNG_UP = "hung_up"
    """They left after their patience had ended, before a message began."""

    ENDED_BY_US = "ended_by_us"
    """We, or the exchange, hung up on them."""

    OPTED_OUT = "opted_out"
    """They asked not to be called again, in a campaign without agents."""


def verdict_of(call: Call, *, has_agents: bool, patience: Patience = PATIENCE) -> Outcome:
    """Return the outcome of a call that has ended, or that will never report any more (LOST if nothing is known).

    `has_agents`: answered calls of the campaign go to agents, not to a message; of those that are played a message,
    the ones count alike that went on to the queue, or had to hear the information message. `patience` is how long a
    person waits for an agent at most. The rows are those of the outcomes table, first match wins.
    """
    said = call.evidence
    ended = call.ended_at is not None
    if call.refused:  # 1
        return Outcome.NO_ROUTE if _no_endpoint(said) else Outcome.FAILED
    if call.connected_at is not None and not is_pulled(call):  # 3
        return Outcome.CONNECTED
    if call.opted_out:  # 4
        return Outcome.OPTED_OUT
    if call.message_left:  # 5
        return Outcome.MACHINE_MESSAGE
    if said.amd_status == "MACHINE":  # 6
        return Outcome.MACHINE
    if said.amd_status == "FAX":  # 10, which after the rows of answered calls could never be reached
        return Outcome.FAX
    if call.answered:
        return _answered_verdict(call, has_agents=has_agents, patience=patience)
    if call.given_up and ended:  # Else what the exchange says of a call that we end: 487 is CANCELLED.
        return Outcome.NO_ANSWER
    if call.cancelled_by_us and (ended or call.sent_at is None):  # 11
        return Outcome.CANCELLED
    if said.reason == REASON_TIMEOUT:  # 12
        return Outcome.NO_ANSWER
    return _unanswered_verdict(call)


def _answered_verdict(call: Call, *, has_agents: bool, patience: Patience) -> Outcome:
    """Return the outcome of a call that a person answered and no agent took (rows 6a to 9)."""
    if call.harbour or is_pulled(call):  # 8
        return Outcome.ABANDONED
    if not has_agents and call.queued_at is None:  # 6a
        return Outcome.PLAYED
    if call.ended_at is None:
        return Outcome.LOST
    # If our side hung up on a person who had nobody to talk to, it is we who abandoned them, however soon.
    by_us = _ended_by_us(call)
    nothing_happened = call.queued_at is None and call.evidence.amd_status is None
    if call.evidence.amd_status == "HANGUP" or (nothing_happened and not by_us):  # 7
        return Outcome.ABANDONED_SHORT
    began_at = patience_began(call, patience) or call.answered_at
    if by_us or began_at is None or call.ended_at - began_at > patience.limit:  # 8
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


def is_pulled(call: Call) -> bool:
    """Tell whether the message took a person out of an agent's hands: the clock and the agent met."""
    return call.connected_at is not None and (call.harbour or call.diverted)


def abandon_reason(call: Call, outcome: Outcome) -> AbandonReason | None:
    """Return why a call that ended with `outcome` counts as abandoned, None for one that does not."""
    if not TRAITS[outcome].abandoned:
        return None
    if is_pulled(call):
        return AbandonReason.PULLED
    if call.diverted or call.harbour:
        return AbandonReason.NO_AGENT if call.diverted else AbandonReason.QUEUE
    if outcome is Outcome.OPTED_OUT:
        return AbandonReason.OPTED_OUT
    return AbandonReason.ENDED_BY_US if _ended_by_us(call) else AbandonReason.HUNG_UP


def _ended_by_us(call: Call) -> bool:
    return call.cancelled_by_us or call.evidence.hangup_by in (HangupBy.SYSTEM, HangupBy.AGENT)
