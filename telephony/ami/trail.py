"""What the shipped dialplan wrote down of a call that has ended, as the events that nobody heard.

It is one line of words in Asterisk's database: the call's id, then `stage@when`, with what is known of a stage behind
"=": `answered@1795725993.906 queued=sales@1795725993.907 harbour@...`. Times are seconds of Unix by Asterisk's clock.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from telephony.ami.translate import Fields, number, text
from telephony.events import (
    Answered,
    Bridged,
    CallEvent,
    Classified,
    HangupBy,
    HarbourStarted,
    HungUp,
    MessageLeft,
    MessagePlayed,
    OptedOut,
    Queued,
)

FAMILY: Final = "dlr"
"""Of the database's keys, which are the last characters of the calls' ids."""

KEY_LENGTH: Final = 4

CAUSE_TEXT: Final = "written down by the dialplan"
"""Stands where Asterisk's own event has its words for the cause, so that it can be seen where an outcome is from."""

_SIMPLE: Final[dict[str, type[CallEvent]]] = {
    "answered": Answered,
    "harbour": HarbourStarted,
    "played": MessagePlayed,
    "left": MessageLeft,
    "optout": OptedOut,
}


def key_of(call_id: str) -> str:
    """Return where the trail of a call is."""
    return call_id[-KEY_LENGTH:]


def clock_ahead(pong: Fields, now: datetime) -> timedelta:
    """Return how far Asterisk's clock is ahead of ours, by its answer to a Ping; zero where it does not say."""
    try:
        return datetime.fromtimestamp(float(text(pong, "timestamp")), UTC) - now
    except (ValueError, OverflowError, OSError):
        return timedelta(0)


def events_of(call_id: str, trail: str, *, ahead: timedelta = timedelta(0)) -> Sequence[CallEvent]:
    """Return what a trail tells of a call, its end last, by our clock; nothing where it is another call's, or cut off.

    When an agent came is known to a second. Where queues.conf has no `setqueueentryvar` it is not known at all, and the
    call was joined when it came into the queue; who he was is "" where it has no `setinterfacevar`.
    """
    whose, _, stages = trail.partition(" ")
    if whose != call_id:
        return ()
    events: list[CallEvent] = []
    joined: tuple[str, int | None, int | None] | None = None
    for stage in stages.split():
        words, _, when = stage.rpartition("@")
        word, *facts = words.split("=")
        if word == "joined":
            agent, held_s, talked_s = (*facts, "", "", "")[:3]
            joined = agent, number(held_s), number(talked_s)
            continue
        at = _moment(when, ahead)
        if at is None:
            return ()
        if word in _SIMPLE:
            events.append(_SIMPLE[word](call_id=call_id, at=at))
        elif word == "amd":
            status, cause = (*facts, "", "")[:2]
            events.append(Classified(call_id=call_id, at=at, status=status, cause=cause))
        elif word == "queued":
            events.append(Queued(call_id=call_id, at=at, queue=facts[0] if facts else ""))
        elif word == "ended":
            cause, source = (*facts, "", "")[:2]
            if joined is not None:
                events.append(_bridged(call_id, *joined, events=events, ended_at=at))
            by = _ended_by(source, is_joined=joined is not None)
            end = HungUp(call_id=call_id, at=at, cause=number(cause) or 0, cause_text=CAUSE_TEXT, by=by)
            return (*events, end)
    return ()


def _bridged(
    call_id: str,
    agent: str,
    held_s: int | None,
    talked_s: int | None,
    *,
    events: Sequence[CallEvent],
    ended_at: datetime,
) -> Bridged:
    """Return when an agent came: whole seconds after the call did, or before it ended, as an application of Asterisk's
    counts them."""
    queued_at = next((event.at for event in reversed(events) if isinstance(event, Queued)), ended_at)
    at = queued_at + timedelta(seconds=held_s or 0)
    if talked_s is not None:
        at = ended_at - timedelta(seconds=talked_s)
    return Bridged(call_id=call_id, at=min(max(at, queued_at), ended_at), agent=agent)


def _ended_by(source: str, *, is_joined: bool) -> HangupBy | None:
    """Return who ended a call, by whose channel hung up. Not every kind of channel tells, and it may have been either
    side of a talk then."""
    if source == "us":
        return HangupBy.SYSTEM
    if is_joined and source != "far":
        return HangupBy.AGENT if source else None
    return HangupBy.CUSTOMER


def _moment(when: str, ahead: timedelta) -> datetime | None:
    try:
        return datetime.fromtimestamp(float(when), UTC) - ahead
    except (ValueError, OverflowError, OSError):
        return None
