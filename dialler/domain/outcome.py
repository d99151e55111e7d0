"""What a call can end as: what the network and the machines did."""

from enum import StrEnum


class Outcome(StrEnum):
    """The outcome of one attempt; never changes once known."""

    CONNECTED = "CONNECTED"
    ABANDONED = "ABANDONED"
    ABANDONED_SHORT = "ABANDONED_SHORT"
    PLAYED = "PLAYED"
    OPTED_OUT = "OPTED_OUT"
    MACHINE = "MACHINE"
    MACHINE_MESSAGE = "MACHINE_MESSAGE"
    FAX = "FAX"
    NO_ANSWER = "NO_ANSWER"
    BUSY = "BUSY"
    REJECTED_CALL = "REJECTED_CALL"
    UNREACHABLE = "UNREACHABLE"
    BLOCKED = "BLOCKED"
    INVALID_NUMBER = "INVALID_NUMBER"
    NO_ROUTE = "NO_ROUTE"
    CONGESTION = "CONGESTION"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    LOST = "LOST"
