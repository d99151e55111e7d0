"""A contact centre on virtual time: records, a simulated network, and engines that start, crash and start again."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from random import Random
from typing import Any, Final, TypeVar

import anyio
from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskGroup, TaskStatus
from anyio.streams.memory import MemoryObjectReceiveStream

from dialler.clock import LoopClock
from dialler.domain.calling_hours import parse_hours
from dialler.domain.campaign import Campaign, CampaignSettings, Desired, LeadList
from dialler.domain.lead import NewLead, PhoneNumber, WindowKey
from dialler.domain.session import Session
from dialler.engine.engine import Engine
from dialler.engine.floor import EngineOptions
from dialler.errors import StoreError
from dialler.events import AgentOverlooked, Event, Journal
from dialler.ports import Records, SessionFilter
from dialler.stores.memory import MemoryStore
from telephony.events import CallEvent, TelephonyEvent
from telephony.port import LiveCall, Origination, Trunk
from telephony.simulated import AgentGroup, NetworkPlan, SimulatedNetwork, Spread
from tests.support.hand_exchange import HandExchange

T = TypeVar("T")
E = TypeVar("E", bound=Event)

START: Final = datetime(2026, 6, 2, 15, tzinfo=UTC)
"""A Tuesday, 10:00 in Chicago."""

CHICAGO: Final = WindowKey(("America/Chicago",), country="US", region="IL")
TRUNK: Final = Trunk(name="a", server="pbx", calls_per_second=20.0, channels=30)
QUEUE: Final = "sales"
AGENTLESS: Final = CampaignSettings(
    hours=parse_hours("always"), pacing="agentless", message="acme/news", ring_timeout_s=20, rest_min_s=0
)
WITH_AGENTS: Final = replace(AGENTLESS, message=None, pacing="ratio", pacing_settings={"ratio": 2.0}, queue=QUEUE)

QUICK: Final = NetworkPlan(
    trunks=(TRUNK,),
    agents=(AgentGroup(number=10, queues=(QUEUE,)),),
    ack_s=0.02,
    answer_rate=(0.4,),
    invalid_rate=0.0,
    post_dial_s=Spread(1.0, 0.3),
    answer_s=Spread(6.0, 0.5),
    talk_s=Spread(20.0, 0.6),
    wrap_up_s=Spread(3.0),
    message_s=5.0,
)
"""A lively network: calls are short, and about 40 of 100 are answered."""


def people(n: int, *, first: int = 0, key: WindowKey = CHICAGO, **fields: Any) -> Iterable[NewLead]:
    """Yield leads, each with a number of its own; those of another `first` have others."""
    return (NewLead(numbers=(PhoneNumber(f"+1312{first + at:07}"),), window_key=key, **fields) for at in range(n))


class FlakyStore(MemoryStore):
    """Records that may be slow, and may fail."""

    def __init__(self) -> None:
        super().__init__()
        self.before_s = self.after_s = 0.0
        """How long a write takes, before it is durable and until its caller is told. A crash may come in between."""

        self.failing: str | None = None
        """What writes fail with."""

        self.writes = 0

    async def write(self, work: Callable[[Records], T], *, urgent: bool = True) -> T:
        self.writes += 1
        if self.before_s:
            await anyio.sleep(self.before_s)
        value = await super().write(partial(self._run, work), urgent=urgent)
        if self.after_s:
            await anyio.sleep(self.after_s)
        return value

    def _run(self, work: Callable[[Records], T], records: Records) -> T:
        value = work(records)
        if self.failing:
            raise StoreError(self.failing)  # As when the commit fails: what was done is undone.
        return value


class WatchedNetwork:
    """An exchange behind eyes that see every Originate, and what must hold at that moment."""

    def __init__(self, network: SimulatedNetwork | HandExchange, store: MemoryStore, clock: LoopClock) -> None:
        self.network = network
        self._store = store
        self._clock = clock
        self.originated: dict[str, tuple[datetime, Origination]] = {}
        """Those that left, and when, by call id."""

        self._asked: set[str] = set()
        self.slow_s = 0.0
        """How long an Originate waits before it leaves, as behind others on a busy link."""

        self.leaving: Callable[[Origination], None] = lambda origination: None
        """Called when an Originate leaves; may raise what the exchange would."""

        self.hung_up: list[str] = []
        self.diverted: list[str] = []
        self.pauses: list[tuple[str, str | None]] = []
        """Agents that were to be paused, and why; None: made ready."""

        self.pausing: Callable[[str], None] = lambda agent: None
        """Called when an agent is to be paused or made ready; may raise what the exchange would."""

    @property
    def trunks(self) -> Sequence[Trunk]:
        return self.network.trunks

    @property
    def events(self) -> MemoryObjectReceiveStream[TelephonyEvent]:
        return self.network.events

    @property
    def events_dropped(self) -> int:
        return self.network.events_dropped

    def is_up(self, server: str) -> bool:
        return self.network.is_up(server)

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        await self.network.run(task_status=task_status)

    async def originate(self, origination: Origination) -> None:
        assert origination.call_id not in self._asked, "a session was rung twice"
        self._asked.add(origination.call_id)
        session = await self._store.read(lambda records: records.session(origination.call_id))
        assert session.status == "new", f"an Originate left for a session that is {session.status}"
        assert session.number == origination.number
        if self.slow_s:
            await anyio.sleep(self.slow_s)
        others = [self.originated[call_id][1].number for call_id in self.calls_up()]
        assert origination.number not in others, f"{origination.number} was rung twice at once"
        self.originated[origination.call_id] = self._clock.now(), origination
        self.leaving(origination)
        await self.network.originate(origination)

    async def hang_up(self, call_id: str) -> bool:
        self.hung_up.append(call_id)
        return await self.network.hang_up(call_id)

    async def divert(self, call_id: str) -> bool:
        self.diverted.append(call_id)
        return await self.network.divert(call_id)

    async def look_again(self, call_id: str) -> bool:
        return await self.network.look_again(call_id)

    async def add_to_queue(self, queue: str, agent: str, **facts: Any) -> bool:
        return await self.network.add_to_queue(queue, agent, **facts)

    async def remove_from_queue(self, queue: str, agent: str, **facts: Any) -> bool:
        return await self.network.remove_from_queue(queue, agent, **facts)

    async def set_paused(self, agent: str, paused: bool, *, reason: str = "", **facts: Any) -> bool:
        self.pauses.append((agent, reason if paused else None))
        self.pausing(agent)
        return await self.network.set_paused(agent, paused, reason=reason, **facts)

    async def live_calls(self, server: str) -> Sequence[LiveCall]:
        return await self.network.live_calls(server)

    async def ended_calls(self, server: str, call_ids: Collection[str]) -> Mapping[str, Sequence[CallEvent]]:
        return await self.network.ended_calls(server, call_ids)

    def calls_up(self) -> Sequence[str]:
        """Return the ids of all calls that are up, whether or not there is a link."""
        if isinstance(self.network, HandExchange):
            return [call.call_id for call in self.network.live]
        return list(self.network._calls.live)


@dataclass(eq=False)
class _Life:
    """One engine, from its start to its end."""

    engine: Engine
    scope: anyio.CancelScope
    over: anyio.Event


class CallCentre:
    """What a test drives. Its engine is the one that runs, or ran last."""

    def __init__(
        self,
        plan: NetworkPlan,
        *,
        start: datetime,
        seed: int,
        options: EngineOptions | None,
        hand: HandExchange | None,
        **network: Any,
    ) -> None:
        self.clock = LoopClock(start, anyio.current_time)
        self.store = FlakyStore()
        self.network = SimulatedNetwork(plan=plan, seed=seed, now=self.clock.now, sleep=anyio.sleep, **network)
        self.hand = hand or HandExchange()
        self.hand.now = self.clock.now
        self.telephony = WatchedNetwork(self.network if hand is None else hand, self.store, self.clock)
        self.journal = Journal()
        self.events: list[Event] = []
        self.options = options or EngineOptions()
        self.shares: Callable[[], Mapping[str, Any]] = dict
        """Gives each engine what it shares with others: `limits`, `wakes`."""

        self._chance = Random(seed)
        self._numbers = count(0, 100_000)
        self._happened = anyio.Event()
        self._life: _Life | None = None
        self._tasks: TaskGroup | None = None
        self.journal.subscribe(self._note)

    @property
    def engine(self) -> Engine:
        assert self._life is not None, "no engine was started yet"
        return self._life.engine

    # Records

    async def campaign(
        self,
        name: str = "spring",
        settings: CampaignSettings = AGENTLESS,
        *,
        lists: Mapping[str, tuple[int, int]] | None = None,
        desired: Desired = Desired.RUNNING,
    ) -> Campaign:
        """Create a campaign; `lists` are (weight, leads) by name, one list of 200 leads if none are given."""

        def work(records: Records) -> Campaign:
            campaign = replace(records.add_campaign(name, settings, self.clock.now()), desired=desired)
            records.set_campaign(campaign)
            for list_name, (weight, leads) in (lists or {"list": (100, 200)}).items():
                lead_list = records.add_list(campaign.campaign_id, list_name, self.clock.now(), weight=weight)
                records.add_leads(lead_list.list_id, people(leads, first=next(self._numbers)), self.clock.now())
            return campaign

        return await MemoryStore.write(self.store, work)

    async def records(self, work: Callable[[Records], T]) -> T:
        """Read, or change as somebody from outside, without telling the engine."""
        return await MemoryStore.write(self.store, work)

    async def add(self, list_name: str, leads: Iterable[NewLead]) -> Sequence[int]:
        """Load leads into the list of that name."""

        def work(records: Records) -> Sequence[int]:
            [lead_list] = [each for each in records.lists() if each.name == list_name]
            return records.add_leads(lead_list.list_id, leads, self.clock.now())

        return await self.records(work)

    async def change(self, desired: Desired | None = None, name: str = "spring", **settings: Any) -> None:
        """Change what is wanted of a campaign, and let the engine follow."""

        def work(records: Records) -> None:
            campaign = records.campaign_named(name)
            changed = replace(campaign, settings=replace(campaign.settings, **settings))
            records.set_campaign(replace(changed, desired=desired or campaign.desired))

        await self.records(work)
        await self.engine.follow()

    async def change_list(self, list_name: str, **fields: Any) -> None:
        """Change a list, and let the engine follow."""
        await self.change_list_quietly(list_name, **fields)
        await self.engine.follow()

    async def change_list_quietly(self, list_name: str, **fields: Any) -> None:
        """Change a list without telling the engine, as before it was started."""

        def work(records: Records) -> None:
            [lead_list] = [each for each in records.lists() if each.name == list_name]
            records.set_list(replace(lead_list, **fields))

        await self.records(work)

    async def sessions(self) -> Sequence[Session]:
        """Return all sessions, in the order of intent."""
        return await self.records(lambda records: records.sessions(SessionFilter(), limit=100_000, newest_first=False))

    async def lists(self) -> Mapping[str, LeadList]:
        """Return all lists by name."""
        return {each.name: each for each in await self.records(lambda records: records.lists())}

    # Engines

    async def start(self) -> Engine:
        """Start an engine, a new one each time."""
        assert self._tasks is not None and (self._life is None or self._life.over.is_set())
        engine = Engine(
            store=self.store,
            telephony=self.telephony,
            clock=self.clock,
            journal=self.journal,
            chance=self._chance,
            options=self.options,
            **self.shares(),
        )
        self._life = _Life(engine, anyio.CancelScope(), anyio.Event())
        await self._tasks.start(self._live, self._life)
        return engine

    async def _live(self, life: _Life, *, task_status: TaskStatus[None]) -> None:
        try:
            with life.scope:
                await life.engine.run(task_status=task_status)
        finally:
            life.over.set()

    async def kill(self) -> None:
        """End the engine as a crash does: between two of its steps, and without a word."""
        assert self._life is not None
        self._life.scope.cancel()
        await self._life.over.wait()

    async def over(self) -> None:
        """Wait until the engine has ended by itself."""
        assert self._life is not None
        await self._life.over.wait()

    # Time

    def _note(self, event: Event) -> None:
        self.events.append(event)
        self._happened.set()

    def told(self, kind: type[E]) -> list[E]:
        """Return the events of one kind so far."""
        return [event for event in self.events if isinstance(event, kind)]

    async def until(self, condition: Callable[[], bool], *, within: timedelta = timedelta(hours=2)) -> None:
        """Wait until `condition` holds; looked at after each event, and each second. Fails where it never does."""
        last = self.clock.now() + within
        while not condition():
            if self.clock.now() > last:
                raise AssertionError(f"waited {within} in vain; the last events were {self.events[-10:]}")
            self._happened = anyio.Event()
            with anyio.move_on_after(1.0):
                await self._happened.wait()

    async def at(self, instant: datetime) -> None:
        """Let time go on until `instant`, in steps: the virtual loop refuses lone sleeps of a day."""
        hours, rest_s = divmod(max(0.0, (instant - self.clock.now()).total_seconds()), 3600)
        for step_s in (*[3600] * int(hours), rest_s):
            await anyio.sleep(step_s)

    async def drained(self, *names: str) -> None:
        """Let campaigns (all, if none are named) end their calls, and wait until the records are complete."""

        def work(records: Records) -> None:
            for campaign in records.campaigns():
                if not names or campaign.name in names:
                    records.set_campaign(replace(campaign, desired=Desired.DRAINING))

        await self.records(work)
        await self.engine.follow()
        running = self.engine.floor.campaigns.values()
        await self.until(
            lambda: all(
                each.campaign.desired is Desired.STOPPED for each in running if not names or each.campaign.name in names
            )
        )
        await self.engine.floor.outbox.flush()

    # What must always hold

    async def assert_accounted(self, *, open_sessions: int = 0) -> Sequence[Session]:
        """Check what must hold when all is quiet; return the sessions."""
        sessions = await self.sessions()
        assert await self.records(lambda records: records.check()) == []
        assert len([session for session in sessions if session.status.is_open]) == open_sessions
        assert [session.seq for session in sessions] == list(range(1, len(sessions) + 1))
        assert self.telephony.originated.keys() <= {session.session_id for session in sessions}
        self.assert_no_channel_leaks()
        return sessions

    def assert_no_channel_leaks(self) -> None:
        """Check that each trunk holds as many channels as the exchange has calls up on it."""
        up = Counter(self.telephony.originated[call_id][1].trunk for call_id in self.telephony.calls_up())
        held = {trunk.name: self.engine.floor.trunks.channels_used(trunk.name) for trunk in self.telephony.trunks}
        assert held == {name: up[name] for name in held}


@asynccontextmanager
async def call_centre(
    plan: NetworkPlan = QUICK,
    *,
    start: datetime = START,
    seed: int = 1,
    options: EngineOptions | None = None,
    hand: HandExchange | None = None,
    **network: Any,
) -> AsyncIterator[CallCentre]:
    """Open a contact centre; at the end its engine, if one still runs, is killed.

    Its calls go to a simulated network of that plan and seed, or to the exchange `hand`. On the network nobody may have
    been abandoned while an agent was idle.
    """
    centre = CallCentre(plan, start=start, seed=seed, options=options, hand=hand, **network)
    try:
        async with centre.store, anyio.create_task_group() as centre._tasks:
            yield centre
            centre._tasks.cancel_scope.cancel()
        # The simulated exchange joins whoever waits to whoever is ready, so that nobody is ever overlooked.
        assert hand is not None or centre.told(AgentOverlooked) == []
    finally:
        centre.network.close()
        centre.hand.close()
