from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialler.domain.call import Call, CallState, apply, call_of, cancelled, refused, sent
from dialler.domain.outcome import Outcome
from dialler.domain.session import SessionStatus
from dialler.errors import IllegalTransition
from telephony.events import CallEvent, DialEnded, HungUp, OriginateEnded
from tests.support import call_stories as tell
from tests.support.call_stories import CALL_ID, STORIES, events_of, told
from tests.support.values import NOON, a_session


@settings(max_examples=150)
@given(data=st.data(), name=st.sampled_from(sorted(STORIES)))
def test_events_in_any_order_and_twice_make_the_same_call(data: st.DataObject, name: str) -> None:
    *before, last = events_of(STORIES[name][0])
    twice = data.draw(st.lists(st.sampled_from(before), max_size=6))
    shuffled = data.draw(st.permutations(before + twice))
    assert told(*shuffled, last) == told(*before, last)


@pytest.mark.parametrize("name", STORIES)
def test_hints_that_trail_the_end_are_kept_as_evidence_and_nothing_else(name: str) -> None:
    *before, last = events_of(STORIES[name][0])
    hints = [event for event in before if isinstance(event, OriginateEnded | DialEnded)]
    others = [event for event in before if event not in hints]
    call = told(*others, last)
    late = told(*hints, call=call)
    assert late.state is CallState.ENDED
    assert late.evidence == told(*before, last).evidence
    assert (late.answered_at, late.ended_at, late.channel_seen) == (call.answered_at, call.ended_at, call.channel_seen)


def test_a_trailing_hint_is_no_proof_of_a_channel() -> None:
    call = told(tell.hung_up(0)(NOON), tell.dial_end("NOANSWER")(NOON))
    assert (call.channel_seen, call.evidence.dial_status) == (False, "NOANSWER")


def test_any_other_event_of_an_ended_call_is_illegal() -> None:
    call = told(tell.hung_up(17)(NOON))
    for step in (tell.ringing, tell.answered, tell.bridged, tell.hung_up(17)):
        with pytest.raises(IllegalTransition):
            apply(call, step(NOON))


def test_the_earliest_moment_of_each_kind_is_kept() -> None:
    late = NOON + timedelta(seconds=9)
    call = told(tell.ringing(late), tell.ringing(NOON), tell.answered(late), tell.queued(late))
    assert (call.ringing_at, call.answered_at, call.queued_at) == (NOON, late, late)


def test_what_can_only_follow_an_answer_answers() -> None:
    for step in (tell.bridged, tell.queued, tell.harbour, tell.amd("NOTSURE"), tell.left, tell.played):
        assert told(step(NOON)).answered_at == NOON


def test_a_call_that_was_sent_after_its_first_event_stays_where_it_is() -> None:
    call = apply(Call(call_id=CALL_ID), tell.ringing(NOON))
    call = sent(call, NOON + timedelta(seconds=1))
    assert (call.state, call.sent_at) == (CallState.RINGING, NOON + timedelta(seconds=1))
    assert sent(Call(call_id=CALL_ID), NOON).state is CallState.SENT


def test_the_first_agent_is_the_one_the_call_was_for() -> None:
    call = told(tell.bridged(NOON))
    transfer = tell.bridged(NOON + timedelta(seconds=60))
    assert apply(call, transfer).agent == "PJSIP/ann"
    assert apply(call, transfer).connected_at == NOON


def test_a_refused_call_has_ended_and_one_taken_back_before_it_was_sent_too() -> None:
    call = refused(Call(call_id=CALL_ID), "Extension does not exist.", NOON)
    assert (call.state, call.ended_at, call.evidence.error) == (CallState.ENDED, NOON, "Extension does not exist.")
    assert cancelled(Call(call_id=CALL_ID)).state is CallState.ENDED
    assert cancelled(told(tell.ringing(NOON))).state is CallState.RINGING


def test_only_an_unanswered_end_without_a_cause_waits_for_the_hint() -> None:
    unset, busy = tell.hung_up(0)(NOON), tell.hung_up(17)(NOON)
    assert told(unset).wants_hint
    assert not told(busy).wants_hint
    assert not told(tell.answered(NOON), unset).wants_hint
    assert not told(unset, tell.originate_end(3)(NOON)).wants_hint
    assert not told(tell.ringing(NOON)).wants_hint


@pytest.mark.parametrize(
    ("until", "state"),
    [
        (0, CallState.SENT),
        (1, CallState.RINGING),
        (2, CallState.ANSWERED),
        (3, CallState.WAITING),
        (4, CallState.TALKING),
    ],
)
def test_a_call_is_taken_up_again_from_its_session(until: int, state: CallState) -> None:
    names = ["sent_at", "ringing_at", "answered_at", "queued_at", "connected_at"]
    times = {name: NOON + timedelta(seconds=n) for n, name in enumerate(names[: until + 1])}
    call = call_of(a_session(status=SessionStatus.PROCESSING, agent="PJSIP/ann", **times))
    assert call.state is state
    assert {name: getattr(call, name) for name in times} == times


def test_a_session_not_yet_sent_or_already_decided_gives_a_call_that_says_so() -> None:
    assert call_of(a_session()).state is CallState.NEW
    wrapping = a_session(status=SessionStatus.PROCESSING, outcome=Outcome.CONNECTED, sent_at=NOON, connected_at=NOON)
    assert call_of(wrapping).state is CallState.ENDED


def test_evidence_is_kept_raw() -> None:
    events: list[CallEvent] = [tell.dial_end("BUSY")(NOON), tell.originate_end(0)(NOON)]
    said = told(*events, HungUp(call_id=CALL_ID, at=NOON, cause=17, cause_text="User busy", tech_cause=486)).evidence
    assert (said.cause, said.cause_text, said.tech_cause) == (17, "User busy", 486)
    assert (said.dial_status, said.reason) == ("BUSY", 0)
