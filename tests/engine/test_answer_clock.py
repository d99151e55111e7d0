"""The two seconds of an answered call: nobody waits longer for an agent, and nobody is taken from one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dialler.domain.campaign import AmdUnsure
from dialler.domain.outcome import Outcome
from dialler.domain.patience import PatienceStart
from dialler.domain.session import Session
from dialler.engine.board import Tracked
from dialler.errors import LinkLost, NotSent
from dialler.events import (
    AgentJoined,
    CallAbandoned,
    CallNotDiverted,
    MessageStarted,
    SessionAdopted,
    SessionClosed,
)
from telephony.answer_plan import PLAIN_ANSWER, AnswerPlan
from telephony.events import (
    AgentState,
    Answered,
    Bridged,
    Classified,
    HangupBy,
    HarbourStarted,
    HungUp,
    Queued,
    Ringing,
)
from telephony.port import LiveCall, LiveState
from telephony.simulated import AgentGroup, Fate, Spread
from tests.support.call_centre import QUEUE, QUICK, WITH_AGENTS, CallCentre, call_centre
from tests.support.hand_exchange import SERVER, HandExchange

MARGIN_S = 0.2


@asynccontextmanager
async def one_call(**changes: Any) -> AsyncIterator[tuple[CallCentre, HandExchange, str]]:
    """Place one call for an agent, through an exchange worked by hand."""
    async with call_centre(hand=HandExchange()) as centre:
        hand = centre.hand
        await centre.campaign(settings=replace(WITH_AGENTS, rest_min_s=7200, **changes), lists={"list": (100, 1)})
        await centre.start()
        hand.move_agent("kim", AgentState.READY, queue=QUEUE)
        await centre.until(lambda: len(hand.placed) == 1)
        hand.say(Ringing, hand.placed[0].call_id)
        yield centre, hand, hand.placed[0].call_id


def answer(hand: HandExchange, call_id: str) -> None:
    hand.say(Answered, call_id)
    hand.say(Queued, call_id, queue=QUEUE)


async def the_session(centre: CallCentre) -> Session:
    await centre.until(lambda: bool(centre.told(SessionClosed)))
    await centre.engine.floor.outbox.flush()
    [session] = await centre.assert_accounted()
    return session


async def test_who_waits_is_taken_to_the_message_before_two_seconds_are_over() -> None:
    async with one_call() as (centre, hand, call_id):
        answer(hand, call_id)
        await anyio.sleep(2 - MARGIN_S - 0.01)
        assert hand.diverted == []
        await anyio.sleep(0.02)
        assert hand.diverted == [call_id]
        hand.say(HarbourStarted, call_id)
        await anyio.sleep(8)
        hand.say(HungUp, call_id, cause=16, by=HangupBy.SYSTEM)
        assert (await the_session(centre)).outcome is Outcome.ABANDONED
        [started] = centre.told(MessageStarted)
        assert started.waited_s == pytest.approx(2 - MARGIN_S, abs=0.02) and not started.is_late
        assert [event.reason for event in centre.told(CallAbandoned)] == ["no_agent"]
        assert hand.diverted == [call_id], "asked once"


async def test_whom_an_agent_takes_in_time_is_left_alone() -> None:
    async with one_call() as (centre, hand, call_id):
        answer(hand, call_id)
        await anyio.sleep(1.5)
        hand.say(Bridged, call_id, agent="kim")
        await anyio.sleep(60)
        hand.say(HungUp, call_id, cause=16, by=HangupBy.AGENT)
        assert (await the_session(centre)).outcome is Outcome.CONNECTED
        assert hand.diverted == []
        [joined] = centre.told(AgentJoined)
        assert joined.waited_s == pytest.approx(1.5)
        assert centre.told(CallAbandoned) == []


async def test_an_agent_whose_event_waits_unread_when_patience_ends_keeps_the_call() -> None:
    async with one_call() as (centre, hand, call_id):
        clock = centre.engine._tracker.clock
        expired = clock._expired

        def expired_and_bridged() -> list[Tracked]:
            if calls := expired():
                hand.say(Bridged, call_id, agent="kim")
            return calls

        clock._expired = expired_and_bridged  # type: ignore[method-assign]
        answer(hand, call_id)
        await anyio.sleep(5)
        assert len(centre.told(AgentJoined)) == 1
        assert hand.diverted == []


async def test_an_agent_out_of_whose_hands_somebody_was_pulled_talked_to_nobody() -> None:
    async with one_call() as (centre, hand, call_id):
        answer(hand, call_id)
        await centre.until(lambda: bool(hand.diverted))
        hand.say(Bridged, call_id, agent="kim")  # It was on the way while we asked.
        hand.say(HarbourStarted, call_id)
        hand.say(HungUp, call_id, cause=16, by=HangupBy.CUSTOMER)
        assert (await the_session(centre)).outcome is Outcome.ABANDONED
        assert [event.reason for event in centre.told(CallAbandoned)] == ["pulled"]


async def test_another_patience_counts_at_once_for_the_calls_that_follow() -> None:
    async with one_call(patience_s=5.0, patience_from=PatienceStart.CONNECTION) as (_, hand, call_id):
        answer(hand, call_id)
        await anyio.sleep(4.7)
        assert hand.diverted == []
        await anyio.sleep(0.2)
        assert hand.diverted == [call_id]


async def test_a_campaigns_message_goes_with_its_calls_and_the_usual_one_needs_no_word() -> None:
    async with one_call(harbour="acme/sorry") as (_, hand, _):
        assert hand.placed[0].answer == AnswerPlan(harbour="acme/sorry")
    async with one_call() as (_, hand, _):
        assert hand.placed[0].answer == PLAIN_ANSWER


async def test_a_campaigns_calls_carry_its_priority_in_the_queue() -> None:
    async with one_call(queue_priority=0) as (_, hand, _):
        assert hand.placed[0].answer == AnswerPlan(queue_priority=0)


async def test_an_exchange_that_can_not_be_asked_is_asked_again_while_somebody_waits() -> None:
    async with one_call() as (centre, hand, call_id):
        refusals = [NotSent("it does not keep up"), NotSent("it does not keep up"), LinkLost("no answer")]

        def refuse(call_id: str) -> bool:
            if refusals:
                raise refusals.pop(0)
            return True

        hand.diverting = refuse
        answer(hand, call_id)
        await anyio.sleep(4)
        assert hand.diverted == [call_id] * 4
        [told] = centre.told(CallNotDiverted)
        assert (told.session_id, told.reason) == (call_id, "it does not keep up")
        hand.say(HarbourStarted, call_id)
        hand.say(HungUp, call_id, cause=16, by=HangupBy.CUSTOMER)
        assert (await the_session(centre)).outcome is Outcome.ABANDONED
        [started] = centre.told(MessageStarted)
        assert started.is_late


async def test_a_call_that_just_ended_is_not_asked_for_again_and_its_end_decides() -> None:
    async with one_call() as (centre, hand, call_id):
        hand.diverting = lambda call_id: False
        answer(hand, call_id)
        await anyio.sleep(1.9)
        hand.say(HungUp, call_id, cause=16, by=HangupBy.CUSTOMER)
        assert (await the_session(centre)).outcome is Outcome.ABANDONED_SHORT
        assert hand.diverted == [call_id]


@pytest.mark.parametrize(
    ("state", "diverted"), [(LiveState.QUEUED, True), (LiveState.UP, False), (LiveState.BRIDGED, False)]
)
async def test_after_a_lost_link_who_still_waits_is_taken_to_the_message_and_nobody_else(
    state: LiveState, diverted: bool
) -> None:
    async with one_call() as (_, hand, call_id):
        answer(hand, call_id)
        await anyio.sleep(1)
        hand.link_down()
        await anyio.sleep(2)
        assert hand.diverted == [], "nothing can be asked"
        agent = "kim" if state is LiveState.BRIDGED else None
        hand.live = [LiveCall(call_id=call_id, server=SERVER, state=state, age=timedelta(seconds=10), agent=agent)]
        hand.link_up()
        await anyio.sleep(0.1)
        assert hand.diverted == ([call_id] if diverted else [])


@pytest.mark.parametrize(("waited_s", "after_s"), [(0, 1.8), (1, 0.8), (2, 0.0), (7, 0.0)])
async def test_who_answered_while_the_link_was_lost_has_waited_since_then(waited_s: int, after_s: float) -> None:
    async with one_call() as (centre, hand, call_id):
        hand.link_down()
        await anyio.sleep(8)
        waited = timedelta(seconds=waited_s)
        hand.live = [
            LiveCall(call_id=call_id, server=SERVER, state=LiveState.QUEUED, age=timedelta(seconds=10), waited=waited)
        ]
        hand.link_up()
        await anyio.sleep(after_s - 0.05 if after_s else 0.0)
        assert hand.diverted == []
        await anyio.sleep(0.1)
        assert hand.diverted == [call_id]
        hand.say(HarbourStarted, call_id)
        await centre.until(lambda: bool(centre.told(MessageStarted)))
        [message] = centre.told(MessageStarted)
        assert message.waited_s == pytest.approx(max(waited_s, 1.8), abs=0.15)
        assert message.is_late is (waited_s >= 2)
        hand.live = []
        hand.say(HungUp, call_id, cause=16, by=HangupBy.CUSTOMER)
        assert (await the_session(centre)).outcome is Outcome.ABANDONED


async def test_whom_the_exchange_took_to_the_message_while_the_link_was_lost_is_abandoned() -> None:
    """Whoever hangs up then: heard or not, the message came."""
    async with one_call() as (centre, hand, call_id):
        hand.link_down()
        await anyio.sleep(10)
        hand.live = [LiveCall(call_id=call_id, server=SERVER, state=LiveState.HARBOUR, age=timedelta(seconds=12))]
        hand.link_up()
        await centre.until(lambda: bool(centre.told(SessionAdopted)))
        await anyio.sleep(3)
        assert hand.diverted == [], "it plays already"
        [rate, *_] = centre.engine.report().campaigns[0].budget
        assert (rate.abandoned, rate.answered) == (1, 1)
        hand.live = []
        hand.say(HungUp, call_id, cause=16, by=HangupBy.CUSTOMER)
        assert (await the_session(centre)).outcome is Outcome.ABANDONED
        assert [event.reason for event in centre.told(CallAbandoned)] == ["queue"]


async def test_a_call_of_before_a_restart_that_still_waits_is_taken_to_the_message_at_once() -> None:
    async with one_call() as (centre, hand, call_id):
        answer(hand, call_id)
        await anyio.sleep(1)
        await centre.engine.floor.outbox.flush()
        await centre.kill()
        hand.live = [
            LiveCall(call_id=call_id, server=SERVER, state=LiveState.QUEUED, age=timedelta(seconds=10), agent=None)
        ]
        await anyio.sleep(3)
        await centre.start()
        await centre.until(lambda: bool(hand.diverted))
        assert hand.diverted == [call_id]


moments = st.integers(0, 40).map(lambda tenths: tenths / 10)
"""Seconds after the answer."""


@given(
    steps=st.lists(st.tuples(moments, st.sampled_from(["queued", "bridged", "harbour"])), max_size=5),
    ends_s=st.floats(0.05, 6),
    by=st.sampled_from(HangupBy),
    plays=st.booleans(),
    takes_s=st.sampled_from([0.0, 0.05, 0.5]),
)
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
async def test_in_every_order_of_events_a_call_has_one_outcome_and_only_who_waits_is_diverted(
    steps: list[tuple[float, str]], ends_s: float, by: HangupBy, plays: bool, takes_s: float
) -> None:
    async with one_call() as (centre, hand, call_id), anyio.create_task_group() as tasks:
        say = {
            "queued": lambda: hand.say(Queued, call_id, queue=QUEUE),
            "bridged": lambda: hand.say(Bridged, call_id, agent="kim"),
            "harbour": lambda: hand.say(HarbourStarted, call_id),
        }

        async def play() -> None:
            await anyio.sleep(takes_s)
            if not centre.told(SessionClosed):
                hand.say(HarbourStarted, call_id)

        def divert(call_id: str) -> bool:
            if plays:
                tasks.start_soon(play)
            return plays

        hand.diverting = divert
        hand.say(Answered, call_id)
        at_s = 0.0
        for after_s, step in sorted(step for step in steps if step[0] < ends_s):
            await anyio.sleep(after_s - at_s)
            at_s = after_s
            say[step]()
        await anyio.sleep(ends_s - at_s)
        hand.say(HungUp, call_id, cause=16, by=by)
        session = await the_session(centre)
        assert len(centre.told(SessionClosed)) == 1
        due_s = 2 - MARGIN_S
        taken = min((after_s for after_s, step in steps if step != "queued" and after_s < ends_s), default=ends_s)
        if taken < due_s - 0.01:
            assert hand.diverted == [], "somebody was there, or the call was over"
        elif taken > due_s + 0.01:
            assert hand.diverted == [call_id]
        assert session.outcome in (Outcome.CONNECTED, Outcome.ABANDONED, Outcome.ABANDONED_SHORT)
        if "bridged" in {step for after_s, step in steps if after_s < due_s - 0.01 and after_s < ends_s}:
            is_pulled = "harbour" in {step for after_s, step in steps if after_s < ends_s}
            assert session.outcome is (Outcome.ABANDONED if is_pulled else Outcome.CONNECTED)
        reasons = [event.reason for event in centre.told(CallAbandoned)]
        assert len(reasons) == (session.outcome is Outcome.ABANDONED)
        tasks.cancel_scope.cancel()


async def test_on_a_busy_floor_nobody_waits_longer_than_patience() -> None:
    plan = replace(QUICK, agents=(AgentGroup(number=3, queues=(QUEUE,)),), answer_rate=(0.9,))
    async with call_centre(plan) as centre:
        # Without its limit of abandoned calls, which would soon have ended this.
        settings = replace(WITH_AGENTS, pacing_settings={"ratio": 5.0}, abandon_periods=())
        await centre.campaign(settings=settings)
        await centre.start()
        await centre.at(centre.clock.now() + timedelta(minutes=20))
        await centre.drained()
        started = centre.told(MessageStarted)
        assert len(started) > 20
        assert not [event for event in started if event.is_late]
        assert max(event.waited_s for event in centre.told(AgentJoined)) <= 2
        await centre.assert_accounted()


async def test_what_a_campaign_wants_of_machines_goes_with_its_calls() -> None:
    async with one_call(amd=True, machine_sound="acme/call-us") as (_, hand, _):
        assert hand.placed[0].answer == AnswerPlan(amd=True, machine_sound="acme/call-us")
    async with one_call(amd=True, amd_unsure=AmdUnsure.MACHINE) as (_, hand, _):
        assert hand.placed[0].answer == AnswerPlan(amd=True, unsure_is_machine=True)
    async with one_call(amd_unsure=AmdUnsure.MACHINE, machine_sound="acme/call-us") as (_, hand, _):
        assert hand.placed[0].answer == PLAIN_ANSWER, "they are not looked for"


@pytest.mark.parametrize(
    ("status", "cause", "left_s"),
    [("HUMAN", "HUMAN-800-800", 1.2), ("NOTSURE", "INITIALSILENCE-2500-2500", 2.0), ("NOTSURE", "TOOLONG-5000", 2.0)],
)
async def test_with_detection_patience_counts_from_the_end_of_the_greeting_and_who_says_nothing_waits_too(
    status: str, cause: str, left_s: float
) -> None:
    async with one_call(amd=True) as (centre, hand, call_id):
        hand.say(Answered, call_id)
        await anyio.sleep(2.5)
        assert hand.diverted == [], "the greeting, or the silence, goes on"
        hand.say(Classified, call_id, status=status, cause=cause)
        hand.say(Queued, call_id, queue=QUEUE)
        await anyio.sleep(left_s - MARGIN_S - 0.01)
        assert hand.diverted == []
        await anyio.sleep(0.02)
        assert hand.diverted == [call_id]
        hand.say(HarbourStarted, call_id)
        hand.say(HungUp, call_id, cause=16, by=HangupBy.SYSTEM)
        assert (await the_session(centre)).outcome is Outcome.ABANDONED


@pytest.mark.parametrize(
    ("unsure", "sound", "outcomes"),
    [
        (AmdUnsure.PERSON, None, {Outcome.MACHINE, Outcome.CONNECTED}),
        (AmdUnsure.MACHINE, None, {Outcome.MACHINE}),
        (AmdUnsure.PERSON, "acme/call-us", {Outcome.MACHINE_MESSAGE, Outcome.CONNECTED}),
    ],
)
async def test_on_a_simulated_network_agents_meet_those_whom_the_campaign_does_not_take_for_machines(
    unsure: AmdUnsure, sound: str | None, outcomes: set[Outcome]
) -> None:
    # Half are found to be machines; of the other half detection is not sure.
    numbers = count()
    fates: dict[str, Fate] = {}

    def fate(number: str) -> Fate:
        return fates.setdefault(number, Fate.MACHINE if next(numbers) % 2 else Fate.SILENT)

    async with call_centre(replace(QUICK, talk_s=Spread(5.0)), fates=fate) as centre:
        settings = replace(WITH_AGENTS, amd=True, amd_unsure=unsure, machine_sound=sound, rest_min_s=7200)
        await centre.campaign(settings=settings, lists={"list": (100, 20)})
        await centre.start()
        await centre.at(centre.clock.now() + timedelta(minutes=100))
        await centre.drained()
        assert {event.outcome for event in centre.told(SessionClosed)} == outcomes
