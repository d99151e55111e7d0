"""The AMI adapter on a real Asterisk, with the dialplan, account and queues that are shipped."""

import itertools
import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import anyio
import anyio.to_thread
import pytest

from telephony.ami import AsteriskNetwork, AsteriskServer, LinkState
from telephony.ami.link import EVENTS
from telephony.answer_plan import AnswerPlan, KeyAction
from telephony.errors import NotSent, Refused
from telephony.events import (
    AgentChanged,
    AgentState,
    Answered,
    Bridged,
    DialEnded,
    HangupBy,
    HarbourStarted,
    HungUp,
    LinkDown,
    LinkUp,
    MessagePlayed,
    OptedOut,
    OriginateEnded,
    Queued,
    Ringing,
    TelephonyEvent,
)
from telephony.port import LiveState, Origination
from telephony.simulated import Fate
from tests.support.asterisk import (
    BRIEF_QUEUE,
    CAUSES,
    EMPTY_QUEUE,
    FAST,
    HOUR_SOUND,
    QUEUE,
    SHORT_SOUND,
    AsteriskExchange,
    RealAsterisk,
    fate_of,
    key_presser,
    key_presser_once,
    number_of,
)
from tests.support.exchanges import EventLog, open_exchange

pytestmark = pytest.mark.asterisk

_ids = itertools.count(1)


def call(number: str, **facts: Any) -> Origination:
    return Origination(
        **{
            "call_id": f"ami-{os.getpid()}-{next(_ids)}",
            "trunk": "carrier",
            "number": number,
            "ring_timeout": timedelta(seconds=20),
            "answer": AnswerPlan(message=HOUR_SOUND if number.endswith("9") else SHORT_SOUND),
            **facts,
        }
    )


@pytest.fixture
async def exchange() -> AsyncIterator[AsteriskExchange]:
    async with open_exchange("asterisk") as opened:
        assert isinstance(opened, AsteriskExchange)
        yield opened


@pytest.fixture
async def log(exchange: AsteriskExchange) -> AsyncIterator[EventLog]:
    events = EventLog(exchange.telephony)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(events.read)
        await events.first(LinkUp, server="asterisk")
        yield events
        tasks.cancel_scope.cancel()


@asynccontextmanager
async def linked(server: AsteriskServer, *, wait: bool = True) -> AsyncIterator[tuple[AsteriskNetwork, EventLog]]:
    """Run an adapter of its own on a server."""
    network = AsteriskNetwork([server], timing=FAST)
    events = EventLog(network)
    async with anyio.create_task_group() as tasks:
        await tasks.start(lambda *, task_status: network.run(task_status=task_status))
        tasks.start_soon(events.read)
        if wait:
            await events.first(LinkUp)
        yield network, events
        tasks.cancel_scope.cancel()


def kinds(events: list[Any]) -> list[type[TelephonyEvent]]:
    return [type(event) for event in events]


async def test_each_number_ends_as_its_last_digit_says_and_is_rung_once(
    exchange: AsteriskExchange, log: EventLog
) -> None:
    before = exchange.asterisk.rung()
    placed = [call(f"+1305555{number:04d}", ring_timeout=timedelta(seconds=3)) for number in range(100, 130)]
    for one in placed:
        await exchange.telephony.originate(one)
    for one in placed:
        fate = fate_of(one.number)
        if one.number.endswith("9"):  # an hour of silence
            await log.first(Answered, call_id=one.call_id)
            assert await exchange.telephony.hang_up(one.call_id)
        events = await log.whole_call(one.call_id)
        [verdict] = [event for event in events if isinstance(event, HungUp)]
        assert verdict.cause == CAUSES.get(fate, 19 if fate is Fate.NO_ANSWER else 16)
        assert (Answered in kinds(events)) == (fate is Fate.ANSWERED)
    assert exchange.asterisk.rung() - before == Counter(one.number for one in placed)


async def test_an_answered_call_goes_to_a_free_agent_and_is_told_with_both(
    exchange: AsteriskExchange, log: EventLog
) -> None:
    placed = call(number_of(Fate.ANSWERED), queue=QUEUE)
    await exchange.telephony.originate(placed)
    bridged = await log.first(Bridged, call_id=placed.call_id)
    assert bridged.agent in {"Local/100@agents/n", "Local/101@agents/n"}
    await log.first(AgentChanged, agent=bridged.agent, queue=QUEUE, state=AgentState.TALKING)
    # The bridge itself follows the event that tells of it.
    with anyio.fail_after(10):
        [live] = await exchange.telephony.live_calls("asterisk")
        while live.state is not LiveState.BRIDGED:
            [live] = await exchange.telephony.live_calls("asterisk")
    assert (live.call_id, live.agent) == (placed.call_id, bridged.agent)
    place = len(log.events)
    assert await exchange.telephony.hang_up(placed.call_id)
    events = await log.whole_call(placed.call_id)
    steps = [kind for kind in kinds(events) if kind not in (DialEnded, OriginateEnded)]
    assert steps[1:] == [Ringing, Answered, Queued, Bridged, HungUp]
    verdict = await log.first(HungUp, call_id=placed.call_id)
    assert verdict.by is HangupBy.SYSTEM
    await log.first(AgentChanged, after=place, agent=bridged.agent, queue=QUEUE, state=AgentState.READY)


async def test_an_agent_who_hangs_up_is_told_as_the_one_who_did(exchange: AsteriskExchange, log: EventLog) -> None:
    placed = call(number_of(Fate.ANSWERED), queue=BRIEF_QUEUE)
    await exchange.telephony.originate(placed)
    verdict = await log.first(HungUp, call_id=placed.call_id)
    assert (verdict.cause, verdict.by) == (16, HangupBy.AGENT)


async def test_without_an_agent_the_call_gets_the_information_message(
    exchange: AsteriskExchange, log: EventLog
) -> None:
    placed = call(number_of(Fate.ANSWERED), queue=EMPTY_QUEUE)
    await exchange.telephony.originate(placed)
    await log.first(HarbourStarted, call_id=placed.call_id)
    assert await exchange.telephony.hang_up(placed.call_id)
    await log.whole_call(placed.call_id)


async def test_a_campaign_without_agents_plays_its_message_and_hangs_up(
    exchange: AsteriskExchange, log: EventLog
) -> None:
    placed = call(number_of(Fate.ANSWERED))
    await exchange.telephony.originate(placed)
    events = await log.whole_call(placed.call_id)
    assert kinds(events)[-2:] == [MessagePlayed, HungUp]
    assert isinstance(events[-1], HungUp)
    assert events[-1].by is HangupBy.SYSTEM


@pytest.mark.parametrize("after_s", [0, 1])
async def test_the_key_to_opt_out_is_heard_in_a_campaigns_message_and_after_it(
    exchange: AsteriskExchange, log: EventLog, after_s: int
) -> None:
    sound = SHORT_SOUND if after_s else HOUR_SOUND
    placed = call(key_presser_once("5", after_s=after_s), answer=AnswerPlan(message=sound, optout_key="5"))
    await exchange.telephony.originate(placed)
    seen = kinds(await log.whole_call(placed.call_id))
    assert (MessagePlayed in seen, OptedOut in seen) == (bool(after_s), True)


async def test_a_key_leads_from_a_campaigns_message_to_an_agent_and_to_the_information_message_where_there_is_none(
    exchange: AsteriskExchange, log: EventLog
) -> None:
    for queue, then in ((QUEUE, [Queued, Bridged]), (EMPTY_QUEUE, [HarbourStarted])):
        keys = {"#": KeyAction.QUEUE, "1": KeyAction.QUEUE, "*": KeyAction.REPLAY}
        answer = AnswerPlan(message=HOUR_SOUND, message_keys=keys, message_queue=queue)
        placed = call(key_presser_once("1"), answer=answer)
        await exchange.telephony.originate(placed)
        last = await log.first(then[-1], call_id=placed.call_id)
        assert [
            kind for kind in kinds(log.by_call[placed.call_id]) if kind in (Queued, Bridged, HarbourStarted)
        ] == then
        answered = await log.first(Answered, call_id=placed.call_id)
        assert (last.at - answered.at).total_seconds() < 0.5 + 2.0
        await exchange.telephony.hang_up(placed.call_id)
        await log.whole_call(placed.call_id)


async def test_a_key_plays_a_campaigns_message_anew_and_wrong_ones_end_it_sooner(
    exchange: AsteriskExchange, log: EventLog
) -> None:
    lasted_s = {}
    for key in "34":
        answer = AnswerPlan(message=HOUR_SOUND, message_keys={"3": KeyAction.REPLAY})
        placed = call(key_presser(key), answer=answer)
        await exchange.telephony.originate(placed)
        answered = await log.first(Answered, call_id=placed.call_id)
        ended = await log.first(HungUp, call_id=placed.call_id)
        assert ended.by is HangupBy.SYSTEM
        lasted_s[key] = (ended.at - answered.at).total_seconds()
        await log.whole_call(placed.call_id)
    # A key each half second, and something more for the tone: the third wrong one ends it, and the sixth right one.
    assert 1.4 < lasted_s["4"] < 2.9 < lasted_s["3"] < 6


async def test_a_message_that_the_exchange_does_not_have_is_no_silent_call(
    exchange: AsteriskExchange, log: EventLog
) -> None:
    for answer in (AnswerPlan(message="acme/not-there"), AnswerPlan()):
        placed = call(number_of(Fate.ANSWERED), answer=answer)
        await exchange.telephony.originate(placed)
        events = await log.whole_call(placed.call_id)
        assert HarbourStarted in kinds(events)
        assert MessagePlayed not in kinds(events)


async def test_agents_are_told_when_the_link_comes_up(exchange: AsteriskExchange, log: EventLog) -> None:
    for agent in ("Local/100@agents/n", "Local/101@agents/n"):
        await log.first(AgentChanged, agent=agent, queue=QUEUE, state=AgentState.READY)


async def test_variables_arrive_as_they_were_given(exchange: AsteriskExchange, log: EventLog) -> None:
    values = {"DLR_A": r'Smith, "Jo" (Jr) [x] \ José; $1', "DLR_B": "", "__DLR_C": "a=b,DLR_B=c"}
    placed = call(number_of(Fate.NO_ANSWER), variables=values)
    await exchange.telephony.originate(placed)
    await log.first(Ringing, call_id=placed.call_id)
    channels = await anyio.to_thread.run_sync(exchange.asterisk.cli, "core show channels concise")
    [name] = [line.split("!")[0] for line in channels.splitlines() if ";1!" in line]
    shown = await anyio.to_thread.run_sync(exchange.asterisk.cli, f"core show channel {name}")
    for variable, value in values.items():
        assert f"{variable.lstrip('_')}={value}\n" in shown
    assert f"DLR_ATTEMPT={placed.call_id}\n" in shown


async def test_a_trunk_that_asterisk_does_not_know_ends_without_a_channel(exchange: AsteriskExchange) -> None:
    server = exchange.asterisk.server
    trunk = replace(server.trunks[0], dial="NoSuchTech/{number}")
    async with linked(replace(server, trunks=(trunk,))) as (network, log):
        placed = call(number_of(Fate.BUSY))
        await network.originate(placed)
        verdict = await log.first(HungUp, call_id=placed.call_id)
        assert (verdict.cause, verdict.cause_text) == (0, "no channel")
        assert kinds(list(log.by_call[placed.call_id])) == [OriginateEnded, HungUp]


async def test_a_context_that_is_not_there_is_a_fault_of_the_settings(exchange: AsteriskExchange) -> None:
    async with linked(replace(exchange.asterisk.server, context="no-such-context")) as (network, _):
        with pytest.raises(Refused, match="Extension does not exist") as caught:
            await network.originate(call(number_of(Fate.BUSY)))
        assert caught.value.configuration


async def test_a_wrong_password_is_told_apart(exchange: AsteriskExchange) -> None:
    async with linked(replace(exchange.asterisk.server, secret="wrong"), wait=False) as (network, log):
        down = await log.first(LinkDown)
        assert down.reason == "login refused: Authentication failed"
        assert network.links["asterisk"].state is LinkState.REFUSED
        with pytest.raises(NotSent, match="login refused"):
            await network.originate(call(number_of(Fate.BUSY)))


@pytest.mark.parametrize("account", ["dialler", "unfiltered"])
async def test_asterisk_sends_only_what_is_read(exchange: AsteriskExchange, account: str) -> None:
    # The shipped account has its filters in the file and may not set any; the other one lets the adapter set them.
    async with linked(replace(exchange.asterisk.server, username=account)) as (network, log):
        placed = call(number_of(Fate.BUSY))
        await network.originate(placed)
        assert HungUp in kinds(await log.whole_call(placed.call_id))
        heard = set(network._links["asterisk"]._manager._by_name)
        in_lists = {b"QueueParams", b"QueueMember", b"QueueEntry", b"QueueStatusComplete"}
        assert heard - in_lists <= {name.encode() for name in EVENTS}
        assert b"Hangup" in heard


async def test_a_killed_asterisk_comes_back_as_restarted_with_no_calls() -> None:
    asterisk = await anyio.to_thread.run_sync(RealAsterisk)
    try:
        await anyio.to_thread.run_sync(asterisk.start)
        async with linked(asterisk.server) as (network, log):
            placed = call(number_of(Fate.NO_ANSWER))
            await network.originate(placed)
            await log.first(Ringing, call_id=placed.call_id)
            await anyio.to_thread.run_sync(asterisk.kill)
            await log.first(LinkDown)
            place = len(log.events)
            await anyio.to_thread.run_sync(asterisk.start)
            link = await log.first(LinkUp, after=place)
            assert link.restarted
            assert await network.live_calls("asterisk") == []
            assert HungUp not in kinds(list(log.by_call[placed.call_id]))
    finally:
        await anyio.to_thread.run_sync(asterisk.close)
