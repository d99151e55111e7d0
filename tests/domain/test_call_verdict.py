from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialler.domain.call import Call, CallState, cancelled, refused, sent
from dialler.domain.call_verdict import verdict_of
from dialler.domain.outcome import Outcome
from dialler.domain.patience import Patience
from dialler.domain.session import Evidence
from telephony.events import HangupBy
from tests.support import call_stories as tell
from tests.support.call_stories import CALL_ID, STORIES, events_of, told
from tests.support.values import NOON


@pytest.mark.parametrize("name", STORIES)
def test_a_story_ends_as_the_table_says(name: str) -> None:
    story, with_agents, without = STORIES[name]
    call = told(*events_of(story))
    assert verdict_of(call, has_agents=True) == with_agents
    assert verdict_of(call, has_agents=False) == without


@settings(max_examples=200)
@given(data=st.data(), name=st.sampled_from(sorted(STORIES)), has_agents=st.booleans())
def test_the_order_of_events_before_the_end_never_changes_the_outcome(
    data: st.DataObject, name: str, has_agents: bool
) -> None:
    *before, last = events_of(STORIES[name][0])
    shuffled = data.draw(st.permutations(before + data.draw(st.lists(st.sampled_from(before), max_size=5))))
    told_in_order = verdict_of(told(*before, last), has_agents=has_agents)
    assert verdict_of(told(*shuffled, last), has_agents=has_agents) is told_in_order


@pytest.mark.parametrize(
    ("cause", "outcome"),
    [
        (1, "INVALID_NUMBER"),
        (2, "NO_ROUTE"),
        (3, "NO_ROUTE"),
        (5, "INVALID_NUMBER"),
        (16, "NO_ANSWER"),
        (17, "BUSY"),
        (18, "NO_ANSWER"),
        (19, "NO_ANSWER"),
        (20, "UNREACHABLE"),
        (21, "REJECTED_CALL"),
        (22, "INVALID_NUMBER"),
        (23, "NO_ANSWER"),
        (26, "CANCELLED"),
        (27, "UNREACHABLE"),
        (28, "INVALID_NUMBER"),
        (29, "FAILED"),
        (31, "NO_ANSWER"),
        (34, "CONGESTION"),
        (38, "FAILED"),
        (41, "FAILED"),
        (42, "CONGESTION"),
        (44, "CONGESTION"),
        (58, "FAILED"),
        (102, "FAILED"),
        (111, "FAILED"),
        (127, "FAILED"),
        (0, "FAILED"),
        (99, "FAILED"),
    ],
)
def test_an_unanswered_call_that_never_rang_goes_by_its_cause(cause: int, outcome: str) -> None:
    call = told(tell.dialling(NOON), tell.hung_up(cause)(NOON))
    assert verdict_of(call, has_agents=True) == outcome


@pytest.mark.parametrize("cause", [0, 102])
def test_a_call_that_rang_and_ended_without_a_telling_cause_was_not_answered(cause: int) -> None:
    call = told(tell.ringing(NOON), tell.hung_up(cause)(NOON))
    assert verdict_of(call, has_agents=True) is Outcome.NO_ANSWER


@pytest.mark.parametrize(
    ("tech", "cause", "outcome"),
    [
        (401, 21, "FAILED"),
        (403, 21, "FAILED"),
        (407, 21, "FAILED"),
        (603, 21, "REJECTED_CALL"),
        (607, 127, "BLOCKED"),
        (608, 21, "BLOCKED"),
        (480, 19, "NO_ANSWER"),
        (487, 127, "CANCELLED"),
        (504, 102, "FAILED"),
        (404, 17, "BUSY"),  # a Reason header of the carrier beats the response
        (486, 0, "BUSY"),  # no cause: the response has one
    ],
)
def test_the_sip_response_decides_only_where_the_cause_can_not(tech: int, cause: int, outcome: str) -> None:
    call = told(tell.ringing(NOON), tell.hung_up(cause, tech)(NOON))
    assert verdict_of(call, has_agents=True) == outcome


@pytest.mark.parametrize(
    ("status", "outcome"),
    [("BUSY", "BUSY"), ("CONGESTION", "CONGESTION"), ("CHANUNAVAIL", "FAILED"), ("NOANSWER", "NO_ANSWER")],
)
def test_the_dial_status_is_asked_when_there_is_no_cause(status: str, outcome: str) -> None:
    call = told(tell.dialling(NOON), tell.dial_end(status)(NOON), tell.hung_up(0)(NOON))
    assert verdict_of(call, has_agents=True) == outcome


def test_a_time_out_is_no_answer_whatever_the_cause_says() -> None:
    for cause in (0, 16, 41):
        call = told(tell.dialling(NOON), tell.originate_end(3)(NOON), tell.hung_up(cause)(NOON))
        assert verdict_of(call, has_agents=True) is Outcome.NO_ANSWER


def test_a_refused_originate_failed_unless_the_endpoint_is_missing() -> None:
    call = Call(call_id=CALL_ID)
    refusal = refused(call, "Extension does not exist.", NOON)
    assert verdict_of(refusal, has_agents=True) is Outcome.FAILED
    assert verdict_of(refused(call, "No such endpoint 'b'", NOON), has_agents=True) is Outcome.NO_ROUTE


def test_without_a_channel_the_failure_alone_decides() -> None:
    call = told(tell.originate_end(0)(NOON))
    assert verdict_of(call, has_agents=True) is Outcome.FAILED
    told_why = replace(call, evidence=Evidence(reason=0, error="Endpoint not found"))
    assert verdict_of(told_why, has_agents=True) is Outcome.NO_ROUTE


def test_what_we_take_back_before_the_answer_is_cancelled() -> None:
    call = cancelled(told(tell.dialling(NOON), tell.ringing(NOON)))
    ended = told(tell.dial_end("NOANSWER")(NOON), tell.originate_end(0)(NOON), tell.hung_up(16)(NOON), call=call)
    assert verdict_of(ended, has_agents=True) is Outcome.CANCELLED
    assert verdict_of(cancelled(Call(call_id=CALL_ID)), has_agents=True) is Outcome.CANCELLED


def test_who_answers_while_we_take_the_call_back_was_abandoned() -> None:
    call = cancelled(told(tell.ringing(NOON)))
    ended = told(tell.answered(NOON), tell.hung_up(16, by=HangupBy.CUSTOMER)(NOON), call=call)
    assert verdict_of(ended, has_agents=True) is Outcome.ABANDONED


@pytest.mark.parametrize(("stays_s", "outcome"), [(2.0, "ABANDONED_SHORT"), (2.001, "ABANDONED")])
def test_the_limit_of_two_seconds_runs_from_the_answer(stays_s: float, outcome: str) -> None:
    end = tell.hung_up(16, by=HangupBy.CUSTOMER)(NOON + timedelta(seconds=stays_s))
    assert verdict_of(told(tell.answered(NOON), tell.queued(NOON), end), has_agents=True) == outcome


def test_the_limit_can_be_another() -> None:
    end = tell.hung_up(16, by=HangupBy.CUSTOMER)(NOON + timedelta(seconds=3))
    call = told(tell.answered(NOON), tell.queued(NOON), end)
    assert verdict_of(call, has_agents=True, patience=Patience(limit=timedelta(seconds=4))) is Outcome.ABANDONED_SHORT


def test_a_fax_is_told_apart() -> None:
    assert verdict_of(told(tell.amd("FAX")(NOON), tell.hung_up(16)(NOON)), has_agents=False) is Outcome.FAX


@pytest.mark.parametrize("steps", [(), (tell.dialling, tell.ringing), (tell.answered, tell.queued)])
def test_a_call_that_never_reports_its_end_is_lost(steps: tuple[tell.Step, ...]) -> None:
    call = told(*(step(NOON) for step in steps))
    assert call.state is not CallState.ENDED
    assert verdict_of(call, has_agents=True) is Outcome.LOST
    assert verdict_of(cancelled(sent(Call(call_id=CALL_ID), NOON)), has_agents=True) is Outcome.LOST


def test_of_a_lost_call_what_is_known_still_counts() -> None:
    assert verdict_of(told(tell.bridged(NOON)), has_agents=True) is Outcome.CONNECTED
    assert verdict_of(told(tell.harbour(NOON)), has_agents=True) is Outcome.ABANDONED
