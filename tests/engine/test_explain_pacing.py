"""Why pacing does what it does, over the API: of an engine at work."""

from dataclasses import replace

from dialler.api.desk import Desk
from dialler.api.forms import Json
from dialler.api.pacing import explain_pacing
from tests.support.call_centre import QUICK, WITH_AGENTS, CallCentre, call_centre

PREDICTIVE = replace(WITH_AGENTS, pacing="predictive", pacing_settings={"talk_s": 20.0})


async def explained(centre: CallCentre, name: str = "spring") -> Json:
    # The route itself: its server would need threads, which virtual time has not.
    return await explain_pacing(name, Desk(store=centre.store, clock=centre.clock, engine=centre.engine))


async def test_it_says_the_last_decision_with_agents_and_calls_by_state_and_the_budget() -> None:
    async with call_centre(QUICK) as centre:
        await centre.campaign(settings=PREDICTIVE, lists={"list": (100, 4000)})
        await centre.start()
        await centre.at(centre.clock.now().replace(minute=10))
        said = await explained(centre)
        assert (said["strategy"], said["settings"], said["note"]) == ("predictive", {"talk_s": 20.0}, None)
        assert "one more would find no agent with" in said["reason"]
        assert {"risk_next", "risk_max", "credit", "answer_rate", "agents_ready"} <= said["figures"].keys()
        assert (centre.clock.now().isoformat() >= said["decided_at"]) and said["decided_at"].startswith(
            "2026-06-02T15:"
        )
        assert list(said["agents"]) == ["ready", "reserved", "talking", "wrap-up", "away"]
        assert sum(said["agents"].values()) == 10
        assert sum(said["calls_by_state"].values()) == len(centre.engine.floor.board.calls)
        budget = {each["period"]: each for each in said["budget"]}
        assert list(budget) == ["30m", "24h", "month", "30d"]
        day = budget["24h"]
        assert day["answered"] > 50 and day["credit"] == day["allowed"] - day["abandoned"]


async def test_other_strategies_are_explained_too() -> None:
    async with call_centre() as centre:
        await centre.campaign(settings=WITH_AGENTS)
        await centre.campaign("quiet")
        await centre.start()
        await centre.at(centre.clock.now().replace(minute=1))
        said = await explained(centre)
        assert said["reason"].startswith("2 lines for each of")
        assert list(said["agents"]) == ["ready", "ringing", "talking", "wrap-up", "paused"]
        assert sum(said["agents"].values()) == 10
        assert sum(said["calls_by_state"].values()) == len(centre.engine.floor.board.of_campaign(1))
        quiet = await explained(centre, "quiet")
        assert (quiet["agents"], quiet["budget"]) == ({}, [])
