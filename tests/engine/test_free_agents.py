"""How long an agent who got free waits for the next Originate of a campaign on his queue."""

from dataclasses import replace
from datetime import datetime, timedelta

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialler.domain.campaign import Desired
from dialler.engine.board import Board
from dialler.engine.free_agents import FreeAgents
from dialler.events import AgentServed
from dialler.ports import Trunk
from telephony.events import AgentState, Answered, Dialling, HungUp
from tests.support.call_centre import AGENTLESS, QUEUE, START, WITH_AGENTS, CallCentre, call_centre
from tests.support.hand_exchange import HandExchange

ONE_EACH = replace(WITH_AGENTS, pacing="progressive", pacing_settings={})


class Floor:
    """Agents who move."""

    def __init__(self) -> None:
        self.board = Board()
        self.free = FreeAgents(self.board)

    def move(self, agent: str, state: AgentState, second: int, *queues: str, server: str = "pbx") -> None:
        for queue in queues or ("sales",):
            self.board.move_agent(server, queue, agent, state)
            self.free.moved(queue, agent, at(second))

    def break_link(self, server: str) -> None:
        self.board.forget_agents(server)
        self.free.lost()


def at(second: int) -> datetime:
    return START + timedelta(seconds=second)


def test_agents_are_matched_once_each_and_who_has_been_free_the_longest_first() -> None:
    floor = Floor()
    floor.move("kim", AgentState.READY, 1)
    floor.move("lou", AgentState.READY, 2)
    floor.move("kim", AgentState.READY, 3)  # Said again: nothing new.
    assert [floor.free.match("sales") for _ in range(3)] == [at(1), at(2), None]
    floor.move("kim", AgentState.READY, 4)
    assert floor.free.match("sales") is None
    floor.move("kim", AgentState.TALKING, 5)
    floor.move("kim", AgentState.READY, 9)
    assert floor.free.match("sales") == at(9)


@pytest.mark.parametrize("state", [state for state in AgentState if state is not AgentState.READY])
def test_who_is_busy_again_or_leaves_drops_out(state: AgentState) -> None:
    floor = Floor()
    floor.move("kim", AgentState.READY, 1)
    floor.move("kim", state, 2)
    assert floor.free.match("sales") is None


def test_an_agent_of_two_queues_is_matched_by_one_of_them() -> None:
    floor = Floor()
    floor.move("kim", AgentState.READY, 1, "sales", "support")
    assert floor.free.match("support") == at(1)
    assert floor.free.match("sales") is None
    floor.move("kim", AgentState.RINGING, 2, "sales")  # Known to all queues at once, told one by one.
    floor.move("kim", AgentState.READY, 3, "sales")
    assert floor.free.match("sales") == at(3)
    floor.move("kim", AgentState.READY, 3, "support")
    assert floor.free.match("support") is None


def test_who_is_paused_in_one_queue_still_waits_in_the_other() -> None:
    floor = Floor()
    floor.move("kim", AgentState.READY, 1, "sales", "support")
    floor.move("kim", AgentState.PAUSED, 2, "sales")
    assert floor.free.match("sales") is None
    assert floor.free.match("support") == at(1)


def test_a_queue_of_nobody_and_a_campaign_without_one_match_nobody() -> None:
    floor = Floor()
    floor.move("kim", AgentState.READY, 1)
    assert floor.free.match("support") is None
    assert floor.free.match(None) is None


def test_agents_behind_a_broken_link_drop_out_and_are_free_from_its_return_on() -> None:
    floor = Floor()
    floor.move("kim", AgentState.READY, 1)
    floor.move("lou", AgentState.READY, 2, server="far")
    floor.break_link("pbx")
    assert floor.free.match("sales") == at(2)
    floor.move("kim", AgentState.READY, 30)
    assert floor.free.match("sales") == at(30)


moves = st.tuples(
    st.sampled_from(["kim", "lou", "mia"]),
    st.sampled_from(AgentState),
    st.sampled_from([("sales",), ("support",), ("sales", "support")]),
    st.sampled_from(["pbx", "far"]),
)


@given(st.lists(st.one_of(moves, st.sampled_from(["sales", "support", "cut"])), max_size=60))
def test_nobody_is_matched_who_is_not_free_or_more_often_than_he_got_free(steps: list[object]) -> None:
    floor = Floor()
    free: dict[str, set[str]] = {"kim": set(), "lou": set(), "mia": set()}
    freed = matched = 0
    for second, step in enumerate(steps):
        if step == "cut":
            floor.break_link("pbx")
            for agent, queues in free.items():
                queues &= {each for each in queues if floor.board.state_of(each, agent) is AgentState.READY}
        elif isinstance(step, str):
            since = floor.free.match(step)
            assert since is None or (since < at(second) and any(step in queues for queues in free.values()))
            matched += since is not None
        elif isinstance(step, tuple):
            agent, said, queues, server = step
            floor.move(agent, said, second, *queues, server=server)
            for queue in queues:
                state = floor.board.state_of(queue, agent)
                freed += state is AgentState.READY and not free[agent]
                if state is AgentState.READY:
                    free[agent].add(queue)
                else:
                    free[agent] -= free[agent] if state in (AgentState.RINGING, AgentState.TALKING) else {queue}
        waiting = {agent for agents in floor.free._waiting.values() for agent in agents}
        assert waiting <= set(floor.free._queues) == {agent for agent, queues in free.items() if queues}
        assert matched + len(waiting) <= freed


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
