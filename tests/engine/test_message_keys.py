"""A campaign's message, and the key in it that leads to an agent: the two seconds begin there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import anyio
import pytest

from dialler.domain.campaign import AbandonOver, AbandonPeriod, CampaignSettings
from dialler.domain.outcome import Outcome
from dialler.domain.session import Session
from dialler.events import AgentJoined, CallAbandoned, CampaignBlocked, MessageStarted, SessionClosed
from telephony.answer_plan import AnswerPlan, KeyAction
from telephony.events import (
    Answered,
    Bridged,
    HangupBy,
    HarbourStarted,
    HungUp,
    MessagePlayed,
    Queued,
    Ringing,
)
from telephony.port import LiveCall, LiveState
from telephony.simulated import AgentGroup, Spread
from tests.support.call_centre import AGENTLESS, QUEUE, QUICK, CallCentre, call_centre
from tests.support.hand_exchange import SERVER, HandExchange

WITH_KEY = replace(AGENTLESS, message_keys={"1": KeyAction.QUEUE}, queue=QUEUE, rest_min_s=7200)


@asynccontextmanager
async def one_call() -> AsyncIterator[tuple[CallCentre, HandExchange, str]]:
    """Let one person answer, through an exchange worked by hand."""
    async with call_centre(hand=HandExchange()) as centre:
        hand = centre.hand
        await centre.campaign(settings=WITH_KEY, lists={"list": (100, 1)})
        await centre.start()
        await centre.until(lambda: len(hand.placed) == 1)
        hand.say(Ringing, hand.placed[0].call_id)
        hand.say(Answered, hand.placed[0].call_id)
        yield centre, hand, hand.placed[0].call_id


async def the_session(centre: CallCentre) -> Session:
    await centre.until(lambda: bool(centre.told(SessionClosed)))
    await centre.engine.floor.outbox.flush()
    [session] = await centre.assert_accounted()
    return session


async def test_who_only_listens_is_never_taken_from_the_message() -> None:
    async with one_call() as (centre, hand, call_id):
        [placed] = hand.placed
        assert placed.queue is None
        keys = {"1": KeyAction.QUEUE}
        assert placed.answer == AnswerPlan(message="acme/news", message_keys=keys, message_queue=QUEUE)
        await anyio.sleep(30)
        hand.say(MessagePlayed, call_id)
        await anyio.sleep(30)
        assert hand.diverted == []
        hand.say(HungUp, call_id, cause=16, by=HangupBy.SYSTEM)
        assert (await the_session(centre)).outcome is Outcome.PLAYED
        assert centre.told(CallAbandoned) == []


@pytest.mark.parametrize("heard_to_the_end", [False, True])
async def test_two_seconds_count_from_the_key(heard_to_the_end: bool) -> None:
    async with one_call() as (centre, hand, call_id):
        await anyio.sleep(20)
        if heard_to_the_end:
            hand.say(MessagePlayed, call_id)
        hand.say(Queued, call_id, queue=QUEUE)
        await anyio.sleep(1.7)
        assert hand.diverted == []
        await anyio.sleep(0.2)
        assert hand.diverted == [call_id]
        hand.say(HarbourStarted, call_id)
        hand.say(HungUp, call_id, cause=16, by=HangupBy.SYSTEM)
        assert (await the_session(centre)).outcome is Outcome.ABANDONED
        [started] = centre.told(MessageStarted)
        assert 1.7 < started.waited_s < 2.0


async def test_whom_an_agent_takes_after_the_key_is_connected() -> None:
    async with one_call() as (centre, hand, call_id):
        await anyio.sleep(20)
        hand.say(Queued, call_id, queue=QUEUE)
        await anyio.sleep(1)
        hand.say(Bridged, call_id, agent="kim")
        await anyio.sleep(60)
        hand.say(HungUp, call_id, cause=16, by=HangupBy.AGENT)
        session = await the_session(centre)
        assert (session.outcome, session.agent) == (Outcome.CONNECTED, "kim")
        assert hand.diverted == []
        [joined] = centre.told(AgentJoined)
        assert joined.waited_s == pytest.approx(1.0)


async def test_a_key_that_was_pressed_while_the_link_was_down_counts_from_when_the_wait_is_seen() -> None:
    async with one_call() as (centre, hand, call_id):
        hand.link_down()
        await anyio.sleep(5)
        hand.live = [LiveCall(call_id=call_id, server=SERVER, state=LiveState.QUEUED, age=timedelta(seconds=6))]
        hand.link_up()
        await anyio.sleep(1.7)
        assert hand.diverted == []
        await anyio.sleep(0.2)
        assert hand.diverted == [call_id]
        hand.say(HarbourStarted, call_id)
        hand.live = []
        hand.say(HungUp, call_id, cause=16, by=HangupBy.SYSTEM)
        assert (await the_session(centre)).outcome is Outcome.ABANDONED


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (replace(AGENTLESS, message=None), "plays a message to those who answer, and the campaign has none"),
        (replace(WITH_KEY, queue=None), "key 1 of its message leads to an agent, and the campaign has no queue"),
    ],
)
async def test_a_campaign_in_which_somebody_would_get_nothing_places_no_call(
    settings: CampaignSettings, said: str
) -> None:
    async with call_centre(hand=HandExchange()) as centre:
        await centre.campaign(settings=settings)
        await centre.start()
        await centre.until(lambda: bool(centre.told(CampaignBlocked)))
        [blocked] = centre.told(CampaignBlocked)
        assert said in blocked.reason
        await anyio.sleep(60)
        assert centre.hand.placed == []


async def test_on_the_simulated_network_the_key_leads_to_agents_who_are_there() -> None:
    plan = replace(
        QUICK,
        agents=(AgentGroup(number=3, queues=(QUEUE,)),),
        answer_rate=(0.9,),
        machine_rate=0.0,
        agent_key_rate=0.5,
        optout_rate=0.1,
        sounds={"acme/news": 8.0},
    )
    async with call_centre(plan) as centre:
        await centre.campaign(settings=WITH_KEY, lists={"list": (100, 200)})
        await centre.start()
        await centre.until(lambda: len(centre.told(SessionClosed)) >= 200)
        await centre.engine.floor.outbox.flush()
        outcomes = {session.outcome for session in await centre.assert_accounted()}
        assert outcomes >= {Outcome.PLAYED, Outcome.CONNECTED, Outcome.ABANDONED, Outcome.OPTED_OUT}
        assert all(event.waited_s <= 2.0 for event in centre.told(MessageStarted))


@pytest.mark.parametrize("is_taken", [False, True])
async def test_who_pressed_the_key_counts_for_the_abandon_limit_while_the_call_goes_on(is_taken: bool) -> None:
    async with one_call() as (centre, hand, call_id):
        running = centre.engine.floor.campaigns[1]

        def counted() -> set[tuple[float, float]]:
            """Return (abandoned, answered) of all periods."""
            return {(rate.abandoned, rate.answered) for rate in running.rates_now(centre.clock.now())}

        await anyio.sleep(20)
        assert counted() == {(0, 0)}, "who listens may yet press it"
        hand.say(Queued, call_id, queue=QUEUE)
        await anyio.sleep(1)
        assert counted() == {(0, 0)}
        if is_taken:
            hand.say(Bridged, call_id, agent="kim")
        else:
            hand.say(HarbourStarted, call_id)
        await anyio.sleep(1)
        expected = {(0, 1) if is_taken else (1, 1)}
        assert counted() == expected
        hand.say(HungUp, call_id, cause=16, by=HangupBy.SYSTEM)
        await the_session(centre)
        assert counted() == expected


@pytest.mark.parametrize("over", list(AbandonOver))
async def test_over_the_abandon_limit_no_more_people_are_called_than_agents_are_free(over: AbandonOver) -> None:
    plan = replace(
        QUICK,
        agents=(AgentGroup(number=2, queues=(QUEUE,)),),
        answer_rate=(1.0,),
        machine_rate=0.0,
        agent_key_rate=1.0,
        talk_s=Spread(60.0),
    )
    settings = replace(WITH_KEY, abandon_over=over, abandon_sample_min=50, abandon_periods=(AbandonPeriod.DAY,))
    async with call_centre(plan) as centre:
        await centre.campaign(settings=settings, lists={"list": (100, 400)})
        await centre.start()
        await anyio.sleep(120)
        status = centre.engine.report().campaigns[0]
        assert any("over the abandon limit" in reason for reason in status.limits), status.limits
        assert any(rate.is_over and rate.is_enforced for rate in status.abandon_rates)
        began_at, before = centre.clock.now(), set(centre.telephony.originated)
        most = 0
        for _ in range(600):
            await anyio.sleep(1)
            counts = centre.engine.floor.board.counts(1)
            most = max(most, counts.unanswered + counts.waiting + counts.listening)
        since = [session for session in await centre.sessions() if session.session_id not in before]
        assert all(session.created_at >= began_at for session in since)
        if over is AbandonOver.STOP:
            assert since == []
        else:
            assert len(since) > 0 and most <= 2
            assert Outcome.ABANDONED not in {session.outcome for session in since}
