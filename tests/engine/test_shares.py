"""How campaigns share trunks."""

from collections import Counter
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from dialler.engine.shares import Shares
from dialler.stores.memory import MemoryStore


def grant(shares: Shares, wanted: dict[int, int], free: int, weights: dict[int, int]) -> list[int]:
    """Share one trunk that all may use; return the calls granted, as campaigns."""
    granted = shares.grant(wanted, {campaign: ["a"] for campaign in weights}, {"a": free}, weights)
    return [campaign for campaign, names in granted.items() for _ in names]


@given(
    weights=st.dictionaries(st.integers(1, 9), st.integers(1, 50), min_size=2, max_size=4),
    rooms=st.lists(st.integers(1, 5), min_size=20, max_size=60),
)
@settings(max_examples=60, deadline=None)
def test_campaigns_that_always_want_more_get_calls_by_weight(weights: dict[int, int], rooms: list[int]) -> None:
    shares, counts = Shares(), Counter[int]()
    for room in rooms:
        counts.update(grant(shares, dict.fromkeys(weights, 50), room, weights))
        for a in weights:
            for b in weights:
                error = abs(counts[a] / weights[a] - counts[b] / weights[b])
                assert error <= 1 / weights[a] + 1 / weights[b] + 1e-9
    assert counts.total() == sum(rooms)


@given(
    wanted=st.dictionaries(st.integers(1, 5), st.integers(0, 20), min_size=1),
    free=st.dictionaries(st.sampled_from("abc"), st.integers(0, 10), min_size=3),
    seed=st.integers(0, 1000),
)
@settings(max_examples=100, deadline=None)
def test_nobody_gets_more_than_wanted_no_trunk_gives_more_than_it_has_and_no_room_is_left_that_one_wants(
    wanted: dict[int, int], free: dict[str, int], seed: int
) -> None:
    chance = Random(seed)
    trunks = {campaign: chance.sample("abc", chance.randint(1, 3)) for campaign in [*wanted, 6]}
    weights = {campaign: chance.randint(1, 100) for campaign in trunks}
    granted = Shares().grant(wanted, trunks, free, weights)
    used = Counter(name for names in granted.values() for name in names)
    assert all(used[name] <= free[name] for name in free)
    assert all(names and len(names) <= wanted[campaign] for campaign, names in granted.items())
    for campaign, calls in wanted.items():
        if len(granted.get(campaign, [])) < calls:
            assert all(used[name] == free[name] for name in trunks[campaign]), "whoever got less found no room"


def test_trunks_are_taken_in_order_of_preference() -> None:
    granted = Shares().grant({1: 3}, {1: ["b", "a"]}, {"a": 5, "b": 2}, {1: 100})
    assert granted == {1: ["b", "b", "a"]}


def test_light_campaigns_do_not_starve_when_others_want_calls_only_now_and_then() -> None:
    shares, counts = Shares(), Counter[int]()
    weights = {1: 100, 2: 1, 3: 1}
    for at in range(4000):  # One call at a time; campaigns 2 and 3 want one in turns, campaign 1 always.
        counts.update(grant(shares, {1: 1, 2 + at % 2: 1}, 1, weights))
    assert counts[2] >= 15 and counts[3] >= 15, counts


def test_who_alone_wants_calls_gets_them_at_once_whatever_the_weights() -> None:
    shares = Shares()
    weights = {1: 10_000, 2: 1}
    assert grant(shares, {1: 0, 2: 7}, 5, weights) == [2] * 5
    assert Counter(grant(shares, {1: 1, 2: 9}, 5, weights)) == {1: 1, 2: 4}, "and what the others leave"


async def test_the_turns_go_on_after_a_restart() -> None:
    weights = {1: 70, 2: 30}
    whole, counts = Shares(), list[int]()
    expected = [campaign for _ in range(40) for campaign in grant(whole, {1: 1, 2: 1}, 1, weights)]
    async with MemoryStore() as store:
        for _ in range(40):
            shares = Shares()
            await store.read(lambda records, shares=shares: shares.restore(records, ["a", "b"]))
            counts += grant(shares, {1: 1, 2: 1}, 1, weights)
            await store.write(shares.save)
    assert counts == expected
