from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialler.domain.calling_window import CallingWindow
from dialler.domain.campaign import CampaignSettings, Wrap
from dialler.domain.lead import Lead, LeadState, NumberStatus, WindowKey
from dialler.domain.local_day import local_date
from dialler.domain.next_turn import lead_after, lead_after_offer
from dialler.domain.outcome import TRAITS, Outcome
from dialler.domain.redial import RedialRules, redial
from dialler.domain.session import Session
from dialler.domain.wrap import WRAP_CODES, WrapCode, wrap_code
from tests.support.values import ALWAYS, NEVER, NEW_YORK, NINE_TO_FIVE, NOON, a_lead, a_session

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
FREE = CampaignSettings(rest_min_s=0, attempts_max=100, attempts_per_day_max=100)
OFFICE = CallingWindow(NINE_TO_FIVE, NEW_YORK.zones)


def turn(
    lead: Lead,
    outcome: str,
    *,
    settings: CampaignSettings = FREE,
    window: CallingWindow = ALWAYS,
    ended_at: datetime = NOON,
    wrap: WrapCode | None = None,
    session: Session | None = None,
) -> Lead:
    session = session or a_session(attempt_no=lead.attempts + 1)
    return lead_after(
        replace(lead, state=LeadState.IN_CALL, due_at=None) if session.attempt_no > lead.attempts else lead,
        replace(session, outcome=Outcome(outcome)),
        rules=RedialRules(),
        settings=settings,
        window=window,
        ended_at=ended_at,
        wrap=wrap,
    )


def test_nobody_answered_so_the_lead_rests_by_its_rule() -> None:
    lead = turn(a_lead(), "NO_ANSWER")
    assert (lead.state, lead.due_at) == (LeadState.RESTING, NOON + 2 * HOUR)
    assert (lead.attempts, lead.attempts_counted, lead.last_outcome) == (1, 1, Outcome.NO_ANSWER)
    assert (lead.attempts_on_day, lead.attempts_day, lead.last_attempt_at) == (1, date(2026, 3, 4), NOON)


def test_a_rest_that_ends_outside_the_window_runs_to_its_next_opening() -> None:
    lead = turn(a_lead(), "MACHINE", window=OFFICE, ended_at=NOON + 2 * HOUR)
    assert lead.due_at == datetime(2026, 3, 5, 14, tzinfo=UTC)  # 9:00 in New York, on Thursday


def test_the_campaigns_least_rest_holds_after_counted_attempts_only() -> None:
    settings = CampaignSettings(rest_min_s=1800)
    assert turn(a_lead(), "BUSY", settings=settings).due_at == NOON + 30 * MINUTE
    assert turn(a_lead(), "CONGESTION", settings=settings).due_at == NOON + MINUTE


def test_failures_of_our_side_do_not_count() -> None:
    lead = turn(a_lead(), "CONGESTION")
    assert (lead.attempts, lead.attempts_counted, lead.attempts_on_day, lead.attempts_day) == (1, 0, 0, None)


def test_a_call_taken_back_before_it_rang_leaves_the_lead_ready() -> None:
    lead = turn(a_lead(), "CANCELLED")
    assert (lead.state, lead.due_at, lead.attempts_counted) == (LeadState.READY, None, 0)
    shut = turn(a_lead(), "CANCELLED", window=OFFICE, ended_at=NOON + 6 * HOUR)
    assert (shut.state, shut.due_at) == (LeadState.RESTING, datetime(2026, 3, 5, 14, tzinfo=UTC))


def test_a_call_taken_back_while_it_rang_counts_and_rests() -> None:
    session = a_session(ringing_at=NOON)
    lead = turn(a_lead(), "CANCELLED", session=session, settings=CampaignSettings())
    assert (lead.state, lead.due_at, lead.attempts_counted) == (LeadState.RESTING, NOON + 30 * MINUTE, 1)


def test_attempts_in_a_row_lead_from_busy_to_no_answer_to_exhausted() -> None:
    lead, dues = a_lead(), []
    for _ in range(4):
        lead = turn(lead, "BUSY")
        dues.append(lead.due_at)
    assert dues == [NOON + 10 * MINUTE, NOON + 10 * MINUTE, NOON + 2 * HOUR, NOON + 2 * HOUR]
    assert lead.outcome_run == 4
    assert turn(lead, "NO_ANSWER").outcome_run == 1


def test_the_sixth_counted_attempt_is_the_last() -> None:
    settings = CampaignSettings(attempts_max=6, attempts_per_day_max=100)
    lead = a_lead()
    for outcome in ("NO_ANSWER", "BUSY", "MACHINE", "CONGESTION", "NO_ANSWER", "BUSY"):
        lead = turn(lead, outcome, settings=settings)
        assert lead.state is LeadState.RESTING
    lead = turn(lead, "MACHINE", settings=settings)
    assert (lead.state, lead.completed_reason, lead.due_at) == (LeadState.COMPLETED, "exhausted", None)
    assert (lead.attempts, lead.attempts_counted) == (7, 6)


def test_a_rule_that_is_used_up_exhausts_the_lead() -> None:
    lead = turn(turn(a_lead(), "REJECTED_CALL"), "REJECTED_CALL")
    assert (lead.state, lead.completed_reason) == (LeadState.COMPLETED, "exhausted")


def test_after_the_days_last_attempt_the_lead_rests_until_its_own_midnight() -> None:
    settings = CampaignSettings(attempts_per_day_max=2, rest_min_s=0)
    lead = turn(a_lead(), "BUSY", settings=settings)
    assert lead.due_at == NOON + 10 * MINUTE
    lead = turn(lead, "NO_ANSWER", settings=settings)
    assert lead.due_at == datetime(2026, 3, 5, 5, tzinfo=UTC)  # midnight in New York
    lead = turn(lead, "BUSY", settings=settings, ended_at=NOON + DAY)
    assert (lead.attempts_on_day, lead.attempts_day) == (1, date(2026, 3, 5))


def test_the_day_is_the_leads_own() -> None:
    key = WindowKey(("Pacific/Auckland",))
    lead = turn(a_lead(window_key=key), "NO_ANSWER")  # 06:00 on the next day there
    assert lead.attempts_day == date(2026, 3, 5)


def test_a_bad_number_gives_way_to_the_next_one() -> None:
    lead = turn(a_lead("+12125550100", "+12125550101"), "INVALID_NUMBER")
    assert [number.status for number in lead.numbers] == [NumberStatus.BAD, NumberStatus.OK]
    assert lead.state is LeadState.READY


@pytest.mark.parametrize(("outcome", "status"), [("INVALID_NUMBER", "bad"), ("FAX", "fax")])
def test_a_lead_without_a_usable_number_is_unworkable(outcome: str, status: str) -> None:
    lead = turn(a_lead(), outcome)
    assert (lead.state, lead.completed_reason) == (LeadState.COMPLETED, "unworkable")
    assert [number.status for number in lead.numbers] == [status]


def test_a_number_blocked_twice_is_bad() -> None:
    lead = turn(a_lead("+12125550100", "+12125550101"), "BLOCKED")
    assert (lead.due_at, lead.numbers[0].status) == (NOON + DAY, NumberStatus.OK)
    lead = turn(lead, "BLOCKED")
    assert (lead.numbers[0].status, lead.state) == (NumberStatus.BAD, LeadState.READY)


@pytest.mark.parametrize("outcome", ["CONNECTED", "PLAYED"])
def test_without_wrap_codes_an_answered_call_completes_its_lead(outcome: str) -> None:
    lead = turn(a_lead(), outcome)
    assert (lead.state, lead.completed_reason, lead.status) == (LeadState.COMPLETED, "answered", "completed")
    assert (lead.last_contacted_at is not None) == (outcome == "CONNECTED")


def test_who_opts_out_is_never_called_again() -> None:
    assert turn(a_lead(), "OPTED_OUT").completed_reason == "dnc"


def test_who_was_abandoned_rests_as_long_as_the_campaign_says_a_callback_too() -> None:
    week = replace(FREE, abandoned_rest_s=7 * 86_400)
    assert turn(a_lead(), "ABANDONED", settings=week).due_at == NOON + 7 * DAY
    assert turn(a_lead(), "ABANDONED", settings=replace(FREE, abandoned_rest_s=60)).due_at == NOON + 3 * DAY
    assert turn(a_lead(), "ABANDONED_SHORT", settings=week).due_at == NOON + 3 * DAY
    assert turn(a_lead(), "ABANDONED_SHORT", settings=replace(week, abandon_short=True)).due_at == NOON + 7 * DAY
    promised = a_lead(callback_at=NOON + HOUR, callback_expires_at=NOON + 30 * DAY)
    assert turn(promised, "ABANDONED", settings=week).due_at == NOON + 7 * DAY
    held = replace(FREE, abandoned_hold_agent=True, rest_min_s=1800)
    assert turn(a_lead(), "ABANDONED", settings=held).due_at == NOON + timedelta(minutes=30)
    assert turn(promised, "ABANDONED", settings=held).due_at == NOON + HOUR
    assert turn(promised, "NO_ANSWER", settings=week).due_at == NOON + HOUR


def test_a_lead_whose_next_turn_comes_after_its_expiry_has_expired() -> None:
    lead = turn(a_lead(expires_at=NOON + 2 * HOUR), "NO_ANSWER")
    assert (lead.state, lead.completed_reason) == (LeadState.COMPLETED, "expired")
    assert turn(a_lead(expires_at=NOON + 3 * HOUR), "NO_ANSWER").state is LeadState.RESTING


def test_a_window_that_never_opens_loses_nobody() -> None:
    shut = CallingWindow(NEVER, NEW_YORK.zones)
    assert turn(a_lead(), "BUSY", window=shut).due_at == NOON + DAY
    assert turn(a_lead(), "ABANDONED", window=shut).due_at == NOON + 3 * DAY


REQUIRED = CampaignSettings(wrap=Wrap.REQUIRED)


def test_until_the_wrap_code_comes_the_lead_is_in_its_call_and_not_counted() -> None:
    lead = turn(a_lead(), "CONNECTED", settings=REQUIRED)
    assert (lead.state, lead.due_at, lead.attempts) == (LeadState.IN_CALL, None, 0)
    done = turn(lead, "CONNECTED", settings=REQUIRED, wrap=wrap_code("SALE"))
    assert (done.state, done.completed_reason, done.attempts) == (LeadState.COMPLETED, "wrap", 1)
    assert (done.wrap_code, done.last_contacted_at) == ("SALE", NOON)


@pytest.mark.parametrize(
    ("code", "reason"),
    [("REFUSED", "wrap"), ("DNC", "dnc"), ("WRONG_NUMBER", "unworkable"), ("NONE", None), ("SILENT", None)],
)
def test_the_wrap_code_completes_the_lead_or_brings_it_back(code: str, reason: str | None) -> None:
    lead = turn(a_lead(), "CONNECTED", settings=REQUIRED, wrap=wrap_code(code))
    assert lead.completed_reason == reason
    assert lead.due_at == (NOON + 2 * HOUR if reason is None else None)


def test_a_call_back_is_at_the_time_agreed_and_inside_the_window() -> None:
    agreed = datetime(2026, 3, 10, 14, tzinfo=UTC)
    lead = turn(a_lead(callback_at=agreed), "CONNECTED", settings=REQUIRED, wrap=wrap_code("CALLBACK"))
    assert lead.due_at == agreed
    night = turn(
        a_lead(callback_at=agreed - 6 * HOUR),
        "CONNECTED",
        settings=REQUIRED,
        window=OFFICE,
        wrap=wrap_code("CALLBACK"),
    )
    assert night.due_at == datetime(2026, 3, 10, 13, tzinfo=UTC)  # 9:00, daylight saving time
    other = turn(a_lead(callback_at=agreed), "CONNECTED", settings=REQUIRED, wrap=wrap_code("SILENT"))
    assert (other.callback_at, other.due_at) == (None, NOON + 2 * HOUR)


def test_a_code_set_later_by_hand_counts_no_second_attempt() -> None:
    session = a_session()
    answered = turn(a_lead(), "CONNECTED", session=session)
    later = NOON + DAY
    back = turn(answered, "CONNECTED", session=session, wrap=wrap_code("CALLBACK"), ended_at=later)
    assert (back.state, back.completed_reason, back.due_at) == (LeadState.RESTING, None, later + 2 * HOUR)
    assert (back.attempts, back.attempts_counted, back.last_attempt_at) == (1, 1, NOON)
    gone = turn(back, "CONNECTED", session=session, wrap=wrap_code("REFUSED"), ended_at=later)
    assert (gone.state, gone.completed_reason, gone.attempts) == (LeadState.COMPLETED, "wrap", 1)


def test_an_end_told_twice_changes_nothing() -> None:
    session = a_session()
    once = turn(a_lead(), "BUSY", session=session)
    assert turn(once, "BUSY", session=session, ended_at=NOON + HOUR) == once


def test_a_lead_that_is_in_a_newer_call_keeps_to_it() -> None:
    busy_again = replace(turn(a_lead(), "CONNECTED"), state=LeadState.IN_CALL, completed_reason=None)
    lead = turn(busy_again, "CONNECTED", session=a_session(), wrap=wrap_code("REFUSED"))
    assert (lead.state, lead.wrap_code) == (LeadState.IN_CALL, "REFUSED")


def test_a_session_without_an_outcome_has_no_next_turn() -> None:
    with pytest.raises(ValueError, match="no outcome yet"):
        lead_after(a_lead(), a_session(), rules=RedialRules(), settings=FREE, window=ALWAYS, ended_at=NOON)


moments = st.timedeltas(-DAY * 365, DAY * 365).map(lambda since: NOON + since)
zones = st.sampled_from(["America/New_York", "Asia/Kolkata", "Pacific/Auckland", "America/Santiago"])
campaigns = st.builds(
    CampaignSettings,
    rest_min_s=st.integers(0, 7200),
    attempts_max=st.integers(1, 8),
    attempts_per_day_max=st.integers(1, 3),
    abandoned_rest_s=st.integers(0, 600_000),
    abandon_short=st.booleans(),
    abandoned_hold_agent=st.booleans(),
    wrap=st.sampled_from(Wrap),
)


@settings(max_examples=200)
@given(
    story=st.lists(
        st.tuples(st.sampled_from(Outcome), st.none() | st.sampled_from(sorted(WRAP_CODES)), st.integers(0, 200_000)),
        min_size=1,
        max_size=8,
    ),
    start=moments,
    zone=zones,
    campaign=campaigns,
)
def test_a_redial_is_never_early_and_never_outside_the_window(
    story: list[tuple[Outcome, str | None, int]], start: datetime, zone: str, campaign: CampaignSettings
) -> None:
    window = CallingWindow(NINE_TO_FIVE, (zone,))
    lead, at = a_lead("+12125550100", "+12125550101", window_key=WindowKey((zone,))), start
    for outcome, code, pause_s in story:
        before = lead
        wrap = wrap_code(code) if code and outcome is Outcome.CONNECTED else None
        lead = turn(before, outcome, settings=campaign, window=window, ended_at=at, wrap=wrap)
        counts = TRAITS[outcome].counts_attempt
        assert lead.attempts >= before.attempts
        assert before.attempts_counted <= lead.attempts_counted <= lead.attempts
        assert (lead.due_at is not None) == (lead.state is LeadState.RESTING)
        assert (lead.completed_reason is not None) == (lead.state is LeadState.COMPLETED)
        if lead.state is LeadState.COMPLETED:
            return
        if lead.state is LeadState.IN_CALL:
            assert (outcome, wrap, campaign.wrap) == (Outcome.CONNECTED, None, Wrap.REQUIRED)
            return
        due_at = lead.due_at or at
        rest = redial(RedialRules(), outcome, run=lead.outcome_run).rest
        assert rest is not None
        is_abandoned = outcome is Outcome.ABANDONED or (outcome is Outcome.ABANDONED_SHORT and campaign.abandon_short)
        is_held = is_abandoned and campaign.abandoned_hold_agent and campaign.abandoned_rest_s > 0
        assert is_held or due_at >= at + rest
        assert not counts or due_at >= at + timedelta(seconds=campaign.rest_min_s)
        if is_abandoned and not is_held:
            assert due_at >= at + timedelta(seconds=campaign.abandoned_rest_s)
        assert window.is_open(due_at)
        if lead.attempts_on_day >= campaign.attempts_per_day_max:
            assert lead.attempts_day is not None
            assert local_date(due_at, zone) > lead.attempts_day
        at = due_at + timedelta(seconds=pause_s)


@given(
    outcome=st.sampled_from(Outcome), campaign=campaigns, start=moments, zone=zones, rests=st.booleans(), data=st.data()
)
def test_an_offer_that_is_not_accepted_leaves_all_that_tells_of_attempts_as_it_was(
    outcome: Outcome, campaign: CampaignSettings, start: datetime, zone: str, rests: bool, data: st.DataObject
) -> None:
    window = CallingWindow(NINE_TO_FIVE, (zone,))
    lead = turn(a_lead(window_key=WindowKey((zone,))), outcome.value, settings=campaign, ended_at=start)
    at = start + timedelta(seconds=data.draw(st.integers(0, 200_000)))
    offered = replace(lead, state=LeadState.IN_CALL, due_at=None, completed_reason=None)
    after = lead_after_offer(offered, settings=campaign, window=window, ended_at=at, rests=rests)
    due_at = after.due_at or at
    assert after.state in (LeadState.READY, LeadState.RESTING)
    assert replace(after, state=lead.state, due_at=lead.due_at, completed_reason=lead.completed_reason) == lead
    assert due_at >= at + timedelta(seconds=campaign.rest_min_s if rests else 0)
    assert window.is_open(due_at)
    assert lead_after_offer(after, settings=campaign, window=window, ended_at=at, rests=rests) == after


def test_a_wrap_code_on_what_was_only_offered_counts_no_attempt() -> None:
    offer = a_session(for_agent="SIM/1", attempt_no=1, outcome=Outcome.CANCELLED)
    lead = turn(a_lead(), "CANCELLED", session=offer, wrap=wrap_code("SALE"))
    assert (lead.attempts, lead.last_outcome, lead.state) == (0, None, LeadState.IN_CALL)
    taken = replace(offer, accepted_at=NOON)
    assert turn(a_lead(), "CANCELLED", session=taken, wrap=wrap_code("SALE")).attempts == 1
