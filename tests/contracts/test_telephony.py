"""What every exchange promises (telephony/__init__.py), on each of them.

Waits are for events; ring time-outs are short, so that a real exchange takes seconds.
"""

import contextlib
import itertools
import os
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, timedelta
from typing import Any

import anyio
import pytest

from telephony.answer_plan import QUEUE_PRIORITY, AnswerPlan, KeyAction
from telephony.errors import NotSent, Refused, TelephonyError
from telephony.events import (
    WRAP_UP_REASON,
    AgentChanged,
    AgentState,
    Answered,
    Bridged,
    CallEvent,
    Classified,
    DialEnded,
    Dialling,
    HangupBy,
    HarbourStarted,
    HungUp,
    LinkDown,
    LinkUp,
    MessageLeft,
    MessagePlayed,
    OptedOut,
    OriginateEnded,
    Queued,
    Ringing,
)
from telephony.port import LiveState, Origination
from telephony.presentation import NumberForm
from tests.support.exchanges import PRESENTED_NAME, EventLog, Exchange, Fate, open_exchange

CAUSES: dict[Fate, set[int]] = {
    Fate.ANSWERED: {16},
    Fate.BUSY: {17},
    Fate.NO_ANSWER: {0, 19},  # 0 before 20.18, 22.8 and 23.2
    Fate.REJECTED: {21},
    Fate.INVALID: {1, 5, 22, 28},
    Fate.CONGESTION: {34, 42, 44},
    Fate.UNREACHABLE: {20, 27},
}
RING_TIMEOUT = timedelta(seconds=2)
LONG_RING_TIMEOUT = timedelta(seconds=60)
CLOCKS_DIFFER = timedelta(milliseconds=50)
MANY = 50

_ids = itertools.count(1)


@pytest.fixture(params=["simulated", pytest.param("asterisk", marks=pytest.mark.asterisk)])
async def exchange(request: pytest.FixtureRequest) -> AsyncIterator[Exchange]:
    async with open_exchange(request.param) as opened:
        yield opened


@pytest.fixture
async def log(exchange: Exchange) -> AsyncIterator[EventLog]:
    """The exchange's events, from a link that is up."""
    events = EventLog(exchange.telephony)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(events.read)
        await events.first(LinkUp, server=exchange.server)
        yield events
        # A real exchange serves the next test too: nothing of this one may still be up.
        with contextlib.suppress(TelephonyError):
            for live in await exchange.telephony.live_calls(exchange.server):
                await exchange.telephony.hang_up(live.call_id)
                await events.first(HungUp, call_id=live.call_id)
        tasks.cancel_scope.cancel()


@pytest.fixture
def call(exchange: Exchange) -> Callable[..., Origination]:
    """Make a call to a number of a given fate, with an id of its own."""

    def make(fate: Fate, *, ring_timeout: timedelta = RING_TIMEOUT, **facts: object) -> Origination:
        return Origination(
            **{
                "call_id": f"contract-{os.getpid()}-{next(_ids)}",
                "trunk": exchange.trunk,
                "number": exchange.number_for(fate),
                "ring_timeout": ring_timeout,
                "answer": AnswerPlan(
                    message=exchange.hour_sound if fate is Fate.ANSWERED_LONG else exchange.sound,
                ),
                **facts,
            }
        )

    return make


Call = Callable[..., Origination]


def kinds(events: list[CallEvent]) -> list[type[CallEvent]]:
    return [type(event) for event in events]


def assert_in_order(events: list[CallEvent]) -> None:
    """Check one call's events: each step once and in order, one verdict, and nothing behind it but the hint."""
    seen = kinds(events)
    for kind, times in Counter(seen).items():
        assert times == 1, f"{times} times {kind.__name__} in {seen}"
    steps = [kind for kind in seen if kind in (Dialling, Ringing, Answered, MessagePlayed, HungUp)]
    assert steps == sorted(steps, key=(Dialling, Ringing, Answered, MessagePlayed, HungUp).index), seen
    assert seen[-1] is HungUp or (seen[-2:] == [HungUp, OriginateEnded]), seen
    assert all(event.at.tzinfo is UTC for event in events)


@pytest.mark.parametrize("fate", list(CAUSES))
async def test_each_fate_ends_in_one_verdict_with_its_cause(
    fate: Fate, exchange: Exchange, log: EventLog, call: Call
) -> None:
    ring_timeout = RING_TIMEOUT if fate is Fate.NO_ANSWER else LONG_RING_TIMEOUT
    placed = call(fate, ring_timeout=ring_timeout)
    await exchange.telephony.originate(placed)
    events = await log.whole_call(placed.call_id)
    assert_in_order(events)
    assert Dialling in kinds(events)
    assert (Answered in kinds(events)) == (fate is Fate.ANSWERED)
    assert (MessagePlayed in kinds(events)) == (fate is Fate.ANSWERED)
    [verdict] = [event for event in events if isinstance(event, HungUp)]
    assert verdict.cause in CAUSES[fate]
    [hint] = [event for event in events if isinstance(event, OriginateEnded)]
    assert hint.success == (fate is Fate.ANSWERED)


async def test_a_call_that_rings_out_ends_as_a_time_out(exchange: Exchange, log: EventLog, call: Call) -> None:
    placed = call(Fate.NO_ANSWER)
    await exchange.telephony.originate(placed)
    events = await log.whole_call(placed.call_id)
    assert Ringing in kinds(events)
    assert DialEnded not in kinds(events)
    [hint] = [event for event in events if isinstance(event, OriginateEnded)]
    assert hint.reason == 3


async def test_ids_are_never_mixed_among_many_calls_at_once(exchange: Exchange, log: EventLog, call: Call) -> None:
    fates = [fate for fate in CAUSES if fate is not Fate.NO_ANSWER]
    fate_of = {}
    async with anyio.create_task_group() as tasks:
        for fate in itertools.islice(itertools.cycle(fates), MANY):
            placed = call(fate, ring_timeout=LONG_RING_TIMEOUT)
            fate_of[placed.call_id] = fate
            tasks.start_soon(exchange.telephony.originate, placed)
    for call_id, fate in fate_of.items():
        events = await log.whole_call(call_id)
        assert_in_order(events)
        [verdict] = [event for event in events if isinstance(event, HungUp)]
        assert verdict.cause in CAUSES[fate], fate
    ours = {call_id for call_id in log.by_call if call_id.startswith("contract-")}
    assert ours == set(fate_of)


async def test_live_calls_tells_ids_and_how_far_they_got(exchange: Exchange, log: EventLog, call: Call) -> None:
    rings = call(Fate.NO_ANSWER, ring_timeout=LONG_RING_TIMEOUT)
    talks = call(Fate.ANSWERED_LONG)
    ends = call(Fate.BUSY)
    for placed in (rings, talks, ends):
        await exchange.telephony.originate(placed)
    await log.first(Ringing, call_id=rings.call_id)
    await log.first(Answered, call_id=talks.call_id)
    await log.whole_call(ends.call_id)
    live = await exchange.telephony.live_calls(exchange.server)
    assert {one.call_id: one.state for one in live} == {
        rings.call_id: LiveState.RINGING,
        talks.call_id: LiveState.UP,
    }
    assert all(one.server == exchange.server and one.age >= timedelta(0) for one in live)


async def test_a_call_is_taken_back_before_it_is_answered(exchange: Exchange, log: EventLog, call: Call) -> None:
    placed = call(Fate.NO_ANSWER, ring_timeout=LONG_RING_TIMEOUT)
    await exchange.telephony.originate(placed)
    await log.first(Ringing, call_id=placed.call_id)
    assert await exchange.telephony.hang_up(placed.call_id) is True
    events = await log.whole_call(placed.call_id)
    assert_in_order(events)
    assert Answered not in kinds(events)
    [verdict] = [event for event in events if isinstance(event, HungUp)]
    assert verdict.cause == 16
    assert not await exchange.telephony.live_calls(exchange.server)


async def test_a_call_is_ended_after_it_was_answered(exchange: Exchange, log: EventLog, call: Call) -> None:
    placed = call(Fate.ANSWERED_LONG)
    await exchange.telephony.originate(placed)
    await log.first(Answered, call_id=placed.call_id)
    assert await exchange.telephony.hang_up(placed.call_id) is True
    events = await log.whole_call(placed.call_id)
    assert_in_order(events)
    [verdict] = [event for event in events if isinstance(event, HungUp)]
    assert verdict.cause == 16


async def test_hanging_up_a_call_that_nobody_knows_is_false(exchange: Exchange, log: EventLog) -> None:
    assert await exchange.telephony.hang_up("contract-nobody-knows-it") is False


async def test_a_call_that_waits_for_an_agent_is_taken_to_the_information_message(
    exchange: Exchange, log: EventLog, call: Call
) -> None:
    placed = call(Fate.ANSWERED_LONG, queue=exchange.waiting_queue)
    await exchange.telephony.originate(placed)
    await log.first(Queued, call_id=placed.call_id)
    [live] = await exchange.telephony.live_calls(exchange.server)
    assert (live.call_id, live.state) == (placed.call_id, LiveState.QUEUED)
    assert await exchange.telephony.divert(placed.call_id) is True
    await log.first(HarbourStarted, call_id=placed.call_id)
    [live] = await exchange.telephony.live_calls(exchange.server)
    assert (live.call_id, live.state, live.agent) == (placed.call_id, LiveState.HARBOUR, None)
    assert await exchange.telephony.hang_up(placed.call_id) is True
    events = await log.whole_call(placed.call_id)
    assert_in_order(events)
    assert [kind for kind in kinds(events) if kind in (Queued, HarbourStarted, HungUp)] == [
        Queued,
        HarbourStarted,
        HungUp,
    ]


async def test_a_call_that_waits_for_an_agent_says_how_long_it_has(
    exchange: Exchange, log: EventLog, call: Call
) -> None:
    placed = call(Fate.ANSWERED_LONG, queue=exchange.waiting_queue)
    await exchange.telephony.originate(placed)
    queued = await log.first(Queued, call_id=placed.call_id)
    waits = list[timedelta]()
    with anyio.fail_after(10):
        while not waits or waits[-1] < timedelta(seconds=2):
            [live] = await exchange.telephony.live_calls(exchange.server)
            assert live.waited is not None
            waits.append(live.waited)
            await anyio.sleep(0.05)
    assert waits == sorted(waits)
    assert await exchange.telephony.divert(placed.call_id) is True
    harbour = await log.first(HarbourStarted, call_id=placed.call_id)
    # Whole seconds, of which the first may have been nearly over.
    assert waits[0] - timedelta(seconds=1) < waits[-1] - timedelta(seconds=1) <= harbour.at - queued.at
    [live] = await exchange.telephony.live_calls(exchange.server)
    assert live.waited is None


async def test_a_queue_that_looks_again_joins_who_waits_and_the_agent_who_got_free_at_once(
    exchange: Exchange, log: EventLog, call: Call
) -> None:
    queue, agent = exchange.login_queues[0], exchange.agent
    await exchange.telephony.add_to_queue(queue, agent, paused=True, reason="busy")
    placed = call(Fate.ANSWERED_LONG, queue=queue)
    try:
        await exchange.telephony.originate(placed)
        await log.first(Queued, call_id=placed.call_id)
        assert await exchange.telephony.set_paused(agent, False)
        ready = await log.first(AgentChanged, agent=agent, queue=queue, state=AgentState.READY)
        assert await exchange.telephony.look_again(placed.call_id) is True
        bridged = await log.first(Bridged, call_id=placed.call_id)
        # Asterisk looks by itself a second after the call has come into the queue.
        assert (bridged.at - ready.at) < timedelta(seconds=0.5)
        assert await exchange.telephony.hang_up(placed.call_id) is True
        await log.first(HungUp, call_id=placed.call_id)
        assert await exchange.telephony.look_again(placed.call_id) is False
    finally:
        await exchange.telephony.remove_from_queue(queue, agent)


async def test_a_look_that_comes_too_late_leaves_the_information_message_alone(
    exchange: Exchange, log: EventLog, call: Call
) -> None:
    placed = call(Fate.ANSWERED_LONG, queue=exchange.waiting_queue)
    await exchange.telephony.originate(placed)
    await log.first(Queued, call_id=placed.call_id)
    assert await exchange.telephony.divert(placed.call_id) is True
    await log.first(HarbourStarted, call_id=placed.call_id)
    assert await exchange.telephony.look_again(placed.call_id) is True
    await anyio.sleep(0.3)  # Nothing tells that nothing came of it.
    assert HungUp not in kinds(log.by_call[placed.call_id])
    assert await exchange.telephony.hang_up(placed.call_id) is True


async def test_who_presses_the_key_in_the_information_message_opts_out_and_the_call_ends(
    exchange: Exchange, log: EventLog, call: Call
) -> None:
    placed = call(Fate.OPTS_OUT, queue=exchange.waiting_queue)
    await exchange.telephony.originate(placed)
    await log.first(Queued, call_id=placed.call_id)
    assert await exchange.telephony.divert(placed.call_id) is True
    events = await log.whole_call(placed.call_id)
    assert_in_order(events)
    assert [kind for kind in kinds(events) if kind in (HarbourStarted, OptedOut, HungUp)] == [
        HarbourStarted,
        OptedOut,
        HungUp,
    ]


async def test_a_call_for_one_agent_is_joined_to_him_and_ends_by_whoever_hangs_up(
    exchange: Exchange, log: EventLog, call: Call
) -> None:
    leaves = call(Fate.ANSWERED, agent=exchange.talker, number=exchange.leaver)
    stays = call(Fate.ANSWERED_LONG, agent=exchange.brief_agent)
    for placed, agent, by in (
        (leaves, exchange.talker, HangupBy.CUSTOMER),
        (stays, exchange.brief_agent, HangupBy.AGENT),
    ):
        await exchange.telephony.originate(placed)
        assert (await log.first(Bridged, call_id=placed.call_id)).agent == agent
        events = await log.whole_call(placed.call_id)
        assert_in_order(events)
        steps = [kind for kind in kinds(events) if kind in (Answered, Queued, Bridged, HarbourStarted, HungUp)]
        assert steps == [Answered, Queued, Bridged, HungUp]
        [verdict] = [event for event in events if isinstance(event, HungUp)]
        assert verdict.by is by


async def test_a_call_for_one_agent_waits_for_nobody_else_and_is_taken_to_the_information_message(
    exchange: Exchange, log: EventLog, call: Call
) -> None:
    placed = call(Fate.ANSWERED_LONG, agent=exchange.ringing_agent)
    await exchange.telephony.originate(placed)
    assert (await log.first(Queued, call_id=placed.call_id)).queue == ""
    [live] = await exchange.telephony.live_calls(exchange.server)
    assert (live.call_id, live.state) == (placed.call_id, LiveState.QUEUED)
    assert await exchange.telephony.divert(placed.call_id) is True
    await log.first(HarbourStarted, call_id=placed.call_id)
    assert await exchange.telephony.hang_up(placed.call_id) is True
    events = await log.whole_call(placed.call_id)
    assert_in_order(events)
    assert Bridged not in kinds(events)


async def test_the_information_message_takes_a_call_out_of_the_one_agents_hands(
    exchange: Exchange, log: EventLog, call: Call
) -> None:
    placed = call(Fate.ANSWERED_LONG, agent=exchange.talker)
    await exchange.telephony.originate(placed)
    await log.first(Bridged, call_id=placed.call_id)
    with anyio.fail_after(10):  # A real exchange tells of it just before it joins them.
        while (await exchange.telephony.live_calls(exchange.server))[0].state is not LiveState.BRIDGED:
            pass
    [live] = await exchange.telephony.live_calls(exchange.server)
    assert (live.call_id, live.agent) == (placed.call_id, exchange.talker)
    assert await exchange.telephony.divert(placed.call_id) is True
    await log.first(HarbourStarted, call_id=placed.call_id)
    [live] = await exchange.telephony.live_calls(exchange.server)
    assert (live.call_id, live.state, live.agent) == (placed.call_id, LiveState.HARBOUR, None)


async def test_a_call_for_an_agent_who_is_not_there_gets_the_information_message(
    exchange: Exchange, log: EventLog, call: Call
) -> None:
    placed = call(Fate.ANSWERED_LONG, agent=exchange.absent_agent)
    await exchange.telephony.originate(placed)
    await log.first(HarbourStarted, call_id=placed.call_id)
    assert Bridged not in kinds(log.by_call[placed.call_id])


async def test_a_campaigns_message_is_heard_to_its_end_and_a_key_in_it_opts_out(
    exchange: Exchange, log: EventLog, call: Call
) -> None:
    listens, leaves = call(Fate.ANSWERED), call(Fate.OPTS_OUT, answer=AnswerPlan(message=exchange.hour_sound))
    for placed in (listens, leaves):
        await exchange.telephony.originate(placed)
    told = (MessagePlayed, OptedOut, HarbourStarted, HungUp)
    for placed, expected in ((listens, [MessagePlayed, HungUp]), (leaves, [OptedOut, HungUp])):
        events = await log.whole_call(placed.call_id)
        assert_in_order(events)
        assert [kind for kind in kinds(events) if kind in told] == expected


async def test_a_key_leads_from_a_campaigns_message_to_an_agent_and_without_one_to_the_information_message(
    exchange: Exchange, log: EventLog, call: Call
) -> None:
    keys = {"1": KeyAction.QUEUE}
    for queue in (exchange.agent_queue, exchange.waiting_queue):
        answer = AnswerPlan(message=exchange.hour_sound, message_keys=keys, message_queue=queue)
        placed = call(Fate.ASKS_AGENT, answer=answer)
        await exchange.telephony.originate(placed)
        queued = await log.first(Queued, call_id=placed.call_id)
        assert queued.queue == queue
        if queue == exchange.agent_queue:
            await log.first(Bridged, call_id=placed.call_id)
        else:
            assert await exchange.telephony.divert(placed.call_id) is True
            await log.first(HarbourStarted, call_id=placed.call_id)
        assert await exchange.telephony.hang_up(placed.call_id) is True
        assert_in_order(await log.whole_call(placed.call_id))


async def test_keys_that_mean_nothing_lead_nowhere_and_end_the_call_in_the_end(
    exchange: Exchange, log: EventLog, call: Call
) -> None:
    answer = AnswerPlan(
        message=exchange.hour_sound, message_keys={"1": KeyAction.QUEUE}, message_queue=exchange.agent_queue
    )
    placed = call(Fate.WRONG_KEY, answer=answer)
    await exchange.telephony.originate(placed)
    events = await log.whole_call(placed.call_id)
    assert_in_order(events)
    assert not {Queued, OptedOut, MessagePlayed} & set(kinds(events))
    [ended] = [event for event in events if isinstance(event, HungUp)]
    assert ended.by is HangupBy.SYSTEM


async def test_without_a_message_of_its_own_the_information_message_is_heard_and_never_silence(
    exchange: Exchange, log: EventLog, call: Call
) -> None:
    placed = call(Fate.ANSWERED_LONG, answer=AnswerPlan())
    await exchange.telephony.originate(placed)
    await log.first(HarbourStarted, call_id=placed.call_id)
    assert await exchange.telephony.hang_up(placed.call_id) is True
    assert MessagePlayed not in kinds(await log.whole_call(placed.call_id))


LOOKS_FOR_MACHINES = AnswerPlan(amd=True)


async def test_a_machine_that_is_looked_for_is_kept_from_agents_and_hung_up_on(
    exchange: Exchange, log: EventLog, call: Call
) -> None:
    placed = call(Fate.MACHINE, queue=exchange.waiting_queue, answer=LOOKS_FOR_MACHINES)
    await exchange.telephony.originate(placed)
    events = await log.whole_call(placed.call_id)
    assert_in_order(events)
    [verdict] = [event for event in events if isinstance(event, Classified)]
    assert verdict.status == "MACHINE"
    assert not {Queued, MessageLeft} & set(kinds(events))


async def test_a_message_is_left_on_a_machine_where_the_call_has_one(
    exchange: Exchange, log: EventLog, call: Call
) -> None:
    answer = AnswerPlan(amd=True, machine_sound=exchange.sound)
    placed = call(Fate.MACHINE, queue=exchange.waiting_queue, answer=answer)
    await exchange.telephony.originate(placed)
    events = await log.whole_call(placed.call_id)
    assert_in_order(events)
    assert [kind for kind in kinds(events) if kind in (Classified, Queued, MessageLeft, HungUp)] == [
        Classified,
        MessageLeft,
        HungUp,
    ]


async def test_who_says_nothing_waits_for_an_agent_as_a_person_does_unless_the_call_takes_him_for_a_machine(
    exchange: Exchange, log: EventLog, call: Call
) -> None:
    strict = AnswerPlan(amd=True, unsure_is_machine=True)
    person = call(Fate.SILENT, queue=exchange.waiting_queue, answer=LOOKS_FOR_MACHINES)
    machine = call(Fate.SILENT, queue=exchange.waiting_queue, answer=strict)
    for placed in (person, machine):
        await exchange.telephony.originate(placed)
    await log.first(Queued, call_id=person.call_id)
    verdict = await log.first(Classified, call_id=person.call_id)
    assert (verdict.status, (verdict.cause or "").partition("-")[0]) == ("NOTSURE", "INITIALSILENCE")
    events = await log.whole_call(machine.call_id)
    assert [event.status for event in events if isinstance(event, Classified)] == ["MACHINE"]
    assert Queued not in kinds(events)


async def test_only_an_answered_call_that_is_up_can_be_diverted(exchange: Exchange, log: EventLog, call: Call) -> None:
    assert await exchange.telephony.divert("contract-nobody-knows-it") is False
    rings, ended = call(Fate.NO_ANSWER, ring_timeout=LONG_RING_TIMEOUT), call(Fate.BUSY)
    for placed in (rings, ended):
        await exchange.telephony.originate(placed)
    await log.first(Ringing, call_id=rings.call_id)
    await log.whole_call(ended.call_id)
    assert await exchange.telephony.divert(rings.call_id) is False
    assert await exchange.telephony.divert(ended.call_id) is False
    [live] = await exchange.telephony.live_calls(exchange.server)
    assert (live.call_id, live.state) == (rings.call_id, LiveState.RINGING)
    assert HarbourStarted not in kinds(log.by_call[rings.call_id])


async def test_nothing_is_sent_while_the_link_is_down_and_nothing_afterwards(
    exchange: Exchange, log: EventLog, call: Call
) -> None:
    await exchange.cut_link()
    await log.first(LinkDown, server=exchange.server)
    assert not exchange.telephony.is_up(exchange.server)
    refused = call(Fate.ANSWERED)
    with pytest.raises(NotSent):
        await exchange.telephony.originate(refused)
    with pytest.raises(NotSent):
        await exchange.telephony.live_calls(exchange.server)
    with pytest.raises(NotSent):
        await exchange.telephony.divert(refused.call_id)
    with pytest.raises(NotSent):
        await exchange.telephony.look_again(refused.call_id)
    place = len(log.events)
    await exchange.restore_link()
    await log.first(LinkUp, server=exchange.server, after=place)
    assert exchange.telephony.is_up(exchange.server)
    # A call placed now runs its whole course: one kept back from before would have been sent ahead of it.
    later = call(Fate.BUSY)
    await exchange.telephony.originate(later)
    await log.whole_call(later.call_id)
    assert refused.call_id not in log.by_call
    assert not await exchange.telephony.live_calls(exchange.server)


async def test_a_call_outlives_the_link_and_is_found_again(exchange: Exchange, log: EventLog, call: Call) -> None:
    placed = call(Fate.ANSWERED_LONG)
    await exchange.telephony.originate(placed)
    await log.first(Answered, call_id=placed.call_id)
    await exchange.cut_link()
    await log.first(LinkDown, server=exchange.server)
    place = len(log.events)
    await exchange.restore_link()
    link = await log.first(LinkUp, server=exchange.server, after=place)
    assert not link.restarted
    [live] = await exchange.telephony.live_calls(exchange.server)
    assert (live.call_id, live.state) == (placed.call_id, LiveState.UP)
    assert await exchange.telephony.hang_up(placed.call_id) is True
    await log.first(HungUp, call_id=placed.call_id)


@pytest.mark.parametrize(
    ("fate", "facts", "story"),
    [
        (Fate.ANSWERED_LONG, {"queue": "agent_queue"}, [Answered, Queued, Bridged, HungUp]),
        (Fate.ANSWERED_LONG, {"queue": "waiting_queue"}, [Answered, Queued, HungUp]),
        (Fate.ANSWERED_LONG, {"agent": "talker"}, [Answered, Queued, Bridged, HungUp]),
        (Fate.ANSWERED_LONG, {"agent": "ringing_agent"}, [Answered, Queued, HungUp]),
        (Fate.ANSWERED_LONG, {}, [Answered, HungUp]),
        (Fate.OPTS_OUT, {"agent": "absent_agent"}, [Answered, Queued, HarbourStarted, OptedOut, HungUp]),
        (Fate.MACHINE, {"queue": "agent_queue", "answer": AnswerPlan(amd=True)}, [Answered, Classified, HungUp]),
    ],
)
async def test_what_became_of_a_call_that_ended_while_the_link_was_down_is_told_afterwards(
    fate: Fate, facts: dict[str, Any], story: list[type[CallEvent]], exchange: Exchange, log: EventLog, call: Call
) -> None:
    who = {"number": exchange.number_for(fate) if fate in (Fate.OPTS_OUT, Fate.MACHINE) else exchange.leaver}
    named = {key: value if key == "answer" else getattr(exchange, value) for key, value in facts.items()}
    placed, stays, never = call(fate, **who, **named), call(Fate.ANSWERED_LONG), call(Fate.BUSY)
    await exchange.telephony.originate(stays)
    await log.first(Answered, call_id=stays.call_id)
    await exchange.telephony.originate(placed)
    await log.first(Dialling, call_id=placed.call_id)
    await exchange.cut_link()
    down = await log.first(LinkDown, server=exchange.server)
    place = len(log.events)
    await exchange.until_over(placed.call_id)
    await exchange.restore_link()
    up = await log.first(LinkUp, server=exchange.server, after=place)

    asked = [placed.call_id, stays.call_id, never.call_id]
    told = await exchange.telephony.ended_calls(exchange.server, asked)
    assert [*told] == [placed.call_id], "of the others one is up, and one was not placed"
    events = [*told[placed.call_id]]
    assert kinds(events) == story
    assert all(event.call_id == placed.call_id for event in events)
    assert events == sorted(events, key=lambda event: event.at)
    assert down.at - CLOCKS_DIFFER <= events[0].at and events[-1].at <= up.at + CLOCKS_DIFFER
    for event in events:
        if isinstance(event, Bridged):
            assert event.agent == named.get("agent", event.agent)
            assert event.agent
    left_by_us = fate in (Fate.OPTS_OUT, Fate.MACHINE)
    assert events[-1].by in ((HangupBy.SYSTEM,) if left_by_us else (HangupBy.CUSTOMER, None))  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("form", "own", "abroad"),
    [
        (NumberForm.PLUS, "+13125550101", "+442079460000"),
        (NumberForm.DIGITS, "13125550101", "442079460000"),
        (NumberForm.NATIONAL, "3125550101", "011442079460000"),
        (NumberForm.INTERNATIONAL, "01113125550101", "011442079460000"),
    ],
)
async def test_the_far_end_is_shown_the_caller_id_as_the_trunk_writes_it(
    form: NumberForm, own: str, abroad: str, exchange: Exchange, log: EventLog, call: Call
) -> None:
    async def shown(caller_id: str | None) -> tuple[str, str]:
        trunk = exchange.presenting[form]
        placed = call(Fate.NO_ANSWER, ring_timeout=LONG_RING_TIMEOUT, trunk=trunk, caller_id=caller_id)
        await exchange.telephony.originate(placed)
        await log.first(Ringing, call_id=placed.call_id)
        return await exchange.shown(placed.call_id)

    assert await shown("+13125550101") == (PRESENTED_NAME, own)
    assert await shown("+442079460000") == (PRESENTED_NAME, abroad)
    assert await shown('"Dr Who" <+13125550101>') == ("Dr Who", own)
    assert await shown("2700") == (PRESENTED_NAME, "2700")
    assert await shown(None) == ("", "")


async def test_who_answered_while_the_link_was_down_can_be_taken_to_the_information_message(
    exchange: Exchange, log: EventLog, call: Call
) -> None:
    placed = call(Fate.ANSWERED_LONG, queue=exchange.waiting_queue)
    await exchange.telephony.originate(placed)
    await log.first(Dialling, call_id=placed.call_id)
    await exchange.cut_link()
    await log.first(LinkDown, server=exchange.server)
    place = len(log.events)
    await anyio.sleep(1.0)  # Nobody tells when somebody picks up: it takes a fifth of a second, or a simulated one.
    await exchange.restore_link()
    await log.first(LinkUp, server=exchange.server, after=place)
    with anyio.fail_after(10):
        while (await exchange.telephony.live_calls(exchange.server))[0].state is not LiveState.QUEUED:
            pass
    assert await exchange.telephony.divert(placed.call_id) is True
    await log.first(HarbourStarted, call_id=placed.call_id)
    assert await exchange.telephony.hang_up(placed.call_id) is True
    await log.first(HungUp, call_id=placed.call_id)


async def test_text_that_would_be_more_than_one_line_is_refused_before_anything_is_sent(
    exchange: Exchange, log: EventLog, call: Call
) -> None:
    for line_break in ("\r\n", "\n", "\r", "\0"):
        text = f"x{line_break}Action: Command"
        for facts in (
            *({where: text} for where in ("number", "caller_id", "call_id", "queue")),
            {"variables": {"NAME": text}},
            {"variables": {text: "x"}},
        ):
            with pytest.raises(ValueError, match="line"):
                await exchange.telephony.originate(call(Fate.ANSWERED, **facts))
    assert not await exchange.telephony.live_calls(exchange.server)
    assert not log.by_call


async def test_a_trunk_that_is_not_there_is_refused(exchange: Exchange, log: EventLog, call: Call) -> None:
    with pytest.raises((TelephonyError, ValueError)):
        await exchange.telephony.originate(call(Fate.ANSWERED, trunk="no-such-trunk"))
    assert not await exchange.telephony.live_calls(exchange.server)


# Agents


@pytest.fixture
async def login(exchange: Exchange, log: EventLog) -> AsyncIterator[Callable[..., Awaitable[AgentChanged]]]:
    """Put the exchange's agent into a queue and return what it reports of that; he is out of it after the test."""
    telephony, queues = exchange.telephony, exchange.login_queues

    async def add(queue: str = queues[0], **facts: Any) -> AgentChanged:
        place = len(log.events)
        assert await telephony.add_to_queue(queue, exchange.agent, **facts)
        return await log.first(AgentChanged, after=place, agent=exchange.agent, queue=queue)

    yield add
    with contextlib.suppress(TelephonyError):
        for queue in queues:
            await telephony.remove_from_queue(queue, exchange.agent)


Login = Callable[..., Awaitable[AgentChanged]]


async def moved(log: EventLog, exchange: Exchange, after: int, state: AgentState, reason: str | None = None) -> None:
    """Wait until it was reported, after a place of the log, how the agent stands in his queue."""
    queue = exchange.login_queues[0]
    await log.first(AgentChanged, after=after, agent=exchange.agent, queue=queue, state=state, pause_reason=reason)


async def test_an_agent_logs_into_a_queue_and_out_of_it_and_twice_is_told_apart(
    exchange: Exchange, log: EventLog, login: Login
) -> None:
    telephony, queue = exchange.telephony, exchange.login_queues[0]
    change = await login(name="Zo\u00eb Ann", penalty=2)
    assert (change.state, change.pause_reason, change.server) == (AgentState.READY, None, exchange.server)
    assert await telephony.add_to_queue(queue, exchange.agent, paused=True, reason="late") is False
    place = len(log.events)
    assert await telephony.remove_from_queue(queue, exchange.agent, server=exchange.server) is True
    left = await log.first(AgentChanged, after=place, agent=exchange.agent, queue=queue)
    assert (change.is_member, left.is_member, left.state) == (True, False, AgentState.AWAY)
    assert await telephony.remove_from_queue(queue, exchange.agent) is False
    assert not [
        event
        for event in log.events
        if isinstance(event, AgentChanged) and event.agent == exchange.agent and event.pause_reason is not None
    ]


async def test_who_logs_in_paused_is_never_ready_before(exchange: Exchange, log: EventLog, login: Login) -> None:
    place = len(log.events)
    await login(paused=True, reason="briefing")
    await moved(log, exchange, place, AgentState.PAUSED, "briefing")
    changes = [event for event in log.events[place:] if isinstance(event, AgentChanged)]
    assert AgentState.READY not in {change.state for change in changes if change.agent == exchange.agent}


async def test_a_pause_holds_in_all_queues_of_an_agent_or_in_the_one_named(
    exchange: Exchange, log: EventLog, login: Login
) -> None:
    telephony, (one, other) = exchange.telephony, exchange.login_queues
    for queue in (one, other):
        await login(queue)
    place = len(log.events)
    assert await telephony.set_paused(exchange.agent, True, reason="lunch") is True
    for queue in (one, other):
        await log.first(AgentChanged, after=place, queue=queue, state=AgentState.PAUSED, pause_reason="lunch")
    place = len(log.events)
    assert await telephony.set_paused(exchange.agent, False, queue=other) is True
    await log.first(AgentChanged, after=place, queue=other, state=AgentState.READY, pause_reason=None)
    assert not [event for event in log.events[place:] if isinstance(event, AgentChanged) and event.queue == one]


async def test_a_new_reason_of_a_pause_is_a_change_and_the_diallers_own_is_the_wrap_up(
    exchange: Exchange, log: EventLog, login: Login
) -> None:
    await login()
    for reason, state in (
        ("", AgentState.PAUSED),
        ("lunch", AgentState.PAUSED),
        (WRAP_UP_REASON, AgentState.WRAP_UP),
        ("tea", AgentState.PAUSED),
    ):
        place = len(log.events)
        assert await exchange.telephony.set_paused(exchange.agent, True, reason=reason)
        await moved(log, exchange, place, state, reason)
    place = len(log.events)
    assert await exchange.telephony.set_paused(exchange.agent, False)
    await moved(log, exchange, place, AgentState.READY)


async def test_who_is_paused_while_he_talks_gets_no_other_call_until_he_is_made_ready(
    exchange: Exchange, log: EventLog, login: Login, call: Call
) -> None:
    telephony, queue = exchange.telephony, exchange.login_queues[0]
    await login()
    first, second = (call(Fate.ANSWERED_LONG, queue=queue) for _ in range(2))
    place = len(log.events)
    await telephony.originate(first)
    await log.first(Bridged, call_id=first.call_id, agent=exchange.agent)
    await moved(log, exchange, place, AgentState.TALKING)
    place = len(log.events)
    assert await telephony.set_paused(exchange.agent, True, reason=WRAP_UP_REASON, queue=queue)
    await moved(log, exchange, place, AgentState.TALKING, WRAP_UP_REASON)
    assert await telephony.hang_up(first.call_id)
    await moved(log, exchange, place, AgentState.WRAP_UP, WRAP_UP_REASON)
    await telephony.originate(second)
    await log.first(Queued, call_id=second.call_id)
    assert Bridged not in kinds(log.by_call[second.call_id])
    assert await telephony.set_paused(exchange.agent, False)
    await log.first(Bridged, call_id=second.call_id, agent=exchange.agent)


@pytest.mark.parametrize("by_key", [False, True])
async def test_of_two_who_wait_the_one_of_the_more_important_campaign_is_next(
    exchange: Exchange, log: EventLog, login: Login, call: Call, by_key: bool
) -> None:
    telephony, queue = exchange.telephony, exchange.login_queues[0]
    await login(paused=True)
    plan = AnswerPlan(queue_priority=QUEUE_PRIORITY + 1)
    listens = replace(plan, message=exchange.hour_sound, message_keys={"1": KeyAction.QUEUE}, message_queue=queue)
    first = call(Fate.ANSWERED_LONG, queue=queue)
    important = call(Fate.ASKS_AGENT, answer=listens) if by_key else call(Fate.ANSWERED_LONG, queue=queue, answer=plan)
    for each in (first, important):
        await telephony.originate(each)
        await log.first(Queued, call_id=each.call_id)
    assert await telephony.set_paused(exchange.agent, False)
    await log.first(Bridged, call_id=important.call_id, agent=exchange.agent)
    assert Bridged not in kinds(log.by_call[first.call_id])


async def test_who_leaves_the_queue_while_he_talks_keeps_his_call_and_gets_no_other(
    exchange: Exchange, log: EventLog, login: Login, call: Call
) -> None:
    telephony, queue = exchange.telephony, exchange.login_queues[0]
    await login()
    placed = call(Fate.ANSWERED_LONG, queue=queue)
    await telephony.originate(placed)
    await log.first(Bridged, call_id=placed.call_id)
    place = len(log.events)
    assert await telephony.remove_from_queue(queue, exchange.agent)
    await moved(log, exchange, place, AgentState.AWAY)
    [live] = await telephony.live_calls(exchange.server)
    assert (live.call_id, live.state) == (placed.call_id, LiveState.BRIDGED)


async def test_agents_and_queues_that_are_not_there_are_told_apart(exchange: Exchange, log: EventLog) -> None:
    telephony, queue = exchange.telephony, exchange.login_queues[0]
    assert await telephony.set_paused(exchange.agent, True, reason="lunch") is False
    assert await telephony.set_paused(exchange.agent, False, queue=queue, server=exchange.server) is False
    for ask in (telephony.add_to_queue, telephony.remove_from_queue):
        with pytest.raises(Refused, match="no queue 'no-such-queue'") as error:
            await ask("no-such-queue", exchange.agent)
        assert error.value.configuration


async def test_a_pause_is_found_again_after_the_link_was_lost_and_nothing_is_sent_without_one(
    exchange: Exchange, log: EventLog, login: Login
) -> None:
    telephony, queue = exchange.telephony, exchange.login_queues[0]
    await login()
    assert await telephony.set_paused(exchange.agent, True, reason=WRAP_UP_REASON)
    await exchange.cut_link()
    await log.first(LinkDown, server=exchange.server)
    for server in (None, exchange.server):
        with pytest.raises(NotSent):
            await telephony.set_paused(exchange.agent, False, server=server)
        with pytest.raises(NotSent):
            await telephony.add_to_queue(queue, exchange.agent, server=server)
        with pytest.raises(NotSent):
            await telephony.remove_from_queue(queue, exchange.agent, server=server)
    place = len(log.events)
    await exchange.restore_link()
    await moved(log, exchange, place, AgentState.WRAP_UP, WRAP_UP_REASON)


@pytest.mark.parametrize(
    "facts",
    [
        {"agent": "1001"},
        {"agent": "SIM/a b"},
        {"agent": "SIM/" + "a" * 76},
        {"queue": "sales;support"},
        {"name": "Ann|Bob"},
        {"name": "\u00e9" * 40},
        {"penalty": -1},
        {"reason": "not paused"},
        {"paused": True, "reason": "a" * 80},
        *({where: f"SIM/1{char}Action: Command"} for where in ("agent", "queue", "name") for char in "\r\n\0"),
        *({"paused": True, "reason": f"x{char}Action: Command"} for char in "\r\n\0"),
    ],
)
async def test_what_can_not_be_a_member_is_refused_before_anything_is_sent(
    facts: dict[str, Any], exchange: Exchange, log: EventLog
) -> None:
    telephony = exchange.telephony
    facts = {"agent": exchange.agent, "queue": exchange.login_queues[0], **facts}
    with pytest.raises(ValueError, match="must"):
        await telephony.add_to_queue(facts.pop("queue"), facts.pop("agent"), **facts)
    assert not [event for event in log.events if isinstance(event, AgentChanged) and event.agent == exchange.agent]


async def test_a_bad_pause_is_refused_before_anything_is_sent(exchange: Exchange, log: EventLog) -> None:
    for facts in (
        {"agent": "SIM/1\r\nAction: Command"},
        {"reason": "x\nAction: Command"},
        {"queue": "x\rAction: Command"},
        {"paused": False, "reason": "lunch"},
    ):
        given: dict[str, Any] = {"agent": exchange.agent, "paused": True, **facts}
        with pytest.raises(ValueError, match="must"):
            await exchange.telephony.set_paused(given.pop("agent"), given.pop("paused"), **given)
