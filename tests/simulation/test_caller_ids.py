"""Days with a pool of caller ids: caps, rests, turns and areas hold through the whole engine, and shares stay exact."""

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest

from dialler.app.figures import prefix_error
from dialler.domain.caller_id import CallerId, PoolSettings
from dialler.domain.lead import NewLead, PhoneNumber, WindowKey
from dialler.domain.session import Session
from dialler.events import LeadsRested, ListDry
from dialler.ports import DncEntry, Records
from tests.support.call_centre import AGENTLESS, CHICAGO, QUICK, START, CallCentre, call_centre

WEIGHTS = {"warm": 70, "cold": 30, "fresh": 100}
CALIFORNIA = WindowKey(("America/Los_Angeles",), country="US", region="CA")
AREAS = {
    # Of the area: how numbers called begin, their leads' key, the pool's numbers, their calls a day and rest.
    "+1312": ("+1312", CHICAGO, 8, 10, 90),
    "+1212": ("+1212", CHICAGO, 7, 14, 150),
    "US-CA": ("+1415", CALIFORNIA, 5, 12, 60),
}
POOL = [
    CallerId(number=f"+1202555{place}{at:03}", areas=(area,), calls_per_day_max=cap, rest_s=rest_s)
    for place, (area, (_, _, n, cap, rest_s)) in enumerate(AREAS.items(), 1)
    for at in range(n)
]
BY_NUMBER = {each.number: each for each in POOL}


def leads_of(place: int, chance: Random, n: int) -> Iterable[NewLead]:
    """Yield leads of all areas in bursts, as files have them."""
    at = 0
    while at < n:
        begins, key, *_ = chance.choice(list(AREAS.values()))
        for _ in range(min(chance.randint(1, 60), n - at)):
            at += 1
            yield NewLead(numbers=(PhoneNumber(f"{begins}{place}{at:06}"),), window_key=key)


async def open_day(centre: CallCentre, chance: Random) -> None:
    def work(records: Records) -> None:
        pool = records.add_caller_id_pool("us", PoolSettings(timezone="America/Chicago"), START)
        records.add_caller_ids(pool.pool_id, POOL)

    await centre.records(work)
    await centre.campaign(
        settings=replace(AGENTLESS, caller_id_pool="us", timezone="America/Chicago"),
        lists={name: (weight, 0) for name, weight in WEIGHTS.items()},
    )
    for place, name in enumerate(WEIGHTS, 1):
        leads = list(leads_of(place, chance, 1_500))
        await centre.add(name, leads)
        # What gates refuse never widens the bound.
        barred = [
            DncEntry(number=each.numbers[0].number, campaign_id=None, reason="", added_at=START)
            for each in leads
            if chance.random() < 0.2
        ]
        await centre.records(lambda records, some=barred: records.add_dnc(some))


def area_of(session: Session) -> str:
    assert session.caller_id is not None
    return BY_NUMBER[session.caller_id].areas[0]


@pytest.mark.parametrize("seed", range(2))
async def test_caps_rests_turns_areas_and_shares_hold_for_two_days(seed: int) -> None:
    chance = Random(f"caller ids {seed}")
    async with call_centre(QUICK, seed=seed) as centre:
        await open_day(centre, chance)
        await centre.start()
        await centre.at(START + timedelta(hours=6))
        # A crash forgets nothing of it.
        await centre.kill()
        await centre.start()
        await centre.at(START + timedelta(hours=26))
        await centre.drained()
        sessions = await centre.assert_accounted()
        days = {each.caller_id_day for each in sessions}
        assert len(days) == 2
        per_day = sum(each.calls_per_day_max or 0 for each in POOL)
        assert len(sessions) == 2 * per_day, "all are used up, and no more than that"
        used = Counter((each.caller_id, each.caller_id_day) for each in sessions)
        assert used == {(each.number, day): each.calls_per_day_max for each in POOL for day in days}
        for number, own in BY_NUMBER.items():
            begun = [each.created_at for each in sessions if each.caller_id == number]
            rest = timedelta(seconds=own.rest_s or 0)
            assert all(after - before >= rest for before, after in itertools.pairwise(begun)), number
        turns: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for each in sessions:
            assert each.number.startswith(AREAS[area_of(each)][0]), "of another area"
            turns[area_of(each)][each.caller_id or ""] += 1
            counts = [turns[area_of(each)][one.number] for one in POOL if one.areas == (area_of(each),)]
            assert max(counts) - min(counts) <= 1, "one before its equals"
        assert not [event for event in centre.told(ListDry) if event.at < sessions[-1].created_at]
        assert centre.told(LeadsRested), "an area was used up before the others"
        ids = {name: at for at, name in enumerate(WEIGHTS)}
        error = prefix_error([ids[each.list] for each in sessions], {ids[name]: w for name, w in WEIGHTS.items()})
        assert error <= 1, seed
