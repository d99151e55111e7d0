"""`dialler campaign explain-pacing`."""

import json
from typing import Any

import pytest

from dialler.cli import pacing
from tests.cli.conftest import Dialler

DOCUMENT = {
    "campaign": "spring",
    "strategy": "predictive",
    "settings": {"talk_s": 60.0},
    "decided_at": "2026-06-03T15:30:00.000Z",
    "calls": 3,
    "reason": "2 ready - 0 waiting, 9 under way",
    "figures": {"agents_ready": 2, "risk_next": 0.0412, "risk_max": 0.03},
    "agents": {"ready": 2, "talking": 8},
    "calls_by_state": {"ringing": 9, "talking": 8},
    "budget": [
        {
            "period": "30d",
            "answered": 200.0,
            "abandoned": 4.0,
            "allowed": 6.0,
            "credit": 2.0,
            "limit": 0.03,
            "unsure": 0.0,
        }
    ],
    "limits": [
        "no agent is free (8 busy)",
        "no lead can be dialled now; the next may be at 2026-06-03T15:40:00+00:00",
        "pacing: 2 ready - 0 waiting, 9 under way",
    ],
    "note": None,
}


def test_without_an_engine_it_says_so(spring: Dialler) -> None:
    said = spring("campaign", "explain-pacing", "spring")
    assert said.code == 0
    assert said.out.startswith("spring: ")
    assert "no engine runs on these records" in said.out
    assert spring("campaign", "explain-pacing", "spring", "--json").json["reason"] is None


def test_an_unknown_campaign_is_told_in_words(spring: Dialler) -> None:
    said = spring("campaign", "explain-pacing", "autumn")
    assert said.code != 0 and "autumn" in said.err


def test_it_says_the_decision_in_words_and_figures(spring: Dialler, monkeypatch: pytest.MonkeyPatch) -> None:
    class Api:
        async def __aenter__(self) -> "Api":
            return self

        async def __aexit__(self, *_: object) -> None:
            pass

        async def get(self, path: str) -> Any:
            assert path == "/campaigns/spring/pacing"
            return json.loads(json.dumps(DOCUMENT))

    monkeypatch.setattr(pacing, "connected", lambda options: Api())
    lines = spring("campaign", "explain-pacing", "spring").out.splitlines()
    assert lines[:3] == [
        "spring: predictive talk_s=60",
        "2026-06-03 15:30:00Z: 3 calls to launch",
        "  2 ready - 0 waiting, 9 under way",
    ]
    assert lines[3:8] == [
        "  limit: no agent is free (8 busy)",
        "  limit: no lead can be dialled now; the next may be at 2026-06-03 15:40:00Z",
        "agents: 2 ready, 8 talking",
        "calls: 9 ringing, 8 talking",
        "figures: agents_ready 2, risk_next 4.12%, risk_max 3.00%",
    ]
    assert lines[-1].split() == ["30d", "200", "4", "6", "2", "3.00%"]
