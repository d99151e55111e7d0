"""Agents over the API where no engine runs."""

from typing import Any

import httpx
import pytest


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
