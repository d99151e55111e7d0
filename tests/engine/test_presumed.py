"""No call is launched for an agent who has just got one, though his exchange is slow to say that he is not ready."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import anyio

from telephony.events import AgentState, Answered, Bridged, HungUp, Queued
from tests.support.call_centre import QUEUE, WITH_AGENTS, CallCentre, call_centre
from tests.support.hand_exchange import HandExchange

PROGRESSIVE = replace(WITH_AGENTS, pacing="progressive", pacing_settings={})
OTHER_QUEUE = "support"


@asynccontextmanager
async def joined_unseen() -> AsyncIterator[tuple[CallCentre, HandExchange, str]]:
    """Join the only agent, of whom nothing is told then, to the only call."""
    hand = HandExchange()
    async with call_centre(hand=hand) as centre:
        await centre.campaign(settings=PROGRESSIVE, lists={"list": (100, 10)})
        await centre.start()
        for queue in (QUEUE, OTHER_QUEUE):
            hand.move_agent("kim", AgentState.READY, queue=queue)
        await centre.until(lambda: len(hand.placed) == 1)
        [placed] = hand.placed
        for kind, facts in ((Answered, {}), (Queued, {"queue": QUEUE}), (Bridged, {"agent": "kim"})):
            hand.say(kind, placed.call_id, **facts)
        await anyio.sleep(5.0)
        assert len(hand.placed) == 1, "he has a call"
        assert centre.engine.report().agents == {"kim": "talking"}
        assert centre.engine.report().campaigns[0].agents_ready == 0
        yield centre, hand, placed.call_id


async def test_who_is_joined_to_a_call_is_not_ready_though_nothing_says_so_until_it_is_over() -> None:
    async with joined_unseen() as (centre, hand, call_id):
        hand.say(HungUp, call_id, cause=16)
        await centre.until(lambda: len(hand.placed) == 2)
        assert centre.engine.report().agents == {"kim": "ready"}


async def test_what_the_exchange_says_of_him_is_the_case_from_then_on() -> None:
    async with joined_unseen() as (centre, hand, call_id):
        for queue in (QUEUE, OTHER_QUEUE):
            hand.move_agent("kim", AgentState.TALKING, queue=queue)
        await anyio.sleep(1.0)
        # The call goes on without him, or he has handed it on.
        for queue in (QUEUE, OTHER_QUEUE):
            hand.move_agent("kim", AgentState.PAUSED, queue=queue, pause_reason="lunch")
        await anyio.sleep(1.0)
        hand.say(HungUp, call_id, cause=16)
        await anyio.sleep(5.0)
        assert centre.engine.report().agents == {"kim": "paused"}, "the end of the call does not make him ready"
        assert len(hand.placed) == 1


async def test_after_a_lost_link_nothing_is_presumed() -> None:
    async with joined_unseen() as (centre, hand, call_id):
        hand.link_down()
        await anyio.sleep(1.0)
        assert centre.engine.report().agents == {}
        hand.link_up()
        hand.move_agent("kim", AgentState.PAUSED, queue=QUEUE, pause_reason="lunch")
        await centre.until(lambda: call_id not in centre.engine.floor.board.calls)
        await anyio.sleep(5.0)
        assert centre.engine.report().agents == {"kim": "paused"}
