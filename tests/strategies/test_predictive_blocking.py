"""The risk of one more call: exact against chance itself, three moments against exact, and the plan they give."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strategies.predictive.blocking import Edgeworth, Exact, block_of, fits, fresh_of, logs_of, moments_of
from strategies.predictive.cells import CALL_CELLS, CELLS, RING, TALK, WRAP
from strategies.predictive.hazards import Hazards
from strategies.predictive.tables import HORIZONS, tables_of

HAZARDS = Hazards(answer_rate=0.3, talk_s=90.0, wrap_s=12.0, half_life_s=2400.0)
TABLES = tables_of(HAZARDS, level=1.0, patience_s=2.0, ring_timeout_s=25.0)
LOGS, FRESH, MOMENTS = logs_of(TABLES), fresh_of(TABLES), moments_of(TABLES)


@st.composite
def situations(draw, *, calls_max=60, agents_max=50):
    """Counts by cell, and idle minus waiting."""
    counts = np.zeros(CELLS)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    for cell in rng.integers(0, RING.start + 25, draw(st.integers(0, calls_max))):
        counts[cell] += 1
    for cell in rng.integers(TALK.start, WRAP.stop, draw(st.integers(0, agents_max))):
        counts[cell] += 1
    return counts, draw(st.integers(-3, 6))


def exact(counts, idle):
    return Exact(TABLES, LOGS, FRESH, counts, idle)


def edgeworth(counts, idle):
    return Edgeworth(TABLES, MOMENTS, counts, idle)


@given(situations(), st.integers(0, 5), st.integers(0, 2**32 - 1))
@settings(max_examples=15, deadline=None)
def test_the_exact_form_agrees_with_throwing_dice(situation, others, seed):
    counts, idle = situation
    rng, throws = np.random.default_rng(seed), 20_000
    found = np.full((throws, HORIZONS), float(idle))
    for cell in counts.nonzero()[0]:
        n = rng.binomial(int(counts[cell]), TABLES.chance[cell], (throws, HORIZONS))
        found += -n if cell < CALL_CELLS else n
    found -= rng.binomial(others, TABLES.fresh, (throws, HORIZONS))
    if fits(MOMENTS, counts, idle):
        assert exact(counts, idle).blocked(others) == pytest.approx((found < 1).mean(axis=0), abs=0.02)


@given(situations(calls_max=150))
@settings(max_examples=80, deadline=None)
def test_three_moments_are_near_enough_for_teams_of_thirty(situation):
    counts, idle = situation
    counts[TALK.start + 8] += 30
    counts[RING.start + 4] += 20
    if fits(MOMENTS, counts, idle):
        assert edgeworth(counts, idle).blocked(2) == pytest.approx(exact(counts, idle).blocked(2), abs=0.01)


@pytest.mark.parametrize("make", [exact, edgeworth])
@given(situations())
@settings(max_examples=40, deadline=None)
def test_each_further_call_is_a_greater_risk(make, situation):
    counts, idle = situation
    counts[TALK.start + 5] += 10  # Three moments can't tell what hardly varies.
    if make is exact and not fits(MOMENTS, counts, idle):
        return
    blocking = make(counts, idle)
    risks = [float(block_of(blocking.blocked(others), TABLES.weights)) for others in range(0, 24, 3)]
    assert all(0.0 <= risk <= 1.0 + 1e-9 for risk in risks)
    slack = 1e-9 if make is exact else 0.005
    assert all(later >= earlier - slack for earlier, later in pairwise(risks))


@pytest.mark.parametrize("make", [exact, edgeworth])
@given(situations(), st.floats(0.002, 0.15), st.integers(1, 300))
@settings(max_examples=60, deadline=None)
def test_the_plan_is_the_most_that_the_price_allows(make, situation, price, limit):
    counts, idle = situation
    counts[TALK.start + 5] += 10  # Something is always random: there the risk rises with each call.
    if make is exact and not fits(MOMENTS, counts, idle):
        return
    blocking = make(counts, idle)
    plan = blocking.plan(price, limit)
    assert 0 <= plan.calls <= limit
    risks = block_of(np.stack([blocking.blocked(n) for n in range(plan.calls + 1)]), TABLES.weights)
    assert (risks[: plan.calls] <= price + 0.01).all()
    if plan.calls < limit:
        assert risks[plan.calls] > price
        assert plan.risk_next == pytest.approx(float(risks[plan.calls]))


@pytest.mark.parametrize("make", [exact, edgeworth])
@given(situations(), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_without_some_calls_it_is_what_it_were_had_they_never_been_there(make, situation, seed):
    counts, idle = situation
    counts[TALK.start + 5] += 10
    ringing = np.repeat(np.arange(RING.start, RING.stop), counts[RING].astype(int))
    if make is exact and not fits(MOMENTS, counts, idle):
        return
    without = np.random.default_rng(seed).permutation(ringing)[:12]
    found = make(counts, idle).blocked_soon(without)
    left = counts.copy()
    for n, chance in enumerate(found):
        assert chance == pytest.approx(float(make(left, idle).blocked()[0]), abs=1e-6)
        if n < len(without):
            left[without[n]] -= 1


def test_the_plan_finds_numbers_far_away_in_a_large_team():
    counts = np.zeros(CELLS)
    counts[TALK.start + 6] = 400
    counts[WRAP.start + 4] = 50
    plan = edgeworth(counts, 60).plan(0.03, 10_000)
    assert plan.calls > 100
    assert block_of(edgeworth(counts, 60).blocked(plan.calls), TABLES.weights) > 0.03
    assert block_of(edgeworth(counts, 60).blocked(plan.calls - 1), TABLES.weights) <= 0.03
    assert edgeworth(counts, 60).plan(0.03, 50).calls == 50


@given(st.floats(0.2, 3.0), st.floats(0.0, 5.0), st.sampled_from([12.0, 25.0, 45.0]))
@settings(max_examples=30, deadline=None)
def test_tables_hold_chances_that_grow_with_time(level, patience_s, ring_timeout_s):
    tables = tables_of(HAZARDS, level=level, patience_s=patience_s, ring_timeout_s=ring_timeout_s)
    assert (tables.chance >= 0).all() and (tables.chance < 1).all()
    assert (np.diff(tables.chance, axis=1) >= -1e-9).all()
    assert (np.diff(tables.fresh) >= 0).all() and tables.fresh[-1] <= tables.answer_rate + 1e-9
    assert tables.weights.sum() == pytest.approx(1.0)
    assert (np.diff(tables.horizons_s) > 0).all()


def test_more_people_answer_where_the_level_is_higher_and_fewer_late_in_the_ring():
    low = tables_of(HAZARDS, level=0.5, patience_s=2.0, ring_timeout_s=25.0)
    assert low.answer_rate < TABLES.answer_rate
    assert TABLES.chance[RING.start + 3, -1] > 4 * TABLES.chance[RING.start + 20, -1]


def test_an_answer_that_takes_a_later_ones_agent_counts_as_blocked():
    blocked = np.asarray([0.0, 0.0, 0.3, 0.1])
    assert block_of(blocked, np.asarray([1.0, 0.0, 0.0, 0.0])) == pytest.approx(0.3)
    assert block_of(blocked, np.asarray([0.0, 0.0, 0.0, 1.0])) == pytest.approx(0.1)
