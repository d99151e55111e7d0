"""Change-sets: shown first, all or nothing, and one step back."""

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from dialler.stores.memory import MemoryStore
from tests.support.desks import NOW, FakeEngine

APPLY = "/campaigns/spring/lists/apply"
UNDO = "/campaigns/spring/lists/undo"
CHANGES = {
    "lists": {
        "east": {"weight": 25, "name": "far east", "end": "2026-07-01"},
        "west": {"to_dial": False},
    },
}


async def lists(api: httpx.AsyncClient) -> list[Any]:
    items: list[Any] = (await api.get("/lists")).json()["items"]
    return items


def audits(records: Any) -> list[Any]:
    rows = records._in.rows("SELECT who, what, details FROM audit ORDER BY audit_id")
    return [(who, what, json.loads(details)) for who, what, details in rows]


async def test_a_preview_tells_what_it_would_do_and_does_nothing(
    api: httpx.AsyncClient, store: MemoryStore, floor: list[int]
) -> None:
    # Of east a lead is ready and its window open, west's is shut; east was called once.
    before = await lists(api)
    plan = (await api.post(APPLY, params={"preview": "true"}, json={"lists": {"east": {"to_dial": False}}})).json()
    assert await lists(api) == before
    assert (plan["applied"], plan["become_dialable"], plan["blocked"], plan["dialable"]) == (False, 0, 1, [1, 0])
    assert plan["runway_h"] == [None, None], "nobody is called, so no end can be told"
    east, west = plan["lists"]
    assert east["changes"] == {"to_dial": [True, False]}
    assert (east["percentage"], west["percentage"], west["changes"]) == ([70.0, None], [30.0, 100.0], {})
    assert await store.read(audits) == []


async def test_the_runway_is_what_is_dialable_by_the_pace_of_the_last_hour(
    api: httpx.AsyncClient, store: MemoryStore, floor: list[int]
) -> None:
    from tests.contracts.store.test_change_sets import add_attempts  # the same attempts as there

    await store.write(lambda records: add_attempts(records, records.lead(floor[1]), NOW - timedelta(minutes=30), 4))
    plan = (await api.post(APPLY, params={"preview": "true"}, json={"lists": {"west": {"to_dial": False}}})).json()
    assert plan["attempts_last_hour"] == 4
    assert plan["runway_h"] == [0.25, 0.25]
    east, west = plan["lists"]
    assert east["runway_h"] == [round(1 / (4 * 0.7), 2), 0.25]
    assert west["runway_h"] == [0.0, None]


async def test_all_of_it_is_done_noted_and_can_be_taken_back_once(
    engine_api: httpx.AsyncClient, engine: FakeEngine, store: MemoryStore, floor: list[int]
) -> None:
    before = await lists(engine_api)
    done = await engine_api.post(APPLY, json=CHANGES, headers={"x-dialler-who": "ann"})
    assert (done.status_code, done.json()["applied"], len(engine.followed)) == (200, True, 1)
    east, west = await lists(engine_api)
    assert (east["name"], east["weight"], east["ends_at"]) == ("far east", 25, "2026-07-02T00:00:00+00:00")
    assert (west["to_dial"], east["percentage"], west["percentage"]) == (False, 100.0, None)
    undone = await engine_api.post(UNDO)
    assert (undone.status_code, undone.json()["who"], len(engine.followed)) == (200, "socket:ann", 2)
    assert await lists(engine_api) == before
    again = await engine_api.post(UNDO)
    assert (again.status_code, again.json()["kind"]) == (409, "conflict")
    assert "undone already" in again.json()["error"]
    applied, undo = await store.read(audits)
    assert (applied[0], applied[1], undo[1]) == ("socket:ann", "list.apply", "list.undo")
    assert applied[2]["before"]["lists"]["1"]["weight"] == 70 == undo[2]["after"]["lists"]["1"]["weight"]
    assert applied[2]["after"]["lists"]["1"]["weight"] == 25 == undo[2]["before"]["lists"]["1"]["weight"]


@pytest.mark.parametrize(
    ("changes", "status", "said"),
    [
        ({"lists": {"east": {"weight": 5}, "west": {"weight": 0}}}, 422, "lists.west: weight"),
        ({"lists": {"east": {"weight": 5}, "north": {"weight": 1}}}, 404, "'north'"),
        ({"lists": {"east": {"name": "west"}}}, 409, "both be named 'west'"),
        ({"lists": {"east": {"weight": 5}, "1": {"weight": 6}}}, 422, "one list"),
        ({"lists": {"east": {"weight": 5}, "west": {"strategy": None}}}, 422, "lists.west: to_dial"),
        ({"lists": {"east": {"colour": 1}}}, 422, "colour"),
        ({"lists": {}}, 422, "nothing to change"),
    ],
)
async def test_one_mistake_and_nothing_is_done(
    api: httpx.AsyncClient, store: MemoryStore, floor: list[int], changes: Any, status: int, said: str
) -> None:
    before = await lists(api)
    answer = await api.post(APPLY, json=changes)
    assert answer.status_code == status
    assert said in answer.json()["error"]
    assert await lists(api) == before
    assert await store.read(audits) == []
    assert (await api.post(UNDO)).status_code == 409


async def test_lists_can_swap_their_names(api: httpx.AsyncClient, floor: list[int]) -> None:
    swap = {"lists": {"east": {"name": "west"}, "west": {"name": "east"}}}
    assert (await api.post(APPLY, json=swap)).status_code == 200
    assert [each["name"] for each in await lists(api)] == ["west", "east"]
    assert (await api.post(UNDO)).status_code == 200
    assert [each["name"] for each in await lists(api)] == ["east", "west"]


async def test_what_has_changed_since_the_preview_is_told_and_nothing_is_done(
    api: httpx.AsyncClient, floor: list[int]
) -> None:
    seen = (await api.post(APPLY, params={"preview": "true"}, json=CHANGES)).json()["fingerprint"]
    await api.patch("/campaigns/spring/lists/west", json={"weight": 31})
    await api.post("/campaigns/spring/lists", json={"name": "north"})
    await api.patch("/campaigns/spring", json={"weighting": False})
    refused = await api.post(APPLY, json={**CHANGES, "fingerprint": seen})
    assert (refused.status_code, refused.json()["kind"]) == (409, "conflict")
    for said in ("weighting is off now", "'west' is now", "weight 31", "'north' is new"):
        assert said in refused.json()["error"]
    assert "'east'" not in refused.json()["error"]
    assert (await lists(api))[0]["name"] == "east"
    seen = (await api.post(APPLY, params={"preview": "true"}, json=CHANGES)).json()["fingerprint"]
    await api.patch("/strategies/standard", json={"attempts_max": 3})
    assert "version 2" in (await api.post(APPLY, json={**CHANGES, "fingerprint": seen})).json()["error"]
    seen = (await api.post(APPLY, params={"preview": "true"}, json=CHANGES)).json()["fingerprint"]
    assert (await api.post(APPLY, json={**CHANGES, "fingerprint": seen})).status_code == 200


async def test_what_was_changed_meanwhile_is_not_undone(api: httpx.AsyncClient, floor: list[int]) -> None:
    await api.post(APPLY, json=CHANGES)
    await api.patch("/campaigns/spring/lists/west", json={"weight": 77})
    refused = await api.post(UNDO)
    assert (refused.status_code, refused.json()["kind"]) == (409, "conflict")
    assert "list 'west': weight is 77" in refused.json()["error"]
    await api.patch("/campaigns/spring/lists/west", json={"weight": 30})
    assert (await api.post(UNDO)).status_code == 200


async def test_weighting_goes_on_and_off_and_lists_begin_at_a_hundred(api: httpx.AsyncClient, floor: list[int]) -> None:
    await api.patch("/campaigns/spring", json={"weighting": False})
    assert [(each["weight"], each["percentage"]) for each in await lists(api)] == [(70, 50.0), (30, 50.0)]
    await api.post(APPLY, json={"weighting": True, "lists": {"west": {"weight": 300}}})
    assert [(each["weight"], each["percentage"]) for each in await lists(api)] == [(100, 25.0), (300, 75.0)]
    await api.post(UNDO)
    assert (await api.get("/campaigns/spring")).json()["weighting"] is False
    assert [(each["weight"], each["percentage"]) for each in await lists(api)] == [(70, 50.0), (30, 50.0)]
    await api.patch("/campaigns/spring", json={"weighting": True})
    assert [(each["weight"], each["percentage"]) for each in await lists(api)] == [(100, 50.0), (100, 50.0)]


async def test_columns_of_a_list_are_sums_and_names_are_searched_by_a_part(
    api: httpx.AsyncClient, floor: list[int]
) -> None:
    east, west = await lists(api)
    assert (east["leads"], east["dialable_now"], east["percentage"], east["strategy"]) == (2, 1, 70.0, "standard")
    assert (west["leads"], west["dialable_now"], west["percentage"]) == (1, 0, 30.0)
    found = (await api.get("/lists", params={"name": "AS"})).json()["items"]
    assert [each["name"] for each in found] == ["east"]
    await api.patch("/campaigns/spring/lists/east", json={"start": "2026-06-04"})
    assert (await lists(api))[0]["dialable_now"] == 0
