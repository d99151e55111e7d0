"""Searching over the API: filters, pages, groups, exports, successes, and what each user keeps."""

import csv
import io
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from dialler.domain.lead import CompletedReason, LeadState
from dialler.domain.outcome import Outcome
from dialler.domain.session import SessionStatus
from dialler.ports import Records
from dialler.stores.memory import MemoryStore
from tests.support.desks import NOW
from tests.support.stores import new_session

ANN = {"x-dialler-who": "ann"}


def more(records: Records, ids: list[int]) -> None:
    """A success, and thirty sessions of it and the others."""
    lead = records.lead(ids[1])
    sold = replace(
        lead,
        state=LeadState.COMPLETED,
        completed_reason=CompletedReason.WRAP,
        wrap_code="SALE",
        external_lead_id="E-7",
        data={"Merchant": "Acme", "agency": "north", "Service type": "monthly", "intention": "sign-up"},
        last_contacted_at=NOW,
    )
    records.set_lead(sold)
    for nth in range(30):
        mine = sold if nth % 3 == 0 else records.lead(ids[2])
        session = records.add_session(
            new_session(
                mine,
                f"s{nth:02}",
                campaign="spring",
                list="east",
                created_at=NOW + timedelta(minutes=nth),
                external_lead_id=mine.external_lead_id,
                details=mine.data,
                dial_mode="ratio",
            )
        )
        records.set_session(replace(session, status=SessionStatus.EXPIRED, outcome=Outcome.BUSY, ended_at=NOW))


@pytest.fixture
async def sold(store: MemoryStore, floor: list[int]) -> int:
    await store.write(lambda records: more(records, floor))
    return floor[1]


async def got(api: httpx.AsyncClient, path: str, **params: Any) -> Any:
    answer = await api.get(path, params=params, headers=ANN)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_leads_are_found_by_a_filter_beside_the_plain_parameters(api: httpx.AsyncClient, sold: int) -> None:
    for params, expected in [
        ({"filter": "not completed"}, [3]),
        ({"filter": "completed", "campaign": "spring", "list": "east"}, [1, 2]),
        ({"filter": "number contains 0103"}, [3]),
        ({"filter": "number contains 0103", "state": "completed"}, []),
        ({"filter": 'data.merchant = "acme" or data.Merchant = "acme"'}, [2]),
        ({"filter": ""}, [1, 2, 3]),
        ({"filter": "session = s00"}, [2]),
    ]:
        page = await got(api, "/leads", **params)
        assert [lead["lead_id"] for lead in page["items"]] == expected, params
        assert (page["next"], page["partial"]) == (None, False)


async def test_days_are_those_of_the_campaign_or_of_the_zone_that_is_said(api: httpx.AsyncClient, sold: int) -> None:
    wanted = {"filter": f"last_contacted = {NOW:%Y-%m-%d}"}
    assert (await got(api, "/leads", **wanted))["items"]
    assert (await got(api, "/leads", **wanted, zone="America/Denver"))["items"]
    assert not (await got(api, "/leads", **wanted, zone="Pacific/Kiritimati"))["items"]
    answer = await api.get("/leads", params={**wanted, "zone": "Mars/Base"})
    assert (answer.status_code, answer.json()["kind"]) == (422, "usage")


async def test_a_filter_that_can_not_be_read_is_told_with_its_place(api: httpx.AsyncClient, sold: int) -> None:
    for path, said, message in [
        ("/leads", "lst = gold", "position 1: expected a field of leads"),
        ("/sessions", "outcome = MAYBE", "position 11: expected one of CONNECTED"),
        ("/leads", "list = silver", "there is no list 'silver'; there is east, west"),
        ("/leads/export", "(", "position 2: expected a field of leads"),
    ]:
        answer = await api.get(path, params={"filter": said})
        assert answer.status_code in (404, 422) and message in answer.json()["error"], answer.text


async def test_sessions_come_newest_first_ten_at_a_time(api: httpx.AsyncClient, sold: int) -> None:
    first = await got(api, "/sessions", filter="outcome = BUSY and workflow = ratio")
    assert [each["session_id"] for each in first["items"]] == [f"s{nth}" for nth in range(29, 19, -1)]
    second = await got(api, "/sessions", filter="outcome = BUSY and workflow = ratio", after=first["next"], size=3)
    assert [each["session_id"] for each in second["items"]] == ["s19", "s18", "s17"]
    (session,) = (await got(api, "/sessions", filter="id = s27"))["items"]
    assert [session[key] for key in ("merchant", "agency", "service_type", "intention")] == [
        "Acme",
        "north",
        "monthly",
        "sign-up",
    ]


async def test_sessions_are_grouped_by_external_lead_id(api: httpx.AsyncClient, sold: int) -> None:
    groups: list[Any] = []
    after = None
    while True:
        more_of = {} if after is None else {"after": after}
        page = await got(api, "/sessions", group="external_lead_id", size=4, **more_of)
        groups += page["items"]
        after = page["next"]
        if after is None:
            break
    shared = [each for each in groups if each["external_lead_id"] == "E-7"]
    assert [len(each["sessions"]) for each in shared] == [10]
    assert sorted(each["seq"] for group in groups for each in group["sessions"]) == list(range(1, 32))


async def test_an_export_has_every_row_once_and_can_be_gone_on_with(api: httpx.AsyncClient, sold: int) -> None:
    whole = await api.get("/sessions/export", params={"format": "jsonl"})
    lines = [json.loads(line) for line in whole.text.splitlines()]
    assert [line["seq"] for line in lines] == list(range(1, 32))
    rest = await api.get("/sessions/export", params={"format": "jsonl", "after": 20})
    assert rest.text.splitlines() == whole.text.splitlines()[20:]
    table = list(csv.DictReader(io.StringIO((await api.get("/sessions/export")).text)))
    assert [row["seq"] for row in table] == [str(line["seq"]) for line in lines]
    assert json.loads(table[30 - 2]["details"]) == lines[30 - 2]["details"]
    some = await api.get("/leads/export", params={"limit": 2, "filter": "id > 0"})
    assert (some.headers["dialler-next"], len(list(csv.reader(io.StringIO(some.text))))) == ("2", 3)
    headed = await api.get("/leads/export", params={"limit": 2, "after": 2, "head": True})
    assert headed.text.splitlines()[0] == some.text.splitlines()[0]
    last = await api.get("/leads/export", params={"limit": 2, "after": 2})
    assert (last.headers["dialler-next"], last.text.splitlines()[0].split(",")[0]) == ("", "3")


async def test_a_success_opens_to_its_sessions(api: httpx.AsyncClient, sold: int) -> None:
    page = await got(api, "/successes", campaign="spring")
    assert [(each["lead_id"], each["external_lead_id"], each["agency"]) for each in page["items"]] == [
        (sold, "E-7", "north")
    ]
    success = await got(api, f"/successes/{sold}")
    assert (success["merchant"], len(success["sessions"])) == ("Acme", 10)
    answer = await api.get("/successes/1")
    assert answer.status_code == 404 and "no success" in answer.json()["error"]


async def test_filters_are_kept_by_name_for_each_user(api: httpx.AsyncClient, store: MemoryStore, sold: int) -> None:
    saved = await api.put("/filters/leads/won", json={"filter": "wrap_code = SALE"}, headers=ANN)
    assert saved.json()["filter"] == "wrap_code = SALE"
    assert [lead["lead_id"] for lead in (await got(api, "/leads", saved="won"))["items"]] == [sold]
    assert not (await got(api, "/leads", saved="won", filter="not completed"))["items"]
    assert (await api.get("/leads", params={"saved": "won"})).status_code == 404  # somebody else
    assert [each["name"] for each in (await got(api, "/filters"))["items"]] == ["won"]
    wrong = await api.put("/filters/leads/bad", json={"filter": "wrap_code ="}, headers=ANN)
    assert wrong.status_code == 422 and "position 12" in wrong.json()["error"]
    assert (await api.delete("/filters/leads/won", headers=ANN)).json()["deleted"]
    assert (await api.delete("/filters/leads/won", headers=ANN)).status_code == 404


async def test_columns_are_kept_for_each_user_and_view(api: httpx.AsyncClient, sold: int) -> None:
    assert (await got(api, "/me/columns/list-leads"))["columns"] == [
        "lead_id",
        "list",
        "last_contacted_at",
        "last_outcome",
        "wrap_code",
        "status",
    ]
    chosen = ["name", "data.Merchant", "lead_id"]
    assert (await api.put("/me/columns/list-leads", json={"columns": chosen}, headers=ANN)).json()["columns"] == chosen
    shown = await got(api, "/me/columns/list-leads")
    assert (shown["columns"], shown["is_default"]) == (chosen, False)
    assert (await api.get("/me/columns/list-leads")).json()["is_default"]
    for wrong in (["nme"], ["name", "name"], ["data."]):
        answer = await api.put("/me/columns/list-leads", json={"columns": wrong}, headers=ANN)
        assert answer.status_code == 422, wrong
    assert (await api.delete("/me/columns/list-leads", headers=ANN)).json()["is_default"]
