"""Never faster than the trunk allows, and never waiting for nothing."""

import math
import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strategies.token_bucket import WAKE_MARGIN_S, TokenBucket

rates = st.floats(0.01, 1000)
bursts = st.integers(1, 20)
gaps_s = st.floats(0, 30) | st.floats(0, 0.01)
jitters = st.just(0.0) | st.floats(0, 0.9)
starts = st.sampled_from([0.0, 12_345.678, 1.8e9])


def bucket_of(rate, burst, jitter, seed=0):
    return TokenBucket(rate, burst=burst, jitter=jitter, chance=random.Random(seed) if jitter else None)


def saturate(bucket, start, n):
    """Take n tokens, each as soon as it is there, waiting exactly as told."""
    now, taken_at = start, []
    while len(taken_at) < n:
        now = bucket.next_at(now)
        assert bucket.available(now) >= 1
        assert bucket.take(now)
        taken_at.append(now)
    return taken_at


@given(rate=rates, burst=bursts, jitter=jitters, start=starts, gaps=st.lists(gaps_s, min_size=1, max_size=40))
@settings(max_examples=150, deadline=None)
def test_no_span_has_more_than_rate_times_time_plus_burst(rate, burst, jitter, start, gaps):
    bucket = bucket_of(rate, burst, jitter)
    now, taken = start, []
    for gap in gaps:
        now += gap
        for wish in (burst, 1, 1):
            if bucket.take(now, wish):
                taken += [now] * wish
    for first, from_at in enumerate(taken):
        for last in range(first, len(taken)):
            span = taken[last] - from_at
            assert last - first + 1 <= rate * span + burst + jitter + 1e-6 + rate * 1e-6


@given(rate=rates, burst=bursts, jitter=jitters, start=starts, seed=st.integers(0, 99))
@settings(max_examples=100, deadline=None)
def test_who_waits_as_told_finds_a_token(rate, burst, jitter, start, seed):
    bucket = bucket_of(rate, burst, jitter, seed)
    taken_at = saturate(bucket, start, burst + 20)
    # Also where the wait is a microsecond short, as timers are: no busy loop.
    due = bucket.next_at(taken_at[-1])
    assert bucket.available(due - WAKE_MARGIN_S / 5) >= 1


@given(rate=st.floats(0.01, 100), burst=bursts, jitter=jitters, start=starts)
@settings(max_examples=100, deadline=None)
def test_no_token_is_there_before_its_time(rate, burst, jitter, start):
    bucket = bucket_of(rate, burst, jitter)
    assert bucket.take(start, burst)
    for at in saturate(bucket, start, 5):
        due = bucket.next_at(at)
        assert due > at
        assert bucket.available(max(at, due - 3 * WAKE_MARGIN_S)) == 0


def test_tokens_are_evenly_spaced_without_jitter():
    taken_at = saturate(TokenBucket(10), 0.0, 51)
    gaps = [after - before for before, after in pairwise(taken_at)]
    assert all(math.isclose(gap, 0.1, abs_tol=2 * WAKE_MARGIN_S) for gap in gaps)


@pytest.mark.parametrize("burst", [1, 4])
@pytest.mark.parametrize("jitter", [0.2, 0.5, 0.9])
def test_jitter_varies_the_gaps_within_its_fraction_and_keeps_the_mean(jitter, burst):
    rate = 20.0
    taken_at = saturate(bucket_of(rate, burst, jitter, seed=3), 100.0, 2000 + burst)[burst:]
    gaps = [(after - before) * rate for before, after in pairwise(taken_at)]
    assert 1 - jitter - 1e-3 <= min(gaps) < 1 - jitter / 2
    assert 1 + jitter / 2 < max(gaps) <= 1 + jitter + 1e-3
    assert sum(gaps) / len(gaps) == pytest.approx(1, rel=2e-3)


def test_a_full_bucket_holds_its_burst_also_with_jitter():
    for seed in range(20):
        bucket = bucket_of(5.0, 3, 0.9, seed)
        assert bucket.available(0.0) == 3
        assert bucket.take(0.0, 3)
        assert bucket.available(0.0) == 0
        assert bucket.available(1000.0) == 3


def test_taking_too_many_takes_none():
    bucket = TokenBucket(1, burst=3)
    assert not bucket.take(0.0, 4)
    assert bucket.available(0.0) == 3
    with pytest.raises(ValueError, match="1 token or more"):
        bucket.take(0.0, 0)


def test_a_new_rate_keeps_what_has_accrued():
    bucket = TokenBucket(1, burst=10)
    bucket.take(0.0, 10)
    assert bucket.available(4.5) == 4
    bucket.rate = 100
    assert bucket.available(4.5) == 4
    assert bucket.available(4.51) == 5


def test_a_new_burst_keeps_what_fits():
    bucket = TokenBucket(1, burst=10)
    assert bucket.available(0.0) == 10
    bucket.burst = 2
    assert bucket.available(0.0) == 2
    bucket.burst = 10
    assert bucket.available(0.0) == 2
    assert bucket.available(3.0) == 5


def test_a_clock_that_steps_back_gives_no_tokens():
    bucket = TokenBucket(1, burst=5)
    bucket.take(100.0, 5)
    assert bucket.available(50.0) == 0
    assert bucket.available(100.5) == 0
    assert bucket.available(101.0) == 1


@pytest.mark.parametrize(
    ("facts", "word"),
    [
        ({"rate": 0}, "rate"),
        ({"rate": math.inf}, "rate"),
        ({"rate": math.nan}, "rate"),
        ({"rate": 1, "burst": 0}, "burst"),
        ({"rate": 1, "jitter": 1.0, "chance": random.Random(1)}, "jitter"),
        ({"rate": 1, "jitter": 0.5}, "generator"),
    ],
)
def test_figures_out_of_bounds_are_refused(facts, word):
    with pytest.raises(ValueError, match=word):
        TokenBucket(**facts)
