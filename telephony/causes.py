"""Why calls end: Q.850 causes as Asterisk numbers and names them, and the SIP responses behind them."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Final


class Cause(IntEnum):
    """A Q.850 cause with its text, as in Asterisk's `causes.h` and `channel.c`."""

    text: str

    def __new__(cls, value: int, text: str) -> "Cause":
        cause = int.__new__(cls, value)
        cause._value_ = value
        cause.text = text
        return cause

    NOT_SET = 0, "Unknown"
    UNALLOCATED = 1, "Unallocated (unassigned) number"
    NO_ROUTE_TRANSIT_NET = 2, "No route to specified transit network"
    NO_ROUTE_DESTINATION = 3, "No route to destination"
    MISDIALLED_PREFIX = 5, "Misdialed trunk prefix"
    CHANNEL_UNACCEPTABLE = 6, "Channel unacceptable"
    CALL_AWARDED = 7, "Call awarded and being delivered in an established channel"
    PRE_EMPTED = 8, "Call Pre-empted"
    NUMBER_PORTED_NOT_HERE = 14, "Number not here, but ported"
    NORMAL_CLEARING = 16, "Normal Clearing"
    USER_BUSY = 17, "User busy"
    NO_USER_RESPONSE = 18, "No user responding"
    NO_ANSWER = 19, "User alerting, no answer"
    SUBSCRIBER_ABSENT = 20, "Subscriber absent"
    CALL_REJECTED = 21, "Call Rejected"
    NUMBER_CHANGED = 22, "Number changed"
    REDIRECTED = 23, "Redirected to new destination"
    ANSWERED_ELSEWHERE = 26, "Answered elsewhere"
    DESTINATION_OUT_OF_ORDER = 27, "Destination out of order"
    INVALID_NUMBER_FORMAT = 28, "Invalid number format"
    FACILITY_REJECTED = 29, "Facility rejected"
    STATUS_ENQUIRY_RESPONSE = 30, "Response to STATus ENQuiry"
    NORMAL_UNSPECIFIED = 31, "Normal, unspecified"
    CIRCUIT_CONGESTION = 34, "Circuit/channel congestion"
    NETWORK_OUT_OF_ORDER = 38, "Network out of order"
    TEMPORARY_FAILURE = 41, "Temporary failure"
    SWITCH_CONGESTION = 42, "Switching equipment congestion"
    ACCESS_INFO_DISCARDED = 43, "Access information discarded"
    CHANNEL_UNAVAILABLE = 44, "Requested channel not available"
    RESOURCE_UNAVAILABLE = 47, "Resource unavailable, unspecified"
    FACILITY_NOT_SUBSCRIBED = 50, "Facility not subscribed"
    OUTGOING_CALL_BARRED = 52, "Outgoing call barred"
    INCOMING_CALL_BARRED = 54, "Incoming call barred"
    BEARER_NOT_AUTHORISED = 57, "Bearer capability not authorized"
    BEARER_NOT_AVAILABLE = 58, "Bearer capability not available"
    BEARER_NOT_IMPLEMENTED = 65, "Bearer capability not implemented"
    CHANNEL_NOT_IMPLEMENTED = 66, "Channel not implemented"
    FACILITY_NOT_IMPLEMENTED = 69, "Facility not implemented"
    INVALID_CALL_REFERENCE = 81, "Invalid call reference value"
    INCOMPATIBLE_DESTINATION = 88, "Incompatible destination"
    INVALID_MESSAGE = 95, "Invalid message unspecified"
    MANDATORY_ELEMENT_MISSING = 96, "Mandatory information element is missing"
    MESSAGE_TYPE_UNKNOWN = 97, "Message type nonexist."
    WRONG_MESSAGE = 98, "Wrong message"
    ELEMENT_UNKNOWN = 99, "Info. element nonexist or not implemented"
    INVALID_ELEMENT = 100, "Invalid information element contents"
    WRONG_CALL_STATE = 101, "Message not compatible with call state"
    TIMER_EXPIRY = 102, "Recover on timer expiry"
    ELEMENT_LENGTH = 103, "Mandatory IE length error"
    PROTOCOL_ERROR = 111, "Protocol error, unspecified"
    INTERWORKING = 127, "Interworking, unspecified"


_TEXTS: Final = {cause.value: cause.text for cause in Cause}


# res_pjsip.c, ast_sip_hangup_sip2cause. Codes that are not here go by their class, see `cause_of_sip`.
SIP_CAUSES: Final[Mapping[int, Cause]] = {
    401: Cause.CALL_REJECTED,
    403: Cause.CALL_REJECTED,
    404: Cause.UNALLOCATED,
    407: Cause.CALL_REJECTED,
    408: Cause.NO_USER_RESPONSE,
    410: Cause.NUMBER_CHANGED,
    420: Cause.NO_ROUTE_DESTINATION,
    480: Cause.NO_ANSWER,
    483: Cause.NO_ANSWER,
    484: Cause.INVALID_NUMBER_FORMAT,
    485: Cause.UNALLOCATED,
    486: Cause.USER_BUSY,
    488: Cause.BEARER_NOT_AVAILABLE,
    500: Cause.NETWORK_OUT_OF_ORDER,
    501: Cause.FACILITY_REJECTED,
    502: Cause.DESTINATION_OUT_OF_ORDER,
    503: Cause.CIRCUIT_CONGESTION,
    504: Cause.TIMER_EXPIRY,
    600: Cause.USER_BUSY,
    603: Cause.CALL_REJECTED,
    604: Cause.UNALLOCATED,
    606: Cause.BEARER_NOT_AVAILABLE,
}


def cause_of_sip(code: int) -> Cause:
    """Return the cause that chan_pjsip gives a final SIP response, where the carrier sent no `Reason` header."""
    if code in SIP_CAUSES:
        return SIP_CAUSES[code]
    if 500 <= code < 600:
        return Cause.CIRCUIT_CONGESTION
    if 400 <= code < 700:
        return Cause.INTERWORKING
    return Cause.NORMAL_CLEARING


def cause_text(cause: int) -> str:
    """Return the text of a cause, known or not."""
    return _TEXTS.get(cause, f"Unknown cause {cause}")
