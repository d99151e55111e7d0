"""Agents over the API where no engine runs."""

from typing import Any

import httpx
import pytest

from tests.support.desks import FakeEngine


@pytest.mark.parametrize(
    ("verb", "form"), [("login", {"queues": ["sales"]}), ("logout", {}), ("pause", {}), ("ready", {})]
)
async def test_without_an_engine_it_is_a_conflict_that_says_so(
    verb: str, form: dict[str, Any], api: httpx.AsyncClient
) -> None:
    answer = await api.post(f"/agents/{verb}", json={"agent": "PJSIP/1001", **form})
    assert answer.status_code == 409
    assert "no engine runs" in answer.json()["error"]
    assert (await api.get("/agents")).json()["note"].startswith("no engine runs")


async def test_while_a_link_is_down_agents_may_be_missing_and_the_list_says_so(
    engine_api: httpx.AsyncClient, engine: FakeEngine
) -> None:
    assert (await engine_api.get("/agents")).json()["note"] is None
    engine.agents.down.append("main")
    assert (await engine_api.get("/agents")).json()["note"].startswith("the link to main is down")


async def test_the_audit_tells_a_pause_without_a_reason_from_none(engine_api: httpx.AsyncClient) -> None:
    for verb in ("pause", "ready"):
        assert (await engine_api.post(f"/agents/{verb}", json={"agent": "PJSIP/7001"})).is_success
    entries = (await engine_api.get("/audit")).json()["items"]
    told = [(each["what"], each["before"]["paused"], each["after"]["paused"]) for each in entries]
    assert told == [("agent.ready", True, False), ("agent.pause", False, True)]
