"""The abandon ledger over the API."""

from datetime import timedelta

import httpx
import pytest

from dialler.domain.evolve import evolve
from dialler.domain.outcome import Outcome
from dialler.domain.session import SessionStatus
from dialler.ports import Records
from dialler.stores.memory import MemoryStore
from tests.support.desks import NOW
from tests.support.values import a_session

SPRING = {"name": "spring", "timezone": "America/Chicago", "pacing": "ratio", "queue": "sales"}


async def ended(store: MemoryStore, *calls: tuple[Outcome, timedelta]) -> None:
    """Put sessions into the records: their outcome, and how long ago they ended."""

    def work(records: Records) -> None:
        for at, (outcome, ago) in enumerate(calls):
            session = records.add_session(a_session(session_id=f"s{at}", lead_id=at))
            told = {"outcome": outcome, "ended_at": NOW - ago}
            records.set_session(evolve(session, status=SessionStatus.EXPIRED, **told))

    await store.write(work)


async def test_it_shows_numerator_denominator_rate_limit_and_room_by_period(
    api: httpx.AsyncClient, store: MemoryStore
) -> None:
    await api.post("/campaigns", json={**SPRING, "abandon_sample_min": 10, "abandon_limit": 0.1})
    minute, days = timedelta(minutes=1), timedelta(days=2)
    passed = [(Outcome.CONNECTED, minute)] * 18
    await ended(store, (Outcome.ABANDONED, minute), (Outcome.ABANDONED, days), *passed, (Outcome.MACHINE, minute))
    shown = (await api.get("/campaigns/spring/abandons")).json()
    assert (shown["campaign"], shown["timezone"], shown["limit"], shown["over"], shown["days"]) == (
        "spring",
        "America/Chicago",
        0.1,
        "progressive",
        [],
    )
    periods = {each["period"]: each for each in shown["periods"]}
    assert list(periods) == ["30m", "24h", "month", "30d"]
    day = periods["24h"]
    assert (day["abandoned"], day["answered"], day["rate"], day["room"]) == (1, 19, pytest.approx(1 / 19), 1)
    assert (day["allowed"], day["limit"], day["enforced"], day["is_over"]) == (pytest.approx(1.9), 0.1, True, False)
    assert (periods["30d"]["abandoned"], periods["30d"]["answered"], periods["30d"]["room"]) == (2, 20, 0)
    assert day["counts"] == {
        "abandoned": 1,
        "abandoned_short": 0,
        "passed": 18,
        "passed_machine": 0,
        "machine": 1,
    }


async def test_days_are_those_of_the_campaigns_zone_today_first(api: httpx.AsyncClient, store: MemoryStore) -> None:
    await api.post("/campaigns", json=SPRING)
    # It is 10:30 in Chicago: eleven hours ago was yesterday there, and today in UTC.
    await ended(store, (Outcome.ABANDONED, timedelta(hours=11)), (Outcome.CONNECTED, timedelta(hours=1)))
    shown = (await api.get("/campaigns/spring/abandons?days=3")).json()
    assert [(each["day"], each["abandoned"], each["answered"], each["rate"]) for each in shown["days"]] == [
        ("2026-06-03", 0, 1, 0),
        ("2026-06-02", 1, 1, 1),
        ("2026-06-01", 0, 0, None),
    ]
    await api.patch("/campaigns/spring", json={"timezone": "Etc/UTC"})
    shown = (await api.get("/campaigns/spring/abandons?days=1")).json()
    assert [(each["day"], each["answered"]) for each in shown["days"]] == [("2026-06-03", 2)], "history in the new zone"


async def test_a_year_of_days_is_whole(api: httpx.AsyncClient, store: MemoryStore) -> None:
    await api.post("/campaigns", json=SPRING)
    await ended(store, (Outcome.ABANDONED, timedelta(days=399)))
    shown = (await api.get("/campaigns/spring/abandons?days=400")).json()
    assert (len(shown["days"]), shown["days"][-1]["abandoned"]) == (400, 1)
    assert (await api.get("/campaigns/spring/abandons?days=401")).status_code == 422
    assert (await api.get("/campaigns/autumn/abandons")).status_code == 404


async def test_settings_read_back_as_they_were_said(api: httpx.AsyncClient) -> None:
    given = {
        "abandon_limit": 0.05,
        "abandon_periods": ["24h", "month"],
        "abandon_sample_min": 40,
        "abandon_over": "stop",
        "abandon_short": True,
        "abandon_estimate": True,
        "amd_false_positives": 0.02,
    }
    await api.post("/campaigns", json=SPRING)
    await api.patch("/campaigns/spring", json=given)
    shown = (await api.get("/campaigns/spring")).json()
    assert {key: shown[key] for key in given} == given
