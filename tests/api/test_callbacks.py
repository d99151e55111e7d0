"""Callbacks and wrap codes over the API."""

from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from dialler.domain.lead import CompletedReason, LeadState
from dialler.domain.outcome import Outcome
from dialler.domain.session import SessionStatus
from dialler.ports import Records
from dialler.stores.memory import MemoryStore
from tests.api.test_lead_edits import audit
from tests.support.desks import NOW, FakeEngine

SESSION = "01930000-0000-7000-8000-000000000001"


@pytest.fixture
async def talked(store: MemoryStore, floor: list[int]) -> list[int]:
    """The first lead has talked with an agent, who wrapped it up as a sale."""

    def work(records: Records) -> list[int]:
        session = records.session(SESSION)
        records.set_session(
            replace(
                session,
                outcome=Outcome.CONNECTED,
                status=SessionStatus.COMPLETE,
                wrap_code="SALE",
                agent="ann",
                wrapped_at=NOW,
                connected_at=NOW,
                counts_attempt=True,
            )
        )
        lead = records.lead(floor[0])
        wrapped = replace(lead, last_outcome=Outcome.CONNECTED, last_attempt_at=NOW, last_contacted_at=NOW)
        records.set_lead(replace(wrapped, completed_reason=CompletedReason.WRAP, wrap_code="SALE"))
        return floor

    return await store.write(work)


async def test_a_callback_is_on_the_leads_own_clock_and_inside_its_window(
    api: httpx.AsyncClient, store: MemoryStore, floor: list[int]
) -> None:
    done = (await api.put(f"/leads/{floor[2]}/callback", json={"at": "2026-06-04T10:00", "agent": "ann"})).json()
    assert (done["callback_at"], done["moved"]) == ("2026-06-04T17:00:00+00:00", False)
    assert done["callback_local"] == "2026-06-04T10:00:00-07:00"
    assert (done["state"], done["due_at"], done["priority"]) == ("resting", done["callback_at"], 0)
    late = (await api.put(f"/leads/{floor[1]}/callback", json={"at": "2026-06-04T22:00:00-04:00"})).json()
    assert (late["callback_local"], late["moved"]) == ("2026-06-05T09:00:00-04:00", True)
    assert late["asked_at"] == "2026-06-04T22:00:00-04:00"
    page = (await api.get("/callbacks?limit=1")).json()
    assert [item["lead_id"] for item in page["items"]] == [floor[2]]
    rest = (await api.get("/callbacks", params={"after": page["next"]})).json()
    assert ([item["lead_id"] for item in rest["items"]], rest["next"]) == ([floor[1]], None)
    mine = (await api.get("/callbacks?agent=ann&campaign=spring")).json()["items"]
    assert [(item["lead_id"], item["callback_agent"]) for item in mine] == [(floor[2], "ann")]
    cancelled = (await api.delete(f"/leads/{floor[2]}/callback")).json()
    assert (cancelled["state"], cancelled["callback_at"], cancelled["callback_agent"]) == ("ready", None, None)
    assert (await api.delete(f"/leads/{floor[2]}/callback")).status_code == 409
    first, _ = await audit(store, "callback.set")
    assert (first["before"]["callback_agent"], first["after"]["callback_agent"]) == (None, "ann")
    assert await store.read(lambda records: records.check()) == []


async def test_an_agents_own_callbacks_say_whose_they_are_and_until_when(
    api: httpx.AsyncClient, store: MemoryStore, floor: list[int]
) -> None:
    for lead_id, agent in ((floor[1], "PJSIP/7001"), (floor[2], "PJSIP/7002")):
        body = {"at": "2026-06-04T10:00", "agent": agent}
        assert (await api.put(f"/leads/{lead_id}/callback", json=body)).status_code == 200
    [own] = (await api.get("/agents/callbacks", params={"agent": "PJSIP/7002"})).json()["items"]
    assert (own["lead_id"], own["callback_is_due"], own["callbacks_to"]) == (floor[2], False, "anyone")
    assert own["agent_until"] is None
    until = {"agent": "2026-06-05T17:00:00+00:00", "agent_first": "2026-06-04T17:05:00+00:00"}
    for to, expected in until.items():
        changed = await api.patch("/campaigns/spring", json={"callbacks_to": to, "callback_hold_s": 300})
        assert changed.status_code == 200, changed.text
        [own] = (await api.get("/agents/callbacks", params={"agent": "PJSIP/7002"})).json()["items"]
        assert (own["callbacks_to"], own["agent_until"]) == (to, expected)
    assert (await api.get("/agents/callbacks", params={"agent": "PJSIP/7003"})).json()["items"] == []
    assert (await api.get("/agents/callbacks")).status_code == 422
    for wrong in ({"callbacks_to": "somebody"}, {"callback_hold_s": -1}, {"callback_hold_s": 86_401}):
        refused = await api.patch("/campaigns/spring", json=wrong)
        assert refused.status_code == 422 and next(iter(wrong)) in refused.text


@pytest.mark.parametrize(("said", "expected"), [(None, "ann"), ("bob", "bob")])
async def test_a_callback_of_a_wrap_code_is_of_who_talked_unless_somebody_is_named(
    api: httpx.AsyncClient, talked: list[int], said: str | None, expected: str
) -> None:
    callback = {"at": "2026-06-04T10:00", "agent": said}
    answer = await api.post(f"/sessions/{SESSION}/wrap", json={"code": "CALLBACK", "callback": callback})
    assert answer.status_code == 200, answer.text
    lead = (await api.get(f"/leads/{talked[0]}")).json()
    assert lead["callback_agent"] == expected


@pytest.mark.parametrize(
    "body",
    [
        {"at": "2026-06-03T08:00"},
        {"at": "2030-01-01T10:00"},
        {"at": "0001-01-01T00:00:00+14:00"},
        {"at": "9999-12-31T23:59:59-14:00"},
        {"at": "2026-06-04T10:00", "expires_at": "2026-06-04T09:00"},
        {"at": "tomorrow"},
    ],
)
async def test_a_callback_that_can_not_be_kept_is_refused(
    api: httpx.AsyncClient, floor: list[int], body: dict[str, str]
) -> None:
    assert (await api.put(f"/leads/{floor[1]}/callback", json=body)).status_code == 422
    assert (await api.get("/callbacks")).json()["items"] == []
    assert (await api.get("/callbacks?after=x")).status_code == 422


async def test_a_wrap_code_edited_later_moves_status_and_lead_and_keeps_the_old_one_in_the_audit(
    api: httpx.AsyncClient, store: MemoryStore, talked: list[int]
) -> None:
    answer = await api.post(f"/sessions/{SESSION}/wrap", json={"code": "refused"}, headers={"x-dialler-who": "bob"})
    session = answer.json()
    assert (session["status"], session["wrap_code"], session["outcome"]) == ("rejected", "REFUSED", "CONNECTED")
    assert (session["wrap_edited_by"], session["wrapped_at"]) == ("socket:bob", NOW.isoformat())
    [entry] = await audit(store, "session.wrap")
    assert entry["before"] == {"wrap_code": "SALE", "status": "complete"}
    assert entry["after"] == {"wrap_code": "REFUSED", "status": "rejected"}
    lead = (await api.get(f"/leads/{talked[0]}")).json()
    assert (lead["state"], lead["completed_reason"], lead["wrap_code"]) == ("completed", "wrap", "REFUSED")
    assert (lead["last_outcome"], lead["last_attempt_at"]) == ("CONNECTED", NOW.isoformat())


async def test_a_code_that_is_a_callback_asks_when_and_brings_the_lead_back(
    api: httpx.AsyncClient, store: MemoryStore, talked: list[int]
) -> None:
    path = f"/sessions/{SESSION}/wrap"
    asked = await api.post(path, json={"code": "CALLBACK"})
    assert (asked.status_code, asked.json()["kind"]) == (422, "usage")
    assert "needs a callback" in asked.json()["error"]
    assert (await api.get(f"/sessions/{SESSION}")).json()["wrap_code"] == "SALE", "nothing is half done"
    other = await api.post(path, json={"code": "SALE", "callback": {"at": "2026-06-04T10:00"}})
    assert other.status_code == 422
    callback = {"at": "2026-06-04T10:00", "agent": "ann"}
    done = (await api.post(path, json={"code": "CALLBACK", "callback": callback})).json()
    assert (done["status"], done["callback_at"]) == ("complete", "2026-06-04T14:00:00+00:00")
    lead = (await api.get(f"/leads/{talked[0]}")).json()
    assert (lead["state"], lead["due_at"], lead["callback_agent"]) == ("resting", "2026-06-04T14:00:00+00:00", "ann")
    [item] = (await api.get("/callbacks")).json()["items"]
    assert item["lead_id"] == talked[0]
    await api.post(path, json={"code": "SALE"})
    assert (await api.get("/callbacks")).json()["items"] == []


async def test_a_session_of_a_deleted_lead_or_an_older_one_is_wrapped_alone(
    api: httpx.AsyncClient, store: MemoryStore, talked: list[int]
) -> None:
    def newer(records: Records) -> None:
        first = records.session(SESSION)
        again = replace(
            first, session_id=SESSION[:-1] + "2", status=SessionStatus.NEW, outcome=None, seq=0, attempt_no=2
        )
        again = records.add_session(replace(again, wrap_code=None))
        ends = NOW + timedelta(hours=1)
        records.set_session(replace(again, status=SessionStatus.EXPIRED, outcome=Outcome.BUSY, ended_at=ends))

    await store.write(newer)
    before = (await api.get(f"/leads/{talked[0]}")).json()
    callback = {"code": "CALLBACK", "callback": {"at": "2026-06-04T10:00"}}
    assert (await api.post(f"/sessions/{SESSION}/wrap", json=callback)).status_code == 409
    assert (await api.post(f"/sessions/{SESSION}/wrap", json={"code": "REFUSED"})).status_code == 200
    assert (await api.get(f"/leads/{talked[0]}")).json() == before
    await api.delete(f"/leads/{talked[0]}")
    assert (await api.post(f"/sessions/{SESSION}/wrap", json={"code": "SALE"})).json()["status"] == "complete"


async def test_a_callback_does_not_bring_back_who_must_not_be_called(
    api: httpx.AsyncClient, store: MemoryStore, floor: list[int]
) -> None:
    def listed(records: Records) -> None:
        lead = records.lead(floor[1])
        records.set_lead(replace(lead, state=LeadState.COMPLETED, completed_reason=CompletedReason.DNC))

    await store.write(listed)
    answer = await api.put(f"/leads/{floor[1]}/callback", json={"at": "2026-06-04T10:00"})
    assert answer.status_code == 409 and "do-not-call" in answer.json()["error"]


async def test_a_text_that_no_record_can_hold_is_refused(api: httpx.AsyncClient, talked: list[int]) -> None:
    for note in ("\\u0000", "\\ud800"):
        content = f'{{"code": "REFUSED", "note": "{note}"}}'
        headers = {"content-type": "application/json"}
        answer = await api.post(f"/sessions/{SESSION}/wrap", content=content, headers=headers)
        assert (answer.status_code, answer.json()["kind"]) == (422, "usage")


PERSONAL = [{"callbacks_to": "agent"}, {"callbacks_to": "agent_first"}]


@pytest.mark.parametrize("to", PERSONAL, ids=str)
async def test_what_can_be_no_agent_is_refused_where_only_he_would_keep_it(
    engine_api: httpx.AsyncClient, talked: list[int], to: dict[str, str]
) -> None:
    body = {"at": "2026-06-04T10:00", "agent": "Ann from sales"}
    note = await engine_api.put(f"/leads/{talked[1]}/callback", json=body)
    assert (note.status_code, note.json()["warning"]) == (200, None), "anyone keeps it"
    assert (await engine_api.patch("/campaigns/spring", json=to)).status_code == 200
    wrap = {"code": "CALLBACK", "callback": body}
    for refused in (
        await engine_api.put(f"/leads/{talked[2]}/callback", json=body),
        await engine_api.post(f"/sessions/{SESSION}/wrap", json=wrap),
        await engine_api.post(f"/leads/{talked[0]}/wrap", json=wrap),
    ):
        assert refused.status_code == 422 and "agent = 'Ann from sales'" in refused.text, refused.text
        assert "PJSIP/1001" in refused.text and to["callbacks_to"] in refused.text
    session = (await engine_api.get(f"/sessions/{SESSION}")).json()
    assert session["wrap_code"] == "SALE", "nothing is half done"
    [left] = (await engine_api.get("/callbacks")).json()["items"]
    assert left["lead_id"] == talked[1] and "can be no agent" in left["warning"]


async def test_an_agent_who_may_log_in_later_is_taken_with_a_warning(
    engine_api: httpx.AsyncClient, api: httpx.AsyncClient, talked: list[int]
) -> None:
    assert (await engine_api.patch("/campaigns/spring", json=PERSONAL[0])).status_code == 200
    at = "2026-06-04T10:00"
    put = f"/leads/{talked[1]}/callback"
    away = (await engine_api.put(put, json={"at": at, "agent": "PJSIP/7009"})).json()
    assert away["callback_agent"] == "PJSIP/7009"
    assert away["warning"] == (
        "agent PJSIP/7009 is in no queue now: unless he logs in, the callback waits for him until it expires"
    )
    [item] = (await engine_api.get("/agents/callbacks", params={"agent": "PJSIP/7009"})).json()["items"]
    assert (item["agent_state"], item["warning"]) == ("unknown", away["warning"])
    [item] = (await api.get("/callbacks")).json()["items"]
    assert (item["agent_state"], item["warning"]) == (None, None), "without an engine nobody knows"
    there = (await engine_api.put(put, json={"at": at, "agent": "PJSIP/7001"})).json()
    assert there["warning"] is None
    [item] = (await engine_api.get("/callbacks")).json()["items"]
    assert (item["agent_state"], item["warning"]) == ("ready", None)
    callback = {"at": at, "agent": "PJSIP/7009"}
    wrapped = await engine_api.post(f"/sessions/{SESSION}/wrap", json={"code": "CALLBACK", "callback": callback})
    assert wrapped.json()["warning"] == away["warning"], wrapped.text
    again = await engine_api.post(f"/sessions/{SESSION}/wrap", json={"code": "SALE"})
    assert again.json()["warning"] is None, "its callback is gone"


async def test_a_member_of_an_odd_name_is_an_agent_all_the_same(
    engine_api: httpx.AsyncClient, engine: FakeEngine, floor: list[int]
) -> None:
    engine.agents.queues["odd one"] = ["sales"]
    assert (await engine_api.patch("/campaigns/spring", json=PERSONAL[0])).status_code == 200
    done = await engine_api.put(f"/leads/{floor[1]}/callback", json={"at": "2026-06-04T10:00", "agent": "odd one"})
    assert (done.status_code, done.json()["warning"]) == (200, None), done.text
