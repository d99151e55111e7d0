import itertools
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialler.domain.calling_window import CallingWindow
from dialler.domain.campaign import CampaignSettings, Desired
from dialler.domain.lead import CompletedReason, Lead, LeadState, NumberAttempts, NumberStatus, PhoneNumber, WindowKey
from dialler.domain.outcome import Outcome
from dialler.domain.personal_callback import CallbacksTo
from dialler.domain.verdict import Facts, Gate, Verdict, dialable, verdict_to_json
from tests.support.values import NEVER, NEW_YORK, NINE_TO_FIVE, NOON, a_lead, facts

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
OFFICE = CallingWindow(NINE_TO_FIVE, NEW_YORK.zones)
GATES = ["campaign", "list", "dates", "state", "expiry", "number", "do_not_call", "line", "window", "rest"]


def gate(verdict: Verdict, name: str) -> Gate:
    return next(gate for gate in verdict.gates if gate.name == name)


def shut(verdict: Verdict) -> list[str]:
    return [gate.name for gate in verdict.gates if not gate.passed]


def test_a_ready_lead_in_its_window_is_dialable_now_and_every_gate_says_so() -> None:
    verdict = dialable(a_lead(), facts(window=OFFICE), NOON)
    assert (verdict.dialable, verdict.earliest, shut(verdict)) == (True, NOON, [])
    assert verdict.number == PhoneNumber("+12125550100")
    assert [gate.name for gate in verdict.gates] == [*GATES, "abandoned", "attempts", "attempts_per_day"]
    assert {gate.earliest for gate in verdict.gates} == {NOON}


@pytest.mark.parametrize("desired", [desired for desired in Desired if desired is not Desired.RUNNING])
def test_a_campaign_that_does_not_run_shuts_it_until_somebody_starts_it(desired: Desired) -> None:
    running = facts()
    verdict = dialable(a_lead(), replace(running, campaign=replace(running.campaign, desired=desired)), NOON)
    assert (shut(verdict), verdict.earliest, gate(verdict, "campaign").value) == (["campaign"], None, desired)


def test_a_list_that_is_off_shuts_it_until_somebody_turns_it_on() -> None:
    on = facts()
    verdict = dialable(a_lead(), replace(on, lead_list=replace(on.lead_list, to_dial=False)), NOON)
    assert (shut(verdict), verdict.earliest) == (["list"], None)


def test_a_resting_lead_waits_until_it_is_due() -> None:
    lead = a_lead(state=LeadState.RESTING, due_at=NOON + HOUR)
    verdict = dialable(lead, facts(), NOON)
    assert (shut(verdict), verdict.earliest) == (["state", "rest"], NOON + HOUR)
    assert dialable(lead, facts(), NOON + HOUR).dialable


@pytest.mark.parametrize(
    "lead",
    [a_lead(state=LeadState.IN_CALL), a_lead(state=LeadState.COMPLETED, completed_reason=CompletedReason.WRAP)],
)
def test_a_lead_in_a_call_or_completed_is_not_dialled(lead: Lead) -> None:
    verdict = dialable(lead, facts(), NOON)
    assert (shut(verdict), verdict.earliest) == (["state"], None)


def test_an_expired_lead_is_not_dialled_from_that_very_instant() -> None:
    lead = a_lead(expires_at=NOON)
    assert shut(dialable(lead, facts(), NOON)) == ["expiry"]
    assert dialable(lead, facts(), NOON - timedelta(seconds=1)).dialable


def test_a_lead_that_expires_before_its_window_opens_is_never_dialled() -> None:
    lead = a_lead(expires_at=NOON + 8 * HOUR)
    verdict = dialable(lead, facts(window=OFFICE), NOON + 6 * HOUR)
    assert (shut(verdict), verdict.earliest) == (["window"], None)
    assert gate(verdict, "window").earliest == datetime(2026, 3, 5, 14, tzinfo=UTC)


def test_the_first_usable_number_that_may_be_called_is_chosen() -> None:
    numbers = (
        PhoneNumber("+12125550100", status=NumberStatus.BAD),
        PhoneNumber("+12125550101"),
        PhoneNumber("+12125550102"),
    )
    lead = a_lead(numbers=numbers)
    assert dialable(lead, facts(), NOON).number == numbers[1]
    assert dialable(lead, facts(dnc={"+12125550101"}), NOON).number == numbers[2]
    none = dialable(lead, facts(dnc={"+12125550101", "+12125550102"}), NOON)
    assert (shut(none), none.number, none.earliest) == (["do_not_call"], None, None)


def test_a_lead_without_a_usable_number_is_not_dialled() -> None:
    lead = a_lead(numbers=(PhoneNumber("+12125550100", status=NumberStatus.FAX),))
    verdict = dialable(lead, facts(dnc={"+12125550100"}), NOON)
    assert (shut(verdict), verdict.number, verdict.earliest) == (["number"], None, None)


def test_a_shut_window_says_the_local_time_the_rule_and_the_next_opening() -> None:
    verdict = dialable(a_lead(), facts(window=OFFICE), datetime(2026, 3, 7, 3, 4, tzinfo=UTC))
    window = gate(verdict, "window")
    assert (window.value, window.rule) == ("22:04 in America/New_York", "fri 09:00-17:00")
    assert window.earliest == verdict.earliest == datetime(2026, 3, 9, 13, tzinfo=UTC)


def test_every_zone_of_a_lead_has_to_be_open() -> None:
    key = WindowKey(("America/Los_Angeles", "America/New_York"))
    office = CallingWindow(NINE_TO_FIVE, key.zones)
    verdict = dialable(a_lead(window_key=key), facts(window=office), NOON - HOUR)
    assert gate(verdict, "window").value == "08:00 in America/Los_Angeles, 11:00 in America/New_York"
    assert verdict.earliest == NOON


def test_a_window_that_never_opens_needs_somebody() -> None:
    verdict = dialable(a_lead(), facts(window=CallingWindow(NEVER, NEW_YORK.zones)), NOON)
    assert (shut(verdict), verdict.earliest) == (["window"], None)


def test_the_campaigns_least_rest_is_read_anew() -> None:
    lead = a_lead(attempts=1, attempts_counted=1, last_attempt_at=NOON, last_outcome=Outcome.BUSY)
    longer = facts(settings=CampaignSettings(rest_min_s=3600))
    verdict = dialable(lead, longer, NOON + HOUR / 2)
    assert (shut(verdict), verdict.earliest) == (["rest"], NOON + HOUR)
    uncounted = replace(lead, last_outcome=Outcome.CONGESTION)
    assert dialable(uncounted, longer, NOON + HOUR / 2).dialable


@pytest.mark.parametrize(("due_s", "opens_s"), [(60, 3600), (7200, 7200)])
def test_the_later_of_rest_and_least_rest_holds(due_s: int, opens_s: int) -> None:
    lead = a_lead(
        state=LeadState.RESTING,
        due_at=NOON + timedelta(seconds=due_s),
        last_attempt_at=NOON,
        last_outcome=Outcome.BUSY,
    )
    verdict = dialable(lead, facts(settings=CampaignSettings(rest_min_s=3600)), NOON)
    assert gate(verdict, "rest").earliest == verdict.earliest == NOON + timedelta(seconds=opens_s)


@pytest.mark.parametrize(
    ("outcome", "abandon_short", "is_shut"),
    [
        (Outcome.ABANDONED, False, True),
        (Outcome.ABANDONED_SHORT, True, True),
        (Outcome.ABANDONED_SHORT, False, False),
        (Outcome.NO_ANSWER, True, False),
    ],
)
def test_who_was_abandoned_is_left_alone_for_three_days_whatever_brought_the_lead_back(
    outcome: Outcome, abandon_short: bool, is_shut: bool
) -> None:
    lead = a_lead(last_attempt_at=NOON - HOUR, last_outcome=outcome)
    verdict = dialable(lead, facts(settings=CampaignSettings(abandon_short=abandon_short)), NOON)
    assert shut(verdict) == (["abandoned"] if is_shut else [])
    if is_shut:
        assert verdict.earliest == NOON - HOUR + 3 * DAY
        assert gate(verdict, "abandoned").value == "the call of 2026-03-04 16:00:00 UTC"
        assert gate(verdict, "abandoned").rule == "not within 259200 s of an abandoned call"
    rested = facts(settings=CampaignSettings(abandon_short=abandon_short, abandoned_rest_s=3600))
    assert dialable(lead, rested, NOON).dialable
    # So is another lead with the same number.
    other = NumberAttempts(counted=1, day=(NOON - HOUR).date(), on_day=1, last_at=NOON - HOUR, last_outcome=outcome)
    attempts = {lead.numbers[-1].number: other}
    shared = facts(settings=CampaignSettings(abandon_short=abandon_short), attempts=attempts)
    verdict = dialable(a_lead(), shared, NOON)
    assert shut(verdict) == (["abandoned"] if is_shut else [])
    if is_shut:
        assert verdict.earliest == NOON - HOUR + 3 * DAY
        said = "the call of 2026-03-04 16:00:00 UTC to a number of its own, for another lead"
        assert gate(verdict, "abandoned").value == said
        assert gate(dialable(lead, shared, NOON), "abandoned").value == "the call of 2026-03-04 16:00:00 UTC"
    rested = facts(settings=CampaignSettings(abandon_short=abandon_short, abandoned_rest_s=3600), attempts=attempts)
    assert dialable(a_lead(), rested, NOON).dialable


def test_who_was_abandoned_is_called_before_that_only_for_an_agent_who_is_held_for_it() -> None:
    lead = a_lead(last_attempt_at=NOON - HOUR, last_outcome=Outcome.ABANDONED)
    for may_hold, held in itertools.product((False, True), repeat=2):
        known = replace(facts(settings=CampaignSettings(abandoned_hold_agent=may_hold)), agent="kim" if held else None)
        verdict = dialable(lead, known, NOON)
        assert verdict.dialable is (may_hold and held)
        assert gate(verdict, "abandoned").rule.endswith("but for an agent who is held for it") is may_hold
        assert verdict.earliest == (NOON if may_hold and held else NOON - HOUR + 3 * DAY)
    too_soon = a_lead(last_attempt_at=NOON, last_outcome=Outcome.ABANDONED)
    known = replace(facts(settings=CampaignSettings(abandoned_hold_agent=True)), agent="kim")
    assert shut(dialable(too_soon, known, NOON)) == ["rest"]


def test_a_callback_is_its_agents_as_long_as_the_campaign_leaves_it_to_him() -> None:
    lead = a_lead(callback_at=NOON - HOUR, callback_agent="kim", callback_expires_at=NOON + 5 * HOUR)
    assert "agent" not in [each.name for each in dialable(lead, facts(), NOON).gates]
    own = CampaignSettings(callbacks_to=CallbacksTo.AGENT)
    verdict = dialable(lead, facts(settings=own), NOON)
    assert shut(verdict) == ["agent"]
    waits = "waits for agent kim since 2026-03-04 16:00:00 UTC, until 2026-03-04 22:00:00 UTC"
    assert (gate(verdict, "agent").value, verdict.earliest) == (waits, NOON + 5 * HOUR)
    for agent, by_hand, passes in (("kim", False, True), ("lee", False, False), ("lee", True, True)):
        known = replace(facts(settings=own), agent=agent, by_hand=by_hand)
        assert dialable(lead, known, NOON).dialable is passes
    first = CampaignSettings(callbacks_to=CallbacksTo.AGENT_FIRST, callback_hold_s=7200)
    assert dialable(lead, facts(settings=first), NOON).earliest == NOON + HOUR
    later = dialable(lead, facts(settings=first), NOON + HOUR)
    assert later.dialable and gate(later, "agent").value.startswith("waited for agent kim")
    nobodys = replace(lead, callback_agent=None)
    assert dialable(nobodys, facts(settings=own), NOON).dialable


def test_a_lead_that_had_its_attempts_is_not_dialled() -> None:
    verdict = dialable(a_lead(attempts=6, attempts_counted=6), facts(), NOON)
    assert (shut(verdict), verdict.earliest) == (["attempts"], None)
    assert dialable(a_lead(attempts=9, attempts_counted=5), facts(), NOON).dialable


def test_the_days_limit_ends_at_the_leads_own_midnight() -> None:
    lead = a_lead(attempts=3, attempts_counted=3, attempts_on_day=3, attempts_day=date(2026, 3, 4))
    verdict = dialable(lead, facts(), NOON)
    assert (shut(verdict), verdict.earliest) == (["attempts_per_day"], datetime(2026, 3, 5, 5, tzinfo=UTC))
    assert dialable(lead, facts(window=OFFICE), NOON).earliest == datetime(2026, 3, 5, 14, tzinfo=UTC)
    assert dialable(lead, facts(), NOON + DAY).dialable
    assert not dialable(lead, facts(), NOON - 2 * DAY).dialable  # a clock that was set back


def test_the_verdict_is_json_with_every_gate() -> None:
    document = json.loads(json.dumps(verdict_to_json(dialable(a_lead(), facts(), NOON))))
    assert (document["dialable"], document["number"]) == (True, "+12125550100")
    assert document["earliest"] == "2026-03-04T17:00:00+00:00"
    assert [gate["name"] for gate in document["gates"]] == [*GATES, "abandoned", "attempts", "attempts_per_day"]


moments = st.timedeltas(-DAY * 365, DAY * 365).map(lambda since: NOON + since)
zones = st.sampled_from(["America/New_York", "Asia/Kolkata", "Pacific/Auckland", "America/Santiago"])


@st.composite
def cases(draw: st.DrawFn) -> tuple[Lead, Facts, datetime]:
    """Draw a lead, what surrounds it, and a moment."""
    now, state, names = draw(moments), draw(st.sampled_from(LeadState)), draw(st.sets(zones, min_size=1, max_size=2))
    key = WindowKey(tuple(sorted(names)))
    near = st.integers(-200_000, 200_000).map(lambda s: now + timedelta(seconds=s))
    numbers = tuple(
        PhoneNumber(f"+1212555010{n}", status=draw(st.sampled_from(NumberStatus)))
        for n in range(draw(st.integers(1, 2)))
    )
    tried_at = draw(st.none() | near)
    lead = a_lead(
        numbers=numbers,
        window_key=key,
        state=state,
        due_at=draw(near) if state is LeadState.RESTING else None,
        completed_reason=CompletedReason.WRAP if state is LeadState.COMPLETED else None,
        expires_at=draw(st.none() | near),
        attempts_counted=draw(st.integers(0, 6)),
        attempts_on_day=draw(st.integers(0, 4)),
        attempts_day=tried_at.date() if tried_at else None,
        last_attempt_at=tried_at,
        last_outcome=draw(st.sampled_from(Outcome)) if tried_at else None,
    )
    around = facts(
        window=CallingWindow(draw(st.sampled_from([NINE_TO_FIVE, NEVER])), key.zones),
        dnc=draw(st.frozensets(st.sampled_from([number.number for number in numbers]))),
        settings=CampaignSettings(
            rest_min_s=draw(st.integers(0, 90_000)),
            abandoned_rest_s=draw(st.integers(0, 300_000)),
            abandon_short=draw(st.booleans()),
        ),
    )
    ends_at = draw(st.none() | near)
    starts_at = draw(st.none() | near.filter(lambda at: ends_at is None or at < ends_at))
    around = replace(around, lead_list=replace(around.lead_list, starts_at=starts_at, ends_at=ends_at))
    campaign = replace(around.campaign, desired=draw(st.sampled_from([Desired.RUNNING] * 4 + [Desired.STOPPED])))
    return lead, replace(around, campaign=campaign), now


@settings(max_examples=200)
@given(case=cases())
def test_a_lead_is_dialable_if_and_only_if_all_gates_pass_and_then_the_earliest_is_now(
    case: tuple[Lead, Facts, datetime],
) -> None:
    lead, around, now = case
    ends_at = around.lead_list.ends_at
    verdict = dialable(lead, around, now)
    assert verdict.dialable == all(gate.passed for gate in verdict.gates) == (verdict.earliest == now)
    for each in verdict.gates:
        assert (each.earliest is not None and each.earliest <= now) == each.passed
    if verdict.dialable:
        assert verdict.number is not None
        assert verdict.number.number not in around.dnc
        assert ends_at is None or now < ends_at


@settings(max_examples=200)
@given(case=cases())
def test_at_the_earliest_instant_the_lead_is_dialable_and_not_a_second_before(
    case: tuple[Lead, Facts, datetime],
) -> None:
    lead, around, now = case
    earliest = dialable(lead, around, now).earliest
    if earliest is not None:
        assert dialable(lead, around, earliest).dialable
        if earliest - timedelta(seconds=1) > now:
            assert not dialable(lead, around, earliest - timedelta(seconds=1)).dialable
