"""The line that the dialplan leaves of a call, read as the events that nobody heard."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.ami.trail import CAUSE_TEXT, clock_ahead, events_of, key_of
from telephony.events import (
    Answered,
    Bridged,
    Classified,
    HangupBy,
    HarbourStarted,
    HungUp,
    MessageLeft,
    MessagePlayed,
    OptedOut,
    Queued,
)

CALL = "01e5c870-59d1-4e00-be92-69ca07129919"
BEGAN = datetime(2026, 3, 2, 15, 0, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def stage(words: str, seconds: float) -> str:
    return f"{words}@{at(seconds).timestamp():.3f}"


def end(seconds: float, *, source: str = "far", cause: str = "16") -> str:
    return stage(f"ended={cause}={source}", seconds)


def told(*stages: str, call_id: str = CALL, ahead: timedelta = timedelta(0)) -> list[object]:
    return [*events_of(CALL, f"{call_id} {' '.join(stages)}", ahead=ahead)]


def test_each_stage_is_its_event_by_our_clock() -> None:
    ahead = timedelta(seconds=2.5)
    words = ("answered", "amd=MACHINE=LONGGREETING-1520-1500", "left", "queued=sales", "harbour", "played", "optout")
    stages = [stage(each, place) for place, each in enumerate(words)]
    facts = [{"call_id": CALL, "at": at(place) - ahead} for place in range(len(words) + 1)]
    assert told(*stages, end(7.0, source="us", cause="31"), ahead=ahead) == [
        Answered(**facts[0]),
        Classified(**facts[1], status="MACHINE", cause="LONGGREETING-1520-1500"),
        MessageLeft(**facts[2]),
        Queued(**facts[3], queue="sales"),
        HarbourStarted(**facts[4]),
        MessagePlayed(**facts[5]),
        OptedOut(**facts[6]),
        HungUp(**facts[7], cause=31, cause_text=CAUSE_TEXT, by=HangupBy.SYSTEM),
    ]


@pytest.mark.parametrize(
    ("joined", "agent", "after_s"),
    [
        ("joined=PJSIP/1001=3=@", "PJSIP/1001", 4.0),
        ("joined==3=@", "", 4.0),
        ("joined===@", "", 1.0),
        ("joined=PJSIP/1001==5@", "PJSIP/1001", 4.0),
        # Whole seconds, one of which may not be over: never before the queue, nor after the end.
        ("joined=PJSIP/1001==9@", "PJSIP/1001", 1.0),
        ("joined=PJSIP/1001=9=@", "PJSIP/1001", 9.0),
    ],
)
def test_an_agent_came_after_so_many_seconds_in_the_queue_or_before_the_end(
    joined: str, agent: str, after_s: float
) -> None:
    events = told(stage("answered", 0.0), stage("queued=sales", 1.0), joined, end(9.0))
    assert events[2] == Bridged(call_id=CALL, at=at(after_s), agent=agent)


@pytest.mark.parametrize(
    ("joined", "source", "by"),
    [
        (False, "far", HangupBy.CUSTOMER),
        (False, "", HangupBy.CUSTOMER),
        (False, "us", HangupBy.SYSTEM),
        (True, "far", HangupBy.CUSTOMER),
        (True, "other", HangupBy.AGENT),
        (True, "", None),
        (True, "us", HangupBy.SYSTEM),
    ],
)
def test_who_ended_it_is_whose_channel_hung_up(joined: bool, source: str, by: HangupBy | None) -> None:
    stages = [stage("answered", 0.0), stage("queued=sales", 1.0), *(["joined=PJSIP/1001=0=@"] if joined else [])]
    assert told(*stages, end(2.0, source=source))[-1] == HungUp(
        call_id=CALL, at=at(2.0), cause=16, cause_text=CAUSE_TEXT, by=by
    )


def test_a_trail_of_another_call_in_the_same_place_says_nothing() -> None:
    other = f"11e5c870-59d1-4e00-be92-69ca0712{CALL[-4:]}"
    assert key_of(other) == key_of(CALL)
    assert told(stage("answered", 0.0), end(1.0))
    assert not told(stage("answered", 0.0), end(1.0), call_id=other)


def test_a_trail_that_is_cut_off_says_nothing() -> None:
    whole = f"{CALL} {stage('answered', 0.0)} {stage('queued=sales', 1.0)} {end(2.0)}"
    assert events_of(CALL, whole)
    before_end = whole.index(" ended")
    assert not any(events_of(CALL, whole[:length]) for length in range(before_end + len(" ended=16")))


@given(st.text(), st.lists(st.text(st.characters(blacklist_categories=("Z", "C")), min_size=1)))
def test_no_text_is_too_strange(whole: str, stages: list[str]) -> None:
    for trail in (whole, f"{CALL} {whole}", " ".join([CALL, *stages]), f"{CALL} {' '.join(stages)}@1e999 ended@nan"):
        for event in events_of(CALL, trail):
            assert event.call_id == CALL


@given(st.floats(-1e6, 1e6))
def test_the_clocks_are_compared_by_a_pong(seconds: float) -> None:
    ahead = timedelta(seconds=seconds)
    found = clock_ahead({"timestamp": f"{(BEGAN + ahead).timestamp():.6f}"}, BEGAN)
    assert abs(found - ahead) <= timedelta(microseconds=5)
    assert clock_ahead({}, BEGAN) == clock_ahead({"timestamp": "soon"}, BEGAN) == timedelta(0)
