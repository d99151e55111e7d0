"""Decisions of predictive pacing, one at a time."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.pacing.simulator import period_count
from strategies.pacing import PacingFacts, Scene
from strategies.predictive import Predictive
from strategies.registry import make_pacing
from strategies.roster import AgentAt, CallAt, Roster

OWED = (period_count("30m", 300, 20, tolerance=2.0), period_count("30d", 1000, 200))
TIGHT = (period_count("30m", 300, 9, tolerance=2.0), period_count("30d", 1000, 30))
FINE = (period_count("30m", 300, 4, tolerance=2.0), period_count("30d", 1000, 15))


def facts(agents, calls, *, at_s=1000.0, periods=FINE, channels=10_000):
    """Return what is known with agents and calls as (state, age)."""
    moves = []
    agents_seen, calls_seen = Roster(is_calls=False, moves=moves), Roster(is_calls=True, moves=moves)
    for number, (state, age_s) in enumerate(agents):
        agents_seen.put(number, state, at_s - age_s)
    for number, (state, age_s) in enumerate(calls):
        calls_seen.put(number, state, at_s - age_s)
    states = [state for state, _ in calls]
    return PacingFacts(
        agents_ready=sum(state is AgentAt.READY for state, _ in agents),
        agents_busy=sum(state in (AgentAt.RESERVED, AgentAt.TALKING) for state, _ in agents),
        calls_unanswered=states.count(CallAt.SET_UP) + states.count(CallAt.RINGING),
        calls_waiting=states.count(CallAt.DETECTING) + states.count(CallAt.WAITING),
        calls_talking=0,
        channels_free=channels,
        tokens=channels,
        periods=periods,
        scene=Scene(
            at_s=at_s,
            agents=agents_seen.standing(),
            calls=calls_seen.standing(),
            moves=moves,
            patience_s=2.0,
            ring_timeout_s=25.0,
        ),
    )


def started() -> Predictive:
    """Return one that is past its cold start."""
    pacing = Predictive()
    pacing.decide(facts([(AgentAt.READY, 1.0)], [], at_s=10.0))
    pacing._level.note(seen=30, expected=30.0)
    return pacing


agents = st.lists(st.tuples(st.sampled_from(AgentAt), st.floats(0.0, 900.0)), max_size=80)
under_way = (CallAt.SET_UP, CallAt.RINGING, CallAt.DETECTING, CallAt.WAITING)
calls = st.lists(st.tuples(st.sampled_from(under_way), st.floats(0.0, 60.0)), max_size=80)


@given(agents, calls, st.integers(0, 50), st.sampled_from([OWED, FINE, ()]), st.booleans())
@settings(max_examples=150, deadline=None)
def test_idle_agents_are_always_served_and_channels_never_exceeded(agents, calls, channels, periods, is_new):
    pacing = Predictive() if is_new else started()
    given_facts = facts(agents, calls, channels=channels, periods=periods)
    decision = pacing.decide(given_facts)
    states = [state for state, _ in calls]
    safe = given_facts.agents_ready - len(states)
    assert min(channels, max(0, safe)) <= decision.calls <= channels
    if periods is OWED:
        assert decision.calls == min(channels, max(0, safe))
    assert all(states[place] is CallAt.RINGING and calls[place][1] >= 15.0 for place in decision.cancel)
    assert not (decision.calls and decision.cancel)
    assert all(np.isfinite(figure) for figure in decision.figures.values())


def test_it_calls_ahead_of_agents_who_are_about_to_come_free():
    wrapping = [(AgentAt.WRAP_UP, 15.0)] * 20
    assert started().decide(facts(wrapping, [])).calls > 3
    assert started().decide(facts([(AgentAt.TALKING, 1.0)] * 2, [])).calls == 0


def test_nobody_is_called_for_agents_who_are_away():
    assert started().decide(facts([(AgentAt.AWAY, 5.0)] * 30, [])).calls == 0


def test_answers_under_way_take_the_place_of_new_calls():
    wrapping = [(AgentAt.WRAP_UP, 15.0)] * 20
    alone = started().decide(facts(wrapping, [])).calls
    crowded = started().decide(facts(wrapping, [(CallAt.RINGING, 5.0)] * alone)).calls
    assert crowded < alone
    assert started().decide(facts(wrapping, [(CallAt.WAITING, 0.5)] * 20)).calls == 0


def test_a_cold_start_is_no_more_than_twice_the_idle_agents():
    decision = Predictive().decide(facts([(AgentAt.READY, 1.0)] * 40, []))
    assert 40 <= decision.calls <= 80
    assert decision.reason.startswith("start, 2 calls for each free agent at most; 40 ready - 0 waiting")


def test_old_ringing_calls_are_given_up_when_too_many_answer():
    ringing = [(CallAt.RINGING, 16.0), (CallAt.RINGING, 3.0), (CallAt.WAITING, 1.0), (CallAt.WAITING, 1.5)]
    busy = [(AgentAt.TALKING, 4.0)] * 5
    assert list(started().decide(facts(busy, ringing)).cancel) == [0]
    never = Predictive(ring_min_s=0)
    assert list(never.decide(facts(busy, ringing)).cancel) == []


def test_no_more_ringing_calls_are_given_up_than_the_next_answers_need_and_the_oldest_first():
    ringing = [(CallAt.RINGING, 15.0 + place / 10) for place in range(60)]
    agents = [(AgentAt.READY, 1.0)] * 2 + [(AgentAt.TALKING, 4.0)] * 30
    cancel = list(started().decide(facts(agents, ringing, periods=TIGHT)).cancel)
    assert 0 < len(cancel) < 60
    assert sorted(cancel) == list(range(60 - len(cancel), 60))


def test_calls_that_hold_a_channel_for_little_are_given_up_for_new_ones_only_where_channels_are_short():
    ready = [(AgentAt.READY, 1.0)] * 20
    ringing = [(CallAt.RINGING, 20.0)] * 6 + [(CallAt.RINGING, 3.0)] * 6
    enough, short, slow, gone = started(), started(), started(), started()
    for pacing in (enough, short, slow):
        pacing.decide(facts(ready, [], at_s=999.0))  # Something was launched just now.
    assert list(enough.decide(facts(ready, ringing)).cancel) == []
    # The engine counts no more tokens than channels.
    cancel = short.decide(facts(ready, ringing, channels=1)).cancel
    assert sorted(cancel) == list(range(6)), "not those that may still be answered soon"
    held_back = dataclasses.replace(facts(ready, ringing, channels=1), tokens=0)
    assert list(slow.decide(held_back).cancel) == [], "a rate limit is not helped by a free channel"
    assert list(gone.decide(facts(ready, ringing, channels=0)).cancel) == [], "its trunk rests: nothing was launched"


def test_the_reason_says_the_risk_that_was_not_taken_and_what_is_in_hand():
    decision = started().decide(facts([(AgentAt.READY, 1.0)] * 3, [(CallAt.RINGING, 5.0)] * 20))
    assert decision.calls == 0
    assert "3 ready - 0 waiting, 20 under way" in decision.reason
    assert f"no agent with {100 * decision.figures['risk_next']:.1f} %" in decision.reason
    assert decision.figures["risk_next"] > decision.figures["risk_max"]


def test_without_a_scene_it_paces_progressively_and_says_so():
    bare = dataclasses.replace(facts([(AgentAt.READY, 1.0)] * 3, [(CallAt.RINGING, 5.0)]), scene=None)
    decision = Predictive().decide(bare)
    assert decision.calls == 2
    assert "one call for each free agent" in decision.reason


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"memory_min": float("nan")}, "memory_min must be"),
        ({"talk_s": 0}, "talk_s must be 1 to 7200, got 0"),
        ({"answer_rate": 1.0}, "answer_rate must be 0.005 to 0.95, got 1.0"),
        ({"ring_min_s": -1}, "ring_min_s must be 0 to 120, got -1"),
        ({"ring_min_s": 14}, "ring_min_s must be 0, or 15 or more, got 14"),
    ],
)
def test_a_wrong_setting_is_told_in_words(setting, words):
    with pytest.raises(ValueError, match=words):
        Predictive(**setting)


def test_a_campaign_can_choose_it_by_name_and_its_settings_are_checked():
    assert isinstance(make_pacing("predictive", {"talk_s": 60.0}), Predictive)
    with pytest.raises(ValueError, match="pacing strategy 'predictive': answer_rate must be"):
        make_pacing("predictive", {"answer_rate": 1.0})
    with pytest.raises(ValueError, match="has no setting abandon_rate_max; it has talk_s, wrap_s"):
        make_pacing("predictive", {"abandon_rate_max": 0.02})
