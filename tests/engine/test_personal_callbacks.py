"""Callbacks for the agents who promised them: held until they are ready, then theirs alone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import anyio
import pytest

from dialler.domain.by_hand import Callback, called_back_at
from dialler.domain.calling_hours import parse_hours
from dialler.domain.campaign import Desired
from dialler.domain.lead import LeadState
from dialler.domain.outcome import Outcome
from dialler.domain.personal_callback import CallbacksTo
from dialler.ports import DncEntry, Records, SessionFilter, Trunk
from telephony.events import DIRECT_REASON, AgentState, Answered, Bridged, HangupBy, HungUp, Queued, Ringing
from tests.support.call_centre import QUEUE, START, WITH_AGENTS, CallCentre, call_centre
from tests.support.hand_exchange import SERVER, HandExchange

AT = START + timedelta(minutes=1)
HOLD_S = 600
PROGRESSIVE = replace(WITH_AGENTS, pacing="progressive", pacing_settings={}, rest_min_s=60)
AGENT = replace(PROGRESSIVE, callbacks_to=CallbacksTo.AGENT, callback_hold_s=HOLD_S)
FIRST = replace(AGENT, callbacks_to=CallbacksTo.AGENT_FIRST)


def promise(lead_id: int, agent: str | None = "kim", **changes: Any) -> Any:
    callback = replace(Callback(at=AT, agent=agent, expires_at=AT + timedelta(hours=5)), **changes)
    return lambda records: records.set_lead(called_back_at(records.lead(lead_id), callback))


@asynccontextmanager
async def promised(settings: Any = AGENT, hand: HandExchange | None = None) -> AsyncIterator[tuple[CallCentre, Any]]:
    """The only lead has a callback that kim promised; lee is ready, and the callback is due."""
    async with call_centre(hand=hand or HandExchange()) as centre:
        await centre.campaign(settings=settings, lists={"list": (100, 1)})
        await centre.records(promise(1))
        await centre.start()
        centre.hand.move_agent("lee", AgentState.READY, queue=QUEUE)
        await centre.at(AT + timedelta(seconds=1))
        yield centre, centre.hand


def says_ready(hand: HandExchange, agent: str = "kim") -> None:
    hand.move_agent(agent, AgentState.READY, queue=QUEUE)


async def test_it_waits_for_its_agent_and_is_his_alone() -> None:
    async with promised() as (centre, hand):
        await anyio.sleep(1200)
        assert not hand.placed, "lee is ready all the time"
        says_ready(hand)
        await centre.until(lambda: len(hand.placed) == 1, within=timedelta(seconds=2))
        [call] = hand.placed
        assert (call.queue, call.agent) == (None, "kim")
        assert centre.engine.floor.board.held == {"kim": call.call_id}
        assert ("kim", DIRECT_REASON) in hand.pauses, "no queue has him"
        for kind, facts in ((Ringing, {}), (Answered, {}), (Queued, {"queue": ""}), (Bridged, {"agent": "kim"})):
            hand.say(kind, call.call_id, **facts)
        await anyio.sleep(30)
        hand.say(HungUp, call.call_id, cause=16, by=HangupBy.CUSTOMER)
        await anyio.sleep(1)
        assert not centre.engine.floor.board.held
        await centre.engine.floor.outbox.flush()
        [session] = await centre.assert_accounted()
        assert (session.outcome, session.agent, session.for_agent) == (Outcome.CONNECTED, "kim", "kim")
        assert session.dial_mode == "progressive"


async def test_the_report_counts_those_that_wait_for_their_agents() -> None:
    def waiting(centre: CallCentre) -> int:
        [campaign] = centre.engine.report().campaigns
        return campaign.callbacks_waiting

    async with promised() as (centre, hand):
        for _ in range(3):
            assert waiting(centre) == 1
            await anyio.sleep(400)
        await centre.change(Desired.PAUSED)
        await anyio.sleep(400)
        assert waiting(centre) == 0, "it waits for the campaign"
        await centre.change(Desired.RUNNING)
        await anyio.sleep(10)
        assert waiting(centre) == 1
        says_ready(hand)
        await centre.until(lambda: len(hand.placed) == 1, within=timedelta(minutes=6))
        assert waiting(centre) == 0


async def test_with_its_agent_ready_as_it_comes_due_it_goes_at_once() -> None:
    async with call_centre(hand=HandExchange()) as centre:
        await centre.campaign(settings=FIRST, lists={"list": (100, 1)})
        await centre.records(promise(1))
        await centre.start()
        for agent in ("lee", "kim"):
            says_ready(centre.hand, agent)
        await centre.at(AT + timedelta(seconds=1))
        assert [each.agent for each in centre.hand.placed] == ["kim"]


@pytest.mark.parametrize("is_ready_as_it_is_due", [True, False])
async def test_its_session_says_whose_promise_it_keeps(is_ready_as_it_is_due: bool) -> None:
    async with call_centre(hand=HandExchange()) as centre:
        await centre.campaign(settings=FIRST, lists={"list": (100, 2)})
        await centre.records(promise(1))
        await centre.start()
        says_ready(centre.hand, "kim" if is_ready_as_it_is_due else "lee")
        await centre.at(AT + timedelta(seconds=1))
        says_ready(centre.hand, "lee" if is_ready_as_it_is_due else "kim")
        await centre.until(lambda: len(centre.hand.placed) == 2)
        sessions = await centre.records(lambda records: records.sessions(SessionFilter()))
        whys = {each.lead_id: str(each.pick["pacing"]) for each in sessions}
        assert whys[1].startswith("agent kim promised it and is ready")
        assert "promised" not in whys[2]
        gates = next(each.pick["gates"] for each in sessions if each.lead_id == 1)
        [gate] = [each for each in gates if each["name"] == "agent"]
        assert gate["passed"] and "kim" in gate["value"]


async def test_after_the_hold_it_is_anyones() -> None:
    async with promised(FIRST) as (centre, hand):
        await centre.at(AT + timedelta(seconds=HOLD_S - 1))
        assert not hand.placed
        await centre.at(AT + timedelta(seconds=HOLD_S + 1))
        [call] = hand.placed
        assert (call.queue, call.agent) == (QUEUE, None)


async def test_its_hold_does_not_run_while_nobody_may_be_called() -> None:
    settings = replace(FIRST, hours=parse_hours("mon-sun 09:00-10:06, 11:00-20:00"))
    async with promised(settings) as (centre, hand):
        await centre.at(START + timedelta(minutes=64))
        assert not hand.placed, "lee is ready as the window opens, and the promise is kim's for five minutes more"
        await centre.at(START + timedelta(minutes=65, seconds=2))
        assert [(each.queue, each.agent) for each in hand.placed] == [(QUEUE, None)]


async def test_its_agents_alone_it_waits_until_it_expires() -> None:
    async with promised() as (centre, hand):
        await centre.at(AT + timedelta(hours=5) - timedelta(seconds=1))
        assert not hand.placed
        await anyio.sleep(310)
        assert [each.agent for each in hand.placed] == [None], "it is an ordinary lead again"


@pytest.mark.parametrize("settings", [PROGRESSIVE, AGENT])
async def test_anyone_keeps_those_that_are_nobodys(settings: Any) -> None:
    async with call_centre(hand=HandExchange()) as centre:
        await centre.campaign(settings=settings, lists={"list": (100, 1)})
        await centre.records(promise(1, "kim" if settings is PROGRESSIVE else None))
        await centre.start()
        says_ready(centre.hand, "lee")
        await centre.at(AT + timedelta(seconds=1))
        assert [each.agent for each in centre.hand.placed] == [None]


async def test_others_are_called_meanwhile_and_count_on_no_held_agent() -> None:
    async with call_centre(hand=HandExchange()) as centre:
        hand = centre.hand
        await centre.campaign(settings=AGENT, lists={"list": (100, 5)})
        await centre.records(promise(1))
        await centre.start()
        await centre.at(AT + timedelta(seconds=1))
        hand.move_agent("lee", AgentState.READY, queue=QUEUE)
        await anyio.sleep(1)
        assert [each.agent for each in hand.placed] == [None]
        says_ready(hand)
        await anyio.sleep(10)
        assert sorted(str(each.agent) for each in hand.placed) == ["None", "kim"], "one call for each of them"


async def test_a_gate_that_has_shut_meanwhile_stops_it() -> None:
    def forbid(records: Records) -> None:
        number = records.lead(1).numbers[0].number
        records.add_dnc([DncEntry(number=number, campaign_id=None, reason="", added_at=START, added_by="x")])

    async with promised() as (centre, hand):
        await centre.records(forbid)
        says_ready(hand)
        await anyio.sleep(400)
        assert not hand.placed and not centre.engine.floor.board.held
        assert (await centre.records(lambda records: records.lead(1))).state is LeadState.COMPLETED


async def test_a_window_that_opens_before_its_turn_is_over_is_not_slept_through() -> None:
    settings = replace(AGENT, hours=parse_hours("mon-sun 09:00-10:30, 11:00-20:00"))
    async with promised(settings) as (centre, hand):
        await centre.at(START + timedelta(minutes=45))
        says_ready(hand)
        await anyio.sleep(60)
        assert not hand.placed
        await centre.at(START + timedelta(minutes=67))
        assert [each.agent for each in hand.placed] == ["kim"]


@pytest.mark.parametrize("desired", [Desired.PAUSED, Desired.STOPPED])
async def test_a_campaign_that_does_not_run_keeps_it(desired: Desired) -> None:
    async with promised() as (centre, hand):
        await centre.change(desired)
        says_ready(hand)
        await anyio.sleep(600)
        assert not hand.placed and not centre.engine.floor.board.held
        await centre.change(Desired.RUNNING)
        await anyio.sleep(310)
        assert [each.agent for each in hand.placed] == ["kim"]


async def test_without_a_channel_it_is_tried_again() -> None:
    trunk = Trunk(name="a", server=SERVER, calls_per_second=100.0, channels=1)
    async with call_centre(hand=HandExchange(trunk)) as centre:
        hand = centre.hand
        await centre.campaign(settings=AGENT, lists={"list": (100, 2)})
        await centre.records(promise(1))
        await centre.start()
        await centre.at(AT + timedelta(seconds=1))
        hand.move_agent("lee", AgentState.READY, queue=QUEUE)
        await centre.until(lambda: len(hand.placed) == 1)
        direct, tried = centre.engine._direct, []
        slot = direct.slot

        async def counted(*args: Any) -> Any:
            tried.append(args)
            return await slot(*args)

        direct.slot = counted  # type: ignore[method-assign]
        for _ in range(12):
            says_ready(hand)  # As after each end of a pause of ours.
            await anyio.sleep(1)
        assert len(hand.placed) == 1
        assert len(tried) == 3, "each five seconds"
        hand.say(HungUp, hand.placed[0].call_id, cause=17, by=HangupBy.CUSTOMER)
        await anyio.sleep(6)
        assert [each.agent for each in hand.placed] == [None, "kim"]


async def test_a_new_engine_finds_it_again() -> None:
    async with promised() as (centre, hand):
        await centre.kill()
        await centre.start()
        hand.move_agent("lee", AgentState.READY, queue=QUEUE)
        await anyio.sleep(305)
        assert not hand.placed
        says_ready(hand)
        await anyio.sleep(2)
        assert [each.agent for each in hand.placed] == ["kim"]


async def test_its_agent_is_counted_for_no_other_call() -> None:
    async with call_centre(hand=HandExchange()) as centre:
        hand = centre.hand
        await centre.campaign(settings=AGENT, lists={"list": (100, 5)})
        await centre.records(promise(1))
        await centre.start()
        await centre.at(AT + timedelta(seconds=1))
        for agent in ("lee", "kim"):
            says_ready(hand, agent)
        await anyio.sleep(10)
        assert sorted(str(each.agent) for each in hand.placed) == ["None", "kim"]


async def test_a_list_that_is_off_keeps_it() -> None:
    async with promised() as (centre, hand):
        await centre.change_list("list", to_dial=False)
        says_ready(hand)
        await anyio.sleep(600)
        assert not hand.placed


async def test_who_had_the_attempts_of_the_day_is_called_on_the_next_not_when_the_promise_is_over() -> None:
    def spent(records: Records) -> None:
        promise(1, expires_at=AT + timedelta(days=3))(records)
        tried = {"attempts": 2, "attempts_counted": 2, "attempts_on_day": 2, "attempts_day": START.date()}
        records.set_lead(replace(records.lead(1), **tried))

    async with call_centre(hand=HandExchange()) as centre:
        await centre.campaign(settings=replace(AGENT, attempts_per_day_max=2), lists={"list": (100, 1)})
        await centre.records(spent)
        await centre.start()
        says_ready(centre.hand)
        await centre.at(START + timedelta(hours=13, minutes=50))
        assert not centre.hand.placed
        await centre.at(START + timedelta(hours=14, minutes=5))  # after midnight in Chicago
        assert [each.agent for each in centre.hand.placed] == ["kim"]
