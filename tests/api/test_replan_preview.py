"""What other redial rules or caps would make of the leads, told before, and as it then comes."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from dialler.api import replan_preview
from dialler.domain.lead import CompletedReason, LeadState
from dialler.domain.outcome import Outcome
from dialler.domain.session import SessionStatus
from dialler.engine import replanning
from dialler.engine.windows import Windows
from dialler.ports import Records
from dialler.stores.memory import MemoryStore
from tests.support.desks import NOW
from tests.support.stores import list_of_leads, new_session

HOUR = timedelta(hours=1)


@pytest.fixture
async def tried(store: MemoryStore) -> MemoryStore:
    """Six leads: one never called, one in a call, and four that did not answer, of which one has had all its three
    attempts and one may be called again."""
    _, leads = await list_of_leads(store, 6)

    def work(records: Records) -> None:
        for lead in leads[1:]:
            called = replace(
                lead,
                attempts=1,
                attempts_counted=3 if lead is leads[2] else 1,
                outcome_run=1,
                last_outcome=Outcome.NO_ANSWER,
                last_attempt_at=NOW - HOUR,
                state=LeadState.RESTING,
                due_at=NOW + HOUR,
            )
            if lead is leads[1]:
                called = replace(called, state=LeadState.IN_CALL, due_at=None)
            elif lead is leads[2]:
                exhausted = CompletedReason.EXHAUSTED
                called = replace(called, state=LeadState.COMPLETED, completed_reason=exhausted, due_at=None)
            elif lead is leads[3]:
                called = replace(called, state=LeadState.READY, due_at=None)
            records.set_lead(called)
            session = records.add_session(new_session(lead, f"s{lead.lead_id}"))
            ended = NOW - HOUR
            records.set_session(
                replace(session, status=SessionStatus.EXPIRED, outcome=Outcome.NO_ANSWER, ended_at=ended)
            )
        records.add_session(new_session(leads[1], "open", attempt_no=2))
        campaign = records.campaign_named("Spring")
        records.set_campaign(replace(campaign, settings=replace(campaign.settings, attempts_max=3)))
        records.replan(leads[0].list_id, limit=100)

    await store.write(work)
    return store


NOTHING = {"comes_back": 0, "rests_longer": 0, "rests_less": 0, "exhausted": 0}
WHERE = {"lists": ["A"], "leads": 6, "looked_at": 5, "is_partial": False, "in_call": 1}


@pytest.mark.parametrize(
    ("path", "body", "changes", "expected"),
    [
        ("/campaigns/Spring", {"attempts_max": 4}, {"attempts_max": [3, 4]}, {"comes_back": 1, "rests_longer": 1}),
        ("/campaigns/Spring", {"attempts_max": 1}, {"attempts_max": [3, 1]}, {"exhausted": 3}),
        (
            "/strategies/standard",
            {"redial": {"NO_ANSWER": {"rests": ["5h"]}}},
            {"redial": [{}, {"NO_ANSWER": {"rests": ["5h"]}}]},
            {"rests_longer": 3},
        ),
        ("/strategies/standard", {"redial": {"NO_ANSWER": {"rests": ["1h"]}}}, None, {"rests_less": 2}),
    ],
)
async def test_a_dry_run_says_what_the_change_then_does_and_changes_nothing(
    api: httpx.AsyncClient,
    tried: MemoryStore,
    path: str,
    body: dict[str, Any],
    changes: dict[str, Any] | None,
    expected: dict[str, int],
) -> None:
    before = (await api.get(path)).json()
    said = (await api.patch(path, json=body, params={"dry_run": True})).json()
    assert said["applied"] is False and said["name"] == before["name"]
    assert changes is None or said["changes"] == changes
    assert said["replan"] == WHERE | NOTHING | expected
    assert (await api.get(path)).json() == before
    states = await _states(tried)
    assert (await api.patch(path, json=body)).status_code == 200
    await tried.write(lambda records: replanning._batch(1, Windows(), NOW, records))
    assert sum(old != new for old, new in zip(states, await _states(tried), strict=True)) == sum(expected.values())
    assert (await api.patch(path, json=body, params={"dry_run": True})).json()["replan"] == (
        WHERE | NOTHING | {"lists": [], "leads": 0, "looked_at": 0, "in_call": 0}
    )


async def test_a_change_that_leaves_the_rules_looks_at_nobody(api: httpx.AsyncClient, tried: MemoryStore) -> None:
    said = (await api.patch("/strategies/standard", json={"order": "newest"}, params={"dry_run": True})).json()
    assert (said["changes"], said["replan"]["lists"]) == ({"order": ["oldest", "newest"]}, [])
    wrong = await api.patch("/campaigns/Spring", json={"attempts_max": 0}, params={"dry_run": True})
    assert wrong.status_code == 422 and "attempts_max" in wrong.text


async def test_a_change_set_that_gives_a_list_another_strategy_says_what_becomes_of_its_leads(
    api: httpx.AsyncClient, tried: MemoryStore
) -> None:
    await api.post("/strategies", json={"name": "once", "attempts_max": 1})
    apply, preview = "/campaigns/Spring/lists/apply", {"preview": "true"}
    plan = (await api.post(apply, json={"lists": {"A": {"strategy": "once"}}}, params=preview)).json()
    assert plan["replan"] == WHERE | NOTHING | {"exhausted": 3}
    same = (await api.post(apply, json={"lists": {"A": {"weight": 7}}}, params=preview)).json()
    assert same["replan"]["lists"] == []


async def test_a_preview_looks_at_so_many_leads_and_says_if_there_are_more(
    api: httpx.AsyncClient, tried: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replan_preview, "PAGE", 1)
    monkeypatch.setattr(replan_preview, "LOOKED_AT_MAX", 2)
    said = (await api.patch("/campaigns/Spring", json={"attempts_max": 1}, params={"dry_run": True})).json()["replan"]
    assert (said["looked_at"], said["is_partial"], said["exhausted"]) == (2, True, 2)


async def _states(store: MemoryStore) -> list[tuple[Any, ...]]:
    leads = await store.read(lambda records: [records.lead(lead_id) for lead_id in range(1, 7)])
    return [(lead.state, lead.due_at) for lead in leads]
