"""Dialler strategies over the API, and lists that refer to them."""

import json

import httpx

from dialler.stores.memory import MemoryStore
from tests.support.desks import FakeEngine

GENTLE = {
    "name": "gentle",
    "order": "field",
    "field": "worth",
    "descending": True,
    "numbers": "rotate",
    "redial": {"BUSY": {"rests": ["5m", "1h"], "in_a_row_max": 2}},
    "redial_by_wrap": {"silent": {"rests": ["1d"]}},
    "attempts_per_day_max": 1,
    "rest_min_s": 600,
}


async def test_a_strategy_is_created_changed_and_deleted_and_its_versions_stay(
    engine_api: httpx.AsyncClient, engine: FakeEngine
) -> None:
    made = await engine_api.post("/strategies", json=GENTLE)
    assert made.status_code == 201
    said = made.json()
    assert {key: said[key] for key in GENTLE} == GENTLE | {"redial_by_wrap": {"SILENT": {"rests": ["1d"]}}}
    assert (said["version"], said["attempts_max"], said["lists"]) == (1, None, 0)
    assert (await engine_api.get("/strategies/gentle")).json() == said
    changed = (await engine_api.patch("/strategies/gentle", json={"attempts_max": 4, "rest_min_s": None})).json()
    assert changed == {**said, "version": 2, "attempts_max": 4, "rest_min_s": None}
    assert len(engine.followed) == 1
    versions = (await engine_api.get("/strategies/gentle/versions")).json()["items"]
    assert [(each["version"], each["attempts_max"], each["rest_min_s"]) for each in versions] == [
        (2, 4, None),
        (1, None, 600),
    ]
    random = (await engine_api.patch("/strategies/gentle", json={"order": "random", "seed": 3})).json()
    assert (random["order"], random["seed"], random["field"]) == ("random", 3, "")
    names = [each["name"] for each in (await engine_api.get("/strategies")).json()["items"]]
    assert names == ["standard", "gentle"]
    assert (await engine_api.delete("/strategies/gentle")).status_code == 200
    assert (await engine_api.get("/strategies/gentle")).status_code == 404


async def test_what_can_not_be_is_told_by_its_key_and_nothing_is_made(api: httpx.AsyncClient) -> None:
    for body, said in [
        ({"order": "best"}, "order"),
        ({"order": "field"}, "field"),
        ({"redial": {"BUZY": {"rests": ["5m"]}}}, "BUZY"),
        ({"redial_by_wrap": {"GONE": {"rests": ["5m"]}}}, "GONE"),
        ({"redial_by_wrap": {"SILENT": {"rests": ["soon"]}}}, "soon"),
        ({"attempts_max": 0}, "attempts_max"),
        ({"seed": -1}, "seed"),
        ({"seed": 10**30}, "seed"),
        ({"rest_min_s": 10**30}, "rest_min_s"),
        ({"redial": {"BUSY": {"rests": ["5m"], "in_a_row_max": 10**30}}}, "in_a_row_max"),
        ({"redial": {"BUSY": {"rests": ["999999999d"]}}}, "rests"),
        ({"colour": 1}, "colour"),
        ({"name": "a/b"}, "name"),
    ]:
        answer = await api.post("/strategies", json={"name": "a", **body})
        assert (answer.status_code, answer.json()["kind"]) == (422, "usage"), body
        assert said in answer.json()["error"]
    assert (await api.post("/strategies", json={"name": "standard"})).status_code == 409
    assert len((await api.get("/strategies")).json()["items"]) == 1


async def test_a_strategy_that_a_list_refers_to_is_not_deleted(api: httpx.AsyncClient, floor: list[int]) -> None:
    refused = await api.delete("/strategies/standard")
    assert (refused.status_code, refused.json()["kind"]) == (409, "conflict")
    assert "'east' of campaign 'spring'" in refused.json()["error"]


async def test_a_list_is_to_dial_only_with_a_strategy(api: httpx.AsyncClient, floor: list[int]) -> None:
    made = (await api.post("/campaigns/spring/lists", json={"name": "north", "to_dial": False})).json()
    assert made["strategy"] is None
    refused = await api.patch("/campaigns/spring/lists/north", json={"to_dial": True})
    assert (refused.status_code, refused.json()["kind"]) == (422, "usage")
    assert "'north' has no dialler strategy" in refused.json()["error"]
    on = await api.patch("/campaigns/spring/lists/north", json={"to_dial": True, "strategy": "standard"})
    assert (on.json()["to_dial"], on.json()["strategy"]) == (True, "standard")
    assert (await api.patch("/campaigns/spring/lists/north", json={"strategy": None})).status_code == 422
    assert (await api.post("/campaigns/spring/lists", json={"name": "x"})).json()["strategy"] == "standard"


async def test_a_list_shows_how_far_its_leads_have_their_new_places(
    api: httpx.AsyncClient, store: MemoryStore, floor: list[int]
) -> None:
    await api.post("/strategies", json={"name": "newest", "order": "newest"})
    changed = (await api.patch("/campaigns/spring/lists/east", json={"strategy": "newest"})).json()
    assert changed["replanning"] == {"replanned": 0, "leads": 2}
    await store.write(lambda records: records.replan(changed["list_id"], limit=1))
    shown = (await api.get("/campaigns/spring/lists/east")).json()
    assert shown["replanning"] == {"replanned": 1, "leads": 2}
    await store.write(lambda records: records.replan(changed["list_id"], limit=5))
    assert (await api.get("/campaigns/spring/lists/east")).json()["replanning"] is None


async def test_every_change_is_in_the_audit_with_before_and_after(api: httpx.AsyncClient, store: MemoryStore) -> None:
    await api.post("/strategies", json={"name": "a"})
    await api.patch("/strategies/a", json={"attempts_max": 2}, headers={"x-dialler-who": "ann"})
    await api.delete("/strategies/a")

    def audit(records: object) -> list[tuple[str, str, dict[str, object]]]:
        rows = records._in.rows("SELECT who, what, details FROM audit ORDER BY audit_id")  # type: ignore[attr-defined]
        return [(who, what, json.loads(details)) for who, what, details in rows]

    created, changed, deleted = await store.read(audit)
    assert [each[1] for each in (created, changed, deleted)] == ["strategy.create", "strategy.set", "strategy.delete"]
    assert changed[0] == "socket:ann"
    before, after = changed[2]["before"], changed[2]["after"]
    assert isinstance(before, dict) and isinstance(after, dict)
    assert (before["attempts_max"], before["version"]) == (None, 1)
    assert (after["attempts_max"], after["version"]) == (2, 2)
