"""Agents that several campaigns can reach: whole agents, as near to the shares as can be, and few moves."""

from collections import Counter
from collections.abc import Sequence
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialler.engine.agent_split import Claim, Group, due_shares, split, winners


def first(able: Sequence[str], giver: int, taker: int, n: int) -> Sequence[str]:
    return able[:n]


def after(
    groups: dict[str, Group], owners: dict[str, int | None], claims: dict[int, Claim]
) -> tuple[dict[str, int], dict[str, int]]:
    """Return everybody's campaign after a split, and the moves."""
    moves = split(groups, owners, claims, first)
    return {agent: moves.get(agent, owners[agent]) for agent in groups}, moves  # type: ignore[misc]


def agents(n: int, group: Group, first: int = 0) -> dict[str, Group]:
    return {f"a{at}": group for at in range(first, first + n)}


def test_two_equal_campaigns_have_fifteen_of_thirty_agents_each() -> None:
    groups = agents(30, (1, 2))
    claims = {1: Claim(weight=100), 2: Claim(weight=100)}
    owners, _ = after(groups, dict.fromkeys(groups), claims)
    assert Counter(owners.values()) == {1: 15, 2: 15}
    owners, moves = after(groups, dict.fromkeys(groups, 1), claims)
    assert Counter(owners.values()) == {1: 15, 2: 15} and len(moves) == 15


def test_weights_say_how_many() -> None:
    groups = agents(30, (1, 2, 3))
    owners, _ = after(groups, dict.fromkeys(groups), {1: Claim(weight=70), 2: Claim(weight=30), 3: Claim(weight=100)})
    assert Counter(owners.values()) in ({1: 11, 2: 4, 3: 15}, {1: 10, 2: 5, 3: 15})


def test_who_has_the_higher_rank_has_all_that_it_can_reach() -> None:
    claims = {1: Claim(rank=(1, 5)), 2: Claim(rank=(1, 0)), 3: Claim(rank=(0, 9))}
    assert winners((1, 2, 3), claims) == (1,)
    assert winners((2, 3), claims) == (2,)
    assert winners((4,), claims) == ()


def test_an_agent_is_handed_on_along_a_third_campaign() -> None:
    # Campaign 1 has one too many, and shares agents with 2 only; 2 shares some with 3, which has one too few.
    groups = {"a": (1, 2), "b": (1, 2), "c": (2, 3), "d": (3,)}
    claims = {1: Claim(weight=1), 2: Claim(weight=1), 3: Claim(weight=1)}
    due = due_shares(Counter(groups.values()), claims)
    assert due == {1: 1.0, 2: 1.5, 3: 1.5}
    owners, moves = after(groups, {"a": 1, "b": 1, "c": 2, "d": 3}, claims)
    assert moves in ({"a": 2}, {"b": 2}), "1 has two and is due one, 2 has one and is due one and a half"
    assert Counter(owners.values()) == {1: 1, 2: 2, 3: 1}
    owners, moves = after({**groups, "d": (2, 3)}, {"a": 1, "b": 1, "c": 2, "d": 2}, claims)
    assert Counter(owners.values()) == {1: 1, 2: 2, 3: 1}


campaigns = st.integers(2, 4)


@st.composite
def situations(draw: st.DrawFn) -> tuple[dict[str, Group], dict[str, int | None], dict[int, Claim]]:
    n = draw(campaigns)
    claims = {
        each: Claim(rank=(draw(st.integers(0, 1)),), weight=draw(st.sampled_from([1, 30, 70, 100, 9999])))
        for each in range(1, n + 1)
    }
    groups: dict[str, Group] = {}
    owners: dict[str, int | None] = {}
    for at in range(draw(st.integers(0, 25))):
        reach = draw(st.sets(st.integers(1, n), min_size=1))
        groups[f"a{at}"] = winners(reach, claims)
        owners[f"a{at}"] = draw(st.sampled_from([None, *sorted(reach)]))
    return groups, owners, claims


@given(situations())
def test_each_agent_has_one_campaign_of_his_group_and_shares_are_less_than_one_agent_off(situation) -> None:
    groups, owners, claims = situation
    found, _ = after(groups, owners, claims)
    assert all(found[agent] in group for agent, group in groups.items())
    counts = Counter(found.values())
    for campaign, due in due_shares(Counter(groups.values()), claims).items():
        assert abs(counts[campaign] - due) < 1 + 1e-5


@given(situations())
def test_what_is_even_stays_as_it_is(situation) -> None:
    groups, owners, claims = situation
    found, _ = after(groups, owners, claims)
    assert split(groups, found, claims, first) == {}


@given(situations(), st.data())
def test_when_one_agent_comes_or_goes_nobody_else_moves_twice_and_few_do(situation, data) -> None:
    groups, owners, claims = situation
    found, _ = after(groups, owners, claims)
    if not groups:
        return
    gone = data.draw(st.sampled_from(sorted(groups)))
    groups = {agent: group for agent, group in groups.items() if agent != gone}
    _, moves = after(groups, dict(found), claims)
    assert len(moves) <= len(claims), "each campaign is off by less than two agents"


@pytest.mark.parametrize("weights", [(1, 1), (70, 30), (1, 2, 4)])
@given(n=st.integers(0, 6), data=st.data())
def test_of_a_common_pool_no_fewer_moves_would_do(weights: tuple[int, ...], n: int, data) -> None:
    group = tuple(range(1, len(weights) + 1))
    claims = {each: Claim(weight=weight) for each, weight in zip(group, weights, strict=True)}
    groups = agents(n, group)
    owners: dict[str, int | None] = {agent: data.draw(st.sampled_from(group)) for agent in groups}
    found, moves = after(groups, owners, claims)
    due = due_shares(Counter(groups.values()), claims)

    def is_even(counts: Counter[int]) -> bool:
        over = {each: counts[each] - due[each] for each in group}
        return all(over[a] - over[b] <= 1 + 1e-6 or not counts[a] for a, b in product(group, repeat=2))

    assert is_even(Counter(found.values()))
    best = min(
        sum(now != owners[agent] for agent, now in zip(groups, each, strict=True))
        for each in product(group, repeat=n)
        if is_even(Counter(each))
    )
    assert len(moves) == best
