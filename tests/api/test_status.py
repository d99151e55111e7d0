"""What is it doing, and why is it not doing more."""

from dataclasses import replace

import anyio
import httpx
import pytest

from dialler.api.desk import Desk
from dialler.api.routes import make_api
from dialler.clock import FixedClock
from dialler.errors import StoreError
from dialler.ports import ListShare, ShareReport
from dialler.stores.memory import MemoryStore
from tests.support.desks import NOW, FakeEngine, client_of, fill


async def test_status_works_without_an_engine_and_says_that_none_runs(api: httpx.AsyncClient, floor: list[int]) -> None:
    status = (await api.get("/status")).json()
    assert status["at"] == "2026-06-03T15:30:00+00:00"
    assert status["engine"]["running"] is False
    assert "dialler run" in status["engine"]["note"]
    assert status["agents"] == {}
    (campaign,) = status["campaigns"]
    assert (campaign["desired"], campaign["actual"]) == ("running", None)
    assert campaign["limits"] == [status["engine"]["note"]]
    east, west = campaign["lists"]
    assert (east["leads"], east["dialable_now"], east["completed"], east["sessions"]) == (2, 1, 1, 1)
    assert (west["leads"], west["dialable_now"], west["waiting_for_window"]) == (1, 0, 1)
    assert west["next_open"] == campaign["next_at"] == "2026-06-03T16:00:00+00:00"
    assert campaign["sessions"]["by_outcome"] == {"BUSY": 1}
    assert campaign["sessions"]["opened"] == 1


async def test_status_says_why_nobody_is_called(api: httpx.AsyncClient, floor: list[int]) -> None:
    await api.patch("/campaigns/spring/lists/east", json={"to_dial": False})
    (campaign,) = (await api.get("/status")).json()["campaigns"]
    assert campaign["limits"][1:] == ["nobody may be called now: 1 wait for their calling window, 0 rest"]
    await api.patch("/campaigns/spring/lists/west", json={"to_dial": False})
    await api.post("/campaigns/spring/stop")
    (campaign,) = (await api.get("/status")).json()["campaigns"]
    assert campaign["limits"][1:] == ["the campaign is stopped", "no list is to dial"]


async def test_status_tells_of_callbacks_that_are_due_and_of_the_next(
    api: httpx.AsyncClient, engine_api: httpx.AsyncClient, engine: FakeEngine, store: MemoryStore, floor: list[int]
) -> None:
    async def told(client: httpx.AsyncClient) -> object:
        return (await client.get("/status")).json()["campaigns"][0]["callbacks"]

    await engine.follow()
    assert await told(api) == {"due": 0, "waiting_for_agent": None, "next_at": None}
    now = (await api.put(f"/leads/{floor[1]}/callback", json={"at": "2026-06-03T11:30"})).json()
    assert now["callback_at"] == "2026-06-03T15:30:00+00:00"
    assert (await api.put(f"/leads/{floor[2]}/callback", json={"at": "2026-06-04T10:00"})).status_code == 200
    expected = {"due": 1, "waiting_for_agent": 1, "next_at": "2026-06-04T17:00:00+00:00"}
    assert await told(engine_api) == expected
    assert await told(api) == expected | {"waiting_for_agent": None}


async def test_status_with_an_engine_gives_its_own_report(
    engine_api: httpx.AsyncClient, engine: FakeEngine, floor: list[int]
) -> None:
    await engine.follow()
    status = (await engine_api.get("/status")).json()
    assert status["engine"] == {"running": True, "started_at": "2026-06-03T15:30:00+00:00", "note": None}
    assert status["trunks"][0]["name"] == "trunk-a"
    assert status["agents"] == {"talking": 1}
    (campaign,) = status["campaigns"]
    assert campaign["actual"] == "running"
    assert campaign["limits"] == ["no agent is ready"]
    assert campaign["calls"] == {"unanswered": 3, "waiting": 0, "talking": 2}
    assert campaign["hopper"] == {"east": 4}
    assert campaign["pacing"]["reason"] == "1 agent is ready"
    agents = (await engine_api.get("/agents")).json()
    assert [(agent["agent"], agent["state"]) for agent in agents["items"]] == [("PJSIP/7001", "ready")]


async def test_check_finds_nothing_in_records_that_keep_their_promises(
    api: httpx.AsyncClient, floor: list[int]
) -> None:
    assert (await api.get("/check")).json() == {"items": [], "next": None}


async def test_status_shows_what_is_unaccounted_and_nothing_where_that_can_not_be_had(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = FakeEngine(store)
    async with client_of(Desk(store=store, clock=FixedClock(NOW), engine=engine)) as client:
        assert (await client.get("/status")).json()["unaccounted"] == {"leads": 0, "sessions": 2}
        engine.fails = StoreError("the disk is gone")
        assert (await client.get("/status")).json()["unaccounted"] is None
        monkeypatch.setattr("dialler.api.status.UNACCOUNTED_S", 0.01)
        monkeypatch.setattr(engine, "account", anyio.sleep_forever)  # A dial loop that is stuck.
        assert (await client.get("/status")).json()["unaccounted"] is None
    async with client_of(Desk(store=store, clock=FixedClock(NOW))) as client:
        assert (await client.get("/status")).json()["unaccounted"] is None


async def test_check_names_the_promise_that_stored_data_breaks(
    api: httpx.AsyncClient, floor: list[int], store: MemoryStore
) -> None:
    await store.write(lambda records: records.set_lead(replace(records.lead(floor[0]), completed_reason=None)))
    (problem,) = (await api.get("/check")).json()["items"]
    assert "completed" in problem["promise"]
    assert f"lead {floor[0]}" in problem["what"]


async def test_the_api_describes_itself(api: httpx.AsyncClient) -> None:
    paths = (await api.get("/openapi.json")).json()["paths"]
    assert {"/status", "/campaigns/{campaign}/{command}", "/leads/import", "/sessions", "/dnc/{number}"} <= set(paths)
    assert (await api.get("/nowhere")).json()["kind"] == "not_found"


async def test_what_the_description_says_of_errors_is_what_is_answered(api: httpx.AsyncClient) -> None:
    described = (await api.get("/openapi.json")).json()
    form = described["components"]["schemas"]["ErrorDocument"]
    for path in described["paths"].values():
        for operation in path.values():
            said = operation["responses"]["default"]["content"]["application/json"]["schema"]
            assert said == {"$ref": "#/components/schemas/ErrorDocument"}
            assert "422" not in operation["responses"]
    answers = [
        await api.get("/campaigns/nowhere"),
        await api.patch("/campaigns/nowhere", json={"weight": "x"}),
        await api.post("/agents/ready", json={"agent": "SIM/1"}),
    ]
    assert [answer.status_code for answer in answers] == [404, 422, 409]
    for answer in answers:
        assert answer.json().keys() <= form["properties"].keys() and set(form["required"]) <= answer.json().keys()
        assert answer.json()["kind"] in form["properties"]["kind"]["enum"]


async def test_a_change_is_described_without_defaults_and_a_new_campaign_with_its_own(api: httpx.AsyncClient) -> None:
    described = (await api.get("/openapi.json")).json()
    schemas = described["components"]["schemas"]
    changes = [path["patch"] for path in described["paths"].values() if "patch" in path]
    assert len(changes) >= 6
    for change in changes:
        form = change["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        assert not [key for key, each in schemas[form]["properties"].items() if "default" in each], form
    new = schemas["NewCampaign"]["properties"]
    made = (await api.post("/campaigns", json={"name": "spring"})).json()
    own = {key: each["default"] for key, each in new.items() if "default" in each}
    assert {**made, **own} == made and own["ring_timeout_s"] > 0


async def test_a_fault_of_ours_is_answered_without_its_insides(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: object) -> None:
        raise ZeroDivisionError("the secret is 42")

    monkeypatch.setattr("dialler.api.status.outlook", break_down)
    app = make_api(Desk(store=store, clock=FixedClock(NOW)))
    await store.write(fill)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://dialler") as client:
        answer = await client.get("/status")
    assert (answer.status_code, answer.json()["kind"]) == (500, "failed")
    assert "42" not in answer.text


async def test_a_list_that_will_run_dry_is_told_in_the_status_and_with_its_leads(
    engine_api: httpx.AsyncClient, engine: FakeEngine, floor: list[int]
) -> None:
    await engine.follow()
    (campaign,) = (await engine_api.get("/status")).json()["campaigns"]
    assert campaign["runs_dry"] == ["east"]
    assert [each["runway_s"] for each in campaign["lists"]] == [600.0, 7200.0]
    # One lead of east may be called now, and none of west: 600 seconds at its pace.
    assert campaign["runway_s"] == 600.0
    assert (await engine_api.get(f"/leads/{floor[0]}/explain")).json()["list_runway_s"] == 600.0


async def test_without_an_engine_nobody_knows_when_a_list_runs_dry(api: httpx.AsyncClient, floor: list[int]) -> None:
    (campaign,) = (await api.get("/status")).json()["campaigns"]
    assert campaign["runs_dry"] == []
    assert campaign["runway_s"] is None
    assert [each["runway_s"] for each in campaign["lists"]] == [None, None]
    assert (await api.get(f"/leads/{floor[0]}/explain")).json()["list_runway_s"] is None


async def test_lists_tell_their_percentage_and_what_part_of_the_calls_they_had_so_far(
    engine_api: httpx.AsyncClient, engine: FakeEngine, floor: list[int]
) -> None:
    await engine.follow()

    def parts(status: httpx.Response) -> list[tuple[float | None, float | None]]:
        (campaign,) = status.json()["campaigns"]
        return [(each["percentage"], each["actual_percentage"]) for each in campaign["lists"]]

    assert parts(await engine_api.get("/status")) == [(70.0, None), (30.0, None)]
    shares = [ListShare(list="east", weight=70, calls=8), ListShare(list="west", weight=30, calls=3)]
    engine.shares = ShareReport(lists=shares, after_change=False, worst=0.5)
    assert parts(await engine_api.get("/status")) == [(70.0, 72.73), (30.0, 27.27)]
    engine.shares = ShareReport(lists=shares[:1], after_change=True, worst=0.5)
    await engine_api.patch("/campaigns/spring", json={"weighting": False})
    assert parts(await engine_api.get("/status")) == [(50.0, 100.0), (50.0, None)]
    await engine_api.patch("/campaigns/spring/lists/west", json={"to_dial": False})
    assert parts(await engine_api.get("/status")) == [(100.0, 100.0), (None, None)]
