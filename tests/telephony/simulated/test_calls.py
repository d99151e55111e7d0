"""The course of single calls: the events of each, in Asterisk's order, at their times."""

from dataclasses import replace
from datetime import timedelta

import anyio
import pytest

from telephony.answer_plan import AnswerPlan
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
    MessagePlayed,
    OriginateEnded,
    Queued,
    Ringing,
)
from telephony.port import LiveState, Origination, Trunk
from telephony.simulated import AgentGroup, Fate, NetworkPlan, Spread
from tests.support.virtual_network import open_network

ANSWER = [Dialling, Ringing, Answered, DialEnded, OriginateEnded]

# A plan without chance: 2 s to the first ring, 5 s more to the answer.
FIXED = {
    "answer_rate": (1.0,),
    "machine_rate": 0.0,
    "invalid_rate": 0.0,
    "post_dial_s": Spread(2),
    "answer_s": Spread(5),
    "talk_s": Spread(60),
    "wrap_up_s": Spread(15),
    "patience_s": Spread(12),
    "message_s": 20.0,
}
ONE_AGENT = (AgentGroup(number=1, queues=("sales",)),)


def to(number: str = "+12025550001", *, call_id: str = "c1", ring_s: float = 25, **facts: object) -> Origination:
    given = {"trunk": "simulated", "ring_timeout": timedelta(seconds=ring_s), **facts}
    return Origination(call_id=call_id, number=number, **given)


def kinds(events: list[CallEvent]) -> list[type[CallEvent]]:
    return [type(event) for event in events]


def times(events: list[CallEvent]) -> list[float]:
    return [round((event.at - events[0].at).total_seconds(), 3) for event in events]


@pytest.mark.parametrize(
    ("fate", "steps", "dial_status", "cause", "tech_cause"),
    [
        (Fate.BUSY, [Dialling, DialEnded, OriginateEnded, HungUp], "BUSY", 17, 486),
        (Fate.REJECTED, [Dialling, Ringing, DialEnded, OriginateEnded, HungUp], "NOANSWER", 21, 603),
        (Fate.INVALID, [Dialling, DialEnded, OriginateEnded, HungUp], "NOANSWER", 1, 404),
        (Fate.CONGESTION, [Dialling, DialEnded, OriginateEnded, HungUp], "CONGESTION", 34, 503),
        (Fate.UNREACHABLE, [Dialling, DialEnded, OriginateEnded, HungUp], "NOANSWER", 27, 502),
    ],
)
async def test_a_failure_is_told_as_asterisk_tells_it(fate, steps, dial_status, cause, tech_cause):
    async with open_network(NetworkPlan(**FIXED), fates=lambda _: fate) as (network, log):
        await network.originate(to())
        events = await log.whole_call("c1")
    assert kinds(events) == steps
    ended, hint, verdict = events[-3:]
    assert ended.dial_status == dial_status
    assert (hint.success, hint.reason) == (False, 0)
    assert (verdict.cause, verdict.tech_cause) == (cause, tech_cause)


async def test_a_time_out_has_no_dial_end_and_comes_after_the_ring_timeout():
    plan = NetworkPlan(**{**FIXED, "answer_s": Spread(40)})
    async with open_network(plan) as (network, log):
        await network.originate(to(ring_s=25))
        events = await log.whole_call("c1")
    assert kinds(events) == [Dialling, Ringing, OriginateEnded, HungUp]
    assert times(events) == [0, 2, 25, 25]
    assert (events[2].success, events[2].reason) == (False, 3)
    assert (events[3].cause, events[3].by) == (19, HangupBy.SYSTEM)


NEWS = AnswerPlan(message="acme/news")


async def test_an_answered_call_without_a_queue_hears_the_message_and_has_time_for_a_key():
    plan = NetworkPlan(**{**FIXED, "patience_s": Spread(100), "sounds": {"acme/news": 12.0}})
    async with open_network(plan) as (network, log):
        await network.originate(replace(to(), answer=NEWS))
        await log.first(HungUp)
        events = log.by_call["c1"]
    assert kinds(events) == [*ANSWER, MessagePlayed, HungUp]
    assert times(events) == [0, 2, 7, 7, 7, 19, 22]
    assert (events[-1].cause, events[-1].by) == (16, HangupBy.SYSTEM)


async def test_a_person_may_hang_up_before_the_message_ends():
    async with open_network(NetworkPlan(**FIXED)) as (network, log):
        await network.originate(to())
        verdict = await log.first(HungUp)
        events = log.by_call["c1"]
    assert times(events)[-1] == 19
    assert verdict.by is HangupBy.CUSTOMER


async def test_an_answered_call_talks_to_an_agent_who_then_wraps_up():
    async with open_network(NetworkPlan(**FIXED, agents=ONE_AGENT)) as (network, log):
        await network.originate(to(queue="sales"))
        await log.first(HungUp)
        await log.first(AgentChanged, state=AgentState.READY, after=8)
    assert kinds(log.by_call["c1"]) == [*ANSWER, Queued, Bridged, HungUp]
    assert times(log.by_call["c1"]) == [0, 2, 7, 7, 7, 7, 7, 67]
    assert log.by_call["c1"][-2].agent == "SIM/agent-001"
    agent = [event for event in log.events if isinstance(event, AgentChanged)]
    assert [event.state for event in agent] == [
        AgentState.READY,
        AgentState.TALKING,
        AgentState.PAUSED,
        AgentState.READY,
    ]
    assert (agent[-1].at - agent[-2].at) == timedelta(seconds=15)
    assert (agent[0].server, agent[0].queue) == ("simulated", "sales")


async def test_waiting_calls_get_the_agent_in_their_order_and_the_impatient_leave():
    plan = NetworkPlan(**{**FIXED, "talk_s": Spread(5), "wrap_up_s": Spread(2)}, agents=ONE_AGENT)
    async with open_network(plan) as (network, log):
        for call_id in ("c1", "c2", "c3"):
            await network.originate(to(call_id=call_id, queue="sales"))
        await log.first(HungUp, call_id="c3")
        await log.first(HungUp, call_id="c2")
    bridged = [event.call_id for event in log.events if isinstance(event, Bridged)]
    # The agent is busy for 7 s with each; patience is 12 s.
    assert bridged == ["c1", "c2"]
    assert log.by_call["c3"][-1].by is HangupBy.CUSTOMER
    assert times(log.by_call["c3"])[-1] == 7 + 12


async def test_an_agents_phone_rings_before_it_is_picked_up():
    async with open_network(NetworkPlan(**FIXED, pickup_s=Spread(3), agents=ONE_AGENT)) as (network, log):
        await network.originate(to(queue="sales"))
        await log.first(AgentChanged, state=AgentState.RINGING)
        [live] = await network.live_calls("simulated")
        assert (live.state, live.agent) == (LiveState.QUEUED, None)
        await log.first(Bridged)
        [live] = await network.live_calls("simulated")
        assert (live.state, live.agent) == (LiveState.BRIDGED, "SIM/agent-001")
    assert times(log.by_call["c1"])[-1] == 10


async def test_an_agent_whose_caller_leaves_while_it_rings_is_ready_again():
    async with open_network(NetworkPlan(**FIXED, pickup_s=Spread(30), agents=ONE_AGENT)) as (network, log):
        await network.originate(to(queue="sales"))
        await log.first(HungUp)
        await log.first(AgentChanged, state=AgentState.READY, after=9)
        assert network.agents == {"SIM/agent-001": AgentState.READY}
        await anyio.sleep(60)
    assert Bridged not in kinds(log.by_call["c1"])


async def test_a_diverted_call_hears_the_information_message_to_its_end_and_no_agent():
    async with open_network(NetworkPlan(**{**FIXED, "patience_s": Spread(60)})) as (network, log):
        await network.originate(to(queue="sales"))
        await log.first(Queued)
        await anyio.sleep(1.5)
        assert await network.divert("c1")
        events = await log.whole_call("c1")
        assert kinds(events)[-3:] == [Queued, HarbourStarted, HungUp]
        assert times(events)[-3:] == [7, 8.5, 28.5]
        assert events[-1].by is HangupBy.SYSTEM


async def test_a_person_may_hang_up_before_the_information_message_ends():
    async with open_network(NetworkPlan(**FIXED)) as (network, log):
        await network.originate(to(queue="sales"))
        await log.first(Queued)
        assert await network.divert("c1")
        events = await log.whole_call("c1")
        assert (times(events)[-1], events[-1].by) == (7 + 12, HangupBy.CUSTOMER)


async def test_a_call_diverted_out_of_an_agents_hands_leaves_him_to_the_next_one():
    plan = NetworkPlan(**{**FIXED, "agents": ONE_AGENT, "pickup_s": Spread(3), "wrap_up_s": Spread(0)})
    async with open_network(plan) as (network, log):
        await network.originate(to(queue="sales"))
        await log.first(AgentChanged, state=AgentState.RINGING)
        assert await network.divert("c1"), "while his telephone rings"
        assert network.agents["SIM/agent-001"] is AgentState.READY
        await network.originate(to("+12025550002", call_id="c2", queue="sales"))
        await log.first(Bridged, call_id="c2")
        assert await network.divert("c2"), "while they talk"
        assert network.agents["SIM/agent-001"] is AgentState.READY
        for call_id in ("c1", "c2"):
            assert [kind for kind in kinds(await log.whole_call(call_id)) if kind in (Bridged, HarbourStarted)] == (
                [HarbourStarted] if call_id == "c1" else [Bridged, HarbourStarted]
            )


async def test_only_agents_of_the_calls_queue_and_server_take_it():
    trunks = (
        Trunk(name="a", server="one", calls_per_second=10, channels=5),
        Trunk(name="b", server="two", calls_per_second=10, channels=5),
    )
    agents = (
        AgentGroup(number=1, queues=("service",)),
        AgentGroup(number=1, queues=("sales",), server="two"),
        AgentGroup(number=1, queues=("service", "sales")),
    )
    async with open_network(NetworkPlan(**FIXED, trunks=trunks, agents=agents)) as (network, log):
        await network.originate(to(trunk="a", queue="sales"))
        bridged = await log.first(Bridged)
    assert bridged.agent == "SIM/agent-003"


@pytest.mark.parametrize("state", [AgentState.PAUSED, AgentState.AWAY])
async def test_a_call_for_one_agent_rings_him_in_a_pause_and_hears_the_message_if_he_is_away(state):
    async with open_network(NetworkPlan(**FIXED, agents=ONE_AGENT)) as (network, log):
        network.set_agent("SIM/agent-001", state)
        await network.originate(to(agent="SIM/agent-001"))
        events = await log.whole_call("c1")
        # A pause is over neither by the call nor by the work after it.
        assert network.agents["SIM/agent-001"] is state
    joined = [Bridged] if state is AgentState.PAUSED else [HarbourStarted]
    assert kinds(events) == [*ANSWER, Queued, *joined, HungUp]


async def test_a_call_for_an_agent_who_talks_hears_the_message():
    async with open_network(NetworkPlan(**FIXED, agents=ONE_AGENT)) as (network, log):
        await network.originate(to(call_id="c1", queue="sales"))
        await network.originate(to("+12025550002", call_id="c2", agent="SIM/agent-001"))
        assert HarbourStarted in kinds(await log.whole_call("c2"))
        assert [event.agent for event in log.events if isinstance(event, Bridged)] == ["SIM/agent-001"]


@pytest.mark.parametrize(("machine_rate", "status"), [(0.0, "HUMAN"), (1.0, "MACHINE")])
async def test_machines_are_found_out_where_the_plan_says_so(machine_rate, status):
    plan = {**FIXED, "machine_rate": machine_rate, "amd": True, "classify_s": Spread(2)}
    async with open_network(NetworkPlan(**plan, agents=ONE_AGENT)) as (network, log):
        await network.originate(to(queue="sales"))
        await log.first(HungUp)
    events = log.by_call["c1"]
    assert [event.status for event in events if isinstance(event, Classified)] == [status]
    assert (Bridged in kinds(events)) == (status == "HUMAN")
    if status == "MACHINE":
        assert times(events)[-1] == 9


async def test_a_call_that_asks_for_it_is_looked_at_and_another_is_not():
    async with open_network(NetworkPlan(**FIXED, agents=ONE_AGENT)) as (network, log):
        await network.originate(replace(to(queue="sales"), answer=AnswerPlan(amd=True)))
        await network.originate(to(call_id="c2", queue="sales"))
        await log.first(HungUp, call_id="c2")
    assert Classified in kinds(log.by_call["c1"])
    assert Classified not in kinds(log.by_call["c2"])


@pytest.mark.parametrize(
    ("machine_rate", "unsure_is_machine", "status", "cause"),
    [
        (0.0, False, "NOTSURE", "INITIALSILENCE"),
        (0.0, True, "MACHINE", "INITIALSILENCE"),
        (1.0, False, "NOTSURE", "TOOLONG"),
        (1.0, True, "MACHINE", "TOOLONG"),
    ],
)
async def test_of_whom_detection_is_not_sure_is_what_the_call_says(machine_rate, unsure_is_machine, status, cause):
    plan = {**FIXED, "machine_rate": machine_rate, "amd_unsure_rate": 1.0, "agents": ONE_AGENT}
    async with open_network(NetworkPlan(**plan)) as (network, log):
        answer = AnswerPlan(amd=True, unsure_is_machine=unsure_is_machine)
        await network.originate(replace(to(queue="sales"), answer=answer))
        await log.first(HungUp)
    events = log.by_call["c1"]
    [verdict] = [event for event in events if isinstance(event, Classified)]
    assert (verdict.status, verdict.cause.partition("-")[0]) == (status, cause)
    assert (Bridged in kinds(events)) == (not unsure_is_machine)


async def test_a_machine_that_is_not_looked_for_reaches_an_agent():
    async with open_network(NetworkPlan(**{**FIXED, "machine_rate": 1.0}, agents=ONE_AGENT)) as (network, log):
        await network.originate(to(queue="sales"))
        await log.first(Bridged)
        await log.first(HungUp)
    assert Classified not in kinds(log.by_call["c1"])


async def test_a_call_more_than_the_trunk_has_channels_meets_congestion():
    trunk = Trunk(name="simulated", server="simulated", calls_per_second=10, channels=2)
    async with open_network(NetworkPlan(**FIXED, trunks=(trunk,))) as (network, log):
        for call_id in ("c1", "c2", "c3"):
            await network.originate(to(call_id=call_id))
        verdict = await log.first(HungUp, call_id="c3")
        assert (verdict.cause, verdict.tech_cause) == (34, 503)
        await log.first(Answered, call_id="c1")
        await log.first(HungUp, call_id="c1")
        await log.first(HungUp, call_id="c2")
        await network.originate(to(call_id="c4"))
        await log.first(Answered, call_id="c4")


async def test_an_agent_who_pauses_in_a_call_is_paused_after_it():
    async with open_network(NetworkPlan(**FIXED, agents=ONE_AGENT)) as (network, log):
        await network.originate(to(queue="sales"))
        await log.first(Bridged)
        network.set_agent("SIM/agent-001", AgentState.AWAY)
        assert network.agents == {"SIM/agent-001": AgentState.TALKING}
        await log.first(AgentChanged, state=AgentState.AWAY)
        await network.originate(to(call_id="c2", queue="sales"))
        await log.first(Queued, call_id="c2")
        network.set_agent("SIM/agent-001", AgentState.READY)
        await log.first(Bridged, call_id="c2")
        with pytest.raises(ValueError, match="ready, paused or away"):
            network.set_agent("SIM/agent-001", AgentState.TALKING)


async def test_an_agent_can_not_be_called_twice_by_being_made_ready_while_wrapping_up():
    async with open_network(NetworkPlan(**FIXED, agents=ONE_AGENT)) as (network, log):
        await network.originate(to(queue="sales"))
        await log.first(HungUp)
        network.set_agent("SIM/agent-001", AgentState.READY)
        assert network.agents == {"SIM/agent-001": AgentState.PAUSED}


async def test_an_agent_whom_the_dialler_has_paused_does_not_pause_himself_after_the_talk():
    async with open_network(NetworkPlan(**FIXED, agents=ONE_AGENT)) as (network, log):
        await network.originate(to(queue="sales"))
        await log.first(Bridged)
        assert await network.set_paused("SIM/agent-001", True, reason=WRAP_UP_REASON)
        await log.first(AgentChanged, state=AgentState.WRAP_UP)
        await anyio.sleep(600)
        assert network.agents == {"SIM/agent-001": AgentState.WRAP_UP}
        assert await network.set_paused("SIM/agent-001", False)
        assert network.agents == {"SIM/agent-001": AgentState.READY}
    states = [event.state for event in log.events if isinstance(event, AgentChanged)]
    assert AgentState.PAUSED not in states


async def test_an_agent_made_ready_in_the_work_after_a_talk_is_not_freed_of_his_next_call_by_its_end():
    plan = NetworkPlan(**{**FIXED, "wrap_up_s": Spread(30), "talk_s": Spread(60)}, agents=ONE_AGENT)
    async with open_network(plan) as (network, log):
        await network.originate(to(queue="sales"))
        await log.first(HungUp, call_id="c1")
        assert await network.set_paused("SIM/agent-001", False)
        await network.originate(to(call_id="c2", queue="sales"))
        await log.first(Bridged, call_id="c2")
        network.set_agent("SIM/agent-001", AgentState.PAUSED)
        await anyio.sleep(40)
        assert network.agents == {"SIM/agent-001": AgentState.TALKING}


async def test_an_agent_paused_in_one_queue_serves_the_other():
    group = (AgentGroup(number=1, queues=("sales", "support")),)
    async with open_network(NetworkPlan(**FIXED, agents=group)) as (network, log):
        assert await network.set_paused("SIM/agent-001", True, reason="training", queue="sales")
        await network.originate(to(call_id="c1", queue="sales"))
        await network.originate(to(call_id="c2", queue="support"))
        await log.first(Bridged, call_id="c2")
        assert Bridged not in kinds(log.by_call["c1"])
