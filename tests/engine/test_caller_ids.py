"""Caller ids of pools through the whole engine: what calls show, what waits for one, and what nobody may break."""

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import anyio
import pytest

from dialler.domain.caller_id import CallerId, PoolSettings, WhenNone
from dialler.domain.lead import LeadState, PhoneNumber, WindowKey
from dialler.domain.verdict import dialable
from dialler.engine.caller_ids import CallerIdBooks, book_of
from dialler.engine.facts import facts_of
from dialler.events import LeadsRested, SessionOpened
from dialler.ports import Records, SessionFilter
from dialler.stores.leads import LeadRecords
from telephony.port import Trunk
from tests.support.call_centre import AGENTLESS, QUICK, START, TRUNK, CallCentre, call_centre, people

POOLED = replace(AGENTLESS, caller_id_pool="us", timezone="America/Chicago")
NEW_YORK = WindowKey(("America/New_York",), country="US", region="NY")


def numbers(n: int, begins: str = "+1312555", **fields: object) -> list[CallerId]:
    return [CallerId(number=f"{begins}{at:04}", **fields) for at in range(n)]


async def fill(centre: CallCentre, caller_ids: Sequence[CallerId], **settings: object) -> None:
    def work(records: Records) -> None:
        pool = records.add_caller_id_pool("us", PoolSettings(**settings), START)
        records.add_caller_ids(pool.pool_id, caller_ids)

    await centre.records(work)


async def change_numbers(centre: CallCentre, *caller_ids: CallerId) -> None:
    def work(records: Records) -> None:
        records.set_caller_ids(records.caller_id_pool("us").pool_id, caller_ids)

    await centre.records(work)
    await centre.engine.follow()


def limits(centre: CallCentre) -> str:
    (report,) = centre.engine.report().campaigns
    return "; ".join(report.limits)


async def test_calls_show_the_pools_numbers_in_turn_and_the_session_says_why() -> None:
    async with call_centre() as centre:
        await fill(centre, [*numbers(3, areas=("+1312",)), *numbers(2, "+1415555", areas=("+1415",))])
        await centre.campaign(settings=replace(POOLED, caller_ids=("+18005550100",)), lists={"list": (100, 31)})
        await centre.start()
        await centre.until(lambda: len(centre.told(SessionOpened)) == 31)
        await centre.drained()
        sessions = await centre.assert_accounted()
        assert sorted(Counter(each.caller_id for each in sessions).items()) == [
            ("+13125550000", 11),
            ("+13125550001", 10),
            ("+13125550002", 10),
        ]
        assert {o.caller_id for _, o in centre.telephony.originated.values()} == {each.caller_id for each in sessions}
        (gate,) = [each for each in sessions[0].pick["gates"] if each["name"] == "caller_id"]
        assert gate["value"] == "+13125550000, local to +1312, in its turn of 3 free"
        assert gate["passed"] is True


async def test_over_a_cap_nobody_is_called_until_the_pools_next_day_and_the_campaign_says_so() -> None:
    async with call_centre() as centre:
        await fill(centre, numbers(2), calls_per_day_max=4, timezone="America/Chicago")
        await centre.campaign(settings=POOLED)
        await centre.start()
        await centre.until(lambda: len(centre.told(SessionOpened)) == 8)
        await anyio.sleep(600)
        assert "of pool us's 2 for such a call none is free: 2 capped; the next at 2026-06-03T05:00:00+00:00" in limits(
            centre
        )
        # Restarts change nothing.
        await centre.kill()
        await centre.start()
        await anyio.sleep(600)
        assert len(centre.told(SessionOpened)) == 8
        writes = centre.store.writes
        await centre.at(START + timedelta(hours=13, minutes=50))
        assert centre.store.writes - writes < 60, "it asks again and again"
        await centre.at(START + timedelta(hours=14, minutes=30))
        sessions = await centre.sessions()
        assert len(sessions) == 16
        assert sessions[8].created_at == START.replace(day=3, hour=5)
        assert max(Counter((each.caller_id, each.caller_id_day) for each in sessions).values()) == 4


async def test_a_number_that_rests_holds_up_calls_for_just_so_long() -> None:
    async with call_centre() as centre:
        await fill(centre, numbers(2), rest_s=40)
        await centre.campaign(settings=POOLED, lists={"list": (100, 12)})
        await centre.start()
        await centre.until(lambda: len(centre.told(SessionOpened)) == 12)
        await centre.drained()
        sessions = await centre.assert_accounted()
        begun = [(each.created_at - START).total_seconds() for each in sessions]
        assert begun == pytest.approx([40 * (at // 2) for at in range(12)], abs=1.5)
        for number in ("+13125550000", "+13125550001"):
            own = [each.created_at for each in sessions if each.caller_id == number]
            assert all(after - before >= timedelta(seconds=40) for before, after in itertools.pairwise(own))


async def test_leads_whose_area_is_used_up_are_put_aside_and_others_go_ahead() -> None:
    async with call_centre() as centre:
        # Chicago has two calls a day; New York has enough.
        await fill(
            centre,
            [*numbers(1, areas=("US-IL",), calls_per_day_max=2), *numbers(1, "+1212555", areas=("US-NY",))],
            timezone="America/Chicago",
        )
        await centre.campaign(settings=POOLED, lists={"list": (100, 60)})
        await centre.add("list", people(20, first=90_000, key=NEW_YORK))
        await centre.start()
        await centre.until(lambda: len(centre.told(SessionOpened)) == 22)
        await anyio.sleep(900)
        sessions = await centre.sessions()
        assert Counter(each.caller_id for each in sessions)["+13125550000"] == 2
        assert {each.lead_id for each in sessions if each.caller_id == "+12125550000"} == set(range(61, 81))
        held = [each for each in await centre.records(_all_leads) if each.attempts == 0]
        assert len(held) == 58
        assert {(each.state, each.due_at) for each in held} == {(LeadState.RESTING, START.replace(day=3, hour=5))}


async def test_a_long_list_of_an_area_that_is_used_up_is_put_aside_in_steps_and_those_behind_it_are_called() -> None:
    async with call_centre() as centre:
        await fill(
            centre,
            [*numbers(1, areas=("+1312",), calls_per_day_max=2), *numbers(1, "+1212555", areas=("+1212",))],
            timezone="America/Chicago",
        )
        await centre.campaign(settings=POOLED, lists={"list": (100, 12_000)})
        # In the same bucket, and behind them.
        far = [replace(each, numbers=(PhoneNumber(f"+1212{at:07}"),)) for at, each in enumerate(people(20))]
        ids = await centre.add("list", far)
        await centre.start()
        read, leads_with = [], LeadRecords.leads_with
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                LeadRecords,
                "leads_with",
                lambda self, lead_ids, **how: read.append(len(lead_ids)) or leads_with(self, lead_ids, **how),
            )
            await centre.until(lambda: len(centre.told(SessionOpened)) == 22, within=timedelta(minutes=2))
            assert sum(read) < 1_200, "a lead of the area costs as much as one that is called"
            read.clear()
            await centre.at(START + timedelta(hours=12))
            assert sum(read) < 100, "they are looked at again"
        sessions = await centre.sessions()
        assert {each.lead_id for each in sessions if each.caller_id == "+12125550000"} == set(ids)
        told = centre.told(LeadsRested)
        assert 11_000 < sum(each.leads for each in told) < 12_000
        assert {each.until for each in told} == {START.replace(day=3, hour=5)}
        assert "for such a call none is free: 1 capped" in told[0].reason
        assert await centre.records(lambda records: records.check()) == []
        # The next day's two calls are placed, and no more.
        await centre.at(START + timedelta(hours=15))
        assert Counter(each.caller_id for each in await centre.sessions())["+13125550000"] == 4


def _all_leads(records: Records) -> Sequence:
    return [records.lead(at) for at in range(1, 81)]


async def test_where_the_pool_says_any_leads_of_other_areas_get_its_numbers_but_never_over_a_cap() -> None:
    async with call_centre() as centre:
        far = numbers(2, "+1212555", areas=("+1212",), calls_per_day_max=10)
        await fill(centre, far, when_none=WhenNone.ANY)
        await centre.campaign(settings=POOLED)
        await centre.start()
        await anyio.sleep(1800)
        assert Counter(each.caller_id for each in await centre.sessions()) == {each.number: 10 for each in far}


async def test_an_edit_of_the_pool_is_followed_at_once() -> None:
    async with call_centre() as centre:
        first, second = numbers(2)
        await fill(centre, [replace(first, off_reason="spam"), replace(second, off_reason="spam")])
        await centre.campaign(settings=POOLED)
        await centre.start()
        await anyio.sleep(300)
        assert "none is free: 2 off" in limits(centre)
        assert not await centre.sessions()
        await change_numbers(centre, second)
        await centre.until(lambda: len(centre.told(SessionOpened)) >= 5, within=timedelta(seconds=30))
        await change_numbers(centre, replace(second, off_reason="spam again"))
        so_far = len(await centre.sessions())
        await anyio.sleep(300)
        sessions = await centre.sessions()
        assert len(sessions) == so_far
        assert {each.caller_id for each in sessions} == {second.number}


async def test_a_number_is_shown_on_its_trunks_only_and_a_trunk_without_one_does_not_hold_up_the_other() -> None:
    a, b = TRUNK, Trunk(name="b", server="pbx", calls_per_second=5.0, channels=10)
    async with call_centre(replace(QUICK, trunks=(a, b))) as centre:
        own = [replace(each, trunks=("b",)) for each in numbers(2)]
        await fill(centre, own)
        await centre.campaign(settings=POOLED, lists={"list": (100, 40)})
        await centre.start()
        await centre.until(lambda: len(centre.told(SessionOpened)) == 40)
        assert {each.trunk for each in await centre.sessions()} == {"b"}
        assert "caller ids on trunk a: pool us has no number for such a call on trunk a" in limits(centre)


async def test_a_pool_that_is_gone_is_no_reason_to_call_without_a_caller_id() -> None:
    async with call_centre() as centre:
        await centre.campaign(settings=replace(POOLED, caller_ids=("+18005550100",)))
        await centre.start()
        await anyio.sleep(600)
        assert not await centre.sessions()
        assert "pool us has no number" in limits(centre)


async def test_a_transaction_that_was_undone_uses_no_number() -> None:
    async with call_centre() as centre:
        await fill(centre, numbers(1), calls_per_day_max=5)
        await centre.campaign(settings=POOLED)
        centre.store.failing = "disk full"
        await centre.start()
        await anyio.sleep(20)
        centre.store.failing = None
        await centre.until(lambda: len(centre.told(SessionOpened)) == 5)
        await anyio.sleep(300)
        assert len(await centre.sessions()) == 5


async def test_an_engine_reads_a_pool_anew_only_where_somebody_else_has_used_or_changed_it() -> None:
    async with call_centre() as centre:
        await fill(centre, numbers(3))
        mine, other = CallerIdBooks(), CallerIdBooks()

        def use(books: CallerIdBooks, records: Records) -> tuple[int, str]:
            book = books.open(records, "us")
            number = book.choose("+13125559999", "", "a", START).number
            book.use(number, START)
            books.write(records, book, [number])
            return id(book), number

        first, a = await centre.records(lambda records: use(mine, records))
        again, b = await centre.records(lambda records: use(mine, records))
        assert first == again
        _, c = await centre.records(lambda records: use(other, records))
        anew, d = await centre.records(lambda records: use(mine, records))
        assert anew != first
        assert [a, b, c, d] == ["+13125550000", "+13125550001", "+13125550002", "+13125550000"]


async def test_explaining_a_lead_says_which_caller_id_it_would_get_and_changes_nothing() -> None:
    async with call_centre() as centre:
        await fill(centre, numbers(2), rest_s=60)
        await centre.campaign(settings=POOLED, lists={"list": (100, 3)})

        def explain(records: Records) -> tuple[bool, str | None, str]:
            lead = records.lead(3)
            verdict = dialable(lead, facts_of(records, lead), centre.clock.now())
            return verdict.dialable, verdict.caller_id, verdict.gates[-1].value

        expected = (True, "+13125550000", "+13125550000, local to no area, in its turn of 2 free")
        assert [await centre.records(explain) for _ in range(2)] == [expected] * 2
        await centre.start()
        await centre.until(lambda: len(centre.told(SessionOpened)) == 2)
        is_dialable, number, why = await centre.records(explain)
        assert (is_dialable, number) == (False, None)
        assert why == "of pool us's 2 for such a call none is free: 2 resting"


async def test_two_campaigns_of_one_pool_never_break_its_caps_together() -> None:
    async with call_centre() as centre:
        await fill(centre, numbers(3), calls_per_day_max=7)
        await centre.campaign("spring", POOLED)
        await centre.campaign("autumn", POOLED)
        await centre.start()
        await anyio.sleep(1800)
        sessions = await centre.records(lambda records: records.sessions(SessionFilter(), limit=1000))
        assert Counter(each.caller_id for each in sessions) == {each.number: 7 for each in numbers(3)}
        assert len({each.campaign for each in sessions}) == 2
        uses = await centre.records(lambda records: book_of(records, "us").uses)
        assert {use.on_day for use in uses.values()} == {7}
