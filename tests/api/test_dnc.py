"""Numbers that must not be called, through the API."""

import json
from typing import Any

import httpx
import pytest

from dialler.stores.memory import MemoryStore


@pytest.fixture
async def merchants(api: httpx.AsyncClient, floor: list[int]) -> list[str]:
    """Three campaigns, two of them of one merchant."""
    for name, merchant in (("acme-1", "Acme"), ("acme-2", "Acme"), ("bolt", "Bolt")):
        made = await api.post("/campaigns", json={"name": name, "merchant": merchant, "pacing": "agentless"})
        assert made.json()["merchant"] == merchant
    return ["acme-1", "acme-2", "bolt"]


async def imported(api: httpx.AsyncClient, text: str | bytes, **params: Any) -> dict[str, Any]:
    answer = await api.post("/dnc/import", content=text, params=params)
    assert answer.status_code == 200, answer.text
    report: dict[str, Any] = json.loads(answer.text.splitlines()[-1])["report"]
    return report


async def check(api: httpx.AsyncClient, number: str, **params: str) -> dict[str, Any]:
    found: dict[str, Any] = (await api.get(f"/dnc/{number}", params=params)).json()
    return found


async def test_a_number_of_a_merchant_is_blocked_in_its_campaigns_and_the_entry_says_why(
    api: httpx.AsyncClient, merchants: list[str]
) -> None:
    body = {"numbers": ["+12025550123"], "merchant": "Acme", "reason": "asked on the phone"}
    assert (await api.post("/dnc", json=body)).json()["added"] == 1
    found = await check(api, "+12025550123")
    assert (found["blocked"], found["everywhere"], found["campaigns"]) == (True, False, ["acme-1", "acme-2"])
    [entry] = found["entries"]
    assert (entry["merchant"], entry["campaign"], entry["reason"]) == ("Acme", None, "asked on the phone")
    assert entry["added_by"]
    assert (await check(api, "+12025550123", campaign="bolt"))["blocked"] is False
    assert (await api.delete("/dnc/+12025550123")).json()["removed"] is False
    assert (await api.delete("/dnc/+12025550123", params={"merchant": "Acme"})).json()["removed"] is True
    assert (await check(api, "+12025550123"))["entries"] == []


async def test_entries_are_listed_by_scope_and_first_digits_in_pages(
    api: httpx.AsyncClient, merchants: list[str]
) -> None:
    await api.post("/dnc", json={"numbers": ["+12025550123", "+12025550124", "+441632960001"], "merchant": "Acme"})
    await api.post("/dnc", json={"numbers": ["+12025550123"], "campaign": "bolt"})
    await api.post("/dnc", json={"numbers": ["+12025550123"]})
    listed: list[dict[str, Any]] = []
    after: str | None = ""
    while after is not None:
        page = (await api.get("/dnc", params={"limit": 2, **({"after": after} if after else {})})).json()
        listed += page["items"]
        after = page["next"]
    assert [(item["number"], item["campaign"], item["merchant"]) for item in listed] == [
        ("+12025550123", None, None),
        ("+12025550123", None, "Acme"),
        ("+12025550123", "bolt", None),
        ("+12025550124", None, "Acme"),
        ("+441632960001", None, "Acme"),
    ]
    for params, numbers in (
        ({"merchant": "Acme", "digits": "+44"}, ["+441632960001"]),
        ({"everywhere": "true"}, ["+12025550123"]),
        ({"campaign": "bolt"}, ["+12025550123"]),
    ):
        page = (await api.get("/dnc", params=params)).json()
        assert [item["number"] for item in page["items"]] == numbers


@pytest.mark.parametrize(
    ("method", "path", "params", "said"),
    [
        ("GET", "/dnc", {"campaign": "bolt", "merchant": "Acme"}, "got both"),
        ("GET", "/dnc", {"merchant": " Acme"}, "merchant"),
        ("GET", "/dnc", {"everywhere": "true", "campaign": "bolt"}, "everywhere"),
        ("GET", "/dnc", {"after": "nonsense"}, "`next`"),
        ("GET", "/dnc", {"digits": "12a"}, "digits"),
        ("POST", "/dnc/import", {"region": "USA"}, "USA"),
        ("POST", "/dnc/import", {"delimiter": ";;"}, "delimiter"),
        ("DELETE", "/dnc/12", {}, "E.164"),
    ],
)
async def test_what_can_not_be_is_told_with_its_key(
    api: httpx.AsyncClient, merchants: list[str], method: str, path: str, params: dict[str, str], said: str
) -> None:
    answer = await api.request(method, path, params=params)
    assert answer.status_code == 422
    assert said in answer.text


async def test_a_file_of_numbers_is_added_and_can_be_fed_in_again(api: httpx.AsyncClient, merchants: list[str]) -> None:
    text = "name;phone;why\nAda;202 555 0123;asked\nBo;nonsense;x\nCy;(202) 555-0124;\nAda;+12025550123;again\n"
    trial = await imported(api, text, region="US", merchant="Acme", dry_run=True)
    assert (trial["rows"], trial["added"], trial["known"], trial["rejected"]) == (4, 2, 1, 1)
    assert (await api.get("/dnc")).json()["items"] == []
    said = {"region": "US", "merchant": "Acme", "reason": "register", "reason_column": "why"}
    report = await imported(api, text, **said)
    assert (report["rows"], report["added"], report["known"], report["rejected"]) == (4, 2, 1, 1)
    assert report["column"] == "phone" and "row 3: rejected: 'nonsense'" in report["examples"][0]
    items = (await api.get("/dnc")).json()["items"]
    assert [(item["number"], item["reason"]) for item in items] == [
        ("+12025550123", "asked"),
        ("+12025550124", "register"),
    ]
    again = await imported(api, text, **said)
    assert (again["added"], again["known"], again["rejected"]) == (0, 3, 1)


async def test_rejected_rows_come_back_as_csv(api: httpx.AsyncClient, merchants: list[str]) -> None:
    answer = await api.post("/dnc/import", content="phone,note\n123,a\n+12025550123,b\n", params={"rejects": "true"})
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert "".join(line["rejects"] for line in lines if "rejects" in line).splitlines() == [
        "phone,note,reason",
        "123,a,'123' is not a valid number with its country (+...)",
    ]


@pytest.mark.parametrize(
    ("content", "params", "column"),
    [
        (b"+12025550123\n+12025550124\n", {}, ""),
        (b"x,+12025550123\ny,+12025550124\n", {}, ""),
        (b"2025550123\n2025550124\n", {"region": "us"}, ""),
        ("\ufeffNUMBER\r\n+12025550123\r\n+12025550124".encode(), {}, "NUMBER"),
        (b"blocked\n+12025550123\n+12025550124\n", {}, "blocked"),
        (b"a|b\n1|+12025550123\n2|+12025550124\n", {"column": "B"}, "b"),
        ("Nummer\n+12025550123\n+12025550124\n".encode("utf-16"), {}, "Nummer"),
    ],
)
async def test_the_column_of_numbers_is_found_with_and_without_names(
    api: httpx.AsyncClient, merchants: list[str], content: bytes, params: dict[str, str], column: str
) -> None:
    report = await imported(api, content, **params)
    assert (report["added"], report["rejected"], report["column"]) == (2, 0, column), report


@pytest.mark.parametrize(
    ("content", "params", "said"),
    [
        (b"", {}, "is empty"),
        (b"a,b\nx,y\n", {}, "no column that is called like a number"),
        (b"phone,mobile\n1,2\n", {}, "several columns"),
        (b"phone\n1\n", {"column": "tel"}, "no column 'tel'"),
        (b"phone\n1\n", {"reason_column": "why"}, "no column 'why'"),
        (b"PK\x03\x04rest", {}, "spreadsheet"),
    ],
)
async def test_a_file_that_can_not_be_read_is_refused_as_a_whole(
    api: httpx.AsyncClient, merchants: list[str], content: bytes, params: dict[str, str], said: str
) -> None:
    answer = await api.post("/dnc/import", content=content, params=params)
    assert answer.status_code == 422 and said in answer.json()["error"]


async def test_who_changed_what_is_kept(api: httpx.AsyncClient, store: MemoryStore, merchants: list[str]) -> None:
    await api.post("/dnc", json={"numbers": ["+12025550123"], "merchant": "Acme", "reason": "asked"})
    await api.delete("/dnc/+12025550123", params={"merchant": "Acme", "reason": "called back"})
    await imported(api, "+12025550123\n")
    noted = await store.read(
        lambda records: records._in.rows(  # type: ignore[attr-defined]
            "SELECT what, who, details FROM audit WHERE what LIKE 'dnc.%' ORDER BY audit_id"
        )
    )
    assert [what for what, _, _ in noted] == ["dnc.add", "dnc.remove", "dnc.import"]
    assert all(who for _, who, _ in noted)
    added, removed, imports = (json.loads(details) for _, _, details in noted)
    assert (added["after"]["numbers"], added["after"]["reason"]) == (["+12025550123"], "asked")
    assert (removed["before"]["reason"], removed["reason"]) == ("asked", "called back")
    assert (imports["after"]["rows"], imports["after"]["added"]) == (1, 1)
