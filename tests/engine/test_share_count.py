"""The error of the shares, counted call by call, against the same from the whole story."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from itertools import combinations
from random import Random
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialler.app.figures import prefix_error
from dialler.domain.campaign import Desired
from dialler.domain.outcome import Outcome
from dialler.engine.dial import DialLoop
from dialler.engine.intent import Outcomes
from dialler.engine.share_count import ShareCount, error_of_bound
from dialler.errors import StoreError
from dialler.events import ListDry, SessionClosed, StoreFailed
from dialler.ports import ShareReport
from strategies.round_robin import RoundRobin
from telephony.simulated import Fate, Spread
from tests.support.call_centre import AGENTLESS, QUICK, CallCentre, call_centre, people

FAST = replace(QUICK, trunks=(replace(QUICK.trunks[0], calls_per_second=40.0, channels=100),), post_dial_s=Spread(0.3))
WEIGHTS = {"warm": 70, "cold": 30, "fresh": 100}

rounds = st.dictionaries(st.integers(1, 30), st.integers(1, 10_000), min_size=1, max_size=8)


@st.composite
def rounds_and_turns(draw: st.DrawFn) -> tuple[dict[int, int], list[int]]:
    """Any turns at all, also ones that no fair round would take."""
    weights = draw(rounds | st.dictionaries(st.integers(1, 30), st.integers(1, 3), min_size=1, max_size=8))
    return weights, draw(st.lists(st.sampled_from(sorted(weights)), max_size=60))


def counted(weights: Mapping[int, int], turns: Sequence[int], *, is_fresh: bool = True) -> ShareReport:
    count = ShareCount()
    count._begin(weights, is_fresh=is_fresh)
    for list_id in turns:
        count.count(list_id)
    report = count.report({list_id: str(list_id) for list_id in weights})
    assert report is not None
    return report


def part_of_bound(calls: Mapping[int, int], weights: Mapping[int, int], wider: Fraction) -> Fraction:
    """Return the largest error of all pairs, by the words of the promise."""
    return max(
        (
            abs(Fraction(calls[a], weights[a]) - Fraction(calls[b], weights[b]))
            / (Fraction(1, weights[a]) + Fraction(1, weights[b]) + wider)
            for a, b in combinations(weights, 2)
        ),
        default=Fraction(0),
    )


@given(rounds_and_turns())
def test_from_a_fresh_start_the_worst_is_the_prefix_error_and_the_present_that_of_all_turns(
    story: tuple[dict[int, int], list[int]],
) -> None:
    weights, turns = story
    report = counted(weights, turns)
    assert report.worst == float(prefix_error(turns, weights))
    now = part_of_bound({each: turns.count(each) for each in weights}, weights, Fraction(0))
    assert error_of_bound(report.lists, after_change=False) == float(now)


@given(rounds_and_turns())
def test_after_a_change_the_bound_is_wider_by_the_largest_weight_s_part(
    story: tuple[dict[int, int], list[int]],
) -> None:
    weights, turns = story
    report = counted(weights, turns, is_fresh=False)
    wider = Fraction(1, max(weights.values()))
    prefixes = [{each: turns[:n].count(each) for each in weights} for n in range(len(turns) + 1)]
    assert report.after_change
    assert report.worst == float(max(part_of_bound(calls, weights, wider) for calls in prefixes))
    assert error_of_bound(report.lists, after_change=True) == float(part_of_bound(prefixes[-1], weights, wider))


@given(rounds, st.integers(0, 300), st.integers(1, 300))
def test_the_turns_of_a_round_robin_are_within_their_bound(weights: dict[int, int], before: int, n: int) -> None:
    turns = RoundRobin(weights)
    fresh = [turns.next() for _ in range(before)]
    assert counted(weights, [each for each in fresh if each]).worst <= 1
    later = [turns.next() for _ in range(n)]
    assert counted(weights, [each for each in later if each], is_fresh=False).worst <= 1


def test_lists_that_are_equal_cost_no_step_each() -> None:
    count = ShareCount()
    count._begin(dict.fromkeys(range(1000), 100), is_fresh=True)
    for list_id in range(1000):
        count.count(list_id)
    assert len(count._equals) == 1
    assert len(count._equals[100].lists_at) == 1, "what nobody has any more is forgotten"
    assert count.worst == 0.5


def order_of(*lists: int, rounds: list[tuple[int, dict[int, int]]], **facts: bool) -> Outcomes:
    """Return what came of an order whose intents were of these lists."""
    intents: list[Any] = [SimpleNamespace(session=SimpleNamespace(list_id=each)) for each in lists]
    return Outcomes(intents=intents, rounds=[*rounds], **facts)


def calls_of(count: ShareCount) -> dict[str, int]:
    report = count.report({1: "one", 2: "two", 3: "three"})
    assert report is not None
    return {each.list: each.calls for each in report.lists}


def test_a_list_that_leaves_in_the_middle_of_an_order_begins_a_new_count_there() -> None:
    count = ShareCount()
    count.take(order_of(1, 2, 1, 1, rounds=[(0, {1: 1, 2: 1}), (2, {1: 1})], is_fresh=True))
    assert calls_of(count) == {"one": 2}
    count.take(order_of(1, 1, rounds=[(0, {1: 1})]))
    assert calls_of(count) == {"one": 4}
    count.take(order_of(rounds=[(0, {1: 1, 2: 1})]))
    assert calls_of(count) == {"one": 0, "two": 0}, "who returns counts from then on, also before a call is placed"
    count.take(order_of(2, rounds=[(0, {1: 1, 2: 2})]))
    assert calls_of(count) == {"one": 0, "two": 1}


def test_only_a_round_that_began_with_nobody_ahead_is_held_to_the_tighter_bound() -> None:
    def after_change(count: ShareCount) -> bool:
        report = count.report({})
        assert report is not None
        return report.after_change

    count = ShareCount()
    count.take(order_of(1, rounds=[(0, {1: 1, 2: 1})], is_fresh=True))
    assert not after_change(count)
    count.take(order_of(1, rounds=[(0, {1: 1, 2: 2})]))
    assert after_change(count)
    restarted = ShareCount()
    restarted.take(order_of(1, rounds=[(0, {1: 1, 2: 1})]))
    assert after_change(restarted)
    left = ShareCount()
    left.take(order_of(1, rounds=[(0, {1: 1, 2: 1}), (1, {1: 1})], is_fresh=True))
    assert after_change(left)


def test_a_turn_taken_before_a_change_is_no_call_of_the_new_round() -> None:
    count = ShareCount()
    count.take(order_of(1, rounds=[(0, {1: 1, 2: 1})], is_fresh=True))
    count.take(order_of(2, 1, rounds=[(0, {1: 1, 2: 1})], is_carried=True))
    assert calls_of(count) == {"one": 2, "two": 1}, "nothing has changed"
    count.take(order_of(2, 1, 2, rounds=[(0, {1: 1, 2: 3})], is_carried=True))
    assert calls_of(count) == {"one": 1, "two": 1}
    count.take(order_of(2, rounds=[(0, {1: 1, 2: 1, 3: 1}), (0, {1: 1, 2: 1})], is_carried=True))
    assert calls_of(count) == {"one": 0, "two": 1}, "its turn went to the next list, in the round without it"


async def test_nobody_knows_what_became_of_an_order_that_failed_so_the_count_begins_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with call_centre(FAST, fates=lambda number: Fate.BUSY) as centre:
        await centre.campaign(lists={"warm": (70, 100), "cold": (30, 100)})
        await centre.start()
        await centre.until(lambda: len(centre.told(SessionClosed)) >= 20)
        worst = shares(centre).worst
        commit = DialLoop._commit

        def fail_once(*order: Any) -> NoReturn:
            monkeypatch.setattr(DialLoop, "_commit", commit)
            commit(*order)
            raise StoreError("no room on the disk")

        monkeypatch.setattr(DialLoop, "_commit", fail_once)
        await centre.until(lambda: bool(centre.told(StoreFailed)))
        assert shares(centre) == ShareReport(lists=[], after_change=False, worst=worst)
        n = len(centre.told(SessionClosed))
        await centre.until(lambda: len(centre.told(SessionClosed)) >= n + 20)
        assert shares(centre).after_change and worst <= shares(centre).worst <= 1


def shares(centre: CallCentre) -> ShareReport:
    report = centre.engine.report().campaigns[0].shares
    assert report is not None
    return report


async def test_a_plain_run_has_the_error_that_its_sessions_have() -> None:
    async with call_centre(FAST, fates=lambda number: Fate.BUSY) as centre:
        await centre.campaign(lists={name: (weight, 300) for name, weight in WEIGHTS.items()})
        await centre.start()
        await centre.until(lambda: len(centre.told(SessionClosed)) >= 120)
        await centre.change(Desired.PAUSED)
        names = [session.list for session in await centre.sessions()]
        ids = {name: at for at, name in enumerate(WEIGHTS)}
        assert {each.list: each.calls for each in shares(centre).lists} == {n: names.count(n) for n in WEIGHTS}
        assert not shares(centre).after_change
        expected = prefix_error([ids[name] for name in names], {ids[n]: w for n, w in WEIGHTS.items()})
        assert shares(centre).worst == float(expected) <= 1


@pytest.mark.parametrize("seed", range(2))
async def test_whatever_happens_to_lists_and_weights_the_error_stays_within_its_bound(seed: int) -> None:
    chance = Random(f"shares {seed}")
    async with call_centre(FAST, fates=lambda number: Fate.BUSY, seed=seed) as centre:
        await centre.campaign(lists={"warm": (70, 30), "cold": (30, 40), "fresh": (100, 200), "spare": (100, 25)})
        await centre.start()
        for n in range(25):
            await centre.at(centre.clock.now() + timedelta(seconds=chance.uniform(0.2, 2)))
            name = chance.choice(["warm", "cold", "fresh", "spare"])
            match chance.choice(["weight", "leads", "off", "disk", "crash"]):
                case "weight":
                    await centre.change_list(name, weight=chance.choice([1, 30, 99, 100, 10_000]))
                case "leads":
                    await centre.add(name, people(chance.randint(1, 40), first=1_000_000 + 1_000 * n))
                    await centre.engine.follow()
                case "off":
                    await centre.change_list(name, to_dial=chance.random() < 0.5)
                case "disk":
                    centre.store.failing = None if centre.store.failing else "no room on the disk"
                case "crash":
                    await centre.kill()
                    await centre.start()
            report = centre.engine.report().campaigns[0].shares
            if report is not None:
                error = error_of_bound(report.lists, after_change=report.after_change)
                assert error <= report.worst <= 1, (seed, n)
        assert len(await centre.sessions()) > 100 and centre.told(ListDry)


async def test_leads_refused_by_the_hundred_in_the_turn_of_a_list_do_not_widen_the_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dialler.engine.picking.REFUSED_MAX", 3)
    async with call_centre(FAST, fates=lambda number: Fate.BUSY) as centre:
        await centre.campaign(lists={"warm": (70, 300), "cold": (30, 0), "fresh": (100, 300)})
        await centre.add("cold", people(200, first=7_000_000, expires_at=centre.clock.now() - timedelta(days=1)))
        await centre.add("cold", people(100, first=8_000_000))
        await centre.start()
        for weight in (1, 100, 10_000, 30):
            n = len(centre.told(SessionClosed))
            await centre.until(lambda n=n: len(centre.told(SessionClosed)) >= n + 30)  # type: ignore[misc]
            assert shares(centre).worst <= 1
            await centre.change_list("fresh", weight=weight)
        assert {session.outcome for session in await centre.sessions()} >= {Outcome.BUSY}


async def test_an_unfair_round_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RoundRobin, "next", lambda self: self.members[0] if self.members else None)
    async with call_centre(FAST, fates=lambda number: Fate.BUSY) as centre:
        await centre.campaign(settings=AGENTLESS, lists={"warm": (70, 100), "cold": (30, 100)})
        await centre.start()
        await centre.until(lambda: len(centre.told(SessionClosed)) >= 20)
        report = shares(centre)
        assert error_of_bound(report.lists, after_change=False) > 3
        assert report.worst > 3
