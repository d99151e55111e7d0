"""From the cause of a call that nobody answered to its outcome (Q.850 as Asterisk reports it)."""

from collections.abc import Mapping
from typing import Final

from dialler.domain.outcome import Outcome
from telephony.causes import Cause

# What is not here is FAILED: facility, bearer and protocol faults, temporary failures.
OUTCOME_OF_CAUSE: Final[Mapping[int, Outcome]] = {
    Cause.UNALLOCATED: Outcome.INVALID_NUMBER,
    Cause.NO_ROUTE_TRANSIT_NET: Outcome.NO_ROUTE,
    Cause.NO_ROUTE_DESTINATION: Outcome.NO_ROUTE,
    Cause.MISDIALLED_PREFIX: Outcome.INVALID_NUMBER,
    Cause.NORMAL_CLEARING: Outcome.NO_ANSWER,  # our own withdrawal is known before the cause is looked at
    Cause.USER_BUSY: Outcome.BUSY,
    Cause.NO_USER_RESPONSE: Outcome.NO_ANSWER,
    Cause.NO_ANSWER: Outcome.NO_ANSWER,
    Cause.SUBSCRIBER_ABSENT: Outcome.UNREACHABLE,
    Cause.CALL_REJECTED: Outcome.REJECTED_CALL,
    Cause.NUMBER_CHANGED: Outcome.INVALID_NUMBER,
    Cause.REDIRECTED: Outcome.NO_ANSWER,
    Cause.ANSWERED_ELSEWHERE: Outcome.CANCELLED,
    Cause.DESTINATION_OUT_OF_ORDER: Outcome.UNREACHABLE,
    Cause.INVALID_NUMBER_FORMAT: Outcome.INVALID_NUMBER,
    Cause.NORMAL_UNSPECIFIED: Outcome.NO_ANSWER,
    Cause.CIRCUIT_CONGESTION: Outcome.CONGESTION,
    Cause.SWITCH_CONGESTION: Outcome.CONGESTION,
    Cause.CHANNEL_UNAVAILABLE: Outcome.CONGESTION,
}

# Only responses that the cause can not tell apart. For the rest the cause is better: a `Reason` header of
# the carrier changes the cause, not the response.
OUTCOME_OF_SIP: Final[Mapping[int, Outcome]] = {
    401: Outcome.FAILED,  # cause 21, like a decline on the handset
    403: Outcome.FAILED,
    407: Outcome.FAILED,
    487: Outcome.CANCELLED,
    504: Outcome.FAILED,
    607: Outcome.BLOCKED,  # RFC 8197: the called party marks us unwanted
    608: Outcome.BLOCKED,  # RFC 8688: analytics in the network
}

OUTCOME_OF_DIAL_STATUS: Final[Mapping[str, Outcome]] = {
    "BUSY": Outcome.BUSY,
    "CONGESTION": Outcome.CONGESTION,
    "CHANUNAVAIL": Outcome.FAILED,
    "NOANSWER": Outcome.NO_ANSWER,
}

OUTCOME_OF_REASON: Final[Mapping[int, Outcome]] = {5: Outcome.BUSY, 8: Outcome.CONGESTION}


def outcome_of_cause(cause: int, *, rang: bool) -> Outcome:
    """Return the outcome of an unanswered call by its cause (not 0); `rang`: the far end was heard ringing."""
    if cause == Cause.TIMER_EXPIRY:
        return Outcome.NO_ANSWER if rang else Outcome.FAILED
    return OUTCOME_OF_CAUSE.get(cause, Outcome.FAILED)
