"""A running engine and leads that people change meanwhile: over the API, on virtual time."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from dialler.api.desk import Desk, desk_of, who_of
from dialler.api.routes import make_api
from dialler.domain.calling_hours import parse_hours
from dialler.domain.campaign import Desired
from dialler.domain.lead import CompletedReason, LeadState, PhoneNumber
from dialler.events import SessionOpened
from dialler.ports import LeadFilter
from telephony.simulated import Fate
from tests.support.call_centre import AGENTLESS, CallCentre, call_centre, people

ONE_AT_A_TIME = replace(AGENTLESS, pacing_settings={"channels_max": 1.0})


@asynccontextmanager
async def busy_centre() -> AsyncIterator[CallCentre]:
    """A centre where every number is busy."""
    async with call_centre(fates=lambda number: Fate.BUSY) as centre:
        yield centre


def api_of(centre: CallCentre) -> httpx.AsyncClient:
    """The API as the daemon of that centre serves it, but with nothing in threads: a virtual loop has none."""
    desk = Desk(store=centre.store, clock=centre.clock, engine=centre.engine)
    app = make_api(desk)

    async def ours() -> Desk:
        return desk

    async def somebody() -> str:
        return "ann"

    app.dependency_overrides |= {desk_of: ours, who_of: somebody}
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://dialler")


async def waiting(centre: CallCentre) -> list[int]:
    """The leads that are ready, in their order: the hopper has them."""
    return [lead.lead_id for lead in await centre.records(lambda r: r.leads(LeadFilter(state=LeadState.READY)))]


async def test_an_edited_number_is_the_one_that_is_dialled_though_the_lead_was_in_stock() -> None:
    async with busy_centre() as centre:
        await centre.campaign(settings=ONE_AT_A_TIME, lists={"list": (100, 20)})
        await centre.start()
        await centre.until(lambda: len(centre.telephony.originated) >= 3)
        last = (await waiting(centre))[-1]
        old = (await centre.records(lambda records: records.lead(last))).numbers[0].number
        assert last in centre.engine.floor.campaigns[1].hopper.ahead(1, 100), "it is in stock"
        async with api_of(centre) as api:
            answer = await api.patch(f"/leads/{last}", json={"numbers": ["+13125550199"]})
        assert answer.status_code == 200, answer.text
        await centre.until(lambda: last in [each.lead_id for each in centre.told(SessionOpened)])
        dialled = [origination.number for _, origination in centre.telephony.originated.values()]
        assert old not in dialled
        await centre.until(lambda: "+13125550199" in [o.number for _, o in centre.telephony.originated.values()])


async def test_an_edited_zone_shuts_its_window_at_once_and_another_opens_it() -> None:
    async with busy_centre() as centre:
        hours = parse_hours("mon-sun 09:00-20:00")  # 10:00 in Chicago, 5:00 in Honolulu
        await centre.campaign(settings=replace(ONE_AT_A_TIME, hours=hours), lists={"list": (100, 20)})
        await centre.start()
        await centre.until(lambda: len(centre.telephony.originated) >= 3)
        last = (await waiting(centre))[-1]
        async with api_of(centre) as api:
            assert (await api.patch(f"/leads/{last}", json={"timezone": "Pacific/Honolulu"})).status_code == 200
            await centre.until(lambda: len({each.lead_id for each in centre.told(SessionOpened)}) >= 19)
            await centre.at(centre.clock.now() + timedelta(minutes=5))
            assert last not in [each.lead_id for each in centre.told(SessionOpened)]
            verdict = (await api.get(f"/leads/{last}/explain")).json()
            assert "window" in [gate["name"] for gate in verdict["gates"] if not gate["passed"]]
            await api.patch(f"/leads/{last}", json={"timezone": "America/New_York"})
        await centre.until(lambda: last in [each.lead_id for each in centre.told(SessionOpened)])


async def test_an_urgent_lead_is_its_lists_next_call_and_the_shares_stay_exact() -> None:
    async with busy_centre() as centre:
        lists = {"a": (70, 400), "b": (30, 400)}
        await centre.campaign(settings=ONE_AT_A_TIME, lists=lists)
        await centre.start()
        added: list[tuple[int, int]] = []
        async with api_of(centre) as api:
            for at in range(5):
                await centre.until(lambda at=at: len(centre.told(SessionOpened)) >= 17 * (at + 1))
                body = {"campaign": "spring", "list": "b", "numbers": [f"+1312666010{at}"], "urgent": True}
                lead = (await api.post("/leads", json=body)).json()
                assert (lead["urgent"], lead["priority"]) == (True, 0)
                added.append((lead["lead_id"], len(centre.told(SessionOpened))))
        await centre.until(lambda: len(centre.told(SessionOpened)) >= 120)
        opened = centre.told(SessionOpened)
        for lead_id, before in added:
            next_of_list = next(each for each in opened[before:] if each.list == "b")
            assert next_of_list.lead_id == lead_id
        for n in range(1, 121):
            calls = Counter(each.list for each in opened[:n])
            assert abs(calls["a"] / 70 - calls["b"] / 30) <= 1 / 70 + 1 / 30 + 1 / 70
        lead = await centre.records(lambda records: records.lead(added[0][0]))
        assert lead.priority == 0, "its urgency is used up by its call"


async def test_attempts_on_a_number_count_for_every_lead_that_has_it() -> None:
    async with busy_centre() as centre:
        settings = replace(ONE_AT_A_TIME, attempts_max=3, attempts_per_day_max=10)
        await centre.campaign(settings=settings, lists={"list": (100, 0)})
        number = PhoneNumber("+13125550100")
        shared = [replace(each, numbers=(number,)) for each in people(4, first=1)]
        ids = await centre.add("list", shared)
        await centre.start()
        await centre.until(lambda: len(centre.told(SessionOpened)) >= 3)
        await centre.at(centre.clock.now() + timedelta(days=3))
        assert len(centre.told(SessionOpened)) == 3, "whichever leads of the four they were for"
        leads = await centre.records(lambda records: [records.lead(lead_id) for lead_id in ids])
        assert {lead.completed_reason for lead in leads} == {CompletedReason.EXHAUSTED}
        async with api_of(centre) as api:
            verdict = (await api.get(f"/leads/{ids[3]}/explain")).json()
        [gate] = [gate for gate in verdict["gates"] if gate["name"] == "attempts"]
        assert gate["passed"] is False and "3 on its numbers" in gate["value"]


async def test_attempts_a_day_follow_the_number_too_and_the_next_day_is_told() -> None:
    async with busy_centre() as centre:
        settings = replace(ONE_AT_A_TIME, attempts_max=9, attempts_per_day_max=2)
        await centre.campaign(settings=settings, lists={"list": (100, 0)})
        number = PhoneNumber("+13125550100")
        await centre.add("list", [replace(each, numbers=(number,)) for each in people(2, first=1)])
        await centre.start()
        await centre.at(centre.clock.now() + timedelta(hours=12))  # 22:00 in Chicago
        assert len(centre.told(SessionOpened)) == 2
        await centre.at(centre.clock.now() + timedelta(hours=12))
        assert len(centre.told(SessionOpened)) == 4


async def test_a_callback_is_kept_at_its_time_before_others_and_then_is_done_or_tried_again() -> None:
    async with busy_centre() as centre:
        await centre.campaign(settings=ONE_AT_A_TIME, lists={"list": (100, 500)})
        await centre.start()
        await centre.until(lambda: len(centre.told(SessionOpened)) >= 3)
        last = (await waiting(centre))[-1]
        wanted = centre.clock.now() + timedelta(minutes=4, seconds=7)
        async with api_of(centre) as api:
            body = {
                "at": wanted.isoformat(),
                "agent": "ann",
                "expires_at": (wanted + timedelta(minutes=15)).isoformat(),
            }
            assert (await api.put(f"/leads/{last}/callback", json=body)).status_code == 200
            await centre.until(lambda: last in [each.lead_id for each in centre.told(SessionOpened)])
            [called] = [each for each in centre.told(SessionOpened) if each.lead_id == last]
            assert timedelta(0) <= called.at - wanted < timedelta(seconds=15), "it does not wait for half of the stock"
            await centre.at(centre.clock.now() + timedelta(minutes=1))
            tried = (await api.get(f"/leads/{last}")).json()
            assert (tried["last_outcome"], tried["callback_agent"]) == ("BUSY", "ann"), "the promise stands"
            await centre.at(wanted + timedelta(minutes=12))
            late = (await api.get(f"/leads/{last}")).json()
            assert late["callback_at"] is None, "the next try would be too late"


async def test_a_deleted_lead_in_stock_is_not_called() -> None:
    async with busy_centre() as centre:
        await centre.campaign(settings=ONE_AT_A_TIME, lists={"list": (100, 20)})
        await centre.start()
        await centre.until(lambda: len(centre.telephony.originated) >= 3)
        gone = (await waiting(centre))[-3:]
        async with api_of(centre) as api:
            done = (await api.post("/leads/delete", json={"lead_ids": gone})).json()
        assert done["done"] == 3
        await centre.until(lambda: len({each.lead_id for each in centre.told(SessionOpened)}) >= 17)
        await centre.at(centre.clock.now() + timedelta(minutes=5))
        assert not set(gone) & {each.lead_id for each in centre.told(SessionOpened)}


@pytest.mark.parametrize("list_to_dial", [True, False])
async def test_a_moved_lead_in_stock_is_called_by_the_rules_of_its_new_list(list_to_dial: bool) -> None:
    async with busy_centre() as centre:
        await centre.campaign(settings=ONE_AT_A_TIME, lists={"a": (100, 20), "b": (1, 0)})
        await centre.change_list_quietly("b", to_dial=list_to_dial)
        await centre.start()
        await centre.until(lambda: len(centre.telephony.originated) >= 3)
        moved = (await waiting(centre))[-1]
        body: dict[str, Any] = {"lead_ids": [moved], "to_campaign": "spring", "to_list": "b"}
        async with api_of(centre) as api:
            assert (await api.post("/leads/move", json=body)).json()["done"] == 1
        await centre.at(centre.clock.now() + timedelta(minutes=20))
        calls = [each for each in centre.told(SessionOpened) if each.lead_id == moved]
        assert bool(calls) is list_to_dial
        assert {each.list for each in calls} <= {"b"}
        await centre.change(Desired.STOPPED)
