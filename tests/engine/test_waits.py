"""An agent who was idle while somebody waited in vain is told of, and nobody else is."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import anyio
import pytest

from dialler.engine.waits import QUEUED_S, READY_S
from dialler.events import AgentOverlooked, CallAbandoned, SessionClosed
from telephony.events import AgentState, Answered, Bridged, HangupBy, HarbourStarted, HungUp, Queued, Ringing
from tests.support.call_centre import QUEUE, WITH_AGENTS, CallCentre, call_centre
from tests.support.hand_exchange import SERVER, HandExchange

PATIENCE = timedelta(seconds=1.8)
"""Two seconds, less what the exchange needs to begin with the message."""


@asynccontextmanager
async def answered(*, leads: int = 1, **changes: Any) -> AsyncIterator[tuple[CallCentre, HandExchange, str]]:
    """Let a person answer who waits in the queue; kim, for whom the call was placed, is ringing by then."""
    async with call_centre(hand=HandExchange()) as centre:
        hand = centre.hand
        await centre.campaign(settings=replace(WITH_AGENTS, rest_min_s=7200, **changes), lists={"list": (100, leads)})
        await centre.start()
        hand.move_agent("kim", AgentState.READY, queue=QUEUE)
        await centre.until(lambda: len(hand.placed) == leads)
        call_id = hand.placed[0].call_id
        hand.say(Ringing, call_id)
        hand.move_agent("kim", AgentState.TALKING, queue=QUEUE)
        hand.say(Answered, call_id)
        hand.say(Queued, call_id, queue=QUEUE)
        await anyio.sleep(0.001)  # The engine hears of it.
        yield centre, hand, call_id


async def abandon(centre: CallCentre, hand: HandExchange, call_id: str) -> None:
    """Let the message begin at the end of patience, and the person hang up in it."""
    answered_at = centre.engine.floor.board.calls[call_id].call.answered_at
    assert answered_at is not None
    await anyio.sleep((answered_at + PATIENCE - centre.clock.now()).total_seconds() + 0.01)
    assert call_id in hand.diverted
    hand.say(HarbourStarted, call_id)
    await anyio.sleep(3)
    hand.move_agent("kim", AgentState.READY, queue=QUEUE)
    hand.say(HungUp, call_id, cause=16, by=HangupBy.CUSTOMER)
    await centre.until(lambda: bool(centre.told(CallAbandoned)))
    assert len(centre.told(CallAbandoned)) == 1


async def test_an_agent_who_was_ready_all_the_while_was_overlooked() -> None:
    async with answered() as (centre, hand, call_id):
        hand.move_agent("lou", AgentState.READY, queue=QUEUE)
        await abandon(centre, hand, call_id)
        [told] = centre.told(AgentOverlooked)
        assert (told.agent, told.campaign, told.session_id, told.server) == ("lou", "spring", call_id, SERVER)
        assert told.idle_s == pytest.approx(1.8, abs=0.05), "when the message began, not when its hearer hung up"


@pytest.mark.parametrize("state", [AgentState.TALKING, AgentState.RINGING, AgentState.PAUSED, AgentState.WRAP_UP])
async def test_nobody_was_overlooked_where_all_were_busy(state: AgentState) -> None:
    async with answered() as (centre, hand, call_id):
        hand.move_agent("lou", state, queue=QUEUE)
        await abandon(centre, hand, call_id)
        assert centre.told(AgentOverlooked) == []


async def test_who_is_ready_in_another_queue_or_held_for_another_call_was_not_overlooked() -> None:
    async with answered() as (centre, hand, call_id):
        hand.move_agent("lou", AgentState.READY, queue="support")
        hand.move_agent("max", AgentState.READY, queue=QUEUE)
        centre.engine.floor.board.hold("max", "a call of his own")
        centre.engine._tracker._staffing.held("max")
        await abandon(centre, hand, call_id)
        assert centre.told(AgentOverlooked) == []


@pytest.mark.parametrize(("ready_s", "is_told"), [(READY_S - 0.1, False), (READY_S + 0.1, True)])
async def test_an_agent_who_comes_free_at_the_last_moment_could_not_be_found_in_time(
    ready_s: float, is_told: bool
) -> None:
    async with answered() as (centre, hand, call_id):
        await anyio.sleep(1.8 - ready_s)
        hand.move_agent("lou", AgentState.READY, queue=QUEUE)
        await abandon(centre, hand, call_id)
        assert bool(centre.told(AgentOverlooked)) is is_told


@pytest.mark.parametrize(("queued_s", "is_told"), [(QUEUED_S - 0.1, False), (QUEUED_S + 0.1, True)])
async def test_who_came_into_the_queue_at_the_last_moment_could_not_be_joined_in_time(
    queued_s: float, is_told: bool
) -> None:
    async with call_centre(hand=HandExchange()) as centre:
        hand = centre.hand
        await centre.campaign(settings=replace(WITH_AGENTS, rest_min_s=7200), lists={"list": (100, 1)})
        await centre.start()
        hand.move_agent("kim", AgentState.READY, queue=QUEUE)
        await centre.until(lambda: len(hand.placed) == 1)
        call_id = hand.placed[0].call_id
        hand.say(Ringing, call_id)
        hand.say(Answered, call_id)
        await anyio.sleep(1.8 - queued_s)  # as with machine detection in between
        hand.say(Queued, call_id, queue=QUEUE)
        await abandon(centre, hand, call_id)
        assert bool(centre.told(AgentOverlooked)) is is_told


@pytest.mark.parametrize("others_wait", [False, True])
async def test_slow_agents_are_not_the_exchanges_fault_while_their_telephones_ring_for_all_who_wait(
    others_wait: bool,
) -> None:
    async with answered(leads=2) as (centre, hand, call_id):
        hand.move_agent("lou", AgentState.READY, queue=QUEUE)
        hand.move_agent("kim", AgentState.RINGING, queue=QUEUE)
        if others_wait:
            hand.say(Ringing, hand.placed[1].call_id)
            hand.say(Answered, hand.placed[1].call_id)
            hand.say(Queued, hand.placed[1].call_id, queue=QUEUE)
        await abandon(centre, hand, call_id)
        assert bool(centre.told(AgentOverlooked)) is others_wait


async def test_who_hangs_up_after_his_patience_without_a_message_counts_too() -> None:
    async with answered(patience_s=5.0) as (centre, hand, call_id):
        hand.move_agent("lou", AgentState.READY, queue=QUEUE)
        await anyio.sleep(4)
        hand.say(HungUp, call_id, cause=16, by=HangupBy.SYSTEM)  # we hung up on him
        await centre.until(lambda: bool(centre.told(SessionClosed)))
        assert len(centre.told(CallAbandoned)) == len(centre.told(AgentOverlooked)) == 1


async def test_who_hangs_up_early_was_not_abandoned_and_nobody_overlooked() -> None:
    async with answered(patience_s=5.0) as (centre, hand, call_id):
        hand.move_agent("lou", AgentState.READY, queue=QUEUE)
        await anyio.sleep(4)
        hand.say(HungUp, call_id, cause=16, by=HangupBy.CUSTOMER)
        await centre.until(lambda: bool(centre.told(SessionClosed)))
        assert centre.told(CallAbandoned) == centre.told(AgentOverlooked) == []


async def test_whom_an_agent_takes_at_the_same_moment_was_not_overlooked() -> None:
    async with answered() as (centre, hand, call_id):
        hand.move_agent("lou", AgentState.READY, queue=QUEUE)
        await centre.until(lambda: bool(hand.diverted))
        hand.say(Bridged, call_id, agent="kim")
        hand.say(HarbourStarted, call_id)
        hand.say(HungUp, call_id, cause=16, by=HangupBy.CUSTOMER)
        await centre.until(lambda: bool(centre.told(SessionClosed)))
        assert [each.reason for each in centre.told(CallAbandoned)] == ["pulled"]
        assert centre.told(AgentOverlooked) == []
