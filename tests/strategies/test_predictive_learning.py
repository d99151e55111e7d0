"""What predictive pacing learns: hazards without the bias of unfinished calls, and a level that follows jumps."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strategies.predictive.cells import (
    CELLS,
    DETECT,
    DETECT_EDGES,
    RING,
    SET_UP,
    TALK,
    WRAP,
    cell_of_agent,
    cell_of_call,
    counts_of,
)
from strategies.predictive.hazards import Hazards
from strategies.predictive.level import Level
from strategies.roster import GONE, AgentAt, CallAt, Move, Roster


def hazards() -> Hazards:
    return Hazards(answer_rate=0.25, talk_s=120.0, wrap_s=20.0, half_life_s=2400.0)


@given(mean_s=st.floats(30.0, 300.0), watched_s=st.floats(20.0, 120.0), seed=st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_talks_that_go_on_do_not_make_the_estimate_too_short(mean_s, watched_s, seed):
    """Ten thousand talks begin at once and are watched for a while: most of the long ones are not over yet."""
    talks_s = np.random.default_rng(seed).exponential(mean_s, 10_000)
    learnt = hazards()
    for at_s in np.arange(0.0, watched_s, 0.5):
        counts = np.zeros(CELLS)
        counts[cell_of_agent(AgentAt.TALKING, at_s)] = (talks_s > at_s + 0.25).sum()
        learnt.spend(counts, 0.5)
    over = talks_s[talks_s < watched_s]
    learnt.learn([Move(False, AgentAt.TALKING, float(age_s), 0.0, AgentAt.WRAP_UP) for age_s in over])
    onward, away = learnt.lasting(TALK)
    passed = [cell for cell in range(len(onward)) if TALK.start + cell <= cell_of_agent(AgentAt.TALKING, watched_s)]
    estimate_s = 1.0 / onward[passed].mean()
    assert estimate_s == pytest.approx(mean_s, rel=0.25)
    if watched_s < mean_s:
        assert over.mean() < 0.6 * mean_s, "what is finished alone says something else"
    assert away.max() < 1e-9


def test_a_call_we_cut_short_has_rung_but_did_not_end():
    learnt = hazards()
    before = learnt.lasting(RING)
    learnt.learn([Move(True, CallAt.RINGING, 17.0, 2.0, GONE)] * 50)
    assert all((a == b).all() for a, b in zip(before, learnt.lasting(RING), strict=True))


def test_a_person_is_counted_at_the_ring_that_was_answered_once_detection_has_spoken():
    learnt = hazards()
    ring, late = cell_of_call(CallAt.RINGING, 7.0) - RING.start, cell_of_call(CallAt.RINGING, 20.0) - RING.start
    person, other = learnt.lasting(RING)
    learnt.learn([Move(True, CallAt.RINGING, 7.0, 2.0, CallAt.DETECTING)])
    assert learnt.persons_seen == 0
    learnt.learn([Move(True, CallAt.DETECTING, 1.3, 7.0, CallAt.WAITING)])
    learnt.learn([Move(True, CallAt.DETECTING, 3.0, 20.0, CallAt.ENDED)])
    assert learnt.persons_seen == 1
    assert learnt.lasting(RING)[0][ring] > person[ring]
    assert learnt.lasting(RING)[1][late] > other[late]
    assert learnt.odds()[1] > hazards().odds()[1] and learnt.odds()[3] < hazards().odds()[3]


def test_what_is_usual_outlasts_any_time_of_silence():
    learnt = hazards()
    for _ in range(20_000):
        learnt.forget(3600.0)
    for cells in (SET_UP, RING, TALK, WRAP):
        onward, away = learnt.lasting(cells)
        assert np.isfinite(onward).all() and np.isfinite(away).all()
    assert learnt.durations()[0].sum() == pytest.approx(1.0)


@given(st.lists(st.tuples(st.sampled_from(CallAt), st.floats(0.0, 90.0)), max_size=60))
@settings(max_examples=60)
def test_cells_count_each_call_that_is_under_way_once(calls):
    roster = Roster(is_calls=True, moves=[])
    for number, (state, age_s) in enumerate(calls):
        roster.put(number, state, 100.0 - age_s)
    counts = counts_of(Roster(is_calls=False, moves=[]).standing(), roster.standing(), 100.0)
    for state, cells in ((CallAt.SET_UP, SET_UP), (CallAt.RINGING, RING), (CallAt.DETECTING, DETECT)):
        assert counts[cells].sum() == sum(each is state for each, _ in calls)
    assert counts[TALK].sum() == counts[WRAP].sum() == 0


def test_calls_in_detection_are_kept_apart_by_how_long_they_rang():
    roster = Roster(is_calls=True, moves=[])
    for number, rang_s in enumerate((3.0, 8.0, 14.0, 22.0)):
        roster.put(number, CallAt.RINGING, 0.0)
        roster.put(number, CallAt.DETECTING, rang_s)
    counts = counts_of(Roster(is_calls=False, moves=[]).standing(), roster.standing(), 22.0)
    assert counts[DETECT].reshape(4, len(DETECT_EDGES)).sum(axis=1).tolist() == [1, 1, 1, 1]


@given(st.floats(0.2, 5.0), st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_the_level_comes_to_what_is_seen(true, seed):
    rng, level = np.random.default_rng(seed), Level()
    for _ in range(3000):
        level.note(seen=int(rng.poisson(true * 0.3)), expected=0.3)
    assert level.value == pytest.approx(true, rel=0.35)
    assert level.cautious > level.value


def test_the_level_drops_its_long_memory_when_answers_jump():
    rng, level = np.random.default_rng(1), Level()
    for _ in range(2000):
        level.note(seen=int(rng.poisson(0.2)), expected=0.2)
    assert level.changes == 0
    answers = 0
    while level.changes == 0:
        seen = int(rng.poisson(0.6))
        answers += seen
        level.note(seen=seen, expected=0.2)
    assert answers < 80
    assert level.value > 1.5


def test_a_rise_is_believed_by_what_came_since_it_began():
    """Three times the answers, after 400 answers of before: most of what came while nobody noticed is abandoned."""
    needed = []
    for seed in range(20):
        rng, level = np.random.default_rng(seed), Level()
        for _ in range(2000):
            level.note(seen=int(rng.poisson(0.2)), expected=0.2)
        answers = 0
        while level.value < 2:
            seen = int(rng.poisson(0.6))
            answers += seen
            level.note(seen=seen, expected=0.2)
        needed.append(answers)
    assert sum(needed) / len(needed) < 40


def test_a_trunk_that_fails_is_not_taken_for_people_who_went_away():
    level = Level()
    for _ in range(400):
        level.note(seen=1, expected=1.0)
    assert level.cautious < 1.2
    for _ in range(250):
        level.note(seen=0, expected=1.0)
    assert level.value < 0.1
    assert level.cautious == 1.0, "or five and more calls would be placed for each answer that may come at any moment"
    for _ in range(60):
        level.note(seen=1, expected=1.0)
    assert level.value > 0.7, "it is back at once, not after its long memory"
    assert level.cautious > level.value


def test_answers_that_fall_to_a_third_are_followed():
    rng, level = np.random.default_rng(1), Level()
    for _ in range(2000):
        level.note(seen=int(rng.poisson(0.2)), expected=0.2)
    for _ in range(4000):
        level.note(seen=int(rng.poisson(0.07)), expected=0.2)
    assert 0.2 < level.cautious < 0.6


def test_little_known_is_planned_with_more_caution():
    few, many = Level(), Level()
    few.note(seen=5, expected=5.0)
    for _ in range(100):
        many.note(seen=5, expected=5.0)
    assert few.cautious / few.value > many.cautious / many.value > 1
