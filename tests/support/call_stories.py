"""What an exchange tells of calls: short stories of events, in the orders that a real Asterisk sent them."""

from collections.abc import Callable
from datetime import datetime, timedelta

from dialler.domain.call import Call, apply, sent
from telephony.events import (
    Answered,
    Bridged,
    CallEvent,
    Classified,
    DialEnded,
    Dialling,
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
from tests.support.values import NOON

CALL_ID = "0195f0a0-0000-7000-8000-000000000001"

Step = Callable[[datetime], CallEvent]
Story = tuple[tuple[float, Step], ...]
"""(seconds after it was sent, event)."""


def dialling(at: datetime) -> CallEvent:
    return Dialling(call_id=CALL_ID, at=at)


def ringing(at: datetime) -> CallEvent:
    return Ringing(call_id=CALL_ID, at=at)


def answered(at: datetime) -> CallEvent:
    return Answered(call_id=CALL_ID, at=at)


def queued(at: datetime) -> CallEvent:
    return Queued(call_id=CALL_ID, at=at, queue="sales")


def bridged(at: datetime) -> CallEvent:
    return Bridged(call_id=CALL_ID, at=at, agent="PJSIP/ann")


def harbour(at: datetime) -> CallEvent:
    return HarbourStarted(call_id=CALL_ID, at=at)


def played(at: datetime) -> CallEvent:
    return MessagePlayed(call_id=CALL_ID, at=at)


def left(at: datetime) -> CallEvent:
    return MessageLeft(call_id=CALL_ID, at=at)


def opted_out(at: datetime) -> CallEvent:
    return OptedOut(call_id=CALL_ID, at=at)


def amd(status: str) -> Step:
    return lambda at: Classified(call_id=CALL_ID, at=at, status=status, cause="")


def dial_end(status: str) -> Step:
    return lambda at: DialEnded(call_id=CALL_ID, at=at, dial_status=status)


def originate_end(reason: int) -> Step:
    return lambda at: OriginateEnded(call_id=CALL_ID, at=at, success=reason == 4, reason=reason)


def hung_up(cause: int, tech: int | None = None, by: HangupBy | None = None, text: str = "") -> Step:
    return lambda at: HungUp(call_id=CALL_ID, at=at, cause=cause, cause_text=text, tech_cause=tech, by=by)


def events_of(story: Story) -> list[CallEvent]:
    """Return the story's events with their moments."""
    return [step(NOON + timedelta(seconds=after)) for after, step in story]


def told(*events: CallEvent, call: Call | None = None) -> Call:
    """Return a call that was sent, after the events."""
    call = sent(Call(call_id=CALL_ID), NOON) if call is None else call
    for event in events:
        call = apply(call, event)
    return call


_RINGS = ((0.1, dialling), (0.3, ringing))
_ANSWERS = (*_RINGS, (4.0, answered), (4.0, dial_end("ANSWER")), (4.1, originate_end(4)))
_FAR_END = HangupBy.CUSTOMER

# name -> (story, outcome with agents, outcome without)
STORIES: dict[str, tuple[Story, str, str]] = {
    "pjsip 486": (
        (*_RINGS, (1, dial_end("BUSY")), (1, originate_end(0)), (1, hung_up(17, 486, _FAR_END))),
        "BUSY",
        "BUSY",
    ),
    "pjsip 404": (
        (*_RINGS, (1, dial_end("NOANSWER")), (1, originate_end(0)), (1, hung_up(1, 404))),
        "INVALID_NUMBER",
        "INVALID_NUMBER",
    ),
    "pjsip 503": (
        ((0.1, dialling), (1, dial_end("CONGESTION")), (1, originate_end(0)), (1, hung_up(34, 503))),
        "CONGESTION",
        "CONGESTION",
    ),
    "pjsip 603": (
        (*_RINGS, (1, dial_end("NOANSWER")), (1, originate_end(0)), (1, hung_up(21, 603))),
        "REJECTED_CALL",
        "REJECTED_CALL",
    ),
    "endpoint unknown": (
        ((0.1, originate_end(0)), (0.1, hung_up(0, by=HangupBy.SYSTEM, text="no channel"))),
        "FAILED",
        "FAILED",
    ),
    "local time-out": ((*_RINGS, (25, originate_end(3)), (25, hung_up(19))), "NO_ANSWER", "NO_ANSWER"),
    "local time-out without a cause": ((*_RINGS, (25, originate_end(3)), (25, hung_up(0))), "NO_ANSWER", "NO_ANSWER"),
    "local busy without a cause": (
        ((0.1, dialling), (2, originate_end(5)), (2, hung_up(0))),
        "BUSY",
        "BUSY",
    ),
    "an agent takes it": (
        (*_ANSWERS, (4.2, queued), (5.0, bridged), (64, hung_up(16, by=_FAR_END))),
        "CONNECTED",
        "CONNECTED",
    ),
    "nobody takes it": (
        (*_ANSWERS, (4.2, queued), (6.0, harbour), (16, hung_up(16, by=HangupBy.SYSTEM))),
        "ABANDONED",
        "ABANDONED",
    ),
    "taken out of the agent's hands by the clock": (
        (*_ANSWERS, (4.2, queued), (6.0, bridged), (6.0, harbour), (16, hung_up(16))),
        "ABANDONED",
        "ABANDONED",
    ),
    "waits too long and leaves": (
        (*_ANSWERS, (4.2, queued), (7.0, hung_up(16, by=_FAR_END))),
        "ABANDONED",
        "ABANDONED",
    ),
    "leaves soon": (
        (*_ANSWERS, (4.2, queued), (5.0, hung_up(16, by=_FAR_END))),
        "ABANDONED_SHORT",
        "ABANDONED_SHORT",
    ),
    "gone before any step": ((*_ANSWERS, (4.2, hung_up(16, by=_FAR_END))), "ABANDONED_SHORT", "PLAYED"),
    "gone while it was listened to": (
        (*_ANSWERS, (7.5, amd("HANGUP")), (7.5, hung_up(16, by=_FAR_END))),
        "ABANDONED_SHORT",
        "PLAYED",
    ),
    "we hang up on a person at once": (
        (*_ANSWERS, (4.2, queued), (4.3, hung_up(16, by=HangupBy.SYSTEM))),
        "ABANDONED",
        "ABANDONED",
    ),
    "a machine": ((*_ANSWERS, (6.0, amd("MACHINE")), (6.1, hung_up(16, by=HangupBy.SYSTEM))), "MACHINE", "MACHINE"),
    "a message on a machine": (
        (*_ANSWERS, (6.0, amd("MACHINE")), (20, left), (20, hung_up(16, by=HangupBy.SYSTEM))),
        "MACHINE_MESSAGE",
        "MACHINE_MESSAGE",
    ),
    "a message for a person": (
        (*_ANSWERS, (4.2, played), (20, hung_up(16, by=HangupBy.SYSTEM))),
        "ABANDONED",
        "PLAYED",
    ),
    "opts out": (
        (*_ANSWERS, (4.2, queued), (6.0, harbour), (9, opted_out), (9.1, hung_up(16))),
        "OPTED_OUT",
        "OPTED_OUT",
    ),
}
