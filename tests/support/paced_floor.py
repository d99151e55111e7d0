"""A campaign with agents, paced by the whole engine on the simulated network: the scenarios of `benchmarks.pacing`."""

import math
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from benchmarks.pacing.scenario import Scenario
from dialler.domain.campaign import CampaignSettings
from dialler.domain.outcome import Outcome
from dialler.domain.patience import MARGIN_MAX, PatienceStart
from dialler.events import AgentMoved, Event, MessageStarted
from telephony.events import AgentState
from telephony.port import Trunk
from telephony.simulated import AgentGroup, NetworkPlan, Spread, Unanswered
from tests.support.agent_times import AgentTimes
from tests.support.call_centre import QUEUE, WITH_AGENTS, CallCentre, call_centre

SERVER = "pbx"


def plan_of(scenario: Scenario, *, wraps: bool = True) -> NetworkPlan:
    """Return a network on which the scenario happens: one answer rate; no breaks, and agents who are all alike.

    Without `wraps` the work after the talks is left to the engine.
    """
    person = scenario.answer_rates[0][1]
    machine = (1 - person) * scenario.machine_share
    return NetworkPlan(
        trunks=(Trunk(name="a", server=SERVER, calls_per_second=200.0, channels=1000),),
        agents=(AgentGroup(number=scenario.agents, queues=(QUEUE,)),),
        answer_rate=(person + machine,),
        machine_rate=machine / (person + machine),
        amd=scenario.detects,
        invalid_rate=0.0,
        # Busy, as it says nothing against the trunk.
        unanswered=Unanswered(
            no_answer=1 - scenario.failed_share - scenario.machine_share,
            busy=scenario.failed_share,
            rejected=0.0,
            congestion=0.0,
            unreachable=0.0,
        ),
        post_dial_s=Spread(scenario.set_up_median_s, scenario.set_up_sigma),
        answer_s=Spread(scenario.ring_median_s, scenario.ring_sigma),
        classify_s=Spread(scenario.detect_person_s),
        pickup_s=Spread(scenario.connect_s),
        talk_s=_with_mean(scenario.talk_mean_s, scenario.talk_cv),
        wrap_up_s=_with_mean(scenario.wrap_mean_s, scenario.wrap_cv) if wraps else Spread(0.0),
        patience_s=Spread(60.0),
        message_s=5.0,
    )


def like_the_network(scenario: Scenario) -> Scenario:
    """Return a scenario without what the simulated network has not."""
    return replace(
        scenario,
        break_each_s=1e9,
        agent_sigma=0.0,
        log_in_s=1.0,
        connect_s=0.0,
        machine_ring_median_s=scenario.ring_median_s,
        machine_ring_sigma=scenario.ring_sigma,
        detect_machine_s=scenario.detect_person_s,
    )


def _with_mean(mean_s: float, cv: float) -> Spread:
    variance = math.log(1 + cv * cv)
    return Spread(mean_s * math.exp(-variance / 2), math.sqrt(variance))


def paced(pacing: str = "predictive", scenario: Scenario | None = None, **settings: Any) -> CampaignSettings:
    """Return settings of a campaign that is paced so."""
    ring_timeout_s = 25 if scenario is None else round(scenario.ring_timeout_s + scenario.set_up_median_s)
    known = replace(WITH_AGENTS, pacing=pacing, pacing_settings={}, ring_timeout_s=ring_timeout_s)
    if scenario is not None:
        # As long from the verdict of machine detection on as there, where nobody counts what came before it.
        wait_s = scenario.patience_s + MARGIN_MAX.total_seconds()
        if scenario.detects:
            wait_s += scenario.detect_person_s
        known = replace(known, patience_s=wait_s, patience_from=PatienceStart.CONNECTION)
    return replace(known, **settings)


@dataclass
class PacedFloor:
    """What was seen of agents and calls."""

    centre: CallCentre
    times: AgentTimes = field(default_factory=AgentTimes)
    idle_at_message: list[str] = field(default_factory=list)
    """Agents who were ready when somebody was taken to the message."""

    def note(self, event: Event) -> None:
        now_s = self.centre.clock.monotonic()
        if isinstance(event, AgentMoved):
            self.times.moved(event, now_s)
        elif isinstance(event, MessageStarted):
            self.idle_at_message += [
                agent for agent, state in self.centre.network.agents.items() if state is AgentState.READY
            ]

    @property
    def utilisation(self) -> float:
        """Talk time over talk and idle time, so far."""
        return self.times.utilisation(self.centre.clock.monotonic())

    async def run(self, **duration: float) -> None:
        """Let time go on."""
        await self.centre.at(self.centre.clock.now() + timedelta(**duration))

    async def counts(self) -> tuple[int, int]:
        """Return how many persons answered, and how many of them were abandoned, in calls that have ended."""
        outcomes = Counter(session.outcome for session in await self.centre.sessions())
        abandoned = outcomes[Outcome.ABANDONED]
        return outcomes[Outcome.CONNECTED] + abandoned, abandoned

    def launched_since(self, seconds: float) -> int:
        """Return how many Originates left in the last so many seconds."""
        since = self.centre.clock.now() - timedelta(seconds=seconds)
        return sum(at > since for at, _ in self.centre.telephony.originated.values())


@asynccontextmanager
async def paced_floor(
    scenario: Scenario, settings: CampaignSettings, *, seed: int = 1, leads: int = 20_000, start: bool = True
) -> AsyncIterator[PacedFloor]:
    """Open a contact centre whose one campaign has these settings; its agents are there."""
    plan = plan_of(scenario, wraps=settings.wrap_up_limit is None)
    async with call_centre(plan, seed=seed) as centre:
        floor = PacedFloor(centre)
        centre.journal.subscribe(floor.note)
        await centre.campaign(settings=settings, lists={"list": (100, leads)})
        if start:
            await centre.start()
        yield floor
