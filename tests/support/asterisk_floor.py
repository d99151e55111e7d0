"""An engine with one campaign on the shared Asterisk, for tests that watch what it tells."""

import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import anyio
import anyio.to_thread

from dialler.api.desk import Desk
from dialler.clock import SystemClock
from dialler.domain.calling_hours import parse_hours
from dialler.domain.campaign import CampaignSettings, Desired
from dialler.domain.lead import NewLead, PhoneNumber
from dialler.domain.session import Session
from dialler.engine.engine import Engine
from dialler.events import Event, Journal
from dialler.ports import Records, SessionFilter
from dialler.stores.memory import MemoryStore
from telephony.ami import AsteriskNetwork
from telephony.simulated import Fate
from tests.support.asterisk import (
    FAST,
    RINGING_QUEUE,
    RealAsterisk,
    number_of,
    shared_asterisk,
)
from tests.support.call_centre import CHICAGO
from tests.support.exchanges import ExchangeUnavailable, give_up

PLAIN = CampaignSettings(hours=parse_hours("always"), ring_timeout_s=10, rest_min_s=7200, queue=RINGING_QUEUE)


@dataclass(eq=False)
class Floor:
    """An engine on a real Asterisk, and what it tells."""

    asterisk: RealAsterisk
    store: MemoryStore
    engine: Engine
    events: list[Event]

    happened: anyio.Event

    def note(self, event: Event) -> None:
        self.events.append(event)
        self.happened.set()
        self.happened = anyio.Event()

    @property
    def desk(self) -> Desk:
        """What the API works with."""
        return Desk(store=self.store, clock=SystemClock(), engine=self.engine)

    async def until(self, kind: type[Event], count: int) -> None:
        """Wait until events of a kind were told so often."""
        with anyio.fail_after(40):
            while sum(isinstance(event, kind) for event in self.events) < count:
                await self.happened.wait()

    async def until_so(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition holds, of which no event may tell."""
        with anyio.fail_after(20):
            while not condition():
                with anyio.move_on_after(0.02):
                    await self.happened.wait()

    async def sessions(self) -> list[Session]:
        await self.engine.floor.outbox.flush()
        return list(await self.store.read(lambda records: records.sessions(SessionFilter(), limit=1000)))


@asynccontextmanager
async def floor(leads: int, *, numbers: Sequence[str] = (), **settings: Any) -> AsyncIterator[Floor]:
    """Let a campaign call so many people, all of whom answer and stay on the line; and these numbers."""
    try:
        asterisk = await anyio.to_thread.run_sync(shared_asterisk)
    except ExchangeUnavailable as error:
        give_up("asterisk", str(error))
    clock, journal = SystemClock(), Journal()

    def fill(records: Records) -> None:
        campaign = records.add_campaign("spring", replace(PLAIN, **settings), clock.now())
        records.set_campaign(replace(campaign, desired=Desired.RUNNING))
        everyone = records.add_list(campaign.campaign_id, "everyone", clock.now())
        called = [*(number_of(Fate.ANSWERED, place=place) for place in range(leads)), *numbers]
        people = [NewLead(numbers=(PhoneNumber(number),), window_key=CHICAGO) for number in called]
        records.add_leads(everyone.list_id, people, clock.now())

    try:
        async with MemoryStore() as store:
            await store.write(fill)
            network = AsteriskNetwork([asterisk.server], timing=FAST)
            engine = Engine(store=store, telephony=network, clock=clock, journal=journal, chance=random.Random(1))
            opened = Floor(asterisk, store, engine, [], anyio.Event())
            journal.subscribe(opened.note)
            async with anyio.create_task_group() as tasks:
                await tasks.start(lambda *, task_status: engine.run(task_status=task_status))
                yield opened
                tasks.cancel_scope.cancel()
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(asterisk.hang_up_all)
