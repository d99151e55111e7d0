"""AMI events to telephony events: pure, and complete for what `link.EVENTS` lets through."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, TypeAlias

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

Fields: TypeAlias = Mapping[str, Any]
"""One AMI message: a panoramisk Message, whose keys are case-insensitive, or a dict with lower-case keys."""


def text(message: Fields, key: str) -> str:
    """Return a header's value, the first one where it is repeated, "" where it is missing."""
    value = message.get(key, "")
    return str(value[0] if isinstance(value, list) else value)


def number(value: str) -> int | None:
    """Return a header's value as a number, None where it is not one."""
    return int(value) if value.isascii() and value.isdecimal() else None


def channel_of(event: str, message: Fields) -> str:
    """Return the unique id of the channel that an `event` is about, "" for none."""
    if event in ("DialState", "DialEnd"):
        return text(message, "destuniqueid")
    if event == "OriginateResponse":
        return text(message, "actionid") or text(message, "uniqueid")
    return text(message, "uniqueid")


def attempt_of(event: str, message: Fields) -> str:
    """Return the attempt that an event of the dialler's dialplan names, "" for none."""
    return text(message, "attempt") if event == "UserEvent" else ""


def agent_channel(event: str, message: Fields) -> str:
    """Return the unique id of the agent's channel, for an event that tells that a call was joined to one; else ""."""
    if event == "AgentConnect":
        return text(message, "destuniqueid")
    # It is raised on the agent's channel, and names the call.
    return text(message, "uniqueid") if event == "UserEvent" and text(message, "userevent") == "DlrJoined" else ""


def hangup_request_by(event: str, message: Fields, *, answered: bool) -> HangupBy | None:
    """Return who asked to end the call by this event, None where it says nothing about that.

    A HangupRequest on the customer's channel comes from the far end: the person once answered, before that
    the network. A SoftHangupRequest comes from Asterisk itself or from an AMI client.
    """
    match event:
        case "HangupRequest":
            return HangupBy.CUSTOMER if answered else HangupBy.NETWORK
        case "SoftHangupRequest":
            return HangupBy.SYSTEM
        case "AgentComplete" if text(message, "reason") == "agent":
            return HangupBy.AGENT
        case "AgentComplete" if text(message, "reason") == "caller":
            return HangupBy.CUSTOMER
    return None


def translate(
    event: str, message: Fields, *, call_id: str, at: datetime, by: HangupBy | None = None
) -> CallEvent | None:
    """Return what `message`, an `event`, says about the call `call_id`, None where it says nothing we follow.

    `by` is for HungUp, whose own event does not tell who ended the call.
    """
    if event == "Hangup":
        return HungUp(
            call_id=call_id,
            at=at,
            cause=number(text(message, "cause")) or 0,
            cause_text=text(message, "cause-txt"),
            tech_cause=number(text(message, "techcause")),
            by=by,
        )
    make = MAKERS.get(event)
    return None if make is None else make(message, call_id, at)


def _newstate(message: Fields, call_id: str, at: datetime) -> CallEvent | None:
    match text(message, "channelstate"):
        case "5":
            return Ringing(call_id=call_id, at=at)
        case "6":
            return Answered(call_id=call_id, at=at)
    return None


def _dial_state(message: Fields, call_id: str, at: datetime) -> CallEvent | None:
    return Ringing(call_id=call_id, at=at) if text(message, "dialstatus") == "RINGING" else None


def _originate_response(message: Fields, call_id: str, at: datetime) -> CallEvent:
    success = text(message, "response") == "Success"
    return OriginateEnded(call_id=call_id, at=at, success=success, reason=number(text(message, "reason")) or 0)


def _user_event(message: Fields, call_id: str, at: datetime) -> CallEvent | None:
    match text(message, "userevent"):
        case "DlrAnswered":
            return Answered(call_id=call_id, at=at)
        case "DlrAmd":
            return Classified(call_id=call_id, at=at, status=text(message, "status"), cause=text(message, "cause"))
        case "DlrHarbour" if text(message, "state") == "start":
            return HarbourStarted(call_id=call_id, at=at)
        case "DlrAgentCalled":
            return Queued(call_id=call_id, at=at, queue="")
        case "DlrJoined":
            return Bridged(call_id=call_id, at=at, agent=text(message, "agent"))
        case "DlrMessagePlayed":
            return MessagePlayed(call_id=call_id, at=at)
        case "DlrMessageLeft":
            return MessageLeft(call_id=call_id, at=at)
        case "DlrOptOut":
            return OptedOut(call_id=call_id, at=at)
    return None


MAKERS: Final[Mapping[str, Callable[[Fields, str, datetime], CallEvent | None]]] = {
    "Newchannel": lambda _, call_id, at: Dialling(call_id=call_id, at=at),
    "Newstate": _newstate,
    "DialState": _dial_state,
    "DialEnd": lambda m, call_id, at: DialEnded(call_id=call_id, at=at, dial_status=text(m, "dialstatus")),
    "OriginateResponse": _originate_response,
    "UserEvent": _user_event,
    "QueueCallerJoin": lambda m, call_id, at: Queued(call_id=call_id, at=at, queue=text(m, "queue")),
    "AgentConnect": lambda m, call_id, at: Bridged(call_id=call_id, at=at, agent=text(m, "interface")),
}
