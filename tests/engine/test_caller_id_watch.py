"""Numbers that are answered less than their pool are told of, rest if the pool says so, and come back by themselves."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import anyio

from dialler.domain.caller_id import CallerId, PoolSettings
from dialler.domain.campaign import Desired
from dialler.events import CallerIdLow, CallerIdRested
from dialler.ports import AuditEntry, AuditFilter, Records
from telephony.simulated import Fate
from tests.support.call_centre import AGENTLESS, QUICK, START, CallCentre, call_centre, people

GOOD, BAD, WORSE = (CallerId(number=f"+1212555000{at}", areas=(f"+1312{at}",)) for at in (1, 5, 9))
POOLED = replace(AGENTLESS, caller_id_pool="us", timezone="America/Chicago")


def fate(number: str) -> Fate:
    """Calls that show GOOD are answered, of those that show BAD one in ten, of those that show WORSE none."""
    local = number.removeprefix("+1312")
    if local[0] == "5":
        return Fate.ANSWERED if local[-1] == "0" else Fate.NO_ANSWER
    return Fate.ANSWERED if local[0] == "1" else Fate.NO_ANSWER


async def open_pool(centre: CallCentre, *caller_ids: CallerId, leads: int = 300, **settings: object) -> None:
    def work(records: Records) -> None:
        pool = records.add_caller_id_pool("us", PoolSettings(**settings), START)
        records.add_caller_ids(pool.pool_id, caller_ids)

    await centre.records(work)
    await centre.campaign(settings=POOLED, lists={"list": (100, 0)})
    for at, each in enumerate(caller_ids):
        first = int(each.areas[0].removeprefix("+1312")) * 1_000_000
        await centre.add("list", people(leads, first=first + at * 1_000))
    await centre.start()


async def numbers_of(centre: CallCentre) -> dict[str, CallerId]:
    found = await centre.records(lambda records: records.caller_ids(records.caller_id_pool("us").pool_id))
    return {each.number: each for each in found}


async def by_engine(centre: CallCentre) -> Sequence[AuditEntry]:
    wanted = AuditFilter(what="callerid.number.set", who="engine")
    return (await centre.records(lambda records: records.audit(wanted, limit=100))).items


async def test_a_number_that_falls_behind_is_told_of_once_and_shown_in_the_report() -> None:
    async with call_centre(QUICK, fates=fate) as centre:
        await open_pool(centre, GOOD, BAD)
        await centre.until(lambda: bool(centre.told(CallerIdLow)))
        [told] = centre.told(CallerIdLow)
        assert (told.pool, told.own_number) == ("us", BAD.number)
        assert told.answer_rate < 0.4 < told.others_answer_rate
        assert told.calls >= 5 and told.z <= -3
        await anyio.sleep(3600)
        assert len(centre.told(CallerIdLow)) == 1
        [pool] = centre.engine.report().caller_ids
        assert (pool.pool, pool.low, pool.states) == ("us", 1, {"free": 2, "resting": 0, "capped": 0, "off": 0})
        assert pool.lowest_answer_rate is not None and pool.answer_rate is not None
        assert pool.lowest_answer_rate < 0.2 < pool.answer_rate < 0.8
        assert not centre.told(CallerIdRested)
        assert await by_engine(centre) == []


async def test_numbers_with_few_calls_are_not_judged() -> None:
    async with call_centre(QUICK, fates=fate) as centre:
        await open_pool(centre, GOOD, WORSE, leads=6)
        await anyio.sleep(1800)
        assert not centre.told(CallerIdLow)
        assert Counter(each.caller_id for each in await centre.sessions())[WORSE.number] >= 6


async def test_where_the_pool_says_so_it_rests_and_comes_back_by_itself() -> None:
    async with call_centre(QUICK, fates=fate) as centre:
        await open_pool(centre, GOOD, BAD, leads=500, rest_low_s=3600)
        await centre.until(lambda: bool(centre.told(CallerIdRested)))
        [rested] = centre.told(CallerIdRested)
        number = (await numbers_of(centre))[BAD.number]
        assert (rested.own_number, rested.until) == (BAD.number, rested.at + timedelta(hours=1))
        assert number.off_until == rested.until
        assert number.off_reason is not None and "calls, the others" in number.off_reason
        [entry] = await by_engine(centre)
        assert entry.details["before"] == {"off_reason": None, "off_until": None}
        assert entry.details["after"]["off_reason"] == number.off_reason
        await centre.at(rested.until + timedelta(minutes=10))
        shown = [each.created_at for each in await centre.sessions() if each.caller_id == BAD.number]
        assert not [at for at in shown if rested.at < at < rested.until]
        assert [at for at in shown if at >= rested.until]


async def test_the_last_number_that_is_on_is_never_switched_off_and_the_worst_goes_first() -> None:
    async with call_centre(QUICK, fates=fate) as centre:
        off = replace(GOOD, off_reason="by hand", off_until=None)
        # Both fall behind GOOD, which somebody switches off at the moment before they are looked at.
        await open_pool(centre, GOOD, BAD, WORSE, rest_low_s=86_400)

        def switch_off(records: Records) -> None:
            records.set_caller_ids(records.caller_id_pool("us").pool_id, [off])

        await centre.until(lambda: bool(centre.engine.report().caller_ids))
        await centre.records(switch_off)
        await centre.until(lambda: bool(centre.told(CallerIdLow)))
        await anyio.sleep(600)
        now = centre.clock.now()
        on = [each.number for each in (await numbers_of(centre)).values() if not each.is_off(now)]
        assert on == [BAD.number]
        assert [each.own_number for each in centre.told(CallerIdRested)] == [WORSE.number]


async def test_who_switches_it_on_by_hand_is_not_overruled() -> None:
    async with call_centre(QUICK, fates=fate) as centre:
        await open_pool(centre, GOOD, BAD, rest_low_s=86_400)
        await centre.until(lambda: bool(centre.told(CallerIdRested)))

        def switch_on(records: Records) -> None:
            records.set_caller_ids(records.caller_id_pool("us").pool_id, [BAD])

        await centre.records(switch_on)
        await centre.engine.follow()
        await anyio.sleep(600)
        assert not (await numbers_of(centre))[BAD.number].is_off(centre.clock.now())
        assert len(centre.told(CallerIdRested)) == 1


async def test_a_campaign_that_does_not_dial_has_no_pool_looked_at() -> None:
    async with call_centre(QUICK, fates=fate) as centre:
        await open_pool(centre, GOOD, BAD)
        await centre.until(lambda: bool(centre.engine.report().caller_ids))
        await centre.change(Desired.STOPPED)
        await anyio.sleep(120)
        assert centre.engine.report().caller_ids == ()
