"""AMI events to telephony events, on real captures."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telephony.ami.calls import CallBook
from telephony.ami.link import EVENTS
from telephony.ami.translate import text, translate
from telephony.ami.wire import END_OF_MESSAGE, encode, parse
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

AT = datetime(2026, 3, 2, tzinfo=UTC)
CAPTURES = Path(__file__).parent / "captures"
CALL_ID = "0199b1f6-0000-7000-8000-000000000001"


def capture(name: str) -> list[Mapping[str, Any]]:
    """Return a capture's messages, without what the filter keeps away."""
    raw = (CAPTURES / f"{name}.txt").read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    messages = [
        {key: value for key, (_, value) in parse(part).items()} for part in raw.split(END_OF_MESSAGE) if part.strip()
    ]
    return [message for message in messages if message.get("event") in EVENTS]


def told(messages: Sequence[Mapping[str, Any]], call_id: str) -> list[CallEvent]:
    book = CallBook()
    book.open(call_id, "a", 1)
    events = (book.take(message, server="a", generation=1, at=AT) for message in messages)
    return [event for event in events if event is not None]


@pytest.mark.parametrize(
    ("name", "call_id", "status", "cause", "cause_text", "tech_cause"),
    [
        ("pjsip-486-busy", "cap-486", "BUSY", 17, "User busy", 486),
        ("pjsip-404-not-found", "cap-404", "NOANSWER", 1, "Unallocated (unassigned) number", 404),
        ("pjsip-503-congestion", "cap-503", "CONGESTION", 34, "Circuit/channel congestion", 503),
        ("pjsip-603-decline", "cap-603", "NOANSWER", 21, "Call Rejected", 603),
    ],
)
def test_a_call_that_the_carrier_refuses(
    name: str, call_id: str, status: str, cause: int, cause_text: str, tech_cause: int
) -> None:
    assert told(capture(name), call_id) == [
        Dialling(call_id=call_id, at=AT),
        Ringing(call_id=call_id, at=AT),
        DialEnded(call_id=call_id, at=AT, dial_status=status),
        OriginateEnded(call_id=call_id, at=AT, success=False, reason=0),
        HungUp(
            call_id=call_id,
            at=AT,
            cause=cause,
            cause_text=cause_text,
            tech_cause=tech_cause,
            by=HangupBy.NETWORK,
        ),
    ]


def test_a_call_that_rings_out() -> None:
    assert told(capture("local-timeout-no-answer"), "cap-to") == [
        Dialling(call_id="cap-to", at=AT),
        Ringing(call_id="cap-to", at=AT),
        HungUp(call_id="cap-to", at=AT, cause=19, cause_text="User alerting, no answer"),
        OriginateEnded(call_id="cap-to", at=AT, success=False, reason=3),
    ]


def test_a_call_that_we_take_back() -> None:
    events = told(capture("cancelled-by-hangup-action-while-ringing"), "cap-can")
    assert events == [
        Dialling(call_id="cap-can", at=AT),
        Ringing(call_id="cap-can", at=AT),
        DialEnded(call_id="cap-can", at=AT, dial_status="NOANSWER"),
        HungUp(call_id="cap-can", at=AT, cause=16, cause_text="Normal Clearing"),
        OriginateEnded(call_id="cap-can", at=AT, success=False, reason=0),
    ]


def test_a_call_that_an_agent_takes_and_the_customer_ends() -> None:
    events = told(capture("local-answered-queue-agent-far-end-hangs-up"), "cap-ans")
    assert events == [
        Dialling(call_id="cap-ans", at=AT),
        Ringing(call_id="cap-ans", at=AT),
        Answered(call_id="cap-ans", at=AT),
        DialEnded(call_id="cap-ans", at=AT, dial_status="ANSWER"),
        OriginateEnded(call_id="cap-ans", at=AT, success=True, reason=4),
        Queued(call_id="cap-ans", at=AT, queue="sales"),
        Bridged(call_id="cap-ans", at=AT, agent="Local/100@agents/n"),
        HungUp(call_id="cap-ans", at=AT, cause=16, cause_text="Normal Clearing", by=HangupBy.CUSTOMER),
    ]


def test_a_trunk_that_asterisk_does_not_know_has_no_channel() -> None:
    assert told(capture("pjsip-endpoint-unknown"), "cap-unk") == [
        OriginateEnded(call_id="cap-unk", at=AT, success=False, reason=0)
    ]


@pytest.mark.parametrize("name", [path.stem for path in CAPTURES.glob("*.txt")])
def test_calls_of_others_say_nothing(name: str) -> None:
    assert told(capture(name), "another") == []


@settings(max_examples=60)
@given(
    st.randoms(use_true_random=False),
    st.sampled_from([("pjsip-486-busy", "cap-486"), ("local-timeout-no-answer", "cap-to")]),
)
def test_any_order_with_repeats_gives_one_verdict(rng: Any, which: tuple[str, str]) -> None:
    name, call_id = which
    messages = capture(name) * 2
    rng.shuffle(messages)
    events = told(messages, call_id)
    assert [type(event) for event in events].count(HungUp) == 1
    end = [type(event) for event in events].index(HungUp)
    assert all(isinstance(event, OriginateEnded) for event in events[end + 1 :])


@pytest.mark.parametrize(
    ("lines", "event"),
    [
        ({"userevent": "DlrAnswered"}, Answered(call_id=CALL_ID, at=AT)),
        (
            {"userevent": "DlrAmd", "status": "MACHINE", "cause": "LONGGREETING-1520-1500"},
            Classified(call_id=CALL_ID, at=AT, status="MACHINE", cause="LONGGREETING-1520-1500"),
        ),
        ({"userevent": "DlrHarbour", "state": "start"}, HarbourStarted(call_id=CALL_ID, at=AT)),
        ({"userevent": "DlrHarbour", "state": "played"}, None),
        ({"userevent": "DlrMessagePlayed"}, MessagePlayed(call_id=CALL_ID, at=AT)),
        ({"userevent": "DlrMessageLeft"}, MessageLeft(call_id=CALL_ID, at=AT)),
        ({"userevent": "DlrOptOut"}, OptedOut(call_id=CALL_ID, at=AT)),
        ({"userevent": "Another"}, None),
    ],
)
def test_the_dialplans_own_events(lines: dict[str, str], event: CallEvent | None) -> None:
    message = {"event": "UserEvent", "uniqueid": CALL_ID, **lines}
    assert translate(message["event"], message, call_id=CALL_ID, at=AT) == event


def test_a_user_event_on_another_channel_is_known_by_its_attempt() -> None:
    message = {"event": "UserEvent", "userevent": "DlrOptOut", "uniqueid": "1795307375.58491", "attempt": CALL_ID}
    assert told([message], CALL_ID) == [OptedOut(call_id=CALL_ID, at=AT)]


def test_a_call_of_before_a_restart_is_known_by_its_form() -> None:
    messages = [{"event": "Hangup", "uniqueid": CALL_ID, "cause": "16"}]
    assert [type(event) for event in told(messages, "another")] == [HungUp]
    assert told([{"event": "Hangup", "uniqueid": f"{CALL_ID};2", "cause": "16"}], "another") == []


def test_who_ended_an_answered_call() -> None:
    def by(*requests: Mapping[str, str]) -> HangupBy | None:
        start = {"event": "Newstate", "channelstate": "6", "uniqueid": CALL_ID}
        requested = [{**request, "uniqueid": CALL_ID} for request in requests]
        end = {"event": "Hangup", "uniqueid": CALL_ID, "cause": "16"}
        event = told([start, *requested, end], CALL_ID)[-1]
        assert isinstance(event, HungUp)
        return event.by

    customer, soft = {"event": "HangupRequest", "cause": "16"}, {"event": "SoftHangupRequest", "cause": "16"}
    agent = {"event": "AgentComplete", "reason": "agent"}
    assert by(customer, soft) is HangupBy.CUSTOMER
    assert by(agent, soft) is HangupBy.AGENT
    assert by(soft, customer) is HangupBy.SYSTEM
    assert by() is HangupBy.SYSTEM  # the dialplan came to its end


def test_repeated_headers_and_nonsense_numbers_do_no_harm() -> None:
    message = {"event": "Hangup", "uniqueid": CALL_ID, "cause": ["17", "16"], "techcause": "x"}
    event = translate(message["event"], message, call_id=CALL_ID, at=AT)
    assert event == HungUp(call_id=CALL_ID, at=AT, cause=17)
    assert text({}, "cause") == ""
    assert translate("Hangup", {}, call_id=CALL_ID, at=AT) == HungUp(call_id=CALL_ID, at=AT, cause=0)


def test_captures_survive_the_encoder() -> None:
    for message in capture("pjsip-486-busy"):
        again = {key: value for key, (_, value) in parse(encode(message).removesuffix(END_OF_MESSAGE)).items()}
        assert again == message
