from datetime import timedelta

import pytest

from dialler.domain.attempt import ended, followed
from dialler.domain.call import Call, cancelled, refused, sent
from dialler.domain.call_verdict import verdict_of
from dialler.domain.campaign import Wrap
from dialler.domain.outcome import Outcome
from dialler.domain.session import Session, SessionStatus
from tests.support import call_stories as tell
from tests.support.call_stories import CALL_ID, STORIES, events_of, told
from tests.support.values import NOON, a_session

LATER = NOON + timedelta(minutes=5)


def close(call: Call, *, wrap: Wrap = Wrap.NONE, session: Session | None = None) -> Session:
    outcome = verdict_of(call, has_agents=True)
    return ended(session or a_session(), call, outcome=outcome, wrap=wrap, at=LATER)


def test_a_session_is_new_until_its_call_was_handed_over() -> None:
    call = Call(call_id=CALL_ID)
    assert followed(a_session(), call).status is SessionStatus.NEW
    assert followed(a_session(), sent(call, NOON)).status is SessionStatus.PROCESSING


def test_a_session_whose_events_overtook_the_hand_over_is_under_way() -> None:
    call = told(tell.ringing(NOON), call=Call(call_id=CALL_ID))
    assert followed(a_session(), call).status is SessionStatus.PROCESSING


@pytest.mark.parametrize("name", STORIES)
def test_every_story_closes_its_session_with_its_evidence(name: str) -> None:
    call = told(*events_of(STORIES[name][0]))
    session = close(call)
    assert session.outcome == STORIES[name][1]
    assert not session.status.is_open
    assert (session.evidence, session.ended_at) == (call.evidence, call.ended_at)
    assert (session.ringing_at, session.answered_at) == (call.ringing_at, call.answered_at)


def test_a_talk_waits_for_its_wrap_code_where_one_is_required() -> None:
    call = told(*events_of(STORIES["an agent takes it"][0]))
    session = close(call, wrap=Wrap.REQUIRED)
    assert (session.status, session.outcome, session.agent) == ("processing", "CONNECTED", "PJSIP/ann")
    assert close(call).status is SessionStatus.COMPLETE


def test_what_was_never_placed_is_failed_or_expired_and_does_not_count() -> None:
    call = Call(call_id=CALL_ID)
    failed = close(refused(call, "Extension does not exist.", NOON))
    assert (failed.status, failed.outcome, failed.counts_attempt) == ("failed", "FAILED", False)
    assert failed.evidence.error == "Extension does not exist."
    taken_back = close(cancelled(call))
    assert (taken_back.status, taken_back.outcome, taken_back.counts_attempt) == ("expired", "CANCELLED", False)


def test_a_call_taken_back_while_it_rang_counts() -> None:
    call = told(tell.hung_up(16)(NOON), call=cancelled(told(tell.ringing(NOON))))
    assert close(call).counts_attempt


def test_a_lost_call_ends_when_it_is_given_up_and_counts() -> None:
    session = close(told(tell.ringing(NOON)))
    assert (session.outcome, session.status, session.ended_at) == (Outcome.LOST, SessionStatus.EXPIRED, LATER)
    assert session.counts_attempt


def test_a_talk_found_after_a_restart_in_a_new_session_is_complete() -> None:
    call = told(tell.bridged(NOON), tell.hung_up(16)(LATER), call=Call(call_id=CALL_ID))
    assert close(call).status is SessionStatus.COMPLETE
