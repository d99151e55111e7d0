"""What every exchange promises (telephony/__init__.py), on each of them.

Waits are for events; ring time-outs are short, so that a real exchange takes seconds.
"""

import contextlib
import itertools
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import UTC, timedelta

import anyio
import pytest

from telephony.answer_plan import AnswerPlan, KeyAction
from telephony.errors import NotSent, TelephonyError
from telephony.events import (
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
from tests.support.exchanges import EventLog, Exchange, Fate, open_exchange

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
    assert (live.call_id, live.state, live.agent) == (placed.call_id, LiveState.UP, None)
    assert await exchange.telephony.hang_up(placed.call_id) is True
    events = await log.whole_call(placed.call_id)
    assert_in_order(events)
    assert [kind for kind in kinds(events) if kind in (Queued, HarbourStarted, HungUp)] == [
        Queued,
        HarbourStarted,
        HungUp,
    ]


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
