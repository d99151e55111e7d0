"""Plans check themselves, and tell all that is wrong at once."""

import math
import random
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.port import Trunk
from telephony.simulated import AgentGroup, NetworkPlan, PlanError, Spread, Unanswered, plan_from_mapping

WHOLE = """
timezone = "America/New_York"
answer_rate = 0.4
machine_rate = 0.25
amd = true
message_s = 30
post_dial_s = 2
talk_s = { median_s = 60, sigma = 0.5, max_s = 600 }
unanswered = { no_answer = 70, busy = 15 }

[[trunks]]
name = "a"
server = "one"
calls_per_second = 30
channels = 200

[[agents]]
number = 20
queues = ["sales", "service"]
"""


def test_a_table_becomes_a_plan_and_what_it_leaves_out_has_its_default():
    assert plan_from_mapping(tomllib.loads(WHOLE)) == NetworkPlan(
        timezone="America/New_York",
        answer_rate=(0.4,),
        machine_rate=0.25,
        amd=True,
        message_s=30,
        post_dial_s=Spread(2),
        talk_s=Spread(60, 0.5, 600),
        unanswered=Unanswered(no_answer=70, busy=15, rejected=0, congestion=0, unreachable=0),
        trunks=(Trunk(name="a", server="one", calls_per_second=30, channels=200),),
        agents=(AgentGroup(number=20, queues=("sales", "service")),),
    )
    assert plan_from_mapping({}) == NetworkPlan()


def test_every_mistake_is_told_at_once_under_its_key():
    table = tomllib.loads("""
        timezone = "Mars/Olympus"
        answer_rate = [0.5, 0.6]
        machine_rate = "half"
        amd = 1
        ansser_rate = 0.3
        talk_s = { sigma = 9 }
        wrap_up_s = { median_s = -1, sigma = 9 }
        unanswered = { busy = -1 }
        trunks = [
            { name = "a", server = "one", calls_per_second = 3, channels = 1.5 },
            { name = "b", server = "one", calls_per_second = 3, chanels = 1 },
        ]
        agents = [{ number = 3, queues = "sales" }, "me"]
    """)
    with pytest.raises(PlanError) as raised:
        plan_from_mapping(table)
    found = {mistake.key: mistake.expected for mistake in raised.value.mistakes}
    assert set(found) == {
        "timezone",
        "answer_rate",
        "machine_rate",
        "amd",
        "ansser_rate",
        "talk_s.median_s",
        "wrap_up_s.median_s",
        "wrap_up_s.sigma",
        "unanswered.busy",
        "trunks.0.channels",
        "trunks.1.chanels",
        "trunks.1.channels",
        "agents.0.queues",
        "agents.1",
    }
    assert found["machine_rate"] == "a number"
    assert found["ansser_rate"].startswith("no such key; there are trunks, agents, answer_rate")
    assert "machine_rate = 'half': expected a number" in str(raised.value).splitlines()


@pytest.mark.parametrize(
    ("facts", "key"),
    [
        ({"trunks": ()}, "trunks"),
        ({"trunks": NetworkPlan().trunks * 2}, "trunks"),
        (
            {"trunks": (Trunk(name="a", server="b", calls_per_second=0, channels=1),)},
            "trunks.calls_per_second",
        ),
        ({"trunks": (Trunk(name="a", server="b", calls_per_second=1, channels=0),)}, "trunks.channels"),
        ({"agents": (AgentGroup(number=1, queues=("q",), server="nowhere"),)}, "agents.server"),
        ({"answer_rate": (1.1,)}, "answer_rate"),
        ({"answer_rate": ()}, "answer_rate"),
        ({"invalid_rate": math.nan}, "invalid_rate"),
        ({"ack_s": -1}, "ack_s"),
        ({"timezone": "../etc/passwd"}, "timezone"),
        ({"timezone": "America"}, "timezone"),
    ],
)
def test_a_plan_refuses_what_no_network_can_be_like(facts, key):
    with pytest.raises(PlanError) as raised:
        NetworkPlan(**facts)
    assert [mistake.key for mistake in raised.value.mistakes] == [key]


def test_parts_must_amount_to_something():
    with pytest.raises(PlanError, match="at least one part"):
        Unanswered(no_answer=0, busy=0, rejected=0, congestion=0, unreachable=0)


def test_agents_need_a_queue():
    with pytest.raises(PlanError, match="queues"):
        AgentGroup(number=3, queues=())


def test_half_of_the_draws_lie_below_the_median_and_none_above_the_maximum():
    spread, chance = Spread(10, 0.8, 40), random.Random(1)
    draws = [spread.draw(chance) for _ in range(4000)]
    assert sum(draw < 10 for draw in draws) / 4000 == pytest.approx(0.5, abs=0.03)
    assert max(draws) == 40
    assert min(draws) > 0


@given(median_s=st.floats(0, 1e4), sigma=st.floats(0, 5), seed=st.integers(0, 999))
def test_a_draw_uses_the_generator_alike_whatever_the_figures(median_s, sigma, seed):
    ours, theirs = random.Random(seed), random.Random(seed)
    assert Spread(median_s, sigma).draw(ours) >= 0
    Spread(1).draw(theirs)
    assert ours.random() == theirs.random()


def test_without_sigma_a_spread_is_a_constant():
    assert Spread(7.5).draw(random.Random(2)) == 7.5
