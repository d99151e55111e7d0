"""Changing leads over the API."""

import json
from dataclasses import replace
from typing import Any

import httpx
import pytest

from dialler.domain.lead import LeadState
from dialler.domain.session import SessionStatus
from dialler.ports import Records
from dialler.stores.memory import MemoryStore
from tests.support.desks import FakeEngine

JSON = {"content-type": "application/json"}
SESSION = "01930000-0000-7000-8000-000000000001"


async def audit(store: MemoryStore, what: str) -> list[dict[str, Any]]:
    rows = await store.read(
        lambda records: records._in.rows(  # type: ignore[attr-defined]
            "SELECT at, who, details FROM audit WHERE what = ? ORDER BY audit_id", (what,)
        )
    )
    return [{"at": at, "who": who, **json.loads(details)} for at, who, details in rows]


async def call(store: MemoryStore, lead_id: int) -> None:
    """Put a lead into a call."""

    def work(records: Records) -> None:
        lead = records.lead(lead_id)
        first = records.session(SESSION)
        records.set_lead(replace(lead, state=LeadState.IN_CALL))
        records.add_session(
            replace(
                first, session_id=SESSION[:-1] + "9", lead_id=lead_id, status=SessionStatus.NEW, outcome=None, seq=0
            )
        )

    await store.write(work)


async def test_an_edit_changes_what_is_given_and_is_in_the_audit_with_before_and_after(
    engine_api: httpx.AsyncClient, store: MemoryStore, engine: FakeEngine, floor: list[int]
) -> None:
    body = {
        "name": "Mercy", "numbers": ["(415) 555-0188", "+1 212-555-0102"], "timezone": "us/pacific",
        "postcode": "94016",
        "customer_key": "k-2", "external_lead_id": "e", "priority": 7, "data": {"beds": "12"},
        "expires_at": "2026-12-24T18:00:00",
    }  # fmt: skip
    before = (await engine_api.get(f"/leads/{floor[1]}")).json()
    answer = await engine_api.patch(f"/leads/{floor[1]}", json=body, headers={"x-dialler-who": "ann"})
    assert answer.status_code == 200, answer.text
    lead = answer.json()
    assert [each["number"] for each in lead["numbers"]] == ["+14155550188", "+12125550102"]
    assert (lead["timezones"], lead["timezone_source"], lead["region"]) == (["America/Los_Angeles"], "field", "NY")
    assert (lead["name"], lead["priority"], lead["data"]) == ("Mercy", 7, {"beds": "12"})
    assert lead["expires_at"] == "2026-12-25T02:00:00+00:00", "18:00 on its own clock"
    assert lead["version"] != before["version"]
    shown = (await engine_api.get(f"/leads/{floor[1]}")).json()
    assert shown == lead
    [entry] = await audit(store, "lead.edit")
    assert entry["who"] == "socket:ann"
    assert entry["before"]["name"] == before["name"] and entry["after"]["name"] == "Mercy"
    assert "attempts" not in entry["before"]
    assert engine.followed, "a running engine follows at once"
    gone = await engine_api.patch(f"/leads/{floor[1]}", json={"data": {"beds": None}, "customer_key": None})
    assert (gone.json()["data"], gone.json()["customer_key"], gone.json()["name"]) == ({}, None, "Mercy")


async def test_a_new_region_gives_the_zones_of_its_rules(api: httpx.AsyncClient, floor: list[int]) -> None:
    lead = (await api.patch(f"/leads/{floor[1]}", json={"state": "tx"})).json()
    assert (lead["region"], lead["timezone_source"]) == ("TX", "rule")
    assert lead["timezones"] == ["America/Chicago", "America/Denver"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"numbers": ["123"]}, "'123': expected a valid number of US"),
        ({"numbers": []}, "none"),
        ({"numbers": ["0171 123"], "region": "XX"}, "region: 'XX' is no country"),
        ({"timezone": "Eastern"}, "timezone"),
        ({"timezone": ""}, "timezone"),
        ({"priority": 1_000_001}, "priority: 1000001"),
        ({"name": "x" * 201}, "201 characters"),
        ({"data": {"a": "\x00"}}, "NUL"),
        ({"colour": "red"}, "no such key"),
    ],
)
async def test_an_edit_that_can_not_be_says_why_and_changes_nothing(
    api: httpx.AsyncClient, store: MemoryStore, floor: list[int], body: dict[str, Any], said: str
) -> None:
    before = (await api.get(f"/leads/{floor[1]}")).json()
    answer = await api.patch(f"/leads/{floor[1]}", json={"postcode": "1", **body})
    assert answer.status_code == 422
    assert said in answer.json()["error"]
    assert (await api.get(f"/leads/{floor[1]}")).json() == before
    assert await audit(store, "lead.edit") == []


async def test_a_lead_in_a_call_keeps_its_number_and_zone_and_nothing_else(
    api: httpx.AsyncClient, store: MemoryStore, floor: list[int]
) -> None:
    await call(store, floor[1])
    path = f"/leads/{floor[1]}"
    for body in ({"numbers": ["+12125550199"]}, {"timezone": "America/Denver"}, {"state": "CA"}):
        answer = await api.patch(path, json=body)
        assert (answer.status_code, answer.json()["kind"]) == (409, "conflict"), body
        assert "in a call" in answer.json()["error"]
    same = {"name": "Zoe", "timezone": "America/New_York", "numbers": ["+12125550102"]}
    assert (await api.patch(path, json=same)).json()["name"] == "Zoe"
    for answer in (
        await api.post(f"{path}/reset"),
        await api.post(f"{path}/complete"),
        await api.delete(path),
        await api.post(f"{path}/erase?confirm=true"),
        await api.put(f"{path}/callback", json={"at": "2026-06-04T10:00"}),
    ):
        assert (answer.status_code, answer.json()["kind"]) == (409, "conflict")
    batch = {"campaign": "spring", "list": "east", "leads": [{"numbers": ["+12125550177"], "customer_key": "102"}]}
    [item] = (await api.post("/leads/batch", json=batch)).json()["items"]
    assert (item["result"], item["code"]) == ("rejected", "in_call")
    moved = await api.post("/leads/move", json={"lead_ids": floor[1:], "to_campaign": "spring", "to_list": "east"})
    assert (moved.json()["done"], moved.json()["in_call_ids"]) == (1, [floor[1]])
    gone = await api.post("/leads/delete", json={"campaign": "spring", "list": "east"})
    assert (gone.json()["done"], gone.json()["in_call_ids"]) == (2, [floor[1]])


async def test_an_edit_of_what_was_changed_meanwhile_is_refused(api: httpx.AsyncClient, floor: list[int]) -> None:
    version = (await api.get(f"/leads/{floor[1]}")).json()["version"]
    first = await api.patch(f"/leads/{floor[1]}", json={"name": "A", "expected": version})
    assert first.status_code == 200
    second = await api.patch(f"/leads/{floor[1]}", json={"name": "B", "expected": version})
    assert second.status_code == 409
    assert (await api.get(f"/leads/{floor[1]}")).json()["name"] == "A"


async def test_a_completed_lead_is_ready_again_and_completed_by_hand(
    api: httpx.AsyncClient, store: MemoryStore, floor: list[int]
) -> None:
    again = (await api.post(f"/leads/{floor[0]}/reset")).json()
    assert (again["state"], again["completed_reason"], again["attempts"]) == ("ready", None, 1)
    done = (await api.post(f"/leads/{floor[0]}/complete")).json()
    assert (done["state"], done["completed_reason"]) == ("completed", "manual")
    [entry] = await audit(store, "lead.reset")
    assert (entry["before"]["state"], entry["after"]["state"]) == ("completed", "ready")
    assert (await store.read(lambda records: records.check())) == []


async def test_a_batch_is_idempotent_and_answers_for_each_lead(
    engine_api: httpx.AsyncClient, store: MemoryStore, floor: list[int]
) -> None:
    leads = [
        {"numbers": ["(415) 555-0188"], "customer_key": "k1", "state": "CA", "name": "Zoë"},
        {"numbers": ["123"], "customer_key": "k2"},
        {"numbers": ["+13105550103"], "customer_key": "103", "data": {"beds": "1"}},
        {"numbers": ["+13105550103"], "customer_key": "k1"},
        {"numbers": ["+13105550104"], "timezone": "Mars"},
    ]
    body = {"campaign": "spring", "list": "west", "region": "us", "leads": leads}
    content = json.dumps(body)
    first = (await engine_api.post("/leads/batch", content=content, headers=JSON)).json()
    assert (first["added"], first["updated"], first["rejected"]) == (1, 1, 3)
    assert [item["result"] for item in first["items"]] == ["added", "rejected", "updated", *["rejected"] * 2]
    codes = [item.get("code") for item in first["items"]]
    assert codes == [None, "number_invalid", None, "key_repeated", "timezone_invalid"]
    assert first["items"][2]["lead_id"] == floor[2]
    again = (await engine_api.post("/leads/batch", content=content, headers=JSON)).json()
    assert (again["added"], again["updated"], again["rejected"]) == (0, 2, 3)
    assert [item["lead_id"] for item in again["items"]] == [item["lead_id"] for item in first["items"]]
    assert len((await engine_api.get("/leads")).json()["items"]) == 4
    too_many = {**body, "leads": [{"numbers": ["+13105550103"]}] * 1001}
    assert (await engine_api.post("/leads/batch", json=too_many)).status_code == 422


async def test_leads_of_a_batch_are_read_as_in_their_own_country(api: httpx.AsyncClient, floor: list[int]) -> None:
    leads = [
        {"numbers": ["020 7955 9999"], "country": "GB"},
        {"numbers": ["2025550123"]},
        {"numbers": ["12"], "country": "Atlantis"},
    ]
    batch = {"campaign": "spring", "list": "east", "region": "US", "leads": leads}
    results = (await api.post("/leads/batch", json=batch)).json()["items"]
    assert [each.get("code") for each in results] == [None, None, "country_invalid"]
    found = [(await api.get(f"/leads/{each['lead_id']}")).json() for each in results[:2]]
    assert [(lead["numbers"][0]["number"], lead["country"]) for lead in found] == [
        ("+442079559999", "GB"),
        ("+12025550123", "US"),
    ]


async def test_a_copy_has_no_history_and_a_taken_key_is_refused(
    api: httpx.AsyncClient, store: MemoryStore, floor: list[int]
) -> None:
    to = {"campaign": "spring", "list": "west", "customer_key": "new"}
    copy = (await api.post(f"/leads/{floor[0]}/duplicate", json=to)).json()
    assert (copy["list"], copy["state"], copy["attempts"], copy["customer_key"]) == ("west", "ready", 0, "new")
    assert copy["numbers"][0]["number"] == "+12125550101"
    assert (await api.post(f"/leads/{floor[0]}/duplicate", json=to)).status_code == 409
    assert (await api.get(f"/leads/{floor[0]}")).json()["attempts"] == 1
    [entry] = await audit(store, "lead.duplicate")
    assert entry["after"]["copy"] == copy["lead_id"]
    [entry] = await audit(store, "lead.add")
    assert (entry["copy_of"], entry["after"]["numbers"]) == (floor[0], ["+12125550101"])


async def test_leads_are_counted_before_they_are_deleted_and_their_sessions_stay(
    api: httpx.AsyncClient, store: MemoryStore, floor: list[int]
) -> None:
    body = {"campaign": "spring", "list": "east", "dry_run": True}
    counted = (await api.post("/leads/delete", json=body)).json()
    assert (counted["done"], counted["dry_run"]) == (2, True)
    assert len((await api.get("/leads")).json()["items"]) == 3
    gone = (await api.post("/leads/delete", json={**body, "dry_run": False})).json()
    assert gone["done"] == 2
    assert [lead["lead_id"] for lead in (await api.get("/leads")).json()["items"]] == [floor[2]]
    assert (await api.get(f"/sessions/{SESSION}")).status_code == 200
    assert (await api.delete(f"/leads/{floor[2]}")).json()["deleted"]["lead_id"] == floor[2]
    assert (await api.delete(f"/leads/{floor[2]}")).status_code == 404
    for wrong in ({}, {"lead_ids": [1], "campaign": "spring"}, {"list": "east"}):
        assert (await api.post("/leads/delete", json=wrong)).status_code == 422
    gone_with = [entry["before"]["numbers"] for entry in await audit(store, "lead.delete")]
    assert gone_with == [["+12125550101"], ["+12125550102"], ["+13105550103"]]
    assert await store.read(lambda records: records.check()) == []


async def test_moving_to_another_campaign_or_onto_a_taken_key_is_refused(
    api: httpx.AsyncClient, floor: list[int]
) -> None:
    await api.post("/campaigns", json={"name": "autumn", "pacing": "agentless"})
    await api.post("/campaigns/autumn/lists", json={"name": "north"})
    foreign = {"lead_ids": floor, "to_campaign": "autumn", "to_list": "north"}
    assert (await api.post("/leads/move", json=foreign)).status_code == 409
    assert (await api.patch(f"/leads/{floor[0]}", json={"customer_key": "103"})).status_code == 200
    answer = await api.post("/leads/move", json={"lead_ids": floor[:2], "to_campaign": "spring", "to_list": "west"})
    assert answer.status_code == 409 and "'103'" in answer.json()["error"]
    assert (await api.get(f"/leads/{floor[1]}")).json()["list"] == "east"


async def test_erasing_asks_and_leaves_nothing_of_the_person_in_the_audit(
    api: httpx.AsyncClient, store: MemoryStore, floor: list[int]
) -> None:
    await api.patch(f"/leads/{floor[0]}", json={"name": "Ann Smith", "numbers": ["+12125550101", "+12125550155"]})
    await api.post("/dnc", json={"numbers": ["+12125550155"], "reason": "asked"})
    await api.delete("/dnc/+12125550155")
    assert (await api.post(f"/leads/{floor[0]}/erase")).status_code == 409
    erased = (await api.post(f"/leads/{floor[0]}/erase?confirm=true")).json()
    assert erased == {"erased": floor[0], "sessions": 1}
    everything = json.dumps([(await api.get(path)).json() for path in ("/leads", "/sessions")]) + json.dumps(
        (await api.get("/audit?size=100")).json()
    )
    for secret in ("Ann Smith", "2125550101", "2125550155", "Lead 101"):
        assert secret not in everything, secret
    session = (await api.get(f"/sessions/{SESSION}")).json()
    assert (session["outcome"], session["status"]) == ("BUSY", "expired")
    assert (await api.post(f"/leads/{floor[0]}/reset")).status_code == 409, "it has no number any more"
