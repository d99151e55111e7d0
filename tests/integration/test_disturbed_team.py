"""Pacing on a real Asterisk whose agents are paused by hand, or whose link is lost, while calls are under way."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace

import anyio
import anyio.to_thread
import pytest

from benchmarks.pacing.on_asterisk import real_scenario
from dialler.domain.call import CallState
from telephony.ami import AsteriskNetwork
from telephony.events import AgentState
from tests.support.asterisk import FAST
from tests.support.asterisk_team import team
from tests.support.team_floor import TeamFloor, team_asterisk, team_floor, team_settings

pytestmark = [pytest.mark.asterisk, pytest.mark.slow, pytest.mark.timeout(150)]

QUIET_S = 2.0
"""As long as any decision takes, and longer."""

LUNCH = "lunch"


@asynccontextmanager
async def another_session(floor: TeamFloor) -> AsyncIterator[AsteriskNetwork]:
    """Give a second AMI session of the same account, as a supervisor's program has one."""
    network = AsteriskNetwork([floor.asterisk.server], timing=FAST)
    async with anyio.create_task_group() as tasks:
        await tasks.start(lambda *, task_status: network.run(task_status=task_status))
        await floor.until(lambda: network.is_up("asterisk"))
        yield network
        tasks.cancel_scope.cancel()


async def pause(network: AsteriskNetwork, agents: Iterable[str], *, paused: bool = True) -> None:
    for agent in agents:
        assert await network.set_paused(agent, paused, reason=LUNCH if paused else "")


def in_state(floor: TeamFloor, state: CallState) -> list[str]:
    """Return the calls that are in a state, by id."""
    calls = floor.engine.floor.board.calls
    return [call_id for call_id, tracked in calls.items() if tracked.call.state is state]


async def end_what_is_up(floor: TeamFloor) -> None:
    """End the calls that are up now, and not those that follow them."""
    await anyio.to_thread.run_sync(floor.asterisk.cli, "channel request hangup all")


async def test_nobody_is_called_for_an_agent_who_was_paused_by_hand_while_calls_ring() -> None:
    # Nobody picks up: three calls ring for three agents.
    three = replace(real_scenario(agents=3, rate=0.0, talk_s=20.0, wrap_s=5.0, seconds=60), failed_share=0.0)
    settings = team_settings(three, pacing="progressive", ring_timeout_s=60)
    async with team_floor(team_asterisk(three), settings=settings) as floor, another_session(floor) as other:
        await floor.log_in()
        await floor.until(lambda: len(in_state(floor, CallState.RINGING)) == 3)
        gone, *here = team(3)
        await pause(other, [gone])
        await floor.until(lambda: floor.times.in_state(AgentState.PAUSED) == [gone])
        await end_what_is_up(floor)
        await floor.until(lambda: len(floor.opened_at_s) == 5)
        await floor.until(lambda: len(in_state(floor, CallState.RINGING)) == 2)
        await anyio.sleep(QUIET_S)
        assert len(floor.opened_at_s) == 5, "the third agent is at lunch"

        await pause(other, here)
        await floor.until(lambda: len(floor.times.in_state(AgentState.PAUSED)) == 3)
        await end_what_is_up(floor)
        await floor.until(lambda: not floor.engine.floor.board.calls)
        await anyio.sleep(QUIET_S)
        assert len(floor.opened_at_s) == 5, "nobody is there"

        await pause(other, [gone], paused=False)
        await floor.until(lambda: len(floor.opened_at_s) == 6)


async def test_with_all_paused_by_hand_nothing_is_launched_and_afterwards_nobody_more_is_abandoned() -> None:
    ten = replace(
        real_scenario(agents=10, rate=0.8, talk_s=5.0, wrap_s=2.0, seconds=60), ring_median_s=3.0, set_up_median_s=0.5
    )
    settings = team_settings(ten, ring_timeout_s=10)
    async with team_floor(team_asterisk(ten), settings=settings) as floor, another_session(floor) as other:
        await floor.log_in()
        await floor.until(lambda: len(floor.joined_after_s) >= 10 and len(in_state(floor, CallState.RINGING)) >= 3)
        # Some are idle, some talk, some wrap up; and calls ring.
        await pause(other, team(10))
        members = floor.engine.floor.board.members

        def is_at_lunch(agent: str) -> bool:
            return all(each.pause_reason == LUNCH for each in members.of(agent).values())

        await floor.until(lambda: all(is_at_lunch(agent) for agent in team(10)))
        since_s = floor.clock.monotonic()
        await floor.until(lambda: not floor.engine.floor.board.calls, within_s=60)
        await anyio.sleep(QUIET_S)
        assert floor.launched_since(since_s) == 0
        # A pause by hand outlives the talk in which it was made, and its wrap-up.
        assert all(is_at_lunch(agent) for agent in team(10))
        abandoned, joined = len(floor.message_after_s), len(floor.joined_after_s)
        assert abandoned, "nobody answered while they were at lunch: nothing was tested"
        assert max(floor.message_after_s) <= 2.0

        await pause(other, team(10), paused=False)
        await floor.until(lambda: len(floor.joined_after_s) >= joined + 8, within_s=60)
        assert len(floor.message_after_s) == abandoned, "over its limit it launches one call for each idle agent"
