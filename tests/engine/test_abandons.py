"""The abandon rate over the last half hour and the last day."""

from dataclasses import replace
from datetime import timedelta

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialler.domain.campaign import Wrap
from dialler.domain.outcome import TRAITS, Outcome
from dialler.engine.abandons import SPANS, AbandonRate
from dialler.events import SessionClosed
from telephony.events import AgentState, Answered, Bridged, HungUp, Queued
from telephony.simulated import AgentGroup
from tests.support.call_centre import QUEUE, QUICK, WITH_AGENTS, call_centre
from tests.support.hand_exchange import HandExchange


def test_nobody_answered_gives_no_rate_and_not_a_rate_of_zero() -> None:
    rate = AbandonRate()
    for outcome in (Outcome.BUSY, Outcome.NO_ANSWER, Outcome.MACHINE, Outcome.LOST):
        rate.note(outcome, 10.0)
    assert rate.rates(10.0) == {}
    rate.note(Outcome.CONNECTED, 10.0)
    assert rate.rates(10.0) == {"30m": 0.0, "24h": 0.0}


def test_what_is_older_than_a_span_counts_in_it_no_longer() -> None:
    rate = AbandonRate()
    rate.note(Outcome.ABANDONED, 0.0)
    rate.note(Outcome.CONNECTED, 600.0)
    assert rate.rates(600.0) == {"30m": 0.5, "24h": 0.5}
    assert rate.rates(1_800.0) == {"30m": 0.0, "24h": 0.5}
    assert rate.rates(2_400.0) == {"24h": 0.5}
    assert rate.rates(86_400.0) == {}


calls = st.lists(st.tuples(st.floats(0, 7_000), st.sampled_from(Outcome)), max_size=80)


@given(calls=calls)
def test_a_span_counts_all_of_its_steps_and_nothing_older_than_it(calls: list[tuple[float, Outcome]]) -> None:
    rate, now, noted = AbandonRate(), 0.0, []
    for pause_s, outcome in calls:
        now += pause_s
        rate.note(outcome, now)
        noted.append((now, TRAITS[outcome]))
        for name, (span_s, step_s) in SPANS.items():
            begins = (now // step_s + 1) * step_s - span_s
            live = [traits.abandoned for at, traits in noted if at >= begins and traits.live]
            assert rate.rates(now).get(name) == (sum(live) / len(live) if live else None)


def test_memory_is_bounded_by_the_steps() -> None:
    rate = AbandonRate()
    for second in range(0, 3 * 86_400, 7):
        rate.note(Outcome.CONNECTED, float(second))
    assert [len(span._steps) for span in rate._spans.values()] == [30, 96]


async def test_a_talk_counts_at_its_end_and_not_when_it_is_wrapped_up() -> None:
    async with call_centre(hand=HandExchange()) as centre:
        await centre.campaign(settings=replace(WITH_AGENTS, wrap=Wrap.REQUIRED, wrap_deadline_s=3600))
        await centre.start()
        hand = centre.hand
        hand.move_agent("kim", AgentState.READY, queue=QUEUE)
        await centre.until(lambda: len(hand.placed) == 2)
        talk, abandoned = (placed.call_id for placed in hand.placed)
        hand.say(Answered, talk)
        hand.say(Answered, abandoned)
        hand.say(Queued, abandoned, queue=QUEUE)
        hand.say(Bridged, talk, agent="kim")
        await anyio.sleep(5)
        hand.say(HungUp, abandoned, cause=16)
        hand.say(HungUp, talk, cause=16)
        await anyio.sleep(1)
        assert [event.outcome for event in centre.told(SessionClosed)] == [Outcome.ABANDONED]
        assert centre.engine.report().campaigns[0].abandon_rates == {"30m": 0.5, "24h": 0.5}


async def test_on_a_floor_with_too_few_agents_it_is_what_the_sessions_say() -> None:
    plan = replace(QUICK, agents=(AgentGroup(number=2, queues=(QUEUE,)),), answer_rate=(0.9,))
    async with call_centre(plan) as centre:
        await centre.campaign(settings=replace(WITH_AGENTS, pacing_settings={"ratio": 5.0}))
        await centre.start()
        await centre.at(centre.clock.now() + timedelta(minutes=20))
        ended = [session for session in await centre.sessions() if session.outcome is not None]
        live = [TRAITS[each.outcome].abandoned for each in ended if each.outcome and TRAITS[each.outcome].live]
        assert 0 < sum(live) < len(live)
        rates = centre.engine.report().campaigns[0].abandon_rates
        assert rates["30m"] == rates["24h"] == pytest.approx(sum(live) / len(live))
