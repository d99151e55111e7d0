"""The dial loop: snapshot, how many, whose turn, who; commit, then dial."""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence, Set
from datetime import datetime, timedelta

from anyio import TASK_STATUS_IGNORED, Event, Lock
from anyio.abc import TaskStatus

from dialler.domain.call import CallState
from dialler.domain.personal_callback import CallbacksTo
from dialler.engine.abandons import capped, next_slot_at
from dialler.engine.board import Tracked
from dialler.engine.campaigns import Running
from dialler.engine.floor import Floor
from dialler.engine.handover import Handover
from dialler.engine.intent import Intents, Order, Outcomes
from dialler.engine.offers import Offers
from dialler.engine.opening import Slot, opening_event
from dialler.engine.picking import WaitingCallback
from dialler.engine.shares import Shares
from dialler.engine.staffing import Staffing
from dialler.engine.tracking import Tracker
from dialler.errors import StoreError
from dialler.events import HopperRefilled, LeadRefused, LeadsRested, ListDry, PacingDecided, StoreFailed
from dialler.ports import PacingDecision, PacingFacts, Records
from strategies.pacing import RING_MIN_S
from telephony.events import AgentState

STORE_RETRY_S = 1.0


class DialLoop:
    """Places calls for all campaigns that run."""

    def __init__(
        self,
        floor: Floor,
        handover: Handover,
        tracker: Tracker,
        staffing: Staffing,
        offers: Offers,
        wait_for: Callable[[Sequence[WaitingCallback]], None] = lambda callbacks: None,
    ) -> None:
        """`wait_for` is told of callbacks that wait for their agents."""
        self._floor = floor
        self._handover = handover
        self._tracker = tracker
        self._staffing = staffing
        self._offers = offers
        self._wait_for = wait_for
        self._intents = Intents(floor.windows, floor.clock, floor.chance)
        self.shares = Shares()
        self.at_work = Lock()
        """Held during a pass: who has it knows that no intent is half way."""

        self.passed = Event()
        """Set at the end of a pass; each pass has its own."""

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        """Dial until cancelled."""
        # asyncio's own group: of anyio's, a task costs four times as much, and each call is one.
        async with asyncio.TaskGroup() as calls:
            task_status.started()
            while True:
                async with self.at_work:
                    pause_s, until = await self.run_once(calls)
                self.passed.set()
                self.passed = Event()
                await self._floor.wake.wait(until, seconds=pause_s)

    async def run_once(self, calls: asyncio.TaskGroup) -> tuple[float | None, datetime | None]:
        """Place the calls that are due; return when to look again: in seconds, and at an instant, if known.

        The Originates leave in tasks of `calls`.
        """
        floor = self._floor
        if floor.outbox.is_stuck:
            return STORE_RETRY_S, None
        # Later in the pass tokens accrue and rests end: nothing that this pass did without may be missed for that.
        now = floor.clock.now()
        short = [name for name in floor.trunks if not floor.trunks.tokens(name)]
        orders = await self._orders(now, short, calls) if floor.accepting else []
        if not orders:
            return self._next_look(now, short)
        in_call = set(floor.board.numbers())
        try:
            outcomes = await floor.store.write(lambda records: self._commit(records, orders, in_call))
        except StoreError as error:
            self._forget(orders)
            floor.trunks.limits.give_back(Counter(slot.trunk for _, order in orders for slot in order.slots))
            floor.journal.emit(StoreFailed(at=floor.clock.now(), error=str(error)))
            return STORE_RETRY_S, None
        except BaseException:
            self._forget(orders)
            raise
        lapsed: list[str] = []
        """The trunks of calls whose agents were gone by then."""

        for (running, order), done in zip(orders, outcomes, strict=True):
            self._tell(running, done)
            running.caller_id_waits.note(done.waits, now)
            running.shares.take(done)
            self._wait_for(done.callbacks)
            if order.is_offers:
                for intent in done.intents:
                    self._offers.make(intent, running)
                continue
            running.calls += len(done.intents)
            for intent in done.intents:
                if intent.session.for_agent is not None and not self._offers.hold(intent.session):
                    lapsed.append(intent.session.trunk)
                    continue
                calls.create_task(self._handover.send(self._handover.take(intent, running), intent.valid_until))
        unused = Counter(slot.trunk for _, order in orders for slot in order.slots)
        unused -= Counter(
            intent.session.trunk
            for (_, order), done in zip(orders, outcomes, strict=True)
            if not order.is_offers  # An offer holds no channel.
            for intent in done.intents
        )
        unused += Counter(lapsed)
        if unused:
            floor.trunks.limits.give_back(unused)
        # Where a list turned out to have nobody, others may take at once what its campaign was granted.
        if any(done.intents or (done.is_unfinished and not done.waits) or done.dry for done in outcomes):
            return 0.0, None
        return self._next_look(now, short)

    async def _orders(self, now: datetime, short: list[str], tasks: asyncio.TaskGroup) -> list[tuple[Running, Order]]:
        """Return what to place now, with a token and a channel reserved for each call.

        Calls that are no longer wanted are ended in tasks of their own. Trunks that turned out to have less than was
        known are added to `short`.
        """
        floor = self._floor
        self._staffing.settle()
        running = {campaign_id: each for campaign_id, each in floor.campaigns.items() if each.dials}
        wanted: dict[int, int] = {}
        for campaign_id, each in running.items():
            if each.is_dry(now) or not each.asking.is_due(floor.clock.monotonic()):
                continue
            if each.caller_id_waits.next_at(now) is not None and not self._trunks_of(each, now):
                continue
            facts = floor.facts(each)
            decision = self._decide(each, facts, now)
            for tracked in self._unwanted(each, decision):
                tasks.create_task(self._tracker.calling_off.give_up(tracked))
            calls = min(decision.calls, facts.tokens, facts.channels_free, floor.options.intents_max)
            if calls > 0:
                wanted[campaign_id] = calls
                floor.journal.emit(
                    PacingDecided(at=now, campaign=each.campaign.name, calls=calls, reason=decision.reason)
                )
        if not wanted:
            return []
        trunks = {campaign_id: self._trunks_of(each, now) for campaign_id, each in running.items()}
        weights = {campaign_id: each.campaign.settings.weight for campaign_id, each in running.items()}
        free = {name: min(floor.trunks.tokens(name), floor.trunks.channels_free(name)) for name in floor.trunks}
        granted = self.shares.grant(wanted, trunks, free, weights)
        asked = Counter(name for names in granted.values() for name in names)
        reserved = await floor.trunks.limits.reserve(asked)
        if any(reserved[name] < n for name, n in asked.items()):
            # Other engines were quicker. Whose turn it is is asked anew, about what is really there.
            short += [name for name, n in asked.items() if reserved[name] < n]
            self.shares.take_back()
            granted = self.shares.grant(wanted, trunks, dict.fromkeys(floor.trunks, 0) | dict(reserved), weights)
        # While others were asked a campaign may have been stopped.
        taken: set[str] = set()
        orders = [
            (running[each], order)
            for each, names in granted.items()
            if running[each].dials and (order := self._order(running[each], names, taken)).slots
        ]
        unused = Counter(reserved) - Counter(slot.trunk for _, order in orders for slot in order.slots)
        if unused:
            floor.trunks.limits.give_back(unused)
        return orders

    def _decide(self, running: Running, facts: PacingFacts, now: datetime) -> PacingDecision:
        assert running.pacing is not None
        try:
            running.decision = running.pacing.decide(facts)
        except Exception as error:  # A strategy may be anybody's; one campaign's must not stop the others.
            running.decision = PacingDecision(calls=0, reason=f"pacing {running.pacing.name} failed: {error!r}")
            self._floor.block(running, running.decision.reason)
        running.asking.decided(running.decision, self._floor.clock.monotonic(), now)
        if running.scene is not None:
            running.scene.was_shown()
        if (over := running.over_limit(now)) is not None:
            by_agents = self._floor.facts_by_agents(running, facts)
            running.decision = capped(running.decision, by_agents, over, running.campaign.settings)
        return running.decision

    def _trunks_of(self, running: Running, now: datetime) -> list[str]:
        """Return the campaign's trunks that can be used now, and on which its pool of caller ids has one."""
        return [name for name in self._floor.trunks_of(running) if not running.caller_id_waits.is_waiting(name, now)]

    def _unwanted(self, running: Running, decision: PacingDecision) -> Sequence[Tracked]:
        """Return the calls that the strategy wants ended, and that have rung for as long as a call has to."""
        scene = running.scene
        if scene is None or not decision.cancel:
            return []
        rung_by = self._floor.clock.now() - timedelta(seconds=RING_MIN_S)
        unwanted = [
            tracked
            for tracked in map(scene.call_at, decision.cancel)
            if tracked is not None
            and tracked.call.state is CallState.RINGING
            and tracked.call.ringing_at is not None
            and tracked.call.ringing_at <= rung_by
        ]
        for tracked in unwanted:  # Only now: it changes the places of others.
            scene.give_up(tracked)
        return unwanted

    def _order(self, running: Running, trunks: Sequence[str], taken: set[str]) -> Order:
        """Return an order on these trunks; offers are for agents who are not `taken`, and those come to them."""
        assert running.pacing is not None and running.decision is not None
        agents: Sequence[str | None] = [None] * len(trunks)
        if running.makes_offers:
            own = self._floor.agent_shares.ready(running.campaign.campaign_id)
            free = [agent for agent in own if agent not in taken]
            agents = free[: len(trunks)]
            taken.update(free[: len(trunks)])
        return Order(
            campaign_id=running.campaign.campaign_id,
            slots=[
                Slot(
                    trunk=name,
                    server=self._floor.trunks.trunk(name).server,
                    caller_id=running.caller_id(ahead),
                    agent=agent,
                )
                for ahead, (name, agent) in enumerate(zip(trunks, agents, strict=False))
            ],
            dial_mode=running.pacing.name,
            reason=running.decision.reason,
            is_offers=running.makes_offers,
            agents=self._who_can_be_held(running, taken),
        )

    def _who_can_be_held(self, running: Running, taken: Set[str]) -> Mapping[str, Sequence[str]]:
        """Return a campaign's ready agents by server, where it holds agents for certain people."""
        settings = running.campaign.settings
        holds = settings.abandoned_hold_agent or settings.callbacks_to is not CallbacksTo.ANYONE
        if running.makes_offers or not (running.has_agents and holds):
            return {}
        able: dict[str, list[str]] = {}
        for agent in self._floor.agent_shares.ready(running.campaign.campaign_id):
            for server, state in self._floor.board.servers_of(agent).items():
                if agent not in taken and state is AgentState.READY:
                    able.setdefault(server, []).append(agent)
        return able

    def _commit(
        self, records: Records, orders: Sequence[tuple[Running, Order]], in_call: set[str]
    ) -> Sequence[Outcomes]:
        self._intents.lock(records, (running.campaign for running, _ in orders))
        done = [self._intents.commit(records, order, running.hopper, in_call) for running, order in orders]
        self.shares.save(records)
        return done

    def _forget(self, orders: Sequence[tuple[Running, Order]]) -> None:
        self._intents.forget()
        for running, _ in orders:
            running.hopper.forget()
            running.shares.forget()

    def _tell(self, running: Running, done: Outcomes) -> None:
        emit = self._floor.journal.emit
        now = self._floor.clock.now()
        name = running.campaign.name
        for refill in running.hopper.told():
            emit(
                HopperRefilled(
                    at=now,
                    campaign=name,
                    list=refill.lead_list.name,
                    added=refill.added,
                    woken=refill.woken,
                    hopper_level=refill.level,
                )
            )
            self._floor.refilled.call()
        for lead_list, lead, gate in done.refused:
            emit(LeadRefused(at=now, campaign=name, list=lead_list.name, lead_id=lead.lead_id, gate=gate))
        for each in done.rested:
            list_name, leads = each.lead_list.name, each.leads
            emit(LeadsRested(at=now, campaign=name, list=list_name, leads=leads, until=each.until, reason=each.reason))
        for lead_list in done.dry:
            emit(
                ListDry(
                    at=now,
                    campaign=name,
                    list=lead_list.name,
                    next_at=running.hopper.next_at(lead_list.list_id, now),
                )
            )
        for intent in done.intents:
            emit(opening_event(intent.session))

    def _next_look(self, now: datetime, short: Collection[str]) -> tuple[float | None, datetime | None]:
        """Return when the next token is due for a campaign that has leads, and when a dry list may have some again.

        As of `now`, when the trunks in `short` had no token. Everything else that may let a call go wakes the loop.
        """
        floor = self._floor
        if not floor.accepting:
            return None, None
        seconds: list[float] = []
        instants: list[datetime | None] = []
        if (staffed_s := self._staffing.due_s()) is not None:
            seconds.append(staffed_s)
        for running in floor.campaigns.values():
            if not running.dials:
                continue
            instants += [running.hopper.next_at(list_id, now) for list_id in running.lists]
            if running.is_dry(now):
                continue
            instants.append(running.caller_id_waits.next_at(now))
            if running.over_limit(now) is not None:
                instants.append(next_slot_at(now))
            now_s = floor.clock.monotonic()
            if (due_s := running.asking.due_s(now_s)) is not None:
                seconds.append(due_s)
            not_before_s = running.asking.not_before_s(now_s)
            wanted = running.campaign.settings.trunks or floor.trunks
            instants += [floor.trunks.rested_until(name) for name in wanted if name in floor.trunks]
            seconds += [
                max(floor.trunks.token_due_s(name), not_before_s)
                for name in floor.trunks_of(running)
                if name in short and floor.trunks.channels_free(name)
            ]
        return min(seconds, default=None), min((at for at in instants if at is not None), default=None)
