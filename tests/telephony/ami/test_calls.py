"""The book of calls: what is remembered, and for how long."""

from datetime import UTC, datetime

import pytest

import telephony.ami.calls as calls
from telephony.ami.calls import CallBook
from telephony.events import HungUp, OriginateEnded

AT = datetime(2026, 3, 2, tzinfo=UTC)
FAILURE = {"event": "OriginateResponse", "response": "Failure", "reason": "0", "actionid": "c1"}
HANGUP = {"event": "Hangup", "uniqueid": "c1", "cause": "17"}


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
    book.settle("a", 2, {"there", "adopted"})
    assert [book.server_of(one) for one in ("gone", "there", "elsewhere", "new", "adopted")] == [
        None,
        "a",
        "b",
        "a",
        "a",
    ]
    assert isinstance(book.take({**HANGUP, "uniqueid": "adopted"}, server="a", generation=2, at=AT), HungUp)


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
