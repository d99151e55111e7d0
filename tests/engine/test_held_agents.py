"""People whom we have abandoned, called before their long rest is over: for an agent who is held for that call."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import anyio
import pytest

from dialler.domain.lead import PhoneNumber
from dialler.domain.outcome import Outcome
from dialler.domain.session import SessionStatus
from dialler.domain.verdict import Verdict, dialable
from dialler.engine.facts import facts_of
from dialler.errors import Conflict
from dialler.events import CallAbandoned
from dialler.ports import ManualCall, Records
from telephony.events import (
    AgentChanged,
    AgentState,
    Answered,
    Bridged,
    HangupBy,
    HarbourStarted,
    HungUp,
    Queued,
    Ringing,
)
from tests.support.call_centre import QUEUE, WITH_AGENTS, CallCentre, call_centre, people
from tests.support.hand_exchange import SERVER, HandExchange

REST_S = 60
HOLD = replace(
    WITH_AGENTS,
    pacing="progressive",
    pacing_settings={},
    rest_min_s=REST_S,
    abandoned_hold_agent=True,
    abandon_limit=1.0,
)


@asynccontextmanager
async def abandoned(**changes: Any) -> AsyncIterator[tuple[CallCentre, HandExchange]]:
    """Abandon the only lead; kim is ready again."""
    async with call_centre(hand=HandExchange()) as centre:
        hand = centre.hand
        await centre.campaign(settings=replace(HOLD, **changes), lists={"list": (100, 1)})
        await centre.start()
        hand.move_agent("kim", AgentState.READY, queue=QUEUE)
        await centre.until(lambda: len(hand.placed) == 1)
        call_id = hand.placed[0].call_id
        for kind, facts in ((Ringing, {}), (Answered, {}), (Queued, {"queue": QUEUE}), (HarbourStarted, {})):
            hand.say(kind, call_id, **facts)
        hand.say(HungUp, call_id, cause=16, by=HangupBy.CUSTOMER)
        await centre.until(lambda: len(centre.told(CallAbandoned)) == 1)
        yield centre, hand


async def test_the_next_try_is_for_an_agent_who_is_held_for_it() -> None:
    async with abandoned() as (centre, hand):
        await anyio.sleep(REST_S - 1)
        assert len(hand.placed) == 1
        await anyio.sleep(2)
        [_, again] = hand.placed
        assert (again.queue, again.agent) == (None, "kim")
        assert centre.engine.floor.board.held == {"kim": again.call_id}
        assert hand.pauses == [("kim", "dialler direct")], "no queue has him"
        hand.say(Ringing, again.call_id)
        hand.say(Answered, again.call_id)
        hand.say(Queued, again.call_id, queue="")
        hand.say(Bridged, again.call_id, agent="kim")
        await anyio.sleep(30)
        hand.say(HungUp, again.call_id, cause=16, by=HangupBy.CUSTOMER)
        await anyio.sleep(1)
        assert not centre.engine.floor.board.held
        await centre.engine.floor.outbox.flush()
        first, second = await centre.assert_accounted()
        assert (first.outcome, second.outcome, second.agent) == (Outcome.ABANDONED, Outcome.CONNECTED, "kim")
        assert second.dial_mode == "progressive" and second.for_agent == "kim"


async def test_without_it_nobody_is_called_for_three_days() -> None:
    async with abandoned(abandoned_hold_agent=False) as (_, hand):
        await anyio.sleep(72 * 3600 - 60)
        assert len(hand.placed) == 1


async def test_it_waits_until_an_agent_is_free() -> None:
    async with abandoned() as (_, hand):
        hand.move_agent("kim", AgentState.TALKING, queue=QUEUE)
        await anyio.sleep(600)
        assert len(hand.placed) == 1
        hand.move_agent("kim", AgentState.READY, queue=QUEUE)
        await anyio.sleep(21)
        assert [each.agent for each in hand.placed] == [None, "kim"]


async def test_an_agent_who_was_taken_as_it_was_decided_is_not_rung_and_nothing_is_lost() -> None:
    async with abandoned() as (centre, hand):
        hold = centre.engine._offers.hold

        def taken(session: Any) -> bool:
            centre.engine._offers.hold = hold  # type: ignore[method-assign]
            now, state = centre.clock.now(), AgentState.TALKING
            centre.engine._tracker.handle(AgentChanged(server=SERVER, at=now, agent="kim", queue=QUEUE, state=state))
            return hold(session)

        centre.engine._offers.hold = taken  # type: ignore[method-assign]
        await anyio.sleep(REST_S + 5)
        assert len(hand.placed) == 1
        await centre.engine.floor.outbox.flush()
        *_, lapsed = await centre.assert_accounted()
        assert (lapsed.status, lapsed.outcome) == (SessionStatus.EXPIRED, Outcome.CANCELLED)
        assert not centre.engine.floor.board.held
        hand.move_agent("kim", AgentState.READY, queue=QUEUE)
        await anyio.sleep(REST_S + 25)
        assert [each.agent for each in hand.placed] == [None, "kim"]


@pytest.mark.parametrize("hold", [False, True])
async def test_an_agent_may_call_whom_we_abandoned_by_hand_only_where_agents_are_held(hold: bool) -> None:
    async with abandoned(abandoned_hold_agent=hold) as (centre, hand):
        hand.move_agent("kim", AgentState.PAUSED, queue=QUEUE, pause_reason="paperwork")
        await anyio.sleep(REST_S + 10)
        call = ManualCall(agent="kim", campaign_id=1, find=lambda _: 1, by="kim")
        if hold:
            assert (await centre.engine.dial(call)).for_agent == "kim"
            await centre.until(lambda: len(hand.placed) == 2)
        else:
            with pytest.raises(Conflict, match=r"abandoned: the call of .*not within 259200 s"):
                await centre.engine.dial(call)


async def test_another_lead_with_the_number_waits_as_long_and_explain_says_why() -> None:
    async with abandoned(abandoned_hold_agent=False) as (centre, hand):
        now = centre.clock.now()
        number = hand.placed[0].number
        two = zip(people(2), (number, "+13129999999"), strict=True)
        shared, _ = await centre.add("list", [replace(each, numbers=(PhoneNumber(of),)) for each, of in two])
        await centre.engine.follow()
        await centre.until(lambda: len(hand.placed) == 2)
        assert hand.placed[1].number == "+13129999999"
        hand.say(HungUp, hand.placed[1].call_id, cause=17)
        await anyio.sleep(600)
        assert len(hand.placed) == 2

        def explain(records: Records) -> Verdict:
            lead = records.lead(shared)
            return dialable(lead, facts_of(records, lead), centre.clock.now())

        verdict = await centre.records(explain)
        [gate] = [each for each in verdict.gates if each.name == "abandoned"]
        assert not gate.passed
        assert gate.value.endswith("UTC to a number of its own, for another lead")
        assert gate.earliest is not None and abs(gate.earliest - now - timedelta(days=3)) < timedelta(seconds=1)
        assert (await centre.records(lambda records: records.lead(shared))).due_at == verdict.earliest


async def test_for_another_lead_with_the_number_an_agent_is_held_too() -> None:
    async with abandoned() as (centre, hand):
        number = hand.placed[0].number
        [shared] = await centre.add("list", [replace(each, numbers=(PhoneNumber(number),)) for each in people(1)])
        await centre.engine.follow()
        await centre.until(lambda: len(hand.placed) == 2)
        assert (hand.placed[1].number, hand.placed[1].agent) == (number, "kim")
        [session] = [each for each in await centre.sessions() if each.lead_id == shared]
        assert session.for_agent == "kim"
