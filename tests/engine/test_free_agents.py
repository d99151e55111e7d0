"""How long an agent who got free waits for the next Originate of a campaign on his queue."""

from dataclasses import replace
from datetime import datetime, timedelta

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialler.domain.campaign import Desired
from dialler.engine.free_agents import FreeAgents
from dialler.events import AgentServed
from dialler.ports import Trunk
from telephony.events import AgentState, Answered, Dialling, HungUp
from tests.support.call_centre import AGENTLESS, QUEUE, START, WITH_AGENTS, CallCentre, call_centre
from tests.support.hand_exchange import HandExchange

ONE_EACH = replace(WITH_AGENTS, pacing="progressive", pacing_settings={})


def at(second: int) -> datetime:
    return START + timedelta(seconds=second)


def free(agents: FreeAgents, agent: str, second: int, campaign: int | None = 1) -> None:
    agents.moved(agent, campaign, at(second), is_free=True)


def busy(agents: FreeAgents, agent: str, second: int) -> None:
    agents.moved(agent, 1, at(second), is_free=False)


def test_agents_are_matched_once_each_and_who_has_been_free_the_longest_first() -> None:
    agents = FreeAgents()
    free(agents, "kim", 1)
    free(agents, "lou", 2)
    free(agents, "kim", 3)  # Said again: nothing new.
    assert [agents.match(1) for _ in range(3)] == [at(1), at(2), None]
    free(agents, "kim", 4)
    assert agents.match(1) is None
    busy(agents, "kim", 5)
    free(agents, "kim", 9)
    assert agents.match(1) == at(9)


def test_who_is_busy_again_or_leaves_drops_out() -> None:
    agents = FreeAgents()
    free(agents, "kim", 1)
    busy(agents, "kim", 2)
    busy(agents, "nobody", 2)
    assert agents.match(1) is None


def test_who_comes_from_another_campaign_waits_since_he_got_free() -> None:
    agents = FreeAgents()
    free(agents, "kim", 1, campaign=2)
    free(agents, "lou", 2)
    free(agents, "mia", 3, campaign=None)
    free(agents, "kim", 4)
    free(agents, "mia", 5)
    assert agents.match(2) is None
    assert [agents.match(1) for _ in range(4)] == [at(1), at(2), at(3), None]
    free(agents, "kim", 6, campaign=2)
    assert agents.match(2) is None, "he was matched by the other campaign"


moves = st.tuples(st.sampled_from(["kim", "lou", "mia"]), st.booleans(), st.sampled_from([1, 2, None]))


@given(st.lists(st.one_of(moves, st.sampled_from([1, 2])), max_size=60))
def test_nobody_is_matched_who_is_not_free_or_more_often_than_he_got_free(steps: list[object]) -> None:
    agents = FreeAgents()
    unmatched: dict[str, tuple[int | None, datetime]] = {}
    known: set[str] = set()
    for second, step in enumerate(steps):
        if isinstance(step, tuple):
            agent, is_free, campaign = step
            agents.moved(agent, campaign, at(second), is_free=is_free)
            if not is_free:
                known.discard(agent)
                unmatched.pop(agent, None)
            elif agent not in known:
                known.add(agent)
                unmatched[agent] = campaign, at(second)
            elif agent in unmatched:
                unmatched[agent] = campaign, unmatched[agent][1]
        else:
            waiting = {agent: since for agent, (campaign, since) in unmatched.items() if campaign == step}
            longest = min(waiting, key=lambda each: waiting[each], default=None)
            assert agents.match(step) == (waiting[longest] if longest is not None else None)  # type: ignore[arg-type]
            unmatched.pop(longest or "", None)


def waits(centre: CallCentre) -> list[float]:
    return [event.waited_s for event in centre.told(AgentServed)]


async def test_from_the_event_of_the_agent_to_the_originate_through_a_slow_commit() -> None:
    hand = HandExchange(Trunk(name="a", server="pbx", calls_per_second=100.0, channels=50))
    async with call_centre(hand=hand) as centre:
        await centre.campaign(settings=ONE_EACH)
        await centre.start()
        await anyio.sleep(1)
        centre.store.before_s = 0.2
        hand.move_agent("kim", AgentState.READY, queue=QUEUE)
        await centre.until(lambda: len(hand.placed) == 1)
        assert waits(centre) == [pytest.approx(0.2, abs=0.01)]
        hand.move_agent("kim", AgentState.READY, queue=QUEUE)
        call_id = hand.placed[0].call_id
        hand.say(Dialling, call_id)
        hand.say(HungUp, call_id, cause=17)
        await centre.until(lambda: len(hand.placed) == 2)
        assert len(waits(centre)) == 1, "the next call is for the same agent, who did not get free anew"
        call_id = hand.placed[1].call_id
        hand.say(Answered, call_id)
        hand.move_agent("kim", AgentState.TALKING, queue=QUEUE)
        await anyio.sleep(30)
        centre.store.before_s = 0.05
        hand.say(HungUp, call_id, cause=16)
        hand.move_agent("kim", AgentState.READY, queue=QUEUE)
        await centre.until(lambda: len(hand.placed) == 3)
        assert waits(centre)[1:] == [pytest.approx(0.05, abs=0.01)]


async def test_an_agent_who_was_free_before_the_start_of_the_campaign_waits_from_its_start_on() -> None:
    async with call_centre(hand=HandExchange()) as centre:
        await centre.campaign(settings=ONE_EACH, desired=Desired.STOPPED)
        await centre.start()
        centre.hand.move_agent("kim", AgentState.READY, queue=QUEUE)
        await centre.at(centre.clock.now() + timedelta(hours=14))
        await centre.change(Desired.RUNNING)
        await centre.until(lambda: len(centre.hand.placed) == 1)
        assert waits(centre) == [pytest.approx(0, abs=0.01)]


async def test_an_agent_whose_link_breaks_is_free_from_its_return_on() -> None:
    async with call_centre(hand=HandExchange()) as centre:
        await centre.campaign(settings=ONE_EACH, desired=Desired.STOPPED)
        await centre.start()
        centre.hand.move_agent("kim", AgentState.READY, queue=QUEUE)
        centre.hand.move_agent("lou", AgentState.READY, queue=QUEUE)
        centre.hand.link_down()
        await centre.change(Desired.RUNNING)
        await centre.at(centre.clock.now() + timedelta(minutes=3))
        centre.hand.link_up()
        centre.hand.move_agent("lou", AgentState.READY, queue=QUEUE)
        await centre.until(lambda: len(centre.hand.placed) == 1)
        assert waits(centre) == [pytest.approx(0, abs=0.01)]


async def test_a_campaign_without_agents_serves_none() -> None:
    async with call_centre() as centre:
        await centre.campaign(settings=replace(AGENTLESS, queue=QUEUE))
        await centre.start()
        await centre.until(lambda: len(centre.telephony.originated) == 20)
        assert waits(centre) == []


async def test_on_a_busy_floor_each_agent_who_gets_free_is_served_once_at_most() -> None:
    async with call_centre() as centre:
        await centre.campaign(settings=ONE_EACH, lists={"list": (100, 400)})
        await centre.start()
        await centre.until(lambda: len(centre.telephony.originated) == 300)
        talks = sum(session.agent is not None for session in await centre.sessions())
        assert 0.8 * talks <= len(waits(centre)) <= talks + 10
        assert max(waits(centre)) < 60
