"""Loading leads over the API."""

import json
from collections.abc import AsyncIterator
from typing import Any

import anyio
import httpx
import pytest

from dialler.api.desk import Desk
from dialler.api.routes import make_api
from dialler.cli.upload import upload_here
from dialler.clock import FixedClock
from dialler.errors import DiallerError, ImportRefused, NotFound
from dialler.events import Event, ImportFinished, Journal
from dialler.stores.memory import MemoryStore
from tests.support.desks import NOW, FakeEngine

CSV = b"""Name,Phone,State
Mercy,202-555-0123,DC
"x\r\nAction: Command",(415) 555-0188,CA
Bad,123,TX
"""
QUERY = "campaign=spring&list=east&map=number%3DPhone&map=name%3DName&map=region%3DState&region=US"


async def chunks(data: bytes, size: int = 10) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def test_a_file_is_loaded_and_the_last_line_of_the_answer_is_the_report(
    api: httpx.AsyncClient, floor: list[int]
) -> None:
    answer = await api.post(f"/leads/import?{QUERY}", content=chunks(CSV))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/x-ndjson"
    *_, last = answer.text.splitlines()
    report = json.loads(last)["report"]
    assert {key: report[key] for key in ("rows", "imported", "updated", "rejected", "duplicates")} == {
        "rows": 3, "imported": 2, "updated": 0, "rejected": 1, "duplicates": 0,
    }  # fmt: skip
    assert report["reasons"] == {"number_invalid": 1}
    found = (await api.get("/leads?number=%2B14155550188")).json()["items"]
    assert [lead["timezones"] for lead in found] == [["America/Los_Angeles"]]


async def test_rejected_rows_come_back_as_lines_for_who_asks(api: httpx.AsyncClient, floor: list[int]) -> None:
    answer = await api.post(f"/leads/import?{QUERY}&rejects=true", content=CSV)
    lines = [json.loads(line) for line in answer.text.splitlines()]
    rejects = "".join(line.get("rejects", "") for line in lines)
    assert rejects.splitlines()[0] == "Name,Phone,State,reason"
    assert rejects.splitlines()[1].startswith("Bad,123,TX,")
    without = await api.post(f"/leads/import?{QUERY}&dry_run=true", content=CSV)
    assert "rejects" not in without.text


@pytest.mark.parametrize(
    ("query", "status", "kind", "said"),
    [
        ("campaign=spring&list=east&map=number%3DNope", 422, "import_refused", "'Nope'"),
        ("campaign=spring&list=east&map=number", 422, "usage", "FIELD=COLUMN"),
        ("campaign=spring&list=east&delimiter=ab", 422, "usage", "delimiter"),
        ("campaign=spring&list=north", 404, "not_found", "there is east, west"),
        ("campaign=autumn&list=east", 404, "not_found", "'autumn'"),
        ("campaign=spring", 422, "usage", "list"),
    ],
)
async def test_what_is_wrong_with_the_whole_file_is_an_error_and_loads_nothing(
    api: httpx.AsyncClient, floor: list[int], query: str, status: int, kind: str, said: str
) -> None:
    answer = await api.post(f"/leads/import?{query}", content=CSV)
    assert (answer.status_code, answer.json()["kind"]) == (status, kind)
    assert said in answer.json()["error"]
    assert len((await api.get("/leads")).json()["items"]) == 3


async def test_a_trial_run_loads_nothing(engine_api: httpx.AsyncClient, engine: FakeEngine, floor: list[int]) -> None:
    answer = await engine_api.post(f"/leads/import?{QUERY}&dry_run=true", content=CSV)
    assert json.loads(answer.text.splitlines()[-1])["report"]["imported"] == 2
    assert len((await engine_api.get("/leads")).json()["items"]) == 3
    assert engine.followed == []


async def test_the_engine_and_the_journal_are_told_of_what_was_loaded(store: MemoryStore, floor: list[int]) -> None:
    engine, journal, told = FakeEngine(store), Journal(), list[Event]()
    journal.subscribe(told.append)
    app = make_api(Desk(store=store, clock=FixedClock(NOW), engine=engine, journal=journal))
    lines: list[dict[str, Any]] = []
    await upload_here(app, f"/leads/import?{QUERY}", {}, chunks(CSV), lines.append)
    assert lines[-1]["report"]["imported"] == 2
    assert len(engine.followed) == 1
    assert told == [
        ImportFinished(at=NOW, campaign="spring", list="east", rows=3, imported=2, updated=0, rejected=1, duplicates=0)
    ]


async def test_progress_is_told_while_the_file_still_arrives(
    store: MemoryStore, floor: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dialler.api.streaming.PROGRESS_EVERY_S", 0)
    monkeypatch.setattr("dialler.importing.run.ROWS_AT_ONCE", 10)
    app = make_api(Desk(store=store, clock=FixedClock(NOW)))
    lines: list[dict[str, Any]] = []
    told = anyio.Event()
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        yield b"Name,Phone,State\n"
        while not told.is_set():  # It ends only once progress has come back.
            sent += 1
            yield b"Mercy,202-555-0123,DC\n" * 10
            assert sent < 1000

    def take(line: dict[str, Any]) -> None:
        lines.append(line)
        if "progress" in line:
            told.set()

    await upload_here(app, f"/leads/import?{QUERY}", {}, endless(), take)
    assert lines[0]["progress"]["imported"] > 0
    assert lines[-1]["report"]["rows"] == sent * 10


async def test_the_uploader_raises_what_the_api_says_is_wrong(store: MemoryStore, floor: list[int]) -> None:
    app = make_api(Desk(store=store, clock=FixedClock(NOW)))
    for target, error in [
        ("/leads/import?campaign=spring&list=north", NotFound),
        ("/leads/import?campaign=spring&list=east&map=number%3DNope", ImportRefused),
    ]:
        with pytest.raises(error):
            await upload_here(app, target, {}, chunks(CSV), lambda line: None)


async def test_records_that_fail_on_the_way_end_the_answer_with_an_error_line(
    store: MemoryStore, floor: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_api(Desk(store=store, clock=FixedClock(NOW)))
    lines: list[dict[str, Any]] = []

    async def full(*_: object, **__: object) -> None:
        raise DiallerError("the disk is full")

    monkeypatch.setattr("dialler.api.imports._finished", full)
    with pytest.raises(DiallerError, match="the disk is full"):
        await upload_here(app, f"/leads/import?{QUERY}&rejects=true", {}, chunks(CSV), lines.append)
    assert "rejects" in lines[0]


async def test_an_import_ends_when_its_client_can_not_take_the_answer(store: MemoryStore, floor: list[int]) -> None:
    app = make_api(Desk(store=store, clock=FixedClock(NOW)))

    def full(line: dict[str, Any]) -> None:
        raise DiallerError("rejects.csv: no space left")

    with pytest.raises(DiallerError, match="no space left"):
        await upload_here(app, f"/leads/import?{QUERY}&rejects=true", {}, chunks(CSV), full)


async def test_one_lead_is_added_by_the_rules_of_a_file(api: httpx.AsyncClient, floor: list[int]) -> None:
    new = {"campaign": "spring", "list": "west", "numbers": ["(415) 555-0188"], "region": "US", "state": "CA"}
    added = await api.post("/leads", json={**new, "name": "Zoë", "customer_key": "k1", "data": {"beds": "12"}})
    assert added.status_code == 201
    lead = added.json()
    assert (lead["numbers"][0]["number"], lead["timezones"]) == ("+14155550188", ["America/Los_Angeles"])
    assert (lead["name"], lead["data"], lead["updated"]) == ("Zoë", {"beds": "12"}, False)
    again = (await api.post("/leads", json={**new, "customer_key": "k1", "name": "Zoe"})).json()
    assert (again["lead_id"], again["name"], again["updated"]) == (lead["lead_id"], "Zoe", True)


async def test_one_lead_without_a_valid_number_is_refused_with_the_reason(
    api: httpx.AsyncClient, floor: list[int]
) -> None:
    answer = await api.post("/leads", json={"campaign": "spring", "list": "west", "numbers": ["123"], "region": "US"})
    assert answer.status_code == 422
    assert "'123' is not a valid number" in answer.json()["error"]
