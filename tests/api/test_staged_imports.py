"""Imports in stages over the API."""

import json
from dataclasses import replace
from typing import Any

import httpx
import pytest

from dialler.api.desk import Desk
from dialler.clock import FixedClock
from dialler.events import Event, ImportFinished, Journal
from dialler.ports import Records
from dialler.stores.memory import MemoryStore
from tests.support.desks import NOW, FakeEngine, client_of

CSV = """Key,Name,Phone,State,Notes
101,Known,212 555 0101,NY,x
a1,Mercy,202-555-0123,DC,x
a2,Bad,123,TX,x
a3,Twice,202-555-0123,DC,x
a1,Again,415 555 0188,CA,x
a4,Short
"""
FIELDS = {"number": "Phone", "name": "Name", "region": "State", "customer_key": "Key"}


async def started(api: httpx.AsyncClient, **new: Any) -> int:
    answer = await api.post("/imports", json={"campaign": "spring", "list": "east", **new})
    assert answer.status_code == 201, answer.text
    return int(answer.json()["import_id"])


async def sent(api: httpx.AsyncClient, import_id: int, content: str | bytes = CSV, query: str = "") -> Any:
    answer = await api.post(f"/imports/{import_id}/file?name=leads.csv{query}", content=content)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def mapped(api: httpx.AsyncClient, import_id: int, **form: Any) -> Any:
    answer = await api.post(f"/imports/{import_id}/mapping", json={"fields": FIELDS, "region": "US", **form})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def lines(api: httpx.AsyncClient, path: str) -> Any:
    answer = await api.post(path)
    assert answer.status_code == 200, answer.text
    return json.loads(answer.text.splitlines()[-1])


async def checked(api: httpx.AsyncClient, content: str | bytes = CSV, **new: Any) -> int:
    import_id = await started(api, **new)
    await sent(api, import_id, content)
    await mapped(api, import_id)
    done = (await lines(api, f"/imports/{import_id}/check"))["import"]
    assert done["stage"] == "review"
    return import_id


async def audit(store: MemoryStore) -> list[tuple[str, str, Any]]:
    def read(records: Records) -> list[tuple[str, str, Any]]:
        rows = records._in.rows("SELECT who, what, details FROM audit ORDER BY audit_id")  # type: ignore[attr-defined]
        return [(who, what, json.loads(details)) for who, what, details in rows]

    return await store.read(read)


async def test_a_file_goes_through_all_stages(store: MemoryStore, floor: list[int]) -> None:
    engine, journal, told = FakeEngine(store), Journal(), list[Event]()
    journal.subscribe(told.append)
    async with client_of(Desk(store=store, clock=FixedClock(NOW), engine=engine, journal=journal)) as api:
        import_id = await started(api)
        preview = await sent(api, import_id)
        assert preview["header"] == ["Key", "Name", "Phone", "State", "Notes"]
        assert preview["preview"][0] == ["101", "Known", "212 555 0101", "NY", "x"]
        assert (preview["stage"], preview["rows"], preview["file"]["delimiter"]) == ("mapping", 6, ",")
        assert preview["guessed"] == {"number": ["Phone"], "name": ["Name"], "region": ["State"]}
        assert (await mapped(api, import_id))["stage"] == "check"
        done = (await lines(api, f"/imports/{import_id}/check"))["import"]
        assert done["counts"] == {
            "valid": 4, "invalid": 2, "invalid:number_invalid": 1, "invalid:columns": 1, "repeated": 1,
            "noticed:repeated_in_file": 1, "noticed:key_repeated": 1,
        }  # fmt: skip
        review = (await lines(api, f"/imports/{import_id}/review?update_existing=true"))["import"]["review"]
        figures = ("valid", "invalid", "new", "existing", "repeated_keys", "loaded", "not_dialled_now")
        assert {key: review[key] for key in figures} == {
            "valid": 4, "invalid": 2, "new": 2, "existing": 1, "repeated_keys": 1, "loaded": 4, "not_dialled_now": 2,
        }  # fmt: skip
        # The known lead is completed, and in California the window is shut at half past eight.
        assert review["because"] == {"state": 1, "window": 1}
        assert (review["default_zone"], review["file"]) == ("Etc/UTC", "leads.csv")
        report = (await lines(api, f"/imports/{import_id}/run"))["import"]["report"]
        results = ("rows", "imported", "updated", "rejected", "skipped", "dropped", "duplicates")
        assert [report[key] for key in results] == [6, 2, 2, 2, 0, 0, 1]
        assert report["reasons"] == {"number_invalid": 1, "columns": 1}
        again = (await lines(api, f"/imports/{import_id}/run"))["import"]["report"]
        assert again == report
        leads = (await api.get("/leads?campaign=spring&list=east")).json()["items"]
        assert {lead["customer_key"]: lead["name"] for lead in leads} == {
            "101": "Known", "102": "Lead 102", "a1": "Again", "a3": "Twice",
        }  # fmt: skip
        assert [lead["state"] for lead in leads if lead["customer_key"] == "101"] == ["completed"]
        rows = (await api.get(f"/imports/{import_id}/rows")).json()["items"]
        assert [row["row"] for row in rows] == [4, 7]
    assert engine.followed
    assert told == [
        ImportFinished(at=NOW, campaign="spring", list="east", rows=6, imported=2, updated=2, rejected=2, duplicates=1)
    ]
    whats = [what.removeprefix("lead.import") for _, what, _ in await audit(store)]
    assert whats == [".start", ".file", ".map", ".check", ".review", ".update", ".update", ""]


async def test_rows_are_shown_by_what_is_wrong_corrected_and_dropped(
    api: httpx.AsyncClient, store: MemoryStore, floor: list[int]
) -> None:
    import_id = await checked(api)
    invalid = (await api.get(f"/imports/{import_id}/rows?which=invalid")).json()["items"]
    assert [(row["row"], row["problems"][0]["code"]) for row in invalid] == [(4, "number_invalid"), (7, "columns")]
    one = (await api.get(f"/imports/{import_id}/rows?which=valid&limit=1")).json()
    assert (one["items"][0]["row"], one["next"]) == (2, 2)
    assert one["items"][0]["lead"]["numbers"] == [
        {"number": "+12125550101", "raw": "212 555 0101", "type": "fixed_line_or_mobile"}
    ]
    assert one["items"][0]["lead"]["zone_by"] == "config/timezones/us.toml, by column State"
    fixed = await api.patch(f"/imports/{import_id}/rows/7", json={"cells": {"Phone": "202 555 0177", "State": "dc"}})
    assert (fixed.json()["status"], fixed.json()["fixed"]) == ("valid", ["Phone", "State"])
    still = await api.patch(f"/imports/{import_id}/rows/4", json={"cells": {"Phone": "12"}})
    assert still.json()["problems"][0]["text"] == "number: '12' is not a valid number in US"
    assert (await api.post(f"/imports/{import_id}/rows/drop", json={"rows": [2, 3]})).json() == {"dropped": 2}
    assert (await api.post(f"/imports/{import_id}/rows/drop", json={"invalid": True})).json() == {"dropped": 1}
    counts = (await api.get(f"/imports/{import_id}")).json()["counts"]
    assert (counts["valid"], counts.get("invalid"), counts["dropped"]) == (3, None, 3)
    fix = next(details for _, what, details in await audit(store) if what == "lead.import.fix")
    assert fix["before"] == {"Phone": None, "State": None}  # the row was too short
    assert fix["after"] == {"Phone": "202 555 0177", "State": "dc"}


async def test_rejects_can_be_fed_in_again(api: httpx.AsyncClient, floor: list[int]) -> None:
    import_id = await checked(api)
    text = (await api.get(f"/imports/{import_id}/rejects")).text
    assert text.splitlines()[0] == "Key,Name,Phone,State,Notes,reason"
    assert text.splitlines()[1] == "a2,Bad,123,TX,x,number: '123' is not a valid number in US"
    again = await checked(api, text)
    assert (await api.get(f"/imports/{again}")).json()["counts"]["invalid"] == 2


async def test_a_new_list_is_made_by_the_run_and_is_not_to_dial(api: httpx.AsyncClient, floor: list[int]) -> None:
    import_id = await checked(api, list="fresh", new_list=True)
    review = (await lines(api, f"/imports/{import_id}/review"))["import"]["review"]
    assert (review["list_is_new"], review["because"]["list"]) == (True, 3)
    assert (await api.get("/campaigns/spring/lists/fresh")).status_code == 404
    report = (await lines(api, f"/imports/{import_id}/run"))["import"]["report"]
    assert (report["imported"], report["skipped"], report["skipped_because"]) == (3, 1, {"skipped_existing": 1})
    assert (await api.get("/campaigns/spring/lists/fresh")).json()["to_dial"] is False


@pytest.mark.parametrize(
    ("method", "path", "body", "said"),
    [
        ("PATCH", "/campaigns/spring", {"timezone": "Europe/Berlin"}, "the campaign's settings were changed"),
        ("POST", "/leads", {"campaign": "spring", "list": "east", "numbers": ["+12025550144"]}, "the list had 2 leads"),
        ("DROP", "", None, "waits for a review"),
    ],
)
async def test_a_run_is_refused_when_the_records_are_not_those_of_the_review(
    api: httpx.AsyncClient, floor: list[int], method: str, path: str, body: Any, said: str
) -> None:
    import_id = await checked(api)
    await lines(api, f"/imports/{import_id}/review")
    if method == "DROP":
        method, path, body = "POST", f"/imports/{import_id}/rows/drop", {"rows": [3]}
    changed = await api.request(method, path, json=body)
    assert changed.status_code < 300, changed.text
    before = len((await api.get("/leads")).json()["items"])
    answer = await api.post(f"/imports/{import_id}/run")
    error = json.loads(answer.text.splitlines()[-1])
    assert error["kind"] == "conflict" and said in error["error"]
    assert len((await api.get("/leads")).json()["items"]) == before
    await lines(api, f"/imports/{import_id}/review")
    assert (await lines(api, f"/imports/{import_id}/run"))["import"]["stage"] == "done"


async def test_a_lead_whose_key_changed_hands_since_the_review_is_skipped(
    api: httpx.AsyncClient, store: MemoryStore, floor: list[int]
) -> None:
    import_id = await checked(api)
    await lines(api, f"/imports/{import_id}/review")
    # One key goes and another comes: the list has as many leads as before.
    await store.write(lambda records: records.set_lead(replace(records.lead(floor[1]), customer_key="a3")))
    report = (await lines(api, f"/imports/{import_id}/run"))["import"]["report"]
    assert report["skipped_because"] == {"skipped_existing": 2, "skipped_changed": 1}
    kept = (await api.get(f"/imports/{import_id}/rows?which=skipped")).json()["items"]
    assert [row["problems"][-1]["code"] for row in kept] == ["skipped_existing", "skipped_changed", "skipped_existing"]


async def test_a_mapping_is_saved_in_versions_and_offered_for_the_same_header(
    api: httpx.AsyncClient, floor: list[int]
) -> None:
    first = await started(api)
    await sent(api, first)
    await mapped(api, first, save_as="crm")
    await mapped(api, first, save_as="crm", keep_rest=True)
    assert [(one["name"], one["version"]) for one in (await api.get("/imports/templates")).json()["items"]] == [
        ("crm", 2)
    ]
    second = await started(api)
    preview = await sent(api, second)
    assert [one["name"] for one in preview["templates"]] == ["crm"]
    assert [one["import_id"] for one in preview["loaded_before"]] == [first]
    answer = await api.post(f"/imports/{second}/mapping", json={"template": "crm@1"})
    assert answer.json()["mapping"]["keep_rest"] is False
    other = await sent(api, second, "A,B\n1,2\n")
    assert other["templates"] == other["loaded_before"] == []


async def test_a_cancelled_import_leaves_nothing_but_its_entry(api: httpx.AsyncClient, floor: list[int]) -> None:
    import_id = await checked(api)
    assert (await api.post(f"/imports/{import_id}/cancel")).json()["stage"] == "cancelled"
    assert (await api.get(f"/imports/{import_id}/rows")).json()["items"] == []
    assert [one["stage"] for one in (await api.get("/imports?campaign=spring")).json()["items"]] == ["cancelled"]
    for path in ("check", "review", "run"):
        answer = await api.post(f"/imports/{import_id}/{path}")
        assert answer.status_code == 409 and "it is cancelled" in answer.json()["error"]


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        ("", {"campaign": "spring", "list": "north"}, 404, "there is east, west"),
        ("", {"campaign": "spring", "list": "east", "new_list": True}, 409, "has a list 'east' already"),
        ("", {"campaign": "spring", "list": "a\nb", "new_list": True}, 422, "printable characters"),
        ("", {"campaign": "spring", "list": "a/b", "new_list": True}, 422, "without a slash"),
        ("/1/mapping", {"fields": {"number": "Phone"}, "save_as": "a@2"}, 422, "save_as"),
        ("/1/mapping", {"fields": {"number": "Nope"}}, 422, "'Nope'"),
        ("/1/mapping", {"template": "nope"}, 404, "'nope'"),
        ("/1/mapping", {"template": "crm@x"}, 422, "NAME@VERSION"),
        ("/1/mapping", {"fields": FIELDS, "region": "XX"}, 422, "region"),
        ("/1/check", None, 409, "waits for its mapping"),
        ("/1/review?import_new=false", None, 422, "import_new or update_existing"),
        ("/1/rows/drop", {}, 422, "either rows or invalid"),
        ("/9/check", None, 404, "there is no import 9"),
        ("/1/file?name=x.csv", "", 422, "is empty"),
        ("/1/file?name=x.csv&delimiter=ab", "a,b", 422, "delimiter"),
    ],
)
async def test_what_can_not_be_done_is_said(
    api: httpx.AsyncClient, floor: list[int], path: str, body: Any, status: int, said: str
) -> None:
    await sent(api, await started(api))
    given = {"content": body} if isinstance(body, str) else {"json": body}
    answer = await api.post(f"/imports{path}", **given)
    assert (answer.status_code, said in answer.json()["error"]) == (status, True), answer.text
