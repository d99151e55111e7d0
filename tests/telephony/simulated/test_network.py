"""The network as a whole: links, restarts, bounds, and the same day from the same seed."""

import random
from collections import Counter
from datetime import timedelta

import anyio
import anyio.lowlevel
import pytest

from telephony.errors import LinkLost, NotSent, Refused
from telephony.events import AgentChanged, AgentState, Answered, Bridged, HungUp, LinkDown, LinkUp
from telephony.port import LiveState, Origination, Trunk
from telephony.simulated import AgentGroup, Fate, NetworkPlan, Spread, Unanswered
from tests.support.virtual_network import new_network, open_network, running

TWO_SERVERS = (
    Trunk(name="a", server="one", calls_per_second=10, channels=50),
    Trunk(name="b", server="two", calls_per_second=10, channels=50),
)
LONG = {"fates": lambda _: Fate.ANSWERED_LONG}


def to(number: str = "+12025550001", *, call_id: str = "c1", trunk: str = "simulated", **facts: object) -> Origination:
    return Origination(call_id=call_id, number=number, trunk=trunk, **{"ring_timeout": timedelta(seconds=25), **facts})


async def day(plan: NetworkPlan, *, seed: int, order: random.Random | None = None) -> list[str]:
    """Play 300 calls, 2 a second, to 200 numbers, and return what was told, as text."""
    network = new_network(plan, seed=seed)
    async with running(network) as log:
        for second in range(150):
            pair = [second * 2, second * 2 + 1]
            if order is not None:
                order.shuffle(pair)
            for place in pair:
                await network.originate(to(f"+1202555{place % 200:04d}", call_id=f"c{place:03d}", queue="sales"))
            await anyio.sleep(1)
        await log.until(lambda: sum(isinstance(event, HungUp) for event in log.events) == 300, "300 ends")
    network.close()
    return [repr(event) for event in log.events]


BUSY_DAY = NetworkPlan(
    agents=(AgentGroup(number=8, queues=("sales",)),),
    trunks=(Trunk(name="simulated", server="simulated", calls_per_second=10, channels=500),),
)

DRAWN = [
    (Fate.ANSWERED, 17.12),
    (Fate.NO_ANSWER, 7.779),
    (Fate.NO_ANSWER, 7.151),
    (Fate.NO_ANSWER, 7.321),
    (Fate.MACHINE, 11.888),
    (Fate.MACHINE, 10.639),
    (Fate.NO_ANSWER, 8.879),
    (Fate.BUSY, 4.729),
]


async def test_one_seed_gives_one_day_and_another_seed_another():
    first = await day(BUSY_DAY, seed=7)
    assert first == await day(BUSY_DAY, seed=7)
    assert first != await day(BUSY_DAY, seed=8)
    assert {kind.split("(")[0] for kind in first} >= {"Bridged", "Queued", "AgentChanged", "HungUp"}


async def test_the_day_of_a_seed_is_the_same_in_every_process():
    network = new_network(NetworkPlan(), seed=42)
    journeys = network._calls._journeys
    drawn = [journeys.draw(f"+1202555{place:04d}", network._now()) for place in range(8)]
    # Python salts the hashes of texts anew in each process: nothing of these may come from there.
    assert [(journey.fate, journey.answer_s) for journey in drawn] == DRAWN
    network.close()


async def test_fates_do_not_depend_on_the_order_in_which_calls_are_placed():
    def verdicts(told: list[str]) -> Counter[str]:
        return Counter(line.split("at=")[0] + line.split("cause=")[-1][:2] for line in told if "HungUp" in line)

    no_agents = NetworkPlan(trunks=BUSY_DAY.trunks)
    assert verdicts(await day(no_agents, seed=7)) == verdicts(await day(no_agents, seed=7, order=random.Random(3)))


async def test_shares_come_out_as_planned():
    plan = NetworkPlan(
        answer_rate=(0.4,),
        machine_rate=0.25,
        invalid_rate=0.1,
        unanswered=Unanswered(no_answer=2, busy=1, rejected=0, congestion=0, unreachable=1),
        answer_s=Spread(1),
    )
    network = new_network(plan, seed=5)
    journeys = network._calls._journeys
    n = 8000
    fates = Counter(journeys.draw(f"+1202{place:07d}", network._now()).fate for place in range(n))
    network.close()
    expected = {
        Fate.INVALID: 0.1,
        Fate.ANSWERED: 0.9 * 0.4 * 0.75,
        Fate.MACHINE: 0.9 * 0.4 * 0.25,
        Fate.NO_ANSWER: 0.9 * 0.6 * 0.5,
        Fate.BUSY: 0.9 * 0.6 * 0.25,
        Fate.UNREACHABLE: 0.9 * 0.6 * 0.25,
    }
    assert set(fates) == set(expected)
    for fate, share in expected.items():
        assert fates[fate] / n == pytest.approx(share, abs=0.015), fate


async def test_answer_rates_follow_the_hour_in_the_plans_zone():
    # It is 15:00 UTC, 10:00 in New York.
    rates = tuple(1.0 if hour == 10 else 0.0 for hour in range(24))
    plan = NetworkPlan(answer_rate=rates, timezone="America/New_York", machine_rate=0, invalid_rate=0)
    network = new_network(plan)
    journeys, now = network._calls._journeys, network._now()
    assert {journeys.draw(f"+{place}", now).fate for place in range(50)} == {Fate.ANSWERED}
    later = now + timedelta(hours=1)
    assert Fate.ANSWERED not in {journeys.draw(f"+{place}", later).fate for place in range(50)}
    network.close()


async def test_a_number_that_does_not_exist_never_does():
    network = new_network(NetworkPlan(invalid_rate=0.5))
    journeys, now = network._calls._journeys, network._now()
    for place in range(50):
        seen = {journeys.draw(f"+{place}", now).fate is Fate.INVALID for _ in range(10)}
        assert len(seen) == 1
    network.close()


async def test_calls_go_on_while_the_link_is_cut_and_their_events_are_lost():
    plan = NetworkPlan(agents=(AgentGroup(number=1, queues=("sales",)),))
    async with open_network(plan, fates=lambda _: Fate.ANSWERED) as (network, log):
        await network.originate(to())
        network.cut_link("simulated")
        await log.first(LinkDown)
        await anyio.sleep(60)
        place = len(log.events)
        network.restore_link("simulated")
        await log.first(LinkUp, after=place)
        await log.first(AgentChanged, after=place, state=AgentState.READY)
        assert not await network.live_calls("simulated")
    assert not any(isinstance(event, HungUp) for event in log.events)


async def test_a_cut_link_takes_no_other_server_with_it():
    async with open_network(NetworkPlan(trunks=TWO_SERVERS), **LONG) as (network, log):
        network.cut_link("one")
        with pytest.raises(NotSent):
            await network.originate(to(trunk="a"))
        await network.originate(to(trunk="b"))
        await log.first(Answered)
        assert not network.is_up("one")
        assert network.is_up("two")
        assert await network.hang_up("nobody") is False
        network.cut_link("two")
        with pytest.raises(NotSent):
            await network.hang_up("nobody")
        with pytest.raises(NotSent):
            await network.hang_up("c1")


async def test_a_restart_loses_all_calls_of_its_server_without_a_word():
    plan = NetworkPlan(trunks=TWO_SERVERS, agents=(AgentGroup(number=1, queues=("sales",)),))
    async with open_network(plan, **LONG) as (network, log):
        await network.originate(to(trunk="a", queue="sales"))
        await network.originate(to(trunk="b", call_id="c2"))
        await log.first(Bridged, call_id="c1")
        await log.first(Answered, call_id="c2")
        place = len(log.events)
        network.restart("one")
        await log.first(LinkDown, server="one", after=place)
        link = await log.first(LinkUp, server="one", after=place)
        assert link.restarted
        assert not await network.live_calls("one")
        assert [live.call_id for live in await network.live_calls("two")] == ["c2"]
        assert network.agents == {"SIM/agent-001": AgentState.READY}
        await anyio.sleep(7200)
    assert not any(isinstance(event, HungUp) and event.call_id == "c1" for event in log.events)


async def test_a_restart_while_the_link_is_cut_is_told_when_it_comes_back():
    async with open_network(NetworkPlan()) as (network, log):
        network.cut_link("simulated")
        network.restart("simulated")
        assert not network.is_up("simulated")
        place = len(log.events)
        network.restore_link("simulated")
        assert (await log.first(LinkUp, after=place)).restarted
        network.cut_link("simulated")
        network.restore_link("simulated")
        await log.until(lambda: sum(isinstance(event, LinkUp) for event in log.events) == 3, "another LinkUp")
        assert [event.restarted for event in log.events if isinstance(event, LinkUp)] == [False, True, False]


async def test_a_link_that_breaks_before_the_answer_leaves_a_call_that_nobody_can_be_sure_of():
    async with open_network(NetworkPlan(ack_s=1.0), **LONG) as (network, log):

        async def cut_soon() -> None:
            await anyio.sleep(0.5)
            network.cut_link("simulated")
            network.restore_link("simulated")

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(cut_soon)
            with pytest.raises(LinkLost):
                await network.originate(to())
        await log.first(Answered)


async def test_calls_outlive_the_run_and_a_later_run_finds_them_where_they_have_got_to():
    network = new_network(NetworkPlan(), fates={"+1": Fate.ANSWERED_LONG, "+2": Fate.ANSWERED})
    async with running(network):
        await network.originate(to("+1", queue="sales"))
        await network.originate(to("+2", call_id="c2", queue="sales"))
    assert not network.is_up("simulated")
    with pytest.raises(NotSent):
        await network.originate(to(call_id="c3"))
    await anyio.sleep(600)
    async with running(network) as log:
        [live] = await network.live_calls("simulated")
        assert (live.call_id, live.state, live.age) == ("c1", LiveState.QUEUED, timedelta(seconds=600))
        await log.first(HungUp, call_id="c1")
        # Its hour counts from the answer, not from the second run.
        assert 3600 < anyio.current_time() < 3602
    assert [type(event) for event in log.events] == [LinkUp, HungUp]
    network.close()


async def test_a_later_run_does_not_hear_what_was_for_the_one_before():
    network = new_network(NetworkPlan(), fates=lambda _: Fate.BUSY)
    async with anyio.create_task_group() as tasks:
        await tasks.start(lambda *, task_status: network.run(task_status=task_status))
        await anyio.lowlevel.checkpoint()
        await network.originate(to())
        await anyio.sleep(60)
        tasks.cancel_scope.cancel()
    assert network.events.statistics().current_buffer_used > 1
    async with running(network) as log:
        await anyio.sleep(60)
    assert [type(event) for event in log.events] == [LinkUp]
    network.close()


async def test_nothing_is_placed_while_events_are_not_read():
    network = new_network(NetworkPlan(), fates=lambda _: Fate.BUSY, events_max=40)
    accepted = 0
    async with anyio.create_task_group() as tasks:
        await tasks.start(lambda *, task_status: network.run(task_status=task_status))
        await anyio.lowlevel.checkpoint()
        refusal = ""
        while not refusal and accepted < 100:
            try:
                await network.originate(to(call_id=f"c{accepted}"))
            except NotSent as error:
                refusal = str(error)
            else:
                accepted += 1
                await anyio.sleep(30)
        tasks.cancel_scope.cancel()
    assert "keep up" in refusal
    assert 5 <= accepted <= 10
    network.close()


async def test_a_reader_who_is_late_loses_nothing():
    network = new_network(NetworkPlan(), fates=lambda _: Fate.BUSY, events_max=40)
    async with anyio.create_task_group() as tasks:
        await tasks.start(lambda *, task_status: network.run(task_status=task_status))
        await anyio.lowlevel.checkpoint()
        for place in range(30):
            await network.originate(to(call_id=f"c{place}"))
        await anyio.sleep(3600)
        ended: list[str] = []
        while len(ended) < 30:
            event = await network.events.receive()
            if isinstance(event, HungUp):
                ended.append(event.call_id)
        tasks.cancel_scope.cancel()
    assert len(set(ended)) == 30
    network.close()


async def test_an_unknown_trunk_and_a_call_id_in_use_are_refused():
    async with open_network(NetworkPlan(), **LONG) as (network, _):
        with pytest.raises(Refused, match="nowhere") as raised:
            await network.originate(to(trunk="nowhere"))
        assert raised.value.configuration
        await network.originate(to())
        with pytest.raises(Refused, match="c1 is up already"):
            await network.originate(to())


async def test_a_network_runs_once_at_a_time():
    async with open_network(NetworkPlan()) as (network, _):
        with pytest.raises(RuntimeError, match="runs already"):
            await network.run()


async def test_ten_thousand_calls_leave_nothing_behind():
    trunk = Trunk(name="simulated", server="simulated", calls_per_second=100, channels=10_000)
    plan = NetworkPlan(trunks=(trunk,), agents=(AgentGroup(number=50, queues=("sales",)),))
    async with open_network(plan) as (network, log):
        for place in range(10_000):
            await network.originate(to(f"+1{place}", call_id=f"c{place}", queue="sales"))
            if place % 20 == 19:
                await anyio.sleep(1)
        await anyio.sleep(7200)
        assert not await network.live_calls("simulated")
        assert set(network.agents.values()) == {AgentState.READY}
        assert not network._calls.desk._calls
        assert not network._schedule._steps
        assert set(network._calls._on_trunk.values()) == {0}
    assert Counter(type(event) for event in log.events)[HungUp] == 10_000
