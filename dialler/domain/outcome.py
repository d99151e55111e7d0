"""What a call can end as: what the network and the machines did."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


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


class NumberVerdict(StrEnum):
    """What an outcome proves about the number that was dialled."""

    OK = "ok"
    BAD = "bad"
    FAX = "fax"
    DNC = "dnc"


@dataclass(frozen=True, slots=True)
class OutcomeTraits:
    """What follows from an outcome; the session status that it implies is in `session.STATUS_OF`."""

    meaning: str
    live: bool
    """A person answered."""

    counts_attempt: bool
    """Counts toward the limits of attempts. CANCELLED counts only if it rang: ask `counts_attempt()`."""

    abandoned: bool
    """Counts in the numerator of the abandon rate."""

    number: NumberVerdict | None
    """What it proves about the number; None: nothing."""


def _traits(
    meaning: str, *, live: bool = False, counts: bool = True, abandoned: bool = False, number: str | None = None
) -> OutcomeTraits:
    return OutcomeTraits(meaning, live, counts, abandoned, None if number is None else NumberVerdict(number))


# fmt: off
TRAITS: Final[Mapping[Outcome, OutcomeTraits]] = {
    Outcome.CONNECTED: _traits("joined to an agent", live=True, number="ok"),
    Outcome.ABANDONED: _traits("a person answered, no agent in time", live=True, abandoned=True, number="ok"),
    # Whether a person who hangs up within the limit counts as abandoned differs by law (US yes, UK no).
    Outcome.ABANDONED_SHORT: _traits("a person hung up within the limit", live=True, number="ok"),
    Outcome.PLAYED: _traits("a person answered and the message ran", live=True, number="ok"),
    Outcome.OPTED_OUT: _traits("pressed the opt-out key", live=True, abandoned=True, number="dnc"),
    Outcome.MACHINE: _traits("an answering machine, nothing left"),
    Outcome.MACHINE_MESSAGE: _traits("a message left on a machine"),
    Outcome.FAX: _traits("a fax or modem", number="fax"),
    Outcome.NO_ANSWER: _traits("rang out"),
    Outcome.BUSY: _traits("busy", number="ok"),
    Outcome.REJECTED_CALL: _traits("declined on the handset"),
    Outcome.UNREACHABLE: _traits("switched off or out of order"),
    Outcome.BLOCKED: _traits("our caller id is blocked"),
    Outcome.INVALID_NUMBER: _traits("no such number", number="bad"),
    Outcome.NO_ROUTE: _traits("no way to the number, or no such trunk", counts=False),
    Outcome.CONGESTION: _traits("the carrier has no room", counts=False),
    Outcome.FAILED: _traits("our side, the trunk or the carrier failed", counts=False),
    Outcome.CANCELLED: _traits("taken back by us before the answer", counts=False),
    # Nobody can say whether the telephone rang: it counts, the safe side for limits.
    Outcome.LOST: _traits("the verdict never arrived"),
}
# fmt: on


def counts_attempt(outcome: Outcome, *, rang: bool) -> bool:
    """Tell whether an attempt counts toward the limits; `rang` says whether the far end was heard ringing."""
    return TRAITS[outcome].counts_attempt or (outcome is Outcome.CANCELLED and rang)
