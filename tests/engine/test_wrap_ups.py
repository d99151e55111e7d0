"""Agents at work after a talk: paused while they talk, and ready once that is written up, or its time is over."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import anyio
import pytest

from dialler.domain.campaign import Wrap
from dialler.domain.outcome import Outcome
from dialler.engine.aftermath import wrap_up
from dialler.engine.windows import Windows
from dialler.errors import LinkLost, NotSent, Refused
from dialler.ports import Records
from telephony.events import WRAP_UP_REASON, AgentState, Answered, Bridged, HungUp, Queued
from telephony.simulated import AgentGroup, Spread
from tests.support.call_centre import QUEUE, QUICK, WITH_AGENTS, CallCentre, call_centre
from tests.support.hand_exchange import HandExchange

AGENT = "SIM/agent-001"
CODES = replace(
    WITH_AGENTS, wrap=Wrap.REQUIRED, wrap_deadline_s=90, pacing="progressive", pacing_settings={}, rest_min_s=36_000
)
FIXED = replace(CODES, wrap=Wrap.NONE, wrap_up_s=30)
ONE = replace(
    QUICK,
    agents=(AgentGroup(number=1, queues=(QUEUE, "support")),),
    answer_rate=(1.0,),
    machine_rate=0.0,
    talk_s=Spread(20.0),
)


@asynccontextmanager
async def at_work(settings: Any = CODES, *, leads: int = 1, plan: Any = ONE) -> AsyncIterator[CallCentre]:
    """Let the only agent come into a talk."""
    async with call_centre(plan) as centre:
        await centre.campaign(settings=settings, lists={"list": (100, leads)})
        await centre.start()
        await comes_to(centre, AgentState.TALKING)
        yield centre


def state(centre: CallCentre) -> AgentState:
    return centre.network.agents[AGENT]


async def comes_to(centre: CallCentre, wanted: AgentState, *, within_s: float = 60) -> None:
    await centre.until(lambda: state(centre) is wanted, within=timedelta(seconds=within_s))
    await anyio.sleep(0.01)  # The engine hears of it.


async def give(centre: CallCentre, code: str = "SALE") -> None:
    """Give the code of the talk that waits for one."""
    await centre.engine.floor.outbox.flush()

    def work(records: Records) -> None:
        [session] = [each for each in records.open_sessions() if each.outcome is Outcome.CONNECTED]
        wrap_up(records, session, code, note=None, by="kim", now=centre.clock.now(), windows=Windows())

    await centre.records(work)
    if not centre._life.over.is_set():  # type: ignore[union-attr]
        await centre.engine.follow()


async def test_an_agent_is_paused_while_he_talks_and_ready_at_once_when_the_code_is_given() -> None:
    async with at_work(leads=2) as centre:
        await anyio.sleep(0.1)
        members = centre.engine.floor.board.members.of(AGENT)
        assert {(each.state, each.pause_reason) for each in members.values()} == {(AgentState.TALKING, WRAP_UP_REASON)}
        assert {place.queue for place in members} == {QUEUE, "support"}
        await comes_to(centre, AgentState.WRAP_UP)
        await anyio.sleep(60)
        assert state(centre) is AgentState.WRAP_UP
        assert len(centre.telephony.originated) == 1, "nobody is called for an agent at work"
        given_at = centre.clock.now()
        await give(centre)
        await comes_to(centre, AgentState.READY, within_s=1)
        assert centre.clock.now() - given_at <= timedelta(seconds=1)
        await centre.until(lambda: len(centre.telephony.originated) == 2)


async def test_without_a_code_an_agent_is_ready_when_the_deadline_has_passed() -> None:
    async with at_work() as centre:
        await comes_to(centre, AgentState.WRAP_UP)
        ended_at = centre.clock.now()
        await comes_to(centre, AgentState.READY, within_s=100)
        assert timedelta(seconds=89) <= centre.clock.now() - ended_at <= timedelta(seconds=92)
        await centre.engine.floor.outbox.flush()
        [session] = await centre.assert_accounted()
        assert session.wrap_code == "NONE"


async def test_a_fixed_time_is_kept_without_codes() -> None:
    async with at_work(FIXED) as centre:
        await comes_to(centre, AgentState.WRAP_UP)
        ended_at = centre.clock.now()
        await comes_to(centre, AgentState.READY)
        assert timedelta(seconds=29) <= centre.clock.now() - ended_at <= timedelta(seconds=32)
        await centre.assert_accounted()


async def test_a_campaign_without_either_leaves_its_agents_alone() -> None:
    async with at_work(replace(FIXED, wrap_up_s=0)) as centre:
        await comes_to(centre, AgentState.READY)
        assert centre.telephony.pauses == []


@pytest.mark.parametrize("while_talking", [True, False])
async def test_an_agent_who_pauses_himself_meanwhile_stays_paused(while_talking: bool) -> None:
    async with at_work() as centre:
        if not while_talking:
            await comes_to(centre, AgentState.WRAP_UP)
        await anyio.sleep(1)
        await centre.network.set_paused(AGENT, True, reason="lunch")
        await comes_to(centre, AgentState.PAUSED)
        await give(centre)
        await anyio.sleep(200)
        assert state(centre) is AgentState.PAUSED
        assert {each.pause_reason for each in centre.engine.floor.board.members.of(AGENT).values()} == {"lunch"}


async def test_an_agent_whom_others_make_ready_stays_ready() -> None:
    async with at_work(leads=2) as centre:
        await comes_to(centre, AgentState.WRAP_UP)
        await anyio.sleep(1)
        await centre.network.set_paused(AGENT, False, queue=QUEUE)
        await anyio.sleep(1)
        members = centre.engine.floor.board.members.of(AGENT)
        assert {each.pause_reason for each in members.values()} == {None}, "in all his queues"
        await comes_to(centre, AgentState.TALKING)
        await anyio.sleep(0.1)
        assert {each.pause_reason for each in members.values()} == {WRAP_UP_REASON}, "the next talk is another one"


async def test_a_customer_who_hangs_up_at_once_leaves_an_agent_who_has_to_say_so() -> None:
    async with call_centre(replace(ONE, talk_s=Spread(0.001))) as centre:
        await centre.campaign(settings=CODES, lists={"list": (100, 1)})
        await centre.start()
        await comes_to(centre, AgentState.WRAP_UP)
        await anyio.sleep(1)
        assert state(centre) is AgentState.WRAP_UP
        await give(centre, "SILENT")
        await comes_to(centre, AgentState.READY, within_s=1)


async def test_settings_that_change_meanwhile_hold_for_agents_at_work() -> None:
    async with at_work() as centre:
        await comes_to(centre, AgentState.WRAP_UP)
        await centre.change(wrap_deadline_s=5)
        await comes_to(centre, AgentState.READY, within_s=6)
    async with at_work() as centre:
        await centre.change(wrap=Wrap.NONE)
        await comes_to(centre, AgentState.READY)
        await centre.engine.floor.outbox.flush()
        await centre.assert_accounted()


async def test_an_agent_who_logs_into_another_queue_at_his_work_gets_no_call_there_either() -> None:
    async with at_work() as centre:
        await centre.network.remove_from_queue("support", AGENT)
        await comes_to(centre, AgentState.WRAP_UP)
        await centre.network.add_to_queue("support", AGENT)
        await anyio.sleep(0.1)
        assert state(centre) is AgentState.WRAP_UP
        await give(centre)
        await comes_to(centre, AgentState.READY, within_s=1)


# Restarts and lost links


@pytest.mark.parametrize("killed_in", [AgentState.TALKING, AgentState.WRAP_UP])
async def test_the_work_goes_on_with_the_next_engine(killed_in: AgentState) -> None:
    async with at_work() as centre:
        await comes_to(centre, killed_in)
        await anyio.sleep(1)
        await centre.engine.floor.outbox.flush()
        await centre.kill()
        await anyio.sleep(30)
        await centre.start()
        await anyio.sleep(20)
        assert state(centre) is AgentState.WRAP_UP
        await give(centre)
        await comes_to(centre, AgentState.READY, within_s=1)


async def test_who_has_written_up_his_talk_while_no_engine_ran_is_ready_when_one_starts() -> None:
    async with at_work() as centre:
        await comes_to(centre, AgentState.WRAP_UP)
        await centre.engine.floor.outbox.flush()
        await centre.kill()
        await give(centre)
        await anyio.sleep(500)
        assert state(centre) is AgentState.WRAP_UP
        await centre.start()
        await comes_to(centre, AgentState.READY, within_s=2)


async def test_a_talk_whose_agent_the_records_do_not_know_yet_is_not_freed_by_a_restart() -> None:
    async with call_centre(ONE) as centre:
        await centre.campaign(settings=CODES, lists={"list": (100, 1)})
        await centre.start()
        await centre.until(lambda: bool(centre.telephony.originated))
        await anyio.sleep(0.1)
        centre.store.failing = "no room on the disk"
        await comes_to(centre, AgentState.TALKING)
        await anyio.sleep(1)
        [session] = await centre.sessions()
        assert session.agent is None
        await centre.kill()
        centre.store.failing = None
        await centre.start()
        await anyio.sleep(1)
        assert centre.telephony.pauses.count((AGENT, None)) == 0
        await comes_to(centre, AgentState.WRAP_UP)
        await anyio.sleep(1)
        await give(centre)
        await comes_to(centre, AgentState.READY, within_s=1)


async def test_a_pause_that_could_not_be_sent_is_made_when_the_link_is_back() -> None:
    async with call_centre(ONE) as centre:
        await centre.campaign(settings=CODES, lists={"list": (100, 1)})
        await centre.start()

        def cut(agent: str) -> None:
            centre.telephony.pausing = lambda agent: None
            centre.network.cut_link("pbx")

        centre.telephony.pausing = cut
        await comes_to(centre, AgentState.TALKING)
        await anyio.sleep(5)
        centre.network.restore_link("pbx")
        await anyio.sleep(1)
        members = centre.engine.floor.board.members.of(AGENT)
        assert {(each.state, each.pause_reason) for each in members.values()} == {(AgentState.TALKING, WRAP_UP_REASON)}
        await comes_to(centre, AgentState.WRAP_UP)


async def test_who_has_written_up_his_talk_while_the_link_was_down_is_ready_when_it_is_back() -> None:
    async with at_work() as centre:
        await comes_to(centre, AgentState.WRAP_UP)
        await anyio.sleep(1)
        centre.network.cut_link("pbx")
        await give(centre)
        await anyio.sleep(300)
        assert state(centre) is AgentState.WRAP_UP
        centre.network.restore_link("pbx")
        await comes_to(centre, AgentState.READY, within_s=2)


async def test_a_talk_that_ends_while_the_link_is_down_is_written_up_after_it() -> None:
    async with at_work() as centre:
        await anyio.sleep(1)
        centre.network.cut_link("pbx")
        await comes_to(centre, AgentState.WRAP_UP)
        await anyio.sleep(200)
        centre.network.restore_link("pbx")
        await anyio.sleep(20)
        assert state(centre) is AgentState.WRAP_UP
        await give(centre)
        await comes_to(centre, AgentState.READY, within_s=1)


@pytest.mark.parametrize("error", [NotSent("it does not keep up"), LinkLost("no answer within 5 s")])
async def test_what_the_exchange_could_not_be_asked_is_asked_again(error: Exception) -> None:
    async with at_work() as centre:
        await comes_to(centre, AgentState.WRAP_UP)
        await anyio.sleep(1)
        fails = 3

        def fail(agent: str) -> None:
            nonlocal fails
            fails -= 1
            if fails >= 0:
                raise error

        centre.telephony.pausing = fail
        await give(centre)
        await comes_to(centre, AgentState.READY, within_s=5)


async def test_what_the_exchange_refuses_is_not_asked_again_and_again() -> None:
    async with call_centre(ONE) as centre:
        await centre.campaign(settings=CODES, lists={"list": (100, 1)})
        await centre.start()

        def refuse(agent: str) -> None:
            raise Refused("Permission denied", configuration=True)

        centre.telephony.pausing = refuse
        await comes_to(centre, AgentState.TALKING)
        await anyio.sleep(200)
        assert 0 < len(centre.telephony.pauses) < 20
        await centre.engine.floor.outbox.flush()
        await centre.assert_accounted()


# Talks that are handed on


async def test_who_hands_his_talk_on_wraps_up_from_then_and_who_takes_it_over_from_its_end() -> None:
    async with call_centre(hand=HandExchange()) as centre:
        hand = centre.hand
        await centre.campaign(settings=CODES, lists={"list": (100, 1)})
        await centre.start()
        for agent in ("kim", "lou"):
            hand.move_agent(agent, AgentState.READY, queue=QUEUE)
        await centre.until(lambda: len(hand.placed) == 1)
        call_id = hand.placed[0].call_id
        hand.say(Answered, call_id)
        hand.say(Queued, call_id, queue=QUEUE)
        hand.say(Bridged, call_id, agent="kim")
        hand.move_agent("kim", AgentState.TALKING, queue=QUEUE)
        await anyio.sleep(0.1)
        assert hand.pauses == [("kim", WRAP_UP_REASON)]
        hand.move_agent("kim", AgentState.TALKING, queue=QUEUE, pause_reason=WRAP_UP_REASON)
        await anyio.sleep(100)
        hand.say(Bridged, call_id, agent="lou")
        hand.move_agent("lou", AgentState.TALKING, queue=QUEUE)
        hand.move_agent("kim", AgentState.WRAP_UP, queue=QUEUE, pause_reason=WRAP_UP_REASON)
        await anyio.sleep(0.1)
        assert hand.pauses[1:] == [("lou", WRAP_UP_REASON)]
        hand.move_agent("lou", AgentState.TALKING, queue=QUEUE, pause_reason=WRAP_UP_REASON)
        await anyio.sleep(85)
        assert len(hand.pauses) == 2
        await anyio.sleep(10)
        assert hand.pauses[2:] == [("kim", None)], "he is not held until a talk ends that is no more his"
        hand.move_agent("kim", AgentState.READY, queue=QUEUE)
        await anyio.sleep(100)
        hand.say(HungUp, call_id, cause=16)
        hand.move_agent("lou", AgentState.WRAP_UP, queue=QUEUE, pause_reason=WRAP_UP_REASON)
        await anyio.sleep(1)
        assert len(hand.pauses) == 3
        await give(centre)
        await anyio.sleep(1)
        assert hand.pauses[3:] == [("lou", None)]
        assert centre.engine._wrapping.agents.waiting == {}


async def test_a_state_that_lags_behind_the_talk_is_not_its_end() -> None:
    async with call_centre(hand=HandExchange()) as centre:
        hand = centre.hand
        await centre.campaign(settings=replace(CODES, wrap_deadline_s=10), lists={"list": (100, 1)})
        await centre.start()
        hand.move_agent("kim", AgentState.READY, queue=QUEUE)
        await centre.until(lambda: len(hand.placed) == 1)
        call_id = hand.placed[0].call_id
        hand.say(Answered, call_id)
        hand.say(Bridged, call_id, agent="kim")
        await anyio.sleep(0.1)
        # The pause is told before the telephone's own state is.
        hand.move_agent("kim", AgentState.WRAP_UP, queue=QUEUE, pause_reason=WRAP_UP_REASON)
        await anyio.sleep(0.1)
        hand.move_agent("kim", AgentState.TALKING, queue=QUEUE, pause_reason=WRAP_UP_REASON)
        await anyio.sleep(60)
        # He hands it on, and takes it back.
        hand.move_agent("kim", AgentState.WRAP_UP, queue=QUEUE, pause_reason=WRAP_UP_REASON)
        await anyio.sleep(5)
        hand.move_agent("kim", AgentState.TALKING, queue=QUEUE, pause_reason=WRAP_UP_REASON)
        await anyio.sleep(60)
        assert hand.pauses == [("kim", WRAP_UP_REASON)]
        hand.say(HungUp, call_id, cause=16)
        await anyio.sleep(1)
        hand.move_agent("kim", AgentState.RINGING, queue=QUEUE, pause_reason=WRAP_UP_REASON)
        await anyio.sleep(10)
        assert hand.pauses[1:] == [("kim", None)], "whatever call he has now, it is not this one"


async def test_another_pause_of_the_diallers_that_nobody_knows_of_is_ended() -> None:
    async with call_centre(hand=HandExchange()) as centre:
        await centre.campaign(settings=CODES, lists={"list": (100, 0)})
        await centre.start()
        centre.hand.move_agent("kim", AgentState.WRAP_UP, queue=QUEUE, pause_reason=WRAP_UP_REASON)
        centre.hand.move_agent("lou", AgentState.PAUSED, queue=QUEUE, pause_reason="lunch")
        centre.hand.move_agent("max", AgentState.WRAP_UP, queue="another engine's", pause_reason=WRAP_UP_REASON)
        await anyio.sleep(0.1)
        assert centre.hand.pauses == [("kim", None)]
