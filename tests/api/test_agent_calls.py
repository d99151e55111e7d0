"""Calls that agents ask for, over the API: whom they mean, and what is refused before the engine is asked."""

from typing import Any

import httpx
import pytest

from dialler.api.desk import Desk
from dialler.clock import FixedClock
from dialler.stores.memory import MemoryStore
from tests.support.desks import NOW, FakeEngine, client_of

AGENT = "PJSIP/7001"


@pytest.fixture
async def client(store: MemoryStore, floor: list[int]) -> httpx.AsyncClient:
    return client_of(Desk(store=store, clock=FixedClock(NOW), engine=FakeEngine(store)))


async def dial(client: httpx.AsyncClient, **body: Any) -> httpx.Response:
    return await client.post("/agents/dial", json={"agent": AGENT, **body})


async def test_a_lead_is_called_for_an_agent(client: httpx.AsyncClient) -> None:
    answer = await dial(client, lead_id=2)
    assert answer.status_code == 201
    session = answer.json()
    assert (session["lead_id"], session["for_agent"], session["dial_mode"]) == (2, AGENT, "manual")


async def test_a_number_is_the_lead_of_the_campaign_that_has_it(client: httpx.AsyncClient) -> None:
    for said in ({"number": "+12125550102"}, {"number": "212 555 0102", "region": "us"}):
        assert (await dial(client, campaign="spring", **said)).json()["lead_id"] == 2
    other = {"numbers": ["+12125550102"], "campaign": "spring", "list": "west"}
    twin = (await client.post("/leads", json=other)).json()["lead_id"]
    named = await dial(client, campaign="spring", number="+12125550102", list="west")
    assert named.json()["lead_id"] == twin
    assert (await dial(client, campaign="spring", number="+12125550102")).json()["lead_id"] == 2


async def test_a_number_that_is_no_lead_becomes_one_and_its_list_is_off(client: httpx.AsyncClient) -> None:
    session = (await dial(client, campaign="spring", number="+13105550177", name="Ann")).json()
    lead = (await client.get(f"/leads/{session['lead_id']}")).json()
    assert (lead["list"], lead["name"], lead["numbers"][0]["number"]) == ("manual", "Ann", "+13105550177")
    assert (await client.get("/campaigns/spring/lists/manual")).json()["to_dial"] is False
    again = (await dial(client, campaign="spring", number="+13105550178")).json()
    assert again["list"] == "manual"
    there = (await dial(client, campaign="spring", number="+13105550179", list="west")).json()
    assert there["list"] == "west"


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({}, 422, "expected lead_id, or campaign and number"),
        ({"lead_id": 2, "number": "+12125550102"}, 422, "give lead_id alone, or campaign and number"),
        ({"number": "+12125550102"}, 422, "expected lead_id, or campaign and number"),
        ({"lead_id": 99}, 404, "there is no lead 99"),
        ({"campaign": "autumn", "number": "+12125550102"}, 404, "there is no campaign 'autumn'; there is spring"),
        ({"campaign": "spring", "number": "555"}, 422, "number = '555': expected E.164"),
        ({"campaign": "spring", "number": "+1555"}, 422, "number = '+1555'"),
        ({"campaign": "spring", "number": "+13105550177", "list": "north"}, 404, "has no list 'north'"),
    ],
)
async def test_what_can_not_be_called_is_said_and_nothing_is_kept(
    client: httpx.AsyncClient, body: dict[str, Any], status: int, said: str
) -> None:
    before = (await client.get("/leads", params={"campaign": "spring"})).json()
    answer = await dial(client, **body)
    assert (answer.status_code, said in answer.json()["error"]) == (status, True), answer.text
    assert (await client.get("/leads", params={"campaign": "spring"})).json() == before
    assert (await client.get("/campaigns/spring/lists/manual")).status_code == 404


async def test_without_a_daemon_nobody_is_called(store: MemoryStore, floor: list[int]) -> None:
    async with client_of(Desk(store=store, clock=FixedClock(NOW))) as client:
        answer = await dial(client, lead_id=2)
        assert (answer.status_code, answer.json()["kind"]) == (409, "conflict")
        assert "no engine runs" in answer.json()["error"]


async def test_an_offer_is_shown_accepted_and_skipped(client: httpx.AsyncClient) -> None:
    offer = (await client.get("/agents/offer", params={"agent": AGENT})).json()
    assert (offer["lead_id"], offer["name"], offer["details"]) == (1, "Ann", {"clinic": "north"})
    assert offer["until"] and isinstance(offer["last_sessions"], list)
    assert (await client.post("/agents/accept", json={"agent": AGENT})).json()["dial_mode"] == "preview"
    skipped = await client.post("/agents/skip", json={"agent": AGENT, "reason": "called yesterday"})
    assert skipped.status_code == 200
    assert (await client.post("/agents/skip", json={"agent": AGENT})).status_code == 422
    answer = await client.get("/agents/offer", params={"agent": "PJSIP/9"})
    assert (answer.status_code, answer.json()["error"]) == (404, "agent PJSIP/9 has no offer")
