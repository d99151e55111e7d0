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
from dialler.errors import DiallerError, ImportRefused, NotFound, StoreFull
from dialler.events import Event, ImportFinished, Journal
from dialler.ports import LeadFilter
from dialler.stores.memory import MemoryStore
from tests.support.desks import NOW, FakeEngine, client_of

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
    monkeypatch.setattr("dialler.importing.stages.filing.ROWS_AT_ONCE", 10)
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
    first = lines[0]["progress"]
    assert (first["stage"], first["import_id"]) == ("file", 1) and first["rows"] > 0 and first["bytes"] > 0
    stages = [line["progress"]["stage"] for line in lines if "progress" in line]
    assert list(dict.fromkeys(stages)) == ["file", "check", "review", "run"]
    report = lines[-1]["report"]
    assert (report["rows"], report["import_id"]) == (sent * 10, 1)


async def test_the_uploader_raises_what_the_api_says_is_wrong(store: MemoryStore, floor: list[int]) -> None:
    app = make_api(Desk(store=store, clock=FixedClock(NOW)))
    for target, error in [
        ("/leads/import?campaign=spring&list=north", NotFound),
        ("/leads/import?campaign=spring&list=east&map=number%3DNope", ImportRefused),
    ]:
        with pytest.raises(error):
            await upload_here(app, target, {}, chunks(CSV), lambda line: None)


async def test_records_that_fail_on_the_way_end_the_answer_with_an_error_line_and_the_import_can_go_on(
    store: MemoryStore, floor: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = FakeEngine(store)
    app = make_api(Desk(store=store, clock=FixedClock(NOW), engine=engine))
    lines: list[dict[str, Any]] = []

    async def full(*_: object, **__: object) -> None:
        raise StoreFull("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr("dialler.importing.going_on.run_import", full)
        said = "the disk is full; import 1 is kept at stage run: `dialler import resume 1` goes on with it"
        with pytest.raises(StoreFull, match=said):
            await upload_here(app, f"/leads/import?{QUERY}&rejects=true", {}, chunks(CSV), lines.append)
    assert all("progress" in line for line in lines)
    async with client_of(Desk(store=store, clock=FixedClock(NOW), engine=engine)) as api:
        kept = (await api.get("/imports/1")).json()
        assert (kept["stage"], kept["unattended"], kept["is_running"]) == ("run", True, False)
        answer = await api.post("/imports/1/resume")
        done = json.loads(answer.text.splitlines()[-1])["import"]
        assert (done["stage"], done["report"]["imported"]) == ("done", 2)
        assert len(engine.followed) == 1
        again = await api.post("/imports/1/resume")
        assert json.loads(again.text.splitlines()[-1])["import"] == done
        assert (await api.post("/imports/9/resume")).status_code == 404


async def test_an_import_goes_on_to_its_end_when_its_client_goes_away_after_the_file(
    store: MemoryStore, floor: list[int]
) -> None:
    app = make_api(Desk(store=store, clock=FixedClock(NOW)))

    def full(line: dict[str, Any]) -> None:
        raise DiallerError("rejects.csv: no space left")

    with pytest.raises(DiallerError, match="no space left"):
        await upload_here(app, f"/leads/import?{QUERY}&rejects=true", {}, chunks(CSV), full)
    assert [one.stage for one in await store.read(lambda records: records.imports(limit=9))] == ["done"]


async def test_an_import_whose_client_goes_away_before_the_file_is_complete_leaves_nothing(
    store: MemoryStore, floor: list[int]
) -> None:
    app = make_api(Desk(store=store, clock=FixedClock(NOW)))
    arriving: list[dict[str, Any]] = [
        {"type": "http.request", "body": CSV, "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> dict[str, Any]:
        return arriving.pop(0)

    async def send(message: object) -> None:
        """Nobody listens."""

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/leads/import",
        "query_string": QUERY.encode(),
        "headers": [],
    }
    await app(scope, receive, send)  # type: ignore[arg-type]
    [one] = await store.read(lambda records: records.imports(limit=9))
    assert one.stage == "cancelled"
    assert await store.read(lambda records: records.import_blocks(one.import_id)) == []
    assert len(await store.read(lambda records: records.leads(LeadFilter()))) == 3


async def test_what_an_import_did_is_in_the_audit(api: httpx.AsyncClient, store: MemoryStore, floor: list[int]) -> None:
    await api.post(f"/leads/import?{QUERY}", content=CSV, headers={"x-dialler-who": "ann"})
    await api.post(f"/leads/import?{QUERY}&dry_run=true", content=CSV, headers={"x-dialler-who": "ann"})
    rows = await store.read(
        lambda records: records._in.rows(  # type: ignore[attr-defined]
            "SELECT who, what, details FROM audit WHERE what LIKE 'lead.import%' ORDER BY audit_id"
        )
    )
    assert {row[0] for row in rows} == {"socket:ann"}
    whats = [row[1].removeprefix("lead.import") for row in rows]
    assert whats == [".start", ".check", ".review", "", ".start", ".cancel"]
    assert [json.loads(row[2])["import"] for row in rows] == [1, 1, 1, 1, 2, 2]
    assert json.loads(rows[0][2])["after"]["mapping"]["fields"] == [
        ["number", "Phone"],
        ["name", "Name"],
        ["region", "State"],
    ]


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
