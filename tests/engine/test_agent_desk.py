"""Agents' log in, out, pause and ready through the engine, on virtual time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import anyio
import pytest

from dialler.domain.campaign import Wrap
from dialler.errors import NotFound, TelephonyError, UsageError
from dialler.ports import AgentReport
from telephony.events import DIRECT_REASON, WRAP_UP_REASON, AgentState
from telephony.simulated import AgentGroup, Spread
from tests.support.call_centre import QUEUE, QUICK, WITH_AGENTS, CallCentre, call_centre

ANN = "PJSIP/1001"
PLAN = replace(
    QUICK,
    agents=(AgentGroup(number=0, queues=(QUEUE, "support")),),
    answer_rate=(1.0,),
    machine_rate=0.0,
    talk_s=Spread(20.0),
)
CODES = replace(
    WITH_AGENTS, pacing="progressive", pacing_settings={}, wrap=Wrap.REQUIRED, wrap_deadline_s=90, rest_min_s=36_000
)


@asynccontextmanager
async def opened() -> AsyncIterator[CallCentre]:
    async with call_centre(PLAN) as centre:
        await centre.campaign(settings=CODES, lists={"list": (100, 2)})
        await centre.start()
        await anyio.sleep(0.1)
        yield centre


async def log_in(
    centre: CallCentre, *queues: str, agent: str = ANN, paused: bool = False, reason: str = ""
) -> list[str]:
    desk = centre.engine.agents
    added = await desk.log_in(agent, queues, name="Ann", penalty=0, paused=paused, reason=reason)
    await anyio.sleep(0.01)
    return list(added)


def told(centre: CallCentre) -> AgentReport:
    [agent] = centre.engine.agents.report()
    return agent


async def test_an_agent_logs_in_talks_writes_up_is_ready_and_logs_out() -> None:
    async with opened() as centre:
        assert await log_in(centre, QUEUE, "support", paused=True, reason="briefing") == [QUEUE, "support"]
        assert (told(centre).state, told(centre).pause_reason) == ("paused", "briefing")
        assert await log_in(centre, QUEUE) == []
        await anyio.sleep(30)
        assert not centre.telephony.originated
        await centre.engine.agents.make_ready(ANN)
        await centre.until(lambda: centre.network.agents[ANN] is AgentState.TALKING)
        await anyio.sleep(0.1)
        agent = told(centre)
        assert (agent.state, agent.pause_reason) == ("talking", WRAP_UP_REASON)
        assert agent.talk is not None
        assert (agent.talk.session_id, agent.talk.state) == (*centre.telephony.originated, "talking")
        await centre.until(lambda: centre.network.agents[ANN] is AgentState.WRAP_UP)
        await anyio.sleep(0.1)
        agent = told(centre)
        assert agent.state == "wrap-up" and agent.talk is not None and agent.talk.state == "wrap-up"
        await centre.engine.agents.make_ready(ANN)
        assert centre.network.agents[ANN] is AgentState.READY
        assert await centre.engine.agents.log_out(ANN, []) == [QUEUE, "support"]
        await anyio.sleep(0.1)
        assert (told(centre).state, told(centre).queues) == ("wrap-up", [])  # its code may still be given


async def test_who_leaves_with_a_talk_is_shown_until_it_is_written_up() -> None:
    async with opened() as centre:
        await log_in(centre, QUEUE)
        await centre.until(lambda: centre.network.agents[ANN] is AgentState.TALKING)
        await anyio.sleep(1)
        await centre.engine.agents.log_out(ANN, [])
        await anyio.sleep(0.1)
        left = told(centre)
        assert (left.state, left.queues, left.talk is not None) == ("talking", [], True)
        assert 0.9 < (centre.clock.now() - left.since).total_seconds() < 3
        await anyio.sleep(30)
        left = told(centre)
        assert (left.state, left.talk is not None and left.talk.state) == ("wrap-up", "wrap-up")
        await anyio.sleep(90)
        assert not centre.engine.agents.report()


async def test_who_is_held_for_a_call_is_shown_before_the_exchange_told_of_his_pause() -> None:
    async with opened() as centre:
        await log_in(centre, QUEUE)
        centre.engine.floor.board.hold(ANN, "a call")
        assert (told(centre).state, told(centre).queues[0].state) == ("reserved", "ready")
        assert centre.engine.report().agents == {ANN: "reserved"}
        centre.engine.floor.board.hold(ANN, None)
        assert told(centre).state == "ready"


async def test_while_the_link_is_down_nobody_is_told_that_an_agent_is_in_no_queue() -> None:
    async with opened() as centre:
        await log_in(centre, QUEUE)
        await centre.engine.agents.pause(ANN, "lunch")
        assert centre.engine.agents.servers_down() == []
        centre.network.cut_link("pbx")
        await anyio.sleep(0.1)
        assert centre.engine.agents.servers_down() == ["pbx"]
        for ask in (centre.engine.agents.log_out(ANN, []), centre.engine.agents.make_ready(ANN)):
            with pytest.raises(TelephonyError, match="link"):
                await ask
        with pytest.raises(NotFound, match="the link to pbx is down"):
            centre.engine._reservations.servers_for(ANN)
        centre.network.restore_link("pbx")
        await centre.until(lambda: bool(centre.engine.agents.report()))
        assert told(centre).pause_reason == "lunch"
        assert await centre.engine.agents.log_out(ANN, []) == [QUEUE]


async def test_a_login_that_is_refused_leaves_nobody_behind() -> None:
    async with opened() as centre:
        with pytest.raises(NotFound, match="nowhere"):
            await log_in(centre, QUEUE, "nowhere")
        await anyio.sleep(0.1)
        assert not centre.engine.agents.report()


async def test_what_can_not_be_done_is_told_and_nothing_is_half_done() -> None:
    async with opened() as centre:
        desk = centre.engine.agents
        with pytest.raises(NotFound, match="there is no queue 'nowhere' on pbx"):
            await log_in(centre, QUEUE, "nowhere")
        with pytest.raises(UsageError, match="such as PJSIP/1001, got '1001'"):
            await log_in(centre, QUEUE, agent="1001")
        for ours in (WRAP_UP_REASON, DIRECT_REASON):
            with pytest.raises(UsageError, match="expected another than"):
                await desk.pause(ANN, ours)
        for ask in (desk.log_out(ANN, []), desk.pause(ANN, "lunch"), desk.make_ready(ANN)):
            with pytest.raises(NotFound, match=f"agent {ANN} is"):
                await ask
        assert centre.network.agents.get(ANN, AgentState.AWAY) is AgentState.AWAY
