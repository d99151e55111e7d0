"""What can become of a call, and what the exchange then reports."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from telephony.events import HangupBy


class Fate(StrEnum):
    """What becomes of a call."""

    ANSWERED = "answered"
    """A person answers. Pinned to a number: and hangs up a second later."""

    ANSWERED_LONG = "answered_long"
    """A person answers and stays for an hour. Only ever pinned."""

    MACHINE = "machine"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    """Rings until the caller's time-out."""

    REJECTED = "rejected"
    INVALID = "invalid"
    CONGESTION = "congestion"
    UNREACHABLE = "unreachable"
    OPTS_OUT = "opts_out"
    """A person answers, stays for an hour, and presses the key to opt out in a message. Only ever pinned."""

    ASKS_AGENT = "asks_agent"
    """A person answers, stays for an hour, and presses the key for an agent in a message. Only ever pinned."""

    WRONG_KEY = "wrong_key"
    """A person answers, and presses a key that means nothing again and again. Only ever pinned."""

    SILENT = "silent"
    """A person answers and says nothing, for an hour. Only ever pinned."""


Fates = Mapping[str, Fate] | Callable[[str], Fate | None]
"""Numbers whose fate is pinned; None leaves it to chance."""

ANSWERS: Final = frozenset(
    {
        Fate.ANSWERED,
        Fate.ANSWERED_LONG,
        Fate.MACHINE,
        Fate.OPTS_OUT,
        Fate.ASKS_AGENT,
        Fate.WRONG_KEY,
        Fate.SILENT,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """How a call ends that nobody picks up, as Asterisk 22 with chan_pjsip tells it."""

    cause: int
    cause_text: str
    tech_cause: int | None
    dial_status: str
    by: HangupBy = HangupBy.NETWORK
    rings: bool = False


# Causes, SIP codes and dial status as in Asterisk: res_pjsip.c `ast_sip_hangup_sip2cause`, and
# dial.c `ast_hangup_cause_to_dial_status`, which knows five values and calls most things NOANSWER.
FAILURES: Final[Mapping[Fate, Failure]] = {
    Fate.BUSY: Failure(cause=17, cause_text="User busy", tech_cause=486, dial_status="BUSY"),
    Fate.REJECTED: Failure(
        cause=21,
        cause_text="Call Rejected",
        tech_cause=603,
        dial_status="NOANSWER",
        by=HangupBy.CUSTOMER,
        rings=True,
    ),
    Fate.INVALID: Failure(
        cause=1, cause_text="Unallocated (unassigned) number", tech_cause=404, dial_status="NOANSWER"
    ),
    Fate.CONGESTION: Failure(
        cause=34, cause_text="Circuit/channel congestion", tech_cause=503, dial_status="CONGESTION"
    ),
    Fate.UNREACHABLE: Failure(cause=27, cause_text="Destination out of order", tech_cause=502, dial_status="NOANSWER"),
}

CAUSE_CLEARING, CAUSE_CLEARING_TEXT = 16, "Normal Clearing"
CAUSE_TIME_OUT, CAUSE_TIME_OUT_TEXT = 19, "User alerting, no answer"
