"""Predictive pacing through the whole engine, on the simulated network and virtual time."""

from dataclasses import replace

import pytest

from benchmarks.pacing.matrix import scenario
from benchmarks.pacing.simulator import Simulation
from strategies.predictive import Predictive
from telephony.events import AgentState
from tests.support.paced_floor import SERVER, PacedFloor, like_the_network, paced, paced_floor

TEN = like_the_network(scenario(10, 0.25, 60.0, hours=1.0))


async def within_the_limit(floor: PacedFloor) -> tuple[int, int]:
    """Check that the abandon rate is inside its limit, but for one call, and that nobody who waited was overlooked."""
    answered, abandoned = await floor.counts()
    assert abandoned <= 0.03 * answered + 1
    assert floor.idle_at_message == [], "somebody was abandoned while an agent was idle"
    floor.centre.assert_no_channel_leaks()
    return answered, abandoned


async def test_agents_talk_more_than_with_one_call_for_each_and_the_limit_holds() -> None:
    async with paced_floor(TEN, paced(scenario=TEN), leads=6000) as floor:
        await floor.run(hours=1)
        answered, _ = await within_the_limit(floor)
        assert answered > 300
        predictive = floor.utilisation
        # Calls that are given up have rung for 15 s, and count as not answered.
        assert floor.centre.telephony.hung_up
        for call_id in floor.centre.telephony.hung_up:
            assert call_id in floor.centre.telephony.originated
    async with paced_floor(TEN, paced("ratio", TEN, pacing_settings={"ratio": 1.0}), leads=6000) as floor:
        await floor.run(hours=1)
        assert predictive > floor.utilisation + 0.15


async def test_the_engine_reaches_what_the_core_simulation_reaches() -> None:
    """By 0.02; docs/pacing.md says how much it is, and where it comes from."""
    row = like_the_network(scenario(30, 0.25, 60.0, hours=1.0))
    core = Simulation(row, Predictive(), seed=1).run()
    async with paced_floor(row, paced(scenario=row), leads=9000) as floor:
        await floor.run(hours=1)
        await within_the_limit(floor)
        assert floor.utilisation == pytest.approx(core.utilisation, abs=0.02)


async def test_half_the_agents_leave_at_once() -> None:
    row = replace(TEN, agents=20)
    async with paced_floor(row, paced(scenario=row), leads=8000) as floor:
        await floor.run(minutes=20)
        agents = [*floor.centre.network.agents]
        for agent in agents[::2]:
            floor.centre.network.set_agent(agent, AgentState.AWAY)
        await floor.run(minutes=25)
        await within_the_limit(floor)


async def test_the_link_is_lost_for_half_a_minute_with_calls_up() -> None:
    async with paced_floor(TEN, paced(scenario=TEN), leads=6000) as floor:
        await floor.run(minutes=15)
        assert floor.centre.telephony.calls_up()
        floor.centre.network.cut_link(SERVER)
        await floor.run(seconds=29)
        assert floor.launched_since(28) == 0
        await floor.run(seconds=1)
        floor.centre.network.restore_link(SERVER)
        await floor.run(minutes=30)
        assert floor.launched_since(60) > 0
        await within_the_limit(floor)


async def test_nobody_is_called_for_agents_who_were_paused_by_hand() -> None:
    async with paced_floor(TEN, paced(scenario=TEN, wrap_deadline_s=60), leads=6000) as floor:
        await floor.run(minutes=15)
        for agent in floor.centre.network.agents:
            floor.centre.network.set_agent(agent, AgentState.PAUSED)
        # Who talked is taken to wrap up after it, as nothing tells a pause by hand from that, but not for long.
        while AgentState.TALKING in floor.centre.network.agents.values():
            await floor.run(seconds=5)
        await floor.run(seconds=61)
        before = len(floor.centre.telephony.originated)
        await floor.run(minutes=10)
        assert len(floor.centre.telephony.originated) == before
        for agent in floor.centre.network.agents:
            floor.centre.network.set_agent(agent, AgentState.READY)
        await floor.run(minutes=30)
        assert floor.launched_since(60) > 0
        await within_the_limit(floor)


@pytest.mark.parametrize(("rate", "leads"), [(0.6, 3000), (0.05, 9000)])
async def test_a_cold_start_into_another_answer_rate_than_expected(rate: float, leads: int) -> None:
    row = like_the_network(scenario(20, rate, 60.0, hours=0.5))
    async with paced_floor(row, paced(scenario=row), leads=leads) as floor:
        await floor.run(minutes=30)
        answered, abandoned = await floor.counts()
        assert abandoned <= 0.04 * answered + 1
        assert floor.idle_at_message == []
        assert answered > 100


async def test_the_budget_is_that_of_thirty_days_and_outlives_the_engine() -> None:
    """An engine that starts anew knows what its predecessor abandoned."""
    async with paced_floor(TEN, paced(scenario=TEN), leads=6000) as floor:
        await floor.run(minutes=30)
        await floor.centre.engine.floor.outbox.flush()
        before = {each.name: each for each in floor.centre.engine.report().campaigns[0].budget}
        assert list(before) == ["30m", "24h", "month", "30d"]
        await floor.centre.kill()
        await floor.centre.start()
        await floor.run(seconds=1)
        after = {each.name: each for each in floor.centre.engine.report().campaigns[0].budget}
        for name, each in before.items():
            assert after[name].abandoned >= each.abandoned
            assert after[name].answered >= 0.9 * each.answered
        await floor.run(minutes=20)
        await within_the_limit(floor)
