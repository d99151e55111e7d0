"""Promise 4: fair shares, exactly."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strategies.round_robin import RoundRobin

few_weights = st.dictionaries(st.integers(1, 10**9), st.integers(1, 10_000), min_size=1, max_size=6)
alike_weights = st.dictionaries(st.integers(1, 400), st.integers(1, 50), min_size=1, max_size=40)
some_weights = few_weights | alike_weights


def turns(ring: RoundRobin, n: int) -> list[int]:
    taken = []
    for _ in range(n):
        member = ring.next()
        assert member is not None
        taken.append(member)
    return taken


def assert_fair(taken: Iterable[int], weights: Mapping[int, int], slack: Fraction = Fraction(0)) -> None:
    """Hold each prefix against the bound, for each two members."""
    had: Counter[int] = Counter()
    for member in taken:
        had[member] += 1
        # Only the member that has just had a turn can have moved away from the others, upwards.
        mine = Fraction(had[member], weights[member])
        for other, weight in weights.items():
            bound = Fraction(1, weights[member]) + Fraction(1, weight) + slack
            assert abs(mine - Fraction(had[other], weight)) <= bound, (member, other, had)


def test_70_30_100_give_35_15_50_of_each_hundred_well_mixed():
    ring = RoundRobin({1: 70, 2: 30, 3: 100})
    for _ in range(20):
        block = turns(ring, 100)
        assert Counter(block) == {1: 35, 2: 15, 3: 50}
        tens = [Counter(block[start : start + 10]) for start in range(91)]
        assert all(3 <= ten[1] <= 4 and 1 <= ten[2] <= 2 and 4 <= ten[3] <= 6 for ten in tens)


def test_equal_weights_take_turns():
    assert turns(RoundRobin({5: 7, 2: 7, 9: 7}), 7) == [2, 5, 9, 2, 5, 9, 2]


def test_an_empty_round_has_no_turn():
    assert RoundRobin({}).next() is None


def test_members_may_come_to_an_empty_round():
    ring = RoundRobin({})
    ring.join(3, 10_000)
    assert turns(ring, 2) == [3, 3]
    ring.leave(3)
    assert ring.next() is None
    ring.join(4, 1)
    assert turns(ring, 2) == [4, 4]


@given(weights=some_weights)
@settings(max_examples=100, deadline=None)
def test_shares_are_fair_at_every_prefix_from_a_fresh_start(weights):
    assert_fair(turns(RoundRobin(weights), 150), weights)


@given(before=some_weights, after=some_weights, n=st.integers(0, 200), data=st.data())
@settings(max_examples=100, deadline=None)
def test_shares_are_fair_at_every_prefix_from_a_change_of_lists_or_weights(before, after, n, data):
    ring = RoundRobin(before)
    turns(ring, n)
    kept = data.draw(st.lists(st.sampled_from(sorted(before)), unique=True))
    weights = {**after, **{member: data.draw(st.integers(1, 10_000)) for member in kept}}
    ring.set_weights(weights)
    assert ring.members == tuple(sorted(weights))
    assert_fair(turns(ring, 150), weights, slack=Fraction(1, max(weights.values())))


@given(weights=some_weights.filter(lambda weights: len(weights) > 1), n=st.integers(0, 100), data=st.data())
@settings(max_examples=100, deadline=None)
def test_shares_are_fair_from_the_moment_a_list_leaves_and_from_the_moment_it_returns(weights, n, data):
    ring = RoundRobin(weights)
    turns(ring, n)
    gone = data.draw(st.sampled_from(sorted(weights)))
    rest = {member: weight for member, weight in weights.items() if member != gone}
    ring.leave(gone)
    assert_fair(turns(ring, 60), rest, slack=Fraction(1, max(rest.values())))
    ring.join(gone, weights[gone])
    assert_fair(turns(ring, 60), weights, slack=Fraction(1, max(weights.values())))


def test_a_list_that_returns_has_neither_a_debt_nor_a_burst():
    ring = RoundRobin({1: 100, 2: 100})
    turns(ring, 10)
    ring.leave(2)
    assert turns(ring, 1000) == [1] * 1000
    ring.join(2, 100)
    assert Counter(turns(ring, 10)) == {1: 5, 2: 5}


def test_leaving_and_returning_at_once_over_and_over_gains_nothing():
    ring = RoundRobin({1: 100, 2: 30})
    had: Counter[int] = Counter()
    for _ in range(100):
        ring.leave(2)
        ring.join(2, 30)
        had.update(turns(ring, 1))
    assert had == {1: 100}


@given(weights=some_weights, n=st.integers(0, 300))
@settings(max_examples=100, deadline=None)
def test_a_restart_in_the_middle_changes_nothing(weights, n):
    ring = RoundRobin(weights)
    turns(ring, n)
    again = RoundRobin(weights, json.loads(json.dumps(ring.state())))
    assert again.state() == ring.state()
    assert turns(again, 100) == turns(ring, 100)


@given(before=some_weights, after=some_weights, n=st.integers(0, 100))
@settings(max_examples=100, deadline=None)
def test_a_state_of_older_weights_is_the_same_as_a_change_while_running(before, after, n):
    running = RoundRobin(before)
    turns(running, n)
    restarted = RoundRobin(after, running.state())
    running.set_weights(after)
    assert restarted.state() == running.state()
    assert turns(restarted, 50) == turns(running, 50)


def test_deficits_are_scaled_when_the_largest_weight_changes():
    ring = RoundRobin({1: 70, 2: 100})
    assert turns(ring, 1) == [2]
    assert ring.state() == {"1": 70, "2": 0, "largest": 100, "cursor": 2}
    ring.set_weights({1: 70, 2: 7})
    assert ring.state() == {"1": 49, "2": 0, "largest": 70, "cursor": 2}


def test_who_just_had_a_turn_is_visited_last_also_after_leaving():
    ring = RoundRobin({1: 5, 2: 5, 3: 5})
    assert turns(ring, 2) == [1, 2]
    ring.leave(2)
    assert turns(ring, 2) == [3, 1]


def test_a_copy_goes_on_by_itself():
    ring = RoundRobin({1: 3, 2: 5})
    turns(ring, 3)
    copy = ring.copy()
    ahead = turns(copy, 20)
    assert turns(ring, 20) == ahead


def test_three_hundred_lists_of_every_weight_are_fair():
    weights = {member: 1 + (member * 7919) % 10_000 for member in range(1, 301)}
    taken = turns(RoundRobin(weights), 700)
    assert_fair(taken, weights)


def test_one_light_list_gets_its_one_turn_among_ten_thousand():
    taken = turns(RoundRobin({1: 1, 2: 10_000}), 10_001 * 2)
    assert taken.count(1) == 2
    assert taken[:10_001].count(1) == 1


@pytest.mark.parametrize("weight", [0, -1, 10_001])
def test_weights_out_of_bounds_are_refused(weight):
    with pytest.raises(ValueError, match="1 to 10000"):
        RoundRobin({1: weight})
    ring = RoundRobin({1: 1})
    with pytest.raises(ValueError, match="1 to 10000"):
        ring.join(2, weight)
    with pytest.raises(ValueError, match="1 to 10000"):
        ring.set_weights({1: 1, 2: weight})
    assert ring.weights == {1: 1}


def test_joining_twice_and_leaving_twice_are_refused():
    ring = RoundRobin({1: 1})
    with pytest.raises(ValueError, match="already"):
        ring.join(1, 1)
    ring.leave(1)
    with pytest.raises(ValueError, match="not in the round"):
        ring.leave(1)


@pytest.mark.parametrize(
    "state",
    [{"1": 5}, {"1": 5, "largest": 5}, {"1": -1, "largest": 5}, {"largest": 10_001}, {"one": 0, "largest": 1}],
)
def test_a_state_that_no_round_can_have_had_is_refused(state):
    with pytest.raises(ValueError, match=r"largest|deficit|invalid"):
        RoundRobin({1: 1}, state)
