"""From when a person's wait for an agent counts, and who waits."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialler.domain.call import waits_since
from dialler.domain.call_verdict import AbandonReason, abandon_reason, verdict_of
from dialler.domain.outcome import Outcome
from dialler.domain.patience import PATIENCE, Patience, PatienceStart
from telephony.events import Classified, HangupBy
from tests.support import call_stories as tell
from tests.support.call_stories import CALL_ID, told
from tests.support.values import NOON

GREETING = Patience(start=PatienceStart.GREETING_END, amd=True)


def after(seconds: float):
    return NOON + timedelta(seconds=seconds)


def classified(seconds: float, status: str = "HUMAN", cause: str = "HUMAN-800-800") -> Classified:
    return Classified(call_id=CALL_ID, at=after(seconds), status=status, cause=cause)


def test_without_machine_detection_it_counts_from_the_answer_whatever_is_asked_for() -> None:
    call = told(tell.answered(NOON), tell.queued(after(0.1)))
    for start in PatienceStart:
        assert waits_since(call, Patience(start=start)) == NOON


def test_from_the_connection_it_counts_while_machines_are_looked_for() -> None:
    assert waits_since(told(tell.answered(NOON)), replace(GREETING, start=PatienceStart.CONNECTION)) == NOON


def test_a_greeting_ended_before_the_silence_by_which_it_was_known() -> None:
    assert waits_since(told(tell.answered(NOON)), GREETING) is None, "the greeting may still go on"
    call = told(tell.answered(NOON), classified(2.5), tell.queued(after(2.6)))
    assert waits_since(call, GREETING) == after(1.7)


@pytest.mark.parametrize("cause", ["TOOLONG-5000", "NOAUDIODATA-20", "", "HUMAN-"])
def test_a_verdict_that_tells_of_no_silence_is_the_end_of_the_greeting(cause: str) -> None:
    assert waits_since(told(tell.answered(NOON), classified(5, "NOTSURE", cause)), GREETING) == after(5)


def test_a_silence_longer_than_the_call_begins_with_the_answer() -> None:
    assert waits_since(told(tell.answered(NOON), classified(0.5, cause="HUMAN-2500-800")), GREETING) == NOON


def test_where_the_exchange_goes_on_without_a_verdict_it_counts_from_the_queue() -> None:
    assert waits_since(told(tell.answered(NOON), tell.queued(after(0.3))), GREETING) == after(0.3)


@pytest.mark.parametrize(
    "step",
    [tell.bridged, tell.harbour, tell.left, tell.opted_out, tell.hung_up(16)]
    + [tell.amd(status) for status in ("MACHINE", "FAX", "HANGUP")],
)
def test_nobody_waits_after_an_agent_a_message_a_machine_or_the_end(step: tell.Step) -> None:
    call = told(tell.answered(NOON), tell.queued(NOON), step(after(1)))
    assert waits_since(call, PATIENCE) is None


def test_nobody_waits_before_the_answer_or_once_the_message_is_asked_for() -> None:
    assert waits_since(told(tell.ringing(NOON)), PATIENCE) is None
    assert waits_since(replace(told(tell.answered(NOON)), diverted=True), PATIENCE) is None


def test_where_a_message_comes_first_only_who_asks_for_an_agent_waits_from_then_on() -> None:
    patience = Patience(after_message=True)
    listens = told(tell.answered(NOON), tell.played(after(20)))
    assert waits_since(listens, patience) is None
    asked = told(tell.answered(NOON), tell.played(after(20)), tell.queued(after(21)))
    assert waits_since(asked, patience) == after(21)
    for left_s, outcome in ((22.5, Outcome.ABANDONED_SHORT), (23.5, Outcome.ABANDONED)):
        left = told(tell.hung_up(16, by=HangupBy.CUSTOMER)(after(left_s)), call=asked)
        assert verdict_of(left, has_agents=False, patience=patience) is outcome


@given(limit_s=st.floats(0.1, 60))
def test_the_margin_leaves_most_of_the_patience(limit_s: float) -> None:
    patience = Patience(limit=timedelta(seconds=limit_s))
    assert timedelta(0) < patience.margin <= min(timedelta(seconds=0.2), patience.limit / 10)


def test_who_hangs_up_within_two_seconds_of_the_greeting_was_not_abandoned_yet() -> None:
    end = tell.hung_up(16, by=HangupBy.CUSTOMER)(after(3.5))
    call = told(tell.answered(NOON), classified(2.5), tell.queued(after(2.6)), end)
    assert verdict_of(call, has_agents=True, patience=GREETING) is Outcome.ABANDONED_SHORT
    assert verdict_of(call, has_agents=True) is Outcome.ABANDONED


def test_who_is_pulled_out_of_an_agents_hands_is_abandoned_though_the_message_was_not_heard_of() -> None:
    call = replace(told(tell.answered(NOON), tell.queued(NOON), tell.bridged(after(1.8))), diverted=True)
    ended = told(tell.hung_up(16, by=HangupBy.CUSTOMER)(after(1.9)), call=call)
    assert verdict_of(ended, has_agents=True) is Outcome.ABANDONED
    assert abandon_reason(ended, Outcome.ABANDONED) is AbandonReason.PULLED


def test_every_abandoned_call_has_a_reason_and_no_other_has_one() -> None:
    waited = told(tell.answered(NOON), tell.queued(NOON))
    left = told(tell.hung_up(16, by=HangupBy.CUSTOMER)(after(3)), call=waited)
    cut = told(tell.hung_up(16, by=HangupBy.SYSTEM)(after(1)), call=waited)
    by_queue = told(tell.harbour(after(0.1)), tell.hung_up(16)(after(5)), call=waited)
    for call, outcome, reason in [
        (replace(by_queue, diverted=True), Outcome.ABANDONED, AbandonReason.NO_AGENT),
        (by_queue, Outcome.ABANDONED, AbandonReason.QUEUE),
        (left, Outcome.ABANDONED, AbandonReason.HUNG_UP),
        (cut, Outcome.ABANDONED, AbandonReason.ENDED_BY_US),
        (replace(by_queue, opted_out=True), Outcome.OPTED_OUT, AbandonReason.QUEUE),
    ]:
        assert verdict_of(call, has_agents=True) is outcome
        assert abandon_reason(call, outcome) is reason
    assert abandon_reason(left, Outcome.ABANDONED_SHORT) is None
    assert abandon_reason(waited, Outcome.CONNECTED) is None
    assert abandon_reason(told(tell.opted_out(NOON)), Outcome.OPTED_OUT) is AbandonReason.OPTED_OUT
