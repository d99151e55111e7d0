"""The engine with a paced campaign and its team on a real Asterisk, and what is seen of agents and calls."""

import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final

import anyio
import anyio.to_thread

from benchmarks.pacing.scenario import Scenario
from dialler.clock import SystemClock
from dialler.domain.campaign import CampaignSettings, Desired
from dialler.domain.lead import NewLead, PhoneNumber
from dialler.domain.session import Session
from dialler.engine.engine import Engine
from dialler.events import AgentJoined, AgentMoved, Event, Journal, MessageStarted, SessionOpened
from dialler.ports import Records, SessionFilter
from dialler.stores.memory import MemoryStore
from dialler.stores.open import AnyStore
from telephony.ami import AsteriskNetwork
from tests.support.agent_times import AgentTimes
from tests.support.ami_peer import CuttableProxy
from tests.support.asterisk import FAST
from tests.support.asterisk_team import TEAM_QUEUE, TeamAsterisk, numbers, team
from tests.support.call_centre import CHICAGO
from tests.support.exchanges import ExchangeUnavailable, give_up
from tests.support.paced_floor import paced

OVERLOOKED_S: Final = 1.2
"""Asterisk's queue looks for free agents once a second, if nobody lets it look: who was idle for longer should have had
the call."""

WAIT_S: Final = 20.0


@dataclass(eq=False)
class TeamFloor:
    """What a test or a benchmark drives, and what was seen."""

    asterisk: TeamAsterisk
    link: CuttableProxy
    """What carries the engine's AMI."""

    store: AnyStore
    engine: Engine
    clock: SystemClock = field(default_factory=SystemClock)
    times: AgentTimes = field(default_factory=AgentTimes)
    events: list[Event] = field(default_factory=list)
    opened_at_s: list[float] = field(default_factory=list)
    """When each session was opened, monotonic seconds."""

    joined_after_s: list[float] = field(default_factory=list)
    """How long those waited who got an agent."""

    message_after_s: list[float] = field(default_factory=list)
    """How long the others had waited as the information message began."""

    idle_at_message_s: list[float] = field(default_factory=list)
    """For how long the most idle agent had been ready then; 0: nobody was."""

    _happened: anyio.Event = field(default_factory=anyio.Event)

    def note(self, event: Event) -> None:
        now_s = self.clock.monotonic()
        match event:
            case AgentMoved():
                self.times.moved(event, now_s)
            case SessionOpened():
                self.opened_at_s.append(now_s)
            case AgentJoined():
                self.joined_after_s.append(event.waited_s)
            case MessageStarted():
                self.message_after_s.append(event.waited_s)
                self.idle_at_message_s.append(self.times.idle_for_s(now_s))
        self.events.append(event)
        self._happened.set()
        self._happened = anyio.Event()

    @property
    def overlooked(self) -> int:
        """How many heard the message though an agent had been idle for longer than a queue takes to look."""
        return sum(idle_s > OVERLOOKED_S for idle_s in self.idle_at_message_s)

    def launched_since(self, at_s: float) -> int:
        """Return how many sessions were opened after `at_s`, monotonic."""
        return sum(opened_s > at_s for opened_s in self.opened_at_s)

    def told(self, kind: type[Event]) -> list[Any]:
        """Return the events of a kind so far."""
        return [event for event in self.events if isinstance(event, kind)]

    async def until(self, condition: Callable[[], bool], *, within_s: float = WAIT_S) -> None:
        """Wait until a condition holds, of which an event may tell or not."""
        with anyio.fail_after(within_s):
            while not condition():
                with anyio.move_on_after(0.02):
                    await self._happened.wait()

    async def log_in(self) -> None:
        """Let the whole team log in, and wait until the engine knows."""
        await self.until(lambda: self.engine.floor.is_usable("asterisk"))
        for agent in team(self.asterisk.scenario.agents):
            await self.engine.agents.log_in(agent, [TEAM_QUEUE], name="", penalty=0, paused=False, reason="")
        await self.until(lambda: len(self.times.agents) == self.asterisk.scenario.agents)

    async def want(self, desired: Desired) -> None:
        """Change what is wanted of the campaign, and let the engine follow."""

        def work(records: Records) -> None:
            [campaign] = records.campaigns()
            records.set_campaign(replace(campaign, desired=desired))

        await self.store.write(work)
        await self.engine.follow()

    async def drained(self) -> list[Session]:
        """Let the calls end; return all sessions, once none is open."""
        await self.want(Desired.DRAINING)
        floor = self.engine.floor
        await anyio.to_thread.run_sync(self.asterisk.hang_up_all)
        await self.until(lambda: not floor.board.calls)
        await floor.outbox.flush()
        return await self.sessions()

    async def sessions(self) -> list[Session]:
        return list(await self.store.read(lambda records: records.sessions(SessionFilter(), limit=20_000)))


def team_settings(scenario: Scenario, **more: Any) -> CampaignSettings:
    """Return the settings of the campaign: predictive, and the work after the talks is the engine's to keep."""
    return paced(scenario=scenario, **{"queue": TEAM_QUEUE, "wrap_up_s": round(scenario.wrap_mean_s), **more})


def team_asterisk(scenario: Scenario) -> TeamAsterisk:
    """Return the scenario's Asterisk for a test, which is skipped, or fails, where there can be none."""
    try:
        return TeamAsterisk(scenario)
    except ExchangeUnavailable as error:
        give_up("asterisk", str(error))


@asynccontextmanager
async def team_floor(
    asterisk: TeamAsterisk,
    *,
    settings: CampaignSettings | None = None,
    store: AnyStore | None = None,
    seed: int = 1,
    desired: Desired = Desired.RUNNING,
) -> AsyncIterator[TeamFloor]:
    """Run an Asterisk, and an engine with one campaign on it; nobody is logged in yet. At the end both are closed."""
    scenario, clock, journal = asterisk.scenario, SystemClock(), Journal()

    def fill(records: Records) -> None:
        campaign = records.add_campaign("spring", settings or team_settings(scenario), clock.now())
        records.set_campaign(replace(campaign, desired=desired))
        everyone = records.add_list(campaign.campaign_id, "everyone", clock.now())
        people = [NewLead(numbers=(PhoneNumber(each),), window_key=CHICAGO) for each in numbers(scenario, 8000, seed)]
        records.add_leads(everyone.list_id, people, clock.now())

    try:
        await anyio.to_thread.run_sync(asterisk.start)
        async with store or MemoryStore() as opened, CuttableProxy(asterisk.port) as link:
            await opened.write(fill)
            network = AsteriskNetwork([replace(asterisk.server, port=link.port)], timing=FAST)
            engine = Engine(store=opened, telephony=network, clock=clock, journal=journal, chance=random.Random(seed))
            floor = TeamFloor(asterisk, link, opened, engine, clock)
            journal.subscribe(floor.note)
            async with anyio.create_task_group() as tasks:
                await tasks.start(lambda *, task_status: engine.run(task_status=task_status))
                yield floor
                tasks.cancel_scope.cancel()
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(asterisk.close)
