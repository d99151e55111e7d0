"""Pacing on a real Asterisk whose agents are paused by hand, or whose link is lost, while calls are under way."""

from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

import anyio
import anyio.to_thread
import pytest

from benchmarks.pacing.on_asterisk import real_scenario
from dialler.domain.call import CallState
from dialler.domain.outcome import Outcome
from dialler.events import CallAbandoned, MessageStarted, SessionAdopted, SessionCaughtUp, SessionSent
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
    # Each by its name: "all" takes the time to meet the first of those that follow.
    for channel in (await anyio.to_thread.run_sync(floor.asterisk.calls_up)).values():
        await anyio.to_thread.run_sync(partial(floor.asterisk.cli, f"channel request hangup {channel}", check=False))


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


AGENTS, LINES = 4, 12
AWAY_S = (12.0, 24.0)
"""Long enough for the dialplan's own time-out, 8 s, and short enough for some who still wait; and so long that some, or
all, are through the message and gone."""

TIME_OUT_S, MESSAGE_LASTS_S = 8.0, 4.0
"""Of the dialplan: its queue's, and how long the message and the wait for a key after it are."""


@pytest.mark.parametrize("away_s", AWAY_S)
async def test_who_answers_while_the_link_is_lost_is_accounted_for_and_pacing_goes_on(away_s: float) -> None:
    scenario = replace(
        real_scenario(agents=AGENTS, rate=1.0, talk_s=600.0, wrap_s=2.0, seconds=60),
        set_up_median_s=0.3,
        set_up_sigma=0.1,
        ring_median_s=4.0,
        ring_sigma=0.6,
    )
    settings = team_settings(scenario, pacing="ratio", pacing_settings={"ratio": LINES / AGENTS})
    async with team_floor(team_asterisk(scenario), settings=settings) as floor:
        await floor.log_in()
        await floor.until(lambda: len(floor.told(SessionSent)) == LINES)
        await floor.link.cut()
        await floor.until(lambda: not floor.engine.floor.is_usable("asterisk"))
        await anyio.sleep(away_s)
        assert len(floor.opened_at_s) == LINES, "launched without a link"
        await floor.link.restore()
        await floor.until(lambda: floor.engine.floor.is_usable("asterisk"))

        # Everybody is where he is: with an agent, in the queue for longer than he should be, or at the message.
        board = floor.engine.floor.board
        adopted = Counter(event.state for event in floor.told(SessionAdopted))
        talking = [each.call.agent for each in board.calls.values() if each.call.connected_at is not None]
        assert sorted(map(str, talking)) == [*team(AGENTS)]
        await floor.until(lambda: all(state is AgentState.TALKING for state in board.agents(None).values()))
        assert adopted["bridged"] == AGENTS
        gone = LINES - adopted.total()
        if away_s <= TIME_OUT_S + MESSAGE_LASTS_S:
            assert gone == 0
            assert min(adopted["queued"], adopted["harbour"]) > 0, "one of the two was not tested"
        else:
            assert gone > 0, "nobody was through the message: nothing was tested"
        assert len(floor.told(SessionCaughtUp)) == gone

        # Who waits is taken to the message now; his wait is as long as it was, and late, as that of who is gone.
        await floor.until(lambda: len(floor.message_after_s) == adopted["queued"] + gone)
        assert all(after_s <= TIME_OUT_S + 1 for after_s in floor.message_after_s)
        is_late = [event.is_late for event in floor.told(MessageStarted)]
        assert is_late == [after_s > 2.0 for after_s in floor.message_after_s]
        assert adopted["queued"] < 2 or any(is_late)

        # What the dialplan's own time-out did is what is recorded; the ledger has all of them.
        await floor.until(lambda: len(board.calls) == AGENTS, within_s=60)
        await floor.engine.floor.outbox.flush()
        ended = [session for session in await floor.sessions() if session.outcome is not None]
        outcomes = Counter(each.outcome for each in ended)
        assert outcomes == Counter({Outcome.ABANDONED: LINES - AGENTS})
        reasons = Counter(event.reason for event in floor.told(CallAbandoned))
        assert reasons == Counter({"no_agent": adopted["queued"], "queue": adopted["harbour"] + gone})
        [rate, *_] = floor.engine.report().campaigns[0].budget
        assert (rate.abandoned, rate.answered) == (LINES - AGENTS, LINES)

        # Pacing goes on: over the limit with one call for each agent who gets free.
        await end_what_is_up(floor)
        await floor.until(lambda: len(floor.joined_after_s) == AGENTS, within_s=30)
        assert len(floor.opened_at_s) == LINES + (AGENTS if rate.abandoned else LINES)
