"""The audit over the API; and that every route that changes something writes it: who, when, before and after."""

import json
import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from dialler.api.desk import Desk
from dialler.api.routes import make_api
from dialler.clock import FixedClock
from dialler.stores.memory import MemoryStore
from tests.support.desks import NOW, FakeEngine, client_of

DOCS: Final = Path(__file__).parents[2] / "docs" / "audit.md"
SESSION: Final = "01930000-0000-7000-8000-000000000001"
CSV: Final = "Key,Name,Phone\nk1,Ann,212 555 0161\n101,Bob,212 555 0101\nk3,Bad,12\nk4,Bad,13\nk5,Bad,14\n"
CREATED, CHANGED, DELETED = ("after",), ("before", "after"), ("before",)
HERE: Final = {"campaign": "spring", "list": "east"}

Call = Callable[[httpx.AsyncClient], Awaitable[httpx.Response]]


def asks(path: str, body: object = None, *, content: str | None = None, **params: object) -> Call:
    """Return a call; the method is its route's."""

    async def call(client: httpx.AsyncClient) -> httpx.Response:
        method = client.headers["x-method"]
        return await client.request(method, path, json=body, content=content, params=params)  # type: ignore[arg-type]

    return call


STORY: Final[tuple[tuple[str, str, tuple[str, ...], Call], ...]] = (
    # What, the route, what an entry has, how it is called. In this order each succeeds; some routes come twice.
    ("campaign.create", "POST /campaigns", CREATED, asks("/campaigns", {"name": "autumn", "pacing": "agentless"})),
    ("campaign.set", "PATCH /campaigns/{campaign}", CHANGED, asks("/campaigns/spring", {"rest_min_s": 60})),
    ("campaign.set", "PATCH /campaigns/{campaign}", CHANGED, asks("/campaigns/spring", {"weighting": False})),
    ("list.set", "PATCH /campaigns/{campaign}", CHANGED, asks("/campaigns/spring", {"weighting": True})),
    ("campaign.stop", "POST /campaigns/{campaign}/{command}", CHANGED, asks("/campaigns/spring/stop")),
    ("strategy.create", "POST /strategies", CREATED, asks("/strategies", {"name": "gentle"})),
    ("strategy.set", "PATCH /strategies/{strategy}", CHANGED, asks("/strategies/gentle", {"attempts_max": 3})),
    ("strategy.delete", "DELETE /strategies/{strategy}", DELETED, asks("/strategies/gentle")),
    ("list.create", "POST /campaigns/{campaign}/lists", CREATED, asks("/campaigns/spring/lists", {"name": "north"})),
    ("list.set", "PATCH /campaigns/{campaign}/lists/{name}", CHANGED,
     asks("/campaigns/spring/lists/north", {"to_dial": False})),
    ("list.apply", "POST /campaigns/{campaign}/lists/apply", CHANGED,
     asks("/campaigns/spring/lists/apply", {"lists": {"east": {"weight": 5}}})),
    ("list.undo", "POST /campaigns/{campaign}/lists/undo", CHANGED, asks("/campaigns/spring/lists/undo")),
    ("list.delete", "DELETE /campaigns/{campaign}/lists/{name}", DELETED, asks("/campaigns/spring/lists/north")),
    ("lead.add", "POST /leads", CREATED, asks("/leads", {"numbers": ["+12125550171"], "customer_key": "k", **HERE})),
    ("lead.add", "POST /leads", CHANGED,
     asks("/leads", {"numbers": ["+12125550172"], "customer_key": "k", "urgent": True, **HERE})),
    ("lead.add", "POST /leads/batch", CREATED,
     asks("/leads/batch", {"leads": [{"numbers": ["+12125550173"]}, {"numbers": ["+12125550174"]}], **HERE})),
    ("lead.edit", "PATCH /leads/{lead_id}", CHANGED, asks("/leads/2", {"name": "Ann"})),
    ("lead.reset", "POST /leads/{lead_id}/reset", CHANGED, asks("/leads/1/reset")),
    ("lead.complete", "POST /leads/{lead_id}/complete", CHANGED, asks("/leads/1/complete")),
    ("lead.add", "POST /leads/{lead_id}/duplicate", CREATED, asks("/leads/1/duplicate", {"campaign": "spring",
                                                                                         "list": "west"})),
    ("lead.duplicate", "POST /leads/{lead_id}/duplicate", CREATED,
     asks("/leads/2/duplicate", {"campaign": "spring", "list": "west"})),
    ("callback.set", "PUT /leads/{lead_id}/callback", CHANGED,
     asks("/leads/2/callback", {"at": "2026-06-04T10:00"})),
    ("callback.cancel", "DELETE /leads/{lead_id}/callback", CHANGED, asks("/leads/2/callback")),
    ("session.wrap", "POST /sessions/{session_id}/wrap", CHANGED, asks(f"/sessions/{SESSION}/wrap",
                                                                       {"code": "DECEASED", "note": "twice"})),
    ("session.wrap", "POST /leads/{lead_id}/wrap", CHANGED, asks("/leads/1/wrap", {"code": "NOT_ELIGIBLE"})),
    ("lead.move", "POST /leads/move", CHANGED, asks("/leads/move", {"lead_ids": [2], "to_campaign": "spring",
                                                                    "to_list": "west"})),
    ("lead.delete", "POST /leads/delete", DELETED, asks("/leads/delete", {"lead_ids": [4]})),
    ("lead.delete", "DELETE /leads/{lead_id}", DELETED, asks("/leads/5")),
    ("lead.import", "POST /leads/import", CREATED, asks("/leads/import", content=CSV, map="number=Phone", region="US",
                                                        **HERE)),
    ("lead.import.start", "POST /imports", CREATED, asks("/imports", HERE)),
    ("lead.import.file", "POST /imports/{import_id}/file", CREATED,
     asks("/imports/2/file", content=CSV, name="leads.csv")),
    ("lead.import.map", "POST /imports/{import_id}/mapping", CREATED,
     asks("/imports/2/mapping", {"fields": {"number": "Phone"}, "guess": False, "region": "US"})),
    ("lead.import.map", "POST /imports/{import_id}/mapping", CHANGED,
     asks("/imports/2/mapping", {"fields": {"number": "Phone", "name": "Name"}, "guess": False, "region": "US"})),
    ("lead.import.template", "POST /imports/{import_id}/mapping", CREATED,
     asks("/imports/2/mapping", {"fields": {"number": "Phone", "name": "Name", "customer_key": "Key"},
                                 "guess": False, "region": "US", "save_as": "clinics"})),
    ("lead.import.check", "POST /imports/{import_id}/check", CREATED, asks("/imports/2/check")),
    ("lead.import.fix", "PATCH /imports/{import_id}/rows/{row}", CHANGED,
     asks("/imports/2/rows/4", {"cells": {"Phone": "212 555 0163"}})),
    ("lead.import.drop", "POST /imports/{import_id}/rows/drop", DELETED, asks("/imports/2/rows/drop", {"rows": [5]})),
    ("lead.import.review", "POST /imports/{import_id}/review", CREATED,
     asks("/imports/2/review", update_existing=True)),
    ("lead.import", "POST /imports/{import_id}/run", CREATED, asks("/imports/2/run")),
    ("lead.import.start", "POST /imports", CREATED, asks("/imports", HERE)),
    ("lead.import.cancel", "POST /imports/{import_id}/cancel", CHANGED, asks("/imports/3/cancel")),
    ("lead.import.start", "POST /imports", CREATED, asks("/imports", HERE)),
    ("lead.import.file", "POST /imports/{import_id}/file", CREATED,
     asks("/imports/4/file", content=CSV, name="leads.csv")),
    ("lead.import.map", "POST /imports/{import_id}/mapping", CREATED,
     asks("/imports/4/mapping", {"fields": {"number": "Phone"}, "guess": False, "region": "US"})),
    ("lead.import.check", "POST /imports/{import_id}/resume", CREATED, asks("/imports/4/resume")),
    ("filter.save", "PUT /filters/{noun}/{name}", CREATED, asks("/filters/leads/gold", {"filter": "completed"})),
    ("filter.save", "PUT /filters/{noun}/{name}", CHANGED, asks("/filters/leads/gold", {"filter": "not completed"})),
    ("filter.delete", "DELETE /filters/{noun}/{name}", DELETED, asks("/filters/leads/gold")),
    ("columns.set", "PUT /me/columns/{view}", CHANGED, asks("/me/columns/sessions", {"columns": ["seq"]})),
    ("columns.set", "DELETE /me/columns/{view}", CHANGED, asks("/me/columns/sessions")),
    ("agent.dial", "POST /agents/dial", CREATED, asks("/agents/dial", {"agent": "PJSIP/7001", "lead_id": 1})),
    ("agent.accept", "POST /agents/accept", CREATED, asks("/agents/accept", {"agent": "PJSIP/7001"})),
    ("agent.skip", "POST /agents/skip", CREATED, asks("/agents/skip", {"agent": "PJSIP/7001", "reason": "busy"})),
    ("list.create", "POST /agents/dial", CREATED,
     asks("/agents/dial", {"agent": "PJSIP/7001", "campaign": "spring", "number": "+12025550188"})),
    ("dnc.add", "POST /dnc", CREATED, asks("/dnc", {"numbers": ["+12025550123"], "reason": "asked"})),
    ("dnc.remove", "DELETE /dnc/{number}", DELETED, asks("/dnc/+12025550123")),
    ("dnc.import", "POST /dnc/import", CREATED, asks("/dnc/import", content="phone\n+12025550124\n")),
    ("agent.login", "POST /agents/login", CREATED,
     asks("/agents/login", {"agent": "PJSIP/1001", "queues": ["sales"], "name": "Ann"})),
    ("agent.pause", "POST /agents/pause", CHANGED, asks("/agents/pause", {"agent": "PJSIP/1001", "reason": "lunch"})),
    ("agent.ready", "POST /agents/ready", CHANGED, asks("/agents/ready", {"agent": "PJSIP/1001"})),
    ("agent.logout", "POST /agents/logout", DELETED, asks("/agents/logout", {"agent": "PJSIP/1001"})),
    ("callerid.create", "POST /caller-id-pools", CREATED, asks("/caller-id-pools", {"name": "us"})),
    ("callerid.set", "PATCH /caller-id-pools/{pool}", CHANGED, asks("/caller-id-pools/us", {"rest_s": 60})),
    ("callerid.number.add", "POST /caller-id-pools/{pool}/numbers", CREATED,
     asks("/caller-id-pools/us/numbers", {"numbers": [{"number": "+13125550101"}]})),
    ("callerid.number.add", "POST /caller-id-pools/{pool}/numbers/import", CREATED,
     asks("/caller-id-pools/us/numbers/import", content="number,areas\n+13125550102,+1312\n")),
    ("callerid.number.set", "PATCH /caller-id-pools/{pool}/numbers/{number}", CHANGED,
     asks("/caller-id-pools/us/numbers/+13125550101", {"off_reason": "marked as spam"})),
    ("callerid.number.remove", "DELETE /caller-id-pools/{pool}/numbers/{number}", DELETED,
     asks("/caller-id-pools/us/numbers/+13125550101")),
    ("callerid.delete", "DELETE /caller-id-pools/{pool}", DELETED, asks("/caller-id-pools/us")),
    ("lead.erase", "POST /leads/{lead_id}/erase", CHANGED, asks("/leads/2/erase", confirm=True)),
)  # fmt: skip


def changing_routes(desk: Desk) -> set[str]:
    """Return the routes of the API's description that change something."""
    paths = make_api(desk).openapi()["paths"]
    return {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods if method != "get"}


async def test_every_route_that_changes_something_is_in_the_story(store: MemoryStore) -> None:
    told = {route for _, route, _, _ in STORY}
    assert changing_routes(Desk(store=store, clock=FixedClock(NOW))) == told


async def entries(client: httpx.AsyncClient, **params: object) -> list[dict[str, Any]]:
    page = (await client.get("/audit", params={"size": 1000, **params})).json()  # type: ignore[arg-type]
    assert page["next"] is None
    items: list[dict[str, Any]] = page["items"]
    return items


async def test_every_change_is_in_the_audit_with_who_when_before_and_after(
    store: MemoryStore, floor: list[int]
) -> None:
    clock = FixedClock(NOW)
    seen: set[str] = set()
    async with client_of(Desk(store=store, clock=clock, engine=FakeEngine(store, clock=clock))) as client:
        for step, (what, route, kinds, call) in enumerate(STORY):
            clock.at = NOW + timedelta(minutes=step)
            newest = await entries(client)
            last = newest[0]["audit_id"] if newest else 0
            who = f"of-{what.partition('.')[0]}s"
            client.headers.update({"x-dialler-who": who, "x-method": route.partition(" ")[0]})
            answer = await call(client)
            assert answer.is_success, (route, answer.text)
            assert not answer.text.splitlines()[-1].startswith('{"error"'), (route, answer.text)
            new = [entry for entry in await entries(client) if entry["audit_id"] > last]
            own = [entry for entry in new if entry["what"] == what]
            assert own, f"{route} wrote {[entry['what'] for entry in new]}, and no {what}"
            for entry in new:
                assert entry["who"] == f"socket:{who}", (route, entry)
                assert datetime.fromisoformat(entry["at"]) == clock.at, (route, entry)
                assert entry["before"] or entry["after"], (route, entry)
            for entry in own:
                missing = [kind for kind in kinds if entry[kind] in (None, {}, [])]
                assert not missing, (route, missing, entry)
                assert kinds != CHANGED or entry["before"] != entry["after"], (route, entry)
                assert "before" in kinds or not entry["before"], (route, entry)
                assert "after" in kinds or not entry["after"], (route, entry)
            seen.update(entry["what"] for entry in new)
        what_is_explained = set(re.findall(r"`([a-z]+\.[a-z.]+)`", DOCS.read_text()))
        assert seen <= what_is_explained, "docs/audit.md explains each"
        of_the_erased = await entries(client, lead=2)
    told = [entry["what"] for entry in reversed(of_the_erased)]
    assert told == [
        "lead.edit", "lead.duplicate", "callback.set", "callback.cancel", "lead.move", "lead.erase"
    ]  # fmt: skip
    assert all(entry["before"] is None and entry["details"] == {"erased": 2} for entry in of_the_erased[1:])


async def changed_thrice(api: httpx.AsyncClient, store: MemoryStore) -> None:
    """Change lead 2 as two users, and a list."""
    for who, name in (("ann", "A"), ("bob", "B")):
        await api.patch("/leads/2", json={"name": name}, headers={"x-dialler-who": who})
    await api.patch("/campaigns/spring/lists/east", json={"weight": 9}, headers={"x-dialler-who": "ann"})


async def test_entries_are_found_by_what_who_lead_and_days(
    api: httpx.AsyncClient, store: MemoryStore, floor: list[int]
) -> None:
    await changed_thrice(api, store)
    newest, *_ = await entries(api)
    assert (newest["who"], newest["what"], newest["lead_id"]) == ("socket:ann", "list.set", None)
    assert (newest["before"]["weight"], newest["after"]["weight"]) == (70, 9)
    assert newest["details"] == {"campaign": "spring", "list": "east"}
    for params, names in [
        ({"who": "ann"}, ["list.set", "lead.edit"]),
        ({"who": "socket:bob"}, ["lead.edit"]),
        ({"what": "lead."}, ["lead.edit", "lead.edit"]),
        ({"lead": 2, "who": "ann"}, ["lead.edit"]),
        ({"lead": 1}, []),
        ({"from": "2026-06-03", "to": "2026-06-03"}, ["list.set", "lead.edit", "lead.edit"]),
        ({"to": "2026-06-02"}, []),
        # 15:30 UTC is half past midnight on the next day in Tokyo.
        ({"to": "2026-06-03", "zone": "Asia/Tokyo"}, []),
        ({"from": "2026-06-04", "zone": "Asia/Tokyo"}, ["list.set", "lead.edit", "lead.edit"]),
        ({"from": "2026-06-03T15:30:01Z"}, []),
    ]:
        assert [entry["what"] for entry in await entries(api, **params)] == names, params  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"from": "yesterday"}, "from: expected a date"),
        ({"to": "2026-06-31"}, "to: expected a date"),
        ({"zone": "Mars"}, "zone: unknown time zone 'Mars'"),
        ({"size": 0}, "size"),
        ({"lead": 2**63}, "lead"),
    ],
)
async def test_what_can_not_be_asked_is_said_with_its_key(
    api: httpx.AsyncClient, params: dict[str, Any], said: str
) -> None:
    answer = await api.get("/audit", params=params)
    assert answer.status_code == 422 and said in answer.json()["error"]


async def test_pages_are_ten_long_and_an_export_goes_on_behind_its_last_entry(
    api: httpx.AsyncClient, store: MemoryStore, floor: list[int]
) -> None:
    for n in range(12):
        await api.patch("/leads/2", json={"priority": n + 1})
    first = (await api.get("/audit")).json()
    assert (len(first["items"]), first["partial"]) == (10, False)
    rest = (await api.get("/audit", params={"after": first["next"]})).json()
    assert [entry["after"]["priority"] for entry in [*first["items"], *rest["items"]]] == list(range(12, 0, -1))
    whole = (await api.get("/audit/export?format=jsonl")).text
    portion = await api.get("/audit/export?format=jsonl&limit=5")
    behind = await api.get("/audit/export", params={"format": "jsonl", "after": portion.headers["dialler-next"]})
    assert portion.text + behind.text == whole
    assert [json.loads(line)["after"]["priority"] for line in whole.splitlines()] == list(range(1, 13))
    assert (await api.get("/audit/export?lead=2")).text.startswith("audit_id,at,who,what,lead_id,before,after,details")
