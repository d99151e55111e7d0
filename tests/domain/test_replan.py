from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dialler.domain.by_hand import Callback, called_back_at, complete, reset
from dialler.domain.calling_window import CallingWindow
from dialler.domain.campaign import CampaignSettings
from dialler.domain.lead import CompletedReason, Lead, LeadState, NumberAttempts, NumberStatus, Rank, WindowKey
from dialler.domain.next_turn import lead_after
from dialler.domain.outcome import TRAITS, Outcome
from dialler.domain.redial import RedialRule, RedialRules
from dialler.domain.replan import Change, Rules, change_of, replanned
from dialler.domain.session import Session
from dialler.domain.wrap import WRAP_CODES, wrap_code
from tests.support.values import ALWAYS, NINE_TO_FIVE, NOON, a_lead, a_session

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
FREE = CampaignSettings(rest_min_s=0, attempts_max=100, attempts_per_day_max=100)
SHIPPED = Rules(redial=RedialRules(), settings=FREE, window=ALWAYS)


def rules(*rests: str, most: int | None = None, **caps: Any) -> Rules:
    """Return rules by which unanswered calls rest for so many hours, with caps of the campaign."""
    own = RedialRule(rests=tuple(HOUR * int(rest) for rest in rests) or (2 * HOUR,), in_a_row_max=most)
    return replace(SHIPPED, redial=RedialRules({Outcome.NO_ANSWER: own}), settings=replace(FREE, **caps))


def ended(lead: Lead, outcome: Outcome, by: Rules, *, at: datetime, code: str | None = None) -> tuple[Lead, Session]:
    """Return a lead as it stands after one more attempt, and the session of that."""
    session = a_session(attempt_no=lead.attempts + 1, outcome=outcome, ended_at=at)
    session = replace(session, wrap_code=code, wrapped_at=at if code else None)
    after = lead_after(
        replace(lead, state=LeadState.IN_CALL, due_at=None),
        session,
        rules=by.redial,
        settings=by.settings,
        window=by.window,
        ended_at=at,
        wrap=None if code is None else wrap_code(code),
    )
    return after, session


def unanswered(by: Rules = SHIPPED, times: int = 1) -> tuple[Lead, Session]:
    """Return a lead that was called so many times, all at noon, and its last session."""
    lead, session = ended(a_lead(), Outcome.NO_ANSWER, by, at=NOON)
    for _ in range(times - 1):
        lead, session = ended(lead, Outcome.NO_ANSWER, by, at=NOON)
    return lead, session


def test_a_resting_lead_rests_as_long_as_the_new_rules_say() -> None:
    lead, last = unanswered()
    assert lead.due_at == NOON + 2 * HOUR
    longer = replanned(lead, last, rules("5"), now=NOON + HOUR)
    assert (longer.due_at, change_of(lead, longer, NOON + HOUR)) == (NOON + 5 * HOUR, Change.RESTS_LONGER)
    less = replanned(lead, last, rules("1"), now=NOON + MINUTE)
    assert (less.due_at, change_of(lead, less, NOON + MINUTE)) == (NOON + HOUR, Change.RESTS_LESS)


def test_a_lead_whose_rest_was_over_rests_again_where_the_new_rules_are_longer() -> None:
    lead, last = unanswered()
    ready = replace(lead, state=LeadState.READY, due_at=None)
    assert replanned(ready, last, rules("5"), now=NOON + 3 * HOUR) == replace(lead, due_at=NOON + 5 * HOUR)
    assert replanned(ready, last, rules("2"), now=NOON + 3 * HOUR) == ready


def test_a_raised_cap_brings_exhausted_leads_back_and_a_lower_one_exhausts_them() -> None:
    lead, last = unanswered(rules("2", attempts_max=2), times=2)
    assert lead.completed_reason is CompletedReason.EXHAUSTED
    back = replanned(lead, last, rules("2", attempts_max=3), now=NOON + HOUR)
    assert (back.state, back.due_at) == (LeadState.RESTING, NOON + 2 * HOUR)
    assert change_of(lead, back, NOON + HOUR) is Change.COMES_BACK
    assert replanned(lead, last, rules("2", attempts_max=3), now=NOON + 3 * HOUR).state is LeadState.READY
    gone = replanned(back, last, rules("2", attempts_max=2), now=NOON + HOUR)
    assert (gone, change_of(back, gone, NOON + HOUR)) == (lead, Change.EXHAUSTED)


def test_a_run_that_the_new_rules_allow_to_go_on_brings_a_lead_back() -> None:
    lead, last = unanswered(rules("2", most=2), times=2)
    assert lead.completed_reason is CompletedReason.EXHAUSTED
    assert replanned(lead, last, rules("1", "7", most=3), now=NOON).due_at == NOON + 7 * HOUR


def test_the_days_cap_is_the_new_one() -> None:
    lead, last = unanswered(rules("2", attempts_per_day_max=1))
    assert lead.due_at is not None and lead.due_at > NOON + 10 * HOUR
    assert replanned(lead, last, rules("2", attempts_per_day_max=2), now=NOON).due_at == NOON + 2 * HOUR


def test_another_rest_of_the_abandoned_holds_for_those_who_were() -> None:
    lead, last = ended(a_lead(), Outcome.ABANDONED, SHIPPED, at=NOON)
    assert lead.due_at == NOON + 3 * DAY
    longer = replanned(lead, last, rules(abandoned_rest_s=5 * 86_400), now=NOON)
    assert (longer.due_at, change_of(lead, longer, NOON)) == (NOON + 5 * DAY, Change.RESTS_LONGER)


def test_what_others_used_up_of_its_number_keeps_a_lead_from_coming_back() -> None:
    lead, last = unanswered(rules("2", attempts_max=2), times=2)
    used = [NumberAttempts(counted=5, day=date(2026, 3, 4), on_day=1)]
    assert replanned(lead, last, rules("2", attempts_max=5), on_numbers=used, now=NOON) == lead
    assert replanned(lead, last, rules("2", attempts_max=6), on_numbers=used, now=NOON) != lead
    never_called = replace(a_lead(), state=LeadState.COMPLETED, completed_reason=CompletedReason.EXHAUSTED)
    assert replanned(never_called, None, rules(attempts_max=5), on_numbers=used, now=NOON) == never_called
    assert replanned(never_called, None, rules(attempts_max=6), on_numbers=used, now=NOON) == a_lead()


def test_a_lead_that_would_have_rested_until_it_expired_comes_back_with_a_shorter_rest() -> None:
    expiring, last = ended(a_lead(expires_at=NOON + HOUR), Outcome.NO_ANSWER, rules("2"), at=NOON)
    assert expiring.completed_reason is CompletedReason.EXPIRED
    assert replanned(expiring, last, rules("0"), now=NOON).state is LeadState.READY
    assert replanned(expiring, last, rules("0"), now=NOON + HOUR) == expiring


def test_a_wrap_codes_rule_decides_and_its_rest_counts_from_the_code() -> None:
    talked, last = ended(a_lead(), Outcome.CONNECTED, SHIPPED, at=NOON, code="SILENT")
    edited = replace(last, wrap_code="LANGUAGE", wrap_edited_at=NOON + HOUR)
    by_wrap = {"LANGUAGE": RedialRule(rests=(6 * HOUR,))}
    new = replace(SHIPPED, redial=RedialRules({}, by_wrap))
    assert replanned(talked, edited, new, now=NOON).due_at == NOON + 7 * HOUR


def test_a_wrap_code_of_an_earlier_talk_decides_nothing() -> None:
    talked, _ = ended(a_lead(), Outcome.CONNECTED, SHIPPED, at=NOON - DAY, code="SILENT")
    lead, last = ended(talked, Outcome.NO_ANSWER, SHIPPED, at=NOON)
    new = replace(SHIPPED, redial=RedialRules({}, {"SILENT": RedialRule(rests=(9 * DAY,))}))
    assert (lead.wrap_code, replanned(lead, last, new, now=NOON)) == ("SILENT", lead)


def test_a_number_that_the_new_rules_give_up_is_given_up() -> None:
    lead, last = ended(a_lead("+12125550100", "+12125550101"), Outcome.NO_ANSWER, SHIPPED, at=NOON)
    giving_up = RedialRule(rests=(HOUR,), in_a_row_max=1, then=Outcome.INVALID_NUMBER)
    new = replace(SHIPPED, redial=RedialRules({Outcome.NO_ANSWER: giving_up}))
    after = replanned(lead, last, new, now=NOON)
    assert [one.status for one in after.numbers] == [NumberStatus.BAD, NumberStatus.OK]
    only, last = unanswered()
    assert replanned(only, last, new, now=NOON).completed_reason is CompletedReason.UNWORKABLE


def test_what_people_did_by_hand_stays() -> None:
    lead, last = unanswered()
    exhausted, _ = unanswered(rules("2", attempts_max=1))
    promised = Callback(at=NOON + 3 * HOUR, expires_at=NOON + DAY)
    urgent = replace(lead, state=LeadState.READY, due_at=None, priority=lead.ranked(Rank.URGENT))
    for each in (reset(lead), reset(exhausted), complete(lead), called_back_at(lead, promised), urgent):
        assert replanned(each, last, rules("9"), now=NOON) == each


def test_a_person_who_was_erased_stays_so() -> None:
    for outcome_run in (0, 2):
        lead, last = unanswered(rules("2", attempts_max=2), times=2)
        numbers = tuple(replace(one, number="-", status=NumberStatus.BAD) for one in lead.numbers)
        erased = replace(lead, numbers=numbers, outcome_run=outcome_run)
        assert replanned(erased, last, rules("2", attempts_max=9), now=NOON) == erased


@pytest.mark.parametrize("code", ["SALE", "REFUSED", "DNC", None])
def test_what_was_agreed_stays(code: str | None) -> None:
    lead, last = ended(a_lead(), Outcome.CONNECTED, SHIPPED, at=NOON, code=code)
    assert lead.state is LeadState.COMPLETED
    assert replanned(lead, last, rules("9"), now=NOON) == lead


def test_a_lead_in_a_call_is_left_to_the_calls_end() -> None:
    lead, last = unanswered()
    talking = replace(lead, state=LeadState.IN_CALL, due_at=None)
    assert replanned(talking, last, rules("9"), now=NOON) == talking


def test_a_callback_to_which_nobody_answered_rests_by_the_new_rules_and_stays_one() -> None:
    promised = called_back_at(a_lead(), Callback(at=NOON, expires_at=NOON + DAY))
    lead, last = ended(promised, Outcome.NO_ANSWER, SHIPPED, at=NOON + MINUTE)
    after = replanned(lead, last, rules("5"), now=NOON + HOUR)
    assert (after.due_at, after.callback_at, after.rank) == (NOON + 5 * HOUR + MINUTE, NOON, Rank.CALLBACK)


def test_a_lead_whose_last_session_is_not_known_stays() -> None:
    lead, last = unanswered()
    for known in (None, replace(last, outcome=Outcome.BUSY), replace(last, ended_at=None)):
        assert replanned(lead, known, rules("9"), now=NOON) == lead


redial_rules = st.builds(
    RedialRules,
    st.dictionaries(
        st.sampled_from(Outcome),
        st.builds(
            RedialRule,
            rests=st.lists(st.integers(0, 72).map(lambda n: n * HOUR), min_size=1, max_size=3).map(tuple),
            in_a_row_max=st.none() | st.integers(1, 4),
        ),
    ),
    st.dictionaries(
        st.sampled_from(sorted(WRAP_CODES)),
        st.builds(RedialRule, rests=st.integers(0, 72).map(lambda n: (n * HOUR,)), in_a_row_max=st.none() | st.just(2)),
    ),
)
caps = st.builds(
    CampaignSettings,
    rest_min_s=st.integers(0, 20_000),
    attempts_max=st.integers(1, 6),
    attempts_per_day_max=st.integers(1, 3),
)
attempts = st.tuples(
    st.sampled_from([*Outcome, Outcome.NO_ANSWER, Outcome.CONNECTED]),
    st.none() | st.sampled_from(sorted(WRAP_CODES)),
    st.integers(0, 100).map(lambda n: n * HOUR),
)


@settings(max_examples=300)
@given(
    old=st.tuples(redial_rules, caps),
    new=st.tuples(redial_rules, caps),
    story=st.lists(attempts, min_size=1, max_size=5),
    zone=st.sampled_from(["America/New_York", "Asia/Kolkata", "Pacific/Auckland"]),
    expires=st.none() | st.integers(1, 200),
    later=st.integers(0, 100).map(lambda n: n * HOUR),
)
def test_leads_planned_anew_stand_where_they_would_had_the_rules_been_these_from_the_start(
    old: tuple[RedialRules, CampaignSettings],
    new: tuple[RedialRules, CampaignSettings],
    story: list[tuple[Outcome, str | None, timedelta]],
    zone: str,
    expires: int | None,
    later: timedelta,
) -> None:
    window = CallingWindow(NINE_TO_FIVE, (zone,))
    before, after = (Rules(redial=own, settings=theirs, window=window) for own, theirs in (old, new))
    expires_at = None if expires is None else NOON + expires * HOUR
    lead = a_lead("+12125550100", "+12125550101", window_key=WindowKey((zone,)), expires_at=expires_at)
    at = NOON
    for outcome, code, pause in story:
        talked_about = code if outcome is Outcome.CONNECTED else None
        old_lead, last = ended(lead, outcome, before, at=at, code=talked_about)
        new_lead, _ = ended(lead, outcome, after, at=at, code=talked_about)
        assume(old_lead.numbers == new_lead.numbers)  # What was given up stays so.
        now = at + later
        anew = replanned(old_lead, last, after, now=now)
        if old_lead.state is LeadState.COMPLETED and expires_at is not None and expires_at <= now:
            assert anew == old_lead
            return
        assert stand(anew, now) == stand(new_lead, now)
        # Never earlier than the new rules, the window and the day's cap allow; and twice is once.
        if anew.due_at is not None and TRAITS[outcome].counts_attempt:
            assert anew.due_at >= at + timedelta(seconds=after.settings.rest_min_s)
            assert window.is_open(anew.due_at)
        assert replanned(anew, last, after, now=now) == anew
        assert stand(replanned(old_lead, last, before, now=now), now) == stand(old_lead, now)
        if old_lead.state is LeadState.COMPLETED:
            return
        lead, at = old_lead, (old_lead.due_at or at) + pause


def stand(lead: Lead, now: datetime) -> Lead:
    """Return a lead as the hopper's refill sees it at `now`: one whose rest is over is ready."""
    if lead.state is LeadState.RESTING and lead.due_at is not None and lead.due_at <= now:
        return replace(lead, state=LeadState.READY, due_at=None)
    return lead
