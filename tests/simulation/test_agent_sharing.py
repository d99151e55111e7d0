"""One agent in several campaigns, through the whole engine: nobody is called twice for him."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import anyio
import pytest

from dialler.domain.campaign import CampaignSettings, Desired
from dialler.domain.outcome import Outcome
from dialler.events import CallAbandoned
from dialler.ports import CampaignReport
from telephony.simulated import AgentGroup, NetworkPlan, Spread
from tests.support.call_centre import QUEUE, QUICK, TRUNK, WITH_AGENTS, CallCentre, call_centre

ONE_EACH = replace(WITH_AGENTS, pacing="progressive", pacing_settings={})
PREDICTIVE = replace(WITH_AGENTS, pacing="predictive", pacing_settings={"talk_s": 20.0})


def floor_of(*groups: AgentGroup, **fields: Any) -> NetworkPlan:
    return replace(
        QUICK,
        trunks=(replace(TRUNK, calls_per_second=100.0, channels=400),),
        agents=groups,
        patience_s=Spread(60.0),
        **fields,
    )


THIRTY = floor_of(AgentGroup(number=30, queues=(QUEUE,)))


async def open_campaigns(centre: CallCentre, leads: int = 4000, **campaigns: CampaignSettings) -> None:
    for name, settings in campaigns.items():
        await centre.campaign(name, settings, lists={f"of {name}": (100, leads)})
    await centre.start()


def reports(centre: CallCentre) -> Mapping[str, CampaignReport]:
    return {each.name: each for each in centre.engine.report().campaigns}


def agents_of(centre: CallCentre) -> Mapping[str, int]:
    """Return how many agents each campaign has, with those it is about to give."""
    return {name: sum(each.agents_by_state.values()) + each.agents_leaving for name, each in reports(centre).items()}


async def run(centre: CallCentre, **duration: float) -> None:
    await centre.at(centre.clock.now() + timedelta(**duration))


async def talks(centre: CallCentre) -> Counter[str]:
    """Return how many calls of each campaign an agent took."""
    return Counter(each.campaign for each in await centre.sessions() if each.outcome is Outcome.CONNECTED)


def abandoned(centre: CallCentre) -> Counter[str]:
    return Counter(each.campaign for each in centre.told(CallAbandoned))


@pytest.mark.parametrize("seed", range(2))
async def test_two_progressive_campaigns_on_one_queue_abandon_nobody(seed: int) -> None:
    async with call_centre(THIRTY, seed=seed) as centre:
        await open_campaigns(centre, a=ONE_EACH, b=ONE_EACH)
        await run(centre, seconds=5)
        assert agents_of(centre) == {"a": 15, "b": 15}
        assert [each.agents_shared_with for each in reports(centre).values()] == [["b"], ["a"]]
        await run(centre, minutes=20)
        assert agents_of(centre) == {"a": 15, "b": 15}
        took = await talks(centre)
        assert min(took.values()) > 0.8 * max(took.values()) > 200
        assert abandoned(centre) == {}
        assert (await centre.engine.account()).unaccounted["agents"] == 0


async def test_shares_follow_the_weights_and_change_while_running_without_an_abandoned_call() -> None:
    async with call_centre(THIRTY) as centre:
        await open_campaigns(centre, a=replace(ONE_EACH, agents_weight=70), b=replace(ONE_EACH, agents_weight=30))
        await run(centre, minutes=5)
        assert agents_of(centre) == {"a": 21, "b": 9}
        await centre.change(name="b", agents_weight=70)
        await run(centre, minutes=2)
        assert agents_of(centre) == {"a": 15, "b": 15}
        await centre.change(name="b", agents_priority=1)
        await run(centre, minutes=2)
        assert agents_of(centre) == {"a": 0, "b": 30}
        for desired, n in ((Desired.PAUSED, 0), (Desired.RUNNING, 30), (Desired.STOPPED, 0)):
            await centre.change(desired, "b")
            await run(centre, minutes=1)
            assert agents_of(centre) == {"a": 30 - n, "b": n}
        assert abandoned(centre) == {}


async def test_an_agent_in_two_queues_is_called_for_once() -> None:
    plan = floor_of(AgentGroup(number=10, queues=("sales", "support")), AgentGroup(number=4, queues=("support",)))
    async with call_centre(plan) as centre:
        await open_campaigns(centre, a=ONE_EACH, b=replace(ONE_EACH, queue="support"))
        await run(centre, seconds=5)
        assert agents_of(centre) == {"a": 5, "b": 9}
        await run(centre, minutes=15)
        assert sum(agents_of(centre).values()) == 14
        assert min((await talks(centre)).values()) > 60
        assert abandoned(centre)["b"] + abandoned(centre)["a"] == 0


async def test_the_agents_of_a_campaign_that_runs_dry_go_over_and_come_back() -> None:
    async with call_centre(THIRTY) as centre:
        await centre.campaign("a", ONE_EACH, lists={"few": (100, 60)})
        await centre.campaign("b", ONE_EACH, lists={"many": (100, 4000)})
        await centre.start()
        await centre.until(lambda: agents_of(centre) == {"a": 0, "b": 30}, within=timedelta(minutes=30))
        await run(centre, minutes=1)
        await centre.change_list("few")
        owners = [agents_of(centre)["a"]]
        for _ in range(100):
            await anyio.sleep(0.1)
            owners.append(agents_of(centre)["a"])
        assert sum(a != b for a, b in pairwise(owners)) <= 4, "it looks once, and does not flap"
        assert abandoned(centre) == {}


async def test_two_predictive_campaigns_on_one_queue_stay_inside_their_limits() -> None:
    plan = replace(THIRTY, answer_rate=(0.3,), talk_s=Spread(45.0, 0.8), wrap_up_s=Spread(8.0, 0.4))
    async with call_centre(plan) as centre:
        await open_campaigns(
            centre,
            9000,
            a=replace(PREDICTIVE, agents_weight=200, pacing_settings={}),
            b=replace(PREDICTIVE, pacing_settings={}),
        )
        await run(centre, minutes=60)
        assert agents_of(centre) == {"a": 20, "b": 10}
        took, lost = await talks(centre), abandoned(centre)
        assert took["a"] > 1.5 * took["b"] > 300
        for name in ("a", "b"):
            assert lost[name] <= 0.03 * (took[name] + lost[name]) + 1
