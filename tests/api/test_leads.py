"""Leads, sessions and do-not-call over the API."""

from dataclasses import replace

import httpx
import pytest

from dialler.domain.session import SessionStatus
from dialler.ports import Records
from dialler.stores.memory import MemoryStore

SESSION = "01930000-0000-7000-8000-000000000001"


async def test_a_lead_is_found_by_number_key_list_and_state(api: httpx.AsyncClient, floor: list[int]) -> None:
    for query, expected in [
        ("number=%2B1%20212-555-0102", [floor[1]]),
        ("customer_key=103", [floor[2]]),
        ("campaign=spring&list=east", floor[:2]),
        ("state=completed", [floor[0]]),
        ("number=%2B12125550102&state=completed", []),
        ("external_lead_id=nobody", []),
        ("", floor),
    ]:
        page = (await api.get(f"/leads?{query}")).json()
        assert [lead["lead_id"] for lead in page["items"]] == expected, query
        assert page["next"] is None


async def test_pages_of_leads_follow_one_another_without_gap_or_repeat(
    api: httpx.AsyncClient, floor: list[int]
) -> None:
    first = (await api.get("/leads?limit=2")).json()
    assert first["next"] == floor[1]
    second = (await api.get(f"/leads?limit=2&after={first['next']}")).json()
    assert second["next"] is None
    assert [lead["lead_id"] for lead in first["items"] + second["items"]] == floor


async def test_a_list_without_its_campaign_is_wrong_usage(api: httpx.AsyncClient, floor: list[int]) -> None:
    answer = await api.get("/leads?list=east")
    assert (answer.status_code, answer.json()["kind"]) == (422, "usage")


async def test_a_lead_shows_state_and_status_in_the_words_of_the_records(
    api: httpx.AsyncClient, floor: list[int]
) -> None:
    lead = (await api.get(f"/leads/{floor[0]}")).json()
    assert (lead["state"], lead["status"]) == ("completed", "completed")
    assert (lead["campaign"], lead["list"], lead["timezones"]) == ("spring", "east", ["America/New_York"])
    assert lead["numbers"] == [{"number": "+12125550101", "raw": "", "status": "ok", "reached": 0}]
    assert (await api.get("/leads/99")).json() == {"error": "there is no lead 99", "kind": "not_found"}


async def test_the_explanation_of_a_lead_outside_its_window_has_local_time_rule_and_next_opening(
    api: httpx.AsyncClient, floor: list[int]
) -> None:
    verdict = (await api.get(f"/leads/{floor[2]}/explain")).json()
    assert verdict["dialable"] is False
    window = verdict["window"]
    assert window["open"] is False
    assert window["rule"] == "wed 09:00-20:00"
    assert window["local_times"] == {"America/Los_Angeles": "2026-06-03T08:30:00-07:00"}
    assert window["next_open"] == verdict["earliest"] == "2026-06-03T16:00:00+00:00"
    assert window["next_open_local"] == {"America/Los_Angeles": "2026-06-03T09:00:00-07:00"}
    shut = [gate["name"] for gate in verdict["gates"] if not gate["passed"]]
    assert shut == ["window"]


async def test_the_explanation_of_a_lead_in_its_window_names_the_number(
    api: httpx.AsyncClient, floor: list[int]
) -> None:
    verdict = (await api.get(f"/leads/{floor[1]}/explain")).json()
    assert (verdict["dialable"], verdict["number"]) == (True, "+12125550102")
    assert all(gate["passed"] for gate in verdict["gates"])


async def test_a_lead_has_a_history_and_a_missing_lead_has_none(api: httpx.AsyncClient, floor: list[int]) -> None:
    page = (await api.get(f"/leads/{floor[0]}/history")).json()
    assert [session["session_id"] for session in page["items"]] == [SESSION]
    assert (await api.get(f"/leads/{floor[1]}/history")).json() == {"items": [], "next": None}
    assert (await api.get("/leads/99/history")).status_code == 404


async def test_a_session_tells_status_in_lower_and_outcome_in_upper_case(
    api: httpx.AsyncClient, floor: list[int]
) -> None:
    session = (await api.get(f"/sessions/{SESSION}")).json()
    assert (session["status"], session["outcome"], session["seq"]) == ("expired", "BUSY", 1)
    assert session["created_at"] == session["ended_at"] == "2026-06-03T15:30:00+00:00"
    assert list(session)[:10] == [
        "session_id", "seq", "created_at", "campaign", "list", "lead_id", "number", "outcome", "status", "attempt_no",
    ]  # fmt: skip
    assert (await api.get("/sessions/nonsense")).status_code == 404


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", 1),
        ("campaign=spring&list=east", 1),
        ("campaign=spring&list=west", 0),
        ("status=expired&outcome=BUSY", 1),
        ("status=new", 0),
        ("outcome=NO_ANSWER", 0),
        ("after=1", 0),
        ("after=2", 1),
        ("oldest_first=true&after=0", 1),
    ],
)
async def test_sessions_are_filtered(api: httpx.AsyncClient, floor: list[int], query: str, found: int) -> None:
    assert len((await api.get(f"/sessions?{query}")).json()["items"]) == found


async def test_pages_of_sessions_go_back_in_time_without_gap_or_repeat(
    api: httpx.AsyncClient, floor: list[int], store: MemoryStore
) -> None:
    def more(records: Records) -> None:
        first = records.session(SESSION)
        for at, lead_id in enumerate(floor[1:], start=2):
            records.add_session(
                replace(first, session_id=f"{SESSION[:-1]}{at}", lead_id=lead_id, status=SessionStatus.NEW, seq=0)
            )

    await store.write(more)
    seen: list[int] = []
    after = ""
    while after is not None:
        page = (await api.get(f"/sessions?limit=1&after={after}" if after else "/sessions?limit=1")).json()
        seen += [session["seq"] for session in page["items"]]
        after = page["next"]
        assert len(seen) <= 3
    assert seen == [3, 2, 1]
    oldest = (await api.get("/sessions?limit=2&oldest_first=true")).json()
    assert ([session["seq"] for session in oldest["items"]], oldest["next"]) == ([1, 2], 2)


async def test_a_wrap_code_needs_a_call_and_a_known_code(api: httpx.AsyncClient, floor: list[int]) -> None:
    never_called = await api.post(f"/leads/{floor[1]}/wrap", json={"code": "SALE"})
    assert (never_called.status_code, never_called.json()["kind"]) == (409, "conflict")
    unknown = await api.post(f"/leads/{floor[0]}/wrap", json={"code": "GLEE"})
    assert (unknown.status_code, unknown.json()["kind"]) == (422, "usage")


async def test_a_number_on_the_do_not_call_list_of_a_campaign_shuts_its_gate_there(
    api: httpx.AsyncClient, floor: list[int]
) -> None:
    number = "+12125550102"
    added = await api.post("/dnc", json={"numbers": ["+1 212 555 0102"], "campaign": "spring", "reason": "asked"})
    assert added.json() == {"added": 1, "numbers": [number], "campaign": "spring", "merchant": None}
    verdict = (await api.get(f"/leads/{floor[1]}/explain")).json()
    assert [gate["name"] for gate in verdict["gates"] if not gate["passed"]] == ["do_not_call"]
    checked = (await api.get(f"/dnc/{number}")).json()
    assert [entry["reason"] for entry in checked.pop("entries")] == ["asked"]
    assert checked == {"number": number, "blocked": True, "everywhere": False, "campaigns": ["spring"]}
    assert (await api.delete(f"/dnc/{number}")).json()["removed"] is False  # that would be the entry for all
    assert (await api.delete(f"/dnc/{number}?campaign=spring")).json()["removed"] is True
    assert (await api.get(f"/dnc/{number}")).json()["blocked"] is False


async def test_a_number_on_the_list_for_all_is_blocked_everywhere(api: httpx.AsyncClient) -> None:
    await api.post("/dnc", json={"numbers": ["+12125550102"]})
    checked = (await api.get("/dnc/+12125550102")).json()
    assert (checked["blocked"], checked["everywhere"]) == (True, True)
    again = await api.post("/dnc", json={"numbers": ["+12125550102"]})
    assert again.json()["added"] == 0


async def test_what_is_no_number_is_not_put_on_the_list(api: httpx.AsyncClient) -> None:
    answer = await api.post("/dnc", json={"numbers": ["+12125550102", "5550102"]})
    assert answer.status_code == 422
    assert "5550102" in answer.json()["error"]
    assert (await api.get("/dnc/+12125550102")).json()["blocked"] is False
