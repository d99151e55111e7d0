"""The book of calls: what is remembered, and for how long."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

import telephony.ami.calls as calls
from telephony.ami.calls import CallBook
from telephony.events import HangupBy, HungUp, OriginateEnded
from telephony.port import LiveCall, LiveState

AT = datetime(2026, 3, 2, tzinfo=UTC)
FAILURE = {"event": "OriginateResponse", "response": "Failure", "reason": "0", "actionid": "c1"}
HANGUP = {"event": "Hangup", "uniqueid": "c1", "cause": "17"}


def live(call_id: str, state: LiveState = LiveState.RINGING) -> LiveCall:
    return LiveCall(call_id=call_id, server="a", state=state, age=timedelta(seconds=9))


def test_an_id_is_used_once() -> None:
    book = CallBook()
    book.open("c1", "a", 1)
    with pytest.raises(ValueError, match="used before"):
        book.open("c1", "a", 1)
    book.take(HANGUP, server="a", generation=1, at=AT)
    with pytest.raises(ValueError, match="used before"):
        book.open("c1", "a", 1)
    book.open("c2", "a", 1)
    book.forget("c2")
    book.open("c2", "a", 1)


def test_a_call_whose_originate_failed_before_any_channel_lacks_one_until_it_comes() -> None:
    book = CallBook()
    book.open("c1", "a", 1)
    event = book.take(FAILURE, server="a", generation=1, at=AT)
    assert isinstance(event, OriginateEnded)
    assert book.lacks_channel("c1")
    book.take({"event": "Newchannel", "uniqueid": "c1"}, server="a", generation=1, at=AT)
    assert not book.lacks_channel("c1")


def test_a_call_without_a_channel_ends_once() -> None:
    book = CallBook()
    book.open("c1", "a", 1)
    book.take(FAILURE, server="a", generation=1, at=AT)
    assert book.end_without_channel("c1", AT).cause_text == "no channel"
    assert not book.lacks_channel("c1")
    assert book.take(HANGUP, server="a", generation=1, at=AT) is None
    assert book.take(FAILURE, server="a", generation=1, at=AT) is None


def test_the_hint_may_trail_the_verdict_once() -> None:
    book = CallBook()
    book.open("c1", "a", 1)
    taken = [book.take(message, server="a", generation=1, at=AT) for message in (HANGUP, FAILURE, FAILURE, HANGUP)]
    assert [type(event) for event in taken] == [HungUp, OriginateEnded, type(None), type(None)]


def test_after_a_reconnection_only_calls_of_before_that_are_gone_are_forgotten() -> None:
    book = CallBook()
    book.open("gone", "a", 1)
    book.open("there", "a", 1)
    book.open("elsewhere", "b", 1)
    book.open("new", "a", 2)
    book.settle("a", 2, [live("there"), live("adopted")])
    assert [book.server_of(one) for one in ("gone", "there", "elsewhere", "new", "adopted")] == [
        None,
        "a",
        "b",
        "a",
        "a",
    ]
    assert isinstance(book.take({**HANGUP, "uniqueid": "adopted"}, server="a", generation=2, at=AT), HungUp)


def test_who_answered_unheard_before_the_link_was_up_has_answered() -> None:
    book = CallBook()
    for call_id, generation in (("answered", 1), ("rings", 1), ("new", 2)):
        book.open(call_id, "a", generation)
    up = LiveState.QUEUED
    book.settle("a", 2, [live("answered", up), live("rings"), live("new", up), live("adopted", up)])
    unanswered = {one: book.is_unanswered(one) for one in ("answered", "rings", "new", "adopted")}
    # Of a call of this link the event is on its way.
    assert unanswered == {"answered": False, "rings": True, "new": True, "adopted": False}


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "CALLS_MAX", 10)
    monkeypatch.setattr(calls, "ENDED_MAX", 10)
    book = CallBook()
    for number in range(50):
        book.open(f"c{number}", "a", 1)
    assert len(book) == 10
    for number in range(50):
        book.end_without_channel(f"c{number}", AT)
    assert len(book) == 0
    assert book.is_ours("c49")
    assert not book.is_ours("c0")


def ended_by(*messages: Mapping[str, str], after_agent: timedelta = timedelta()) -> HangupBy | None:
    """Return who ended a call that an agent talked to; `after_agent` passes before the customer's events."""
    book = CallBook()
    book.open("c1", "a", 1)
    for message in (ANSWERED, CONNECTED):
        book.take(message, server="a", generation=1, at=AT)
    for message in messages:
        at = AT + after_agent if message["uniqueid"] == "c1" else AT
        verdict = book.take(message, server="a", generation=1, at=at)
    assert isinstance(verdict, HungUp) and not book._by_agent_channel
    return verdict.by


ANSWERED = {"event": "Newstate", "channelstate": "6", "uniqueid": "c1"}
CONNECTED = {"event": "AgentConnect", "uniqueid": "c1", "destuniqueid": "agent", "interface": "PJSIP/1"}
SOFT = {"event": "SoftHangupRequest", "uniqueid": "c1", "cause": "16"}
FAR = {"event": "HangupRequest", "uniqueid": "c1", "cause": "16"}
AGENT_ASKS = {"event": "HangupRequest", "uniqueid": "agent", "cause": "16"}
AGENT_ENDS = {"event": "Hangup", "uniqueid": "agent", "cause": "16"}
COMPLETE = {"event": "AgentComplete", "uniqueid": "c1", "destuniqueid": "agent", "reason": "agent"}


def test_who_hung_up_is_known_whatever_comes_first_of_what_asterisk_tells_at_once() -> None:
    # As seen of a real Asterisk 22, in one call of forty each: AgentComplete late, and after the end without a channel.
    assert ended_by(AGENT_ASKS, SOFT, COMPLETE, AGENT_ENDS, HANGUP) is HangupBy.AGENT
    assert ended_by(AGENT_ASKS, AGENT_ENDS, SOFT, HANGUP) is HangupBy.AGENT
    assert ended_by(AGENT_ENDS, HANGUP) is HangupBy.AGENT
    assert ended_by(COMPLETE, SOFT, AGENT_ENDS, HANGUP) is HangupBy.AGENT
    assert ended_by(FAR, AGENT_ENDS, HANGUP) is HangupBy.CUSTOMER
    assert ended_by(SOFT, AGENT_ENDS, HANGUP) is HangupBy.SYSTEM


def test_a_call_that_goes_on_without_its_agent_is_not_ended_by_him() -> None:
    later = timedelta(minutes=1)
    assert ended_by(AGENT_ASKS, AGENT_ENDS, HANGUP, after_agent=later) is HangupBy.SYSTEM
    assert ended_by(AGENT_ASKS, AGENT_ENDS, FAR, HANGUP, after_agent=later) is HangupBy.CUSTOMER
