"""An agent who gets free has whoever waits at once: Asterisk's queue looks by itself only once a second."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import anyio
import pytest

from dialler.engine.queue_looks import LOOKS_MAX
from dialler.errors import NotSent
from telephony.events import AgentState, Answered, Bridged, HangupBy, HungUp, Queued, Ringing
from tests.support.call_centre import QUEUE, WITH_AGENTS, CallCentre, call_centre
from tests.support.hand_exchange import HandExchange


@asynccontextmanager
async def waiting(number: int) -> AsyncIterator[tuple[CallCentre, HandExchange, list[str]]]:
    """Let so many people wait for one agent, who talks; each came 10 ms after the one before."""
    async with call_centre(hand=HandExchange()) as centre:
        hand = centre.hand
        settings = replace(WITH_AGENTS, rest_min_s=7200, pacing_settings={"ratio": 10.0})
        await centre.campaign(settings=settings, lists={"list": (100, number)})
        await centre.start()
        for agent in ("kim", "lee"):
            hand.move_agent(agent, AgentState.READY, queue=QUEUE)
        await centre.until(lambda: len(hand.placed) == number)
        for agent in ("kim", "lee"):
            hand.move_agent(agent, AgentState.TALKING, queue=QUEUE)
        call_ids = [each.call_id for each in hand.placed]
        for call_id in call_ids:
            hand.say(Ringing, call_id)
            hand.say(Answered, call_id)
            hand.say(Queued, call_id, queue=QUEUE)
            await anyio.sleep(0.01)
        yield centre, hand, call_ids


async def test_whoever_waits_longest_is_looked_for_as_an_agent_gets_free() -> None:
    async with waiting(LOOKS_MAX + 2) as (_, hand, call_ids):
        assert hand.looked == []
        hand.move_agent("kim", AgentState.READY, queue="another")
        hand.move_agent("lee", AgentState.PAUSED, queue=QUEUE)
        await anyio.sleep(0.01)
        assert hand.looked == [], "that is no agent for them"
        hand.move_agent("kim", AgentState.READY, queue=QUEUE)
        await anyio.sleep(0.01)
        assert hand.looked == call_ids[:LOOKS_MAX]


async def test_who_has_an_agent_or_has_left_is_not_looked_for() -> None:
    async with waiting(3) as (centre, hand, [talks, left, waits]):
        hand.say(Bridged, talks, agent="lee")
        hand.say(HungUp, left, cause=16, by=HangupBy.CUSTOMER)
        hand.move_agent("kim", AgentState.READY, queue=QUEUE)
        await anyio.sleep(0.01)
        assert hand.looked == [waits]
        hand.say(HungUp, waits, cause=16, by=HangupBy.CUSTOMER)
        hand.say(HungUp, talks, cause=16, by=HangupBy.CUSTOMER)
        await anyio.sleep(0.01)
        looks = centre.engine._tracker.looks
        assert (looks._waiting, looks._place_of) == ({}, {})


@pytest.mark.parametrize(("after_s", "is_looked_for"), [(1.6, True), (1.75, False), (1.9, False)])
async def test_who_is_about_to_be_taken_to_the_message_is_left_alone(after_s: float, is_looked_for: bool) -> None:
    async with waiting(1) as (_, hand, call_ids):
        await anyio.sleep(after_s)
        hand.move_agent("kim", AgentState.READY, queue=QUEUE)
        await anyio.sleep(0.01)
        assert hand.looked == (call_ids if is_looked_for else [])


async def test_an_exchange_that_can_not_be_asked_looks_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    async with waiting(1) as (_, hand, call_ids):

        async def refuse(call_id: str) -> bool:
            hand.looked.append(call_id)
            raise NotSent("no such action")

        monkeypatch.setattr(hand, "look_again", refuse)
        for _ in range(2):
            hand.move_agent("kim", AgentState.TALKING, queue=QUEUE)
            hand.move_agent("kim", AgentState.READY, queue=QUEUE)
            await anyio.sleep(0.01)
        assert hand.looked == call_ids * 2
