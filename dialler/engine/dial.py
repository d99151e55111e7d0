"""The dial loop: snapshot, how many, whose turn, who; commit, then dial."""

from collections.abc import Mapping
from datetime import datetime

from anyio import TASK_STATUS_IGNORED, Lock, create_task_group
from anyio.abc import TaskGroup, TaskStatus

from dialler.engine.campaigns import Running
from dialler.engine.floor import Floor
from dialler.engine.handover import Handover
from dialler.engine.intent import Intents, Order, Outcomes, Slot
from dialler.engine.shares import Shares
from dialler.errors import StoreError
from dialler.events import LeadRefused, ListDry, PacingDecided, SessionOpened, StoreFailed
from dialler.ports import Records

STORE_RETRY_S = 1.0


class DialLoop:
    """Places calls for all campaigns that run."""

    def __init__(self, floor: Floor, handover: Handover) -> None:
        self._floor = floor
        self._handover = handover
        self._intents = Intents(floor.windows, floor.clock, floor.chance)
        self.shares = Shares()
        self.at_work = Lock()
        """Held during a pass: who has it knows that no intent is half way."""

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        """Dial until cancelled."""
        async with create_task_group() as calls:
            task_status.started()
            while True:
                async with self.at_work:
                    pause_s, until = await self.run_once(calls)
                await self._floor.wake.wait(until, seconds=pause_s)

    async def run_once(self, calls: TaskGroup) -> tuple[float | None, datetime | None]:
        """Place the calls that are due; return when to look again: in seconds, and at an instant, if known.

        The Originates leave in tasks of `calls`.
        """
        floor = self._floor
        if floor.outbox.is_stuck:
            return STORE_RETRY_S, None
        orders = self._orders() if floor.accepting else []
        if not orders:
            return self._next_look()
        try:
            outcomes = await floor.store.write(lambda records: self._commit(records, orders))
        except StoreError as error:
            self._forget_hoppers(orders)
            floor.journal.emit(StoreFailed(at=floor.clock.now(), error=str(error)))
            return STORE_RETRY_S, None
        except BaseException:
            self._forget_hoppers(orders)
            raise
        again = False
        for order, done in zip(orders, outcomes, strict=True):
            running = floor.campaigns.get(order.campaign_id)
            self._tell(order, done)
            again = again or bool(done.refused)
            for intent in done.intents:
                tracked = self._handover.take(intent, running)
                calls.start_soon(self._handover.send, tracked, intent.valid_until)
        return (0.0, None) if again else self._next_look()

    def _orders(self) -> list[Order]:
        floor = self._floor
        now = floor.clock.now()
        wanted: dict[int, int] = {}
        for campaign_id, running in floor.campaigns.items():
            if not running.dials or self._is_dry(running, now):
                continue
            assert running.pacing is not None
            facts = floor.facts(running)
            running.decision = running.pacing.decide(facts)
            calls = min(running.decision.calls, facts.tokens, facts.channels_free, floor.options.intents_max)
            if calls > 0:
                wanted[campaign_id] = calls
                floor.journal.emit(
                    PacingDecided(at=now, campaign=running.campaign.name, calls=calls, reason=running.decision.reason)
                )
        return [self._order(campaign_id, names) for campaign_id, names in self._granted(wanted).items()]

    def _granted(self, wanted: Mapping[int, int]) -> dict[int, list[str]]:
        floor = self._floor
        return self.shares.grant(
            wanted,
            {campaign_id: floor.trunks_of(floor.campaigns[campaign_id]) for campaign_id in wanted},
            {name: min(floor.trunks.tokens(name), floor.trunks.channels_free(name)) for name in floor.trunks},
            {campaign_id: floor.campaigns[campaign_id].campaign.settings.weight for campaign_id in wanted},
        )

    def _order(self, campaign_id: int, trunks: list[str]) -> Order:
        floor = self._floor
        running = floor.campaigns[campaign_id]
        assert running.pacing is not None and running.decision is not None
        return Order(
            campaign_id=campaign_id,
            slots=[
                Slot(trunk=name, server=floor.trunks.trunk(name).server, caller_id=running.next_caller_id())
                for name in trunks
            ],
            dial_mode=running.pacing.name,
            reason=running.decision.reason,
        )

    def _commit(self, records: Records, orders: list[Order]) -> list[Outcomes]:
        done = [
            self._intents.commit(records, order, self._floor.campaigns[order.campaign_id].hopper) for order in orders
        ]
        self.shares.save(records)
        return done

    def _forget_hoppers(self, orders: list[Order]) -> None:
        for order in orders:
            if order.campaign_id in self._floor.campaigns:
                self._floor.campaigns[order.campaign_id].hopper.forget()

    def _tell(self, order: Order, done: Outcomes) -> None:
        floor = self._floor
        now = floor.clock.now()
        for lead_list, lead, gate in done.refused:
            name = self._campaign_name(order.campaign_id)
            floor.journal.emit(LeadRefused(at=now, campaign=name, list=lead_list.name, lead_id=lead.lead_id, gate=gate))
        for lead_list in done.dry:
            running = floor.campaigns.get(order.campaign_id)
            next_at = running.hopper.next_at(lead_list.list_id) if running else None
            name = self._campaign_name(order.campaign_id)
            floor.journal.emit(ListDry(at=now, campaign=name, list=lead_list.name, next_at=next_at))
        for intent in done.intents:
            session = intent.session
            floor.journal.emit(
                SessionOpened(
                    at=session.created_at,
                    session_id=session.session_id,
                    seq=session.seq,
                    campaign=session.campaign,
                    list=session.list,
                    lead_id=session.lead_id,
                    trunk=session.trunk,
                )
            )

    def _campaign_name(self, campaign_id: int) -> str:
        running = self._floor.campaigns.get(campaign_id)
        return running.campaign.name if running else str(campaign_id)

    @staticmethod
    def _is_dry(running: Running, now: datetime) -> bool:
        return all(running.hopper.is_dry(list_id, now) for list_id in running.lists)

    def _next_look(self) -> tuple[float | None, datetime | None]:
        """Return when the next token is due for a campaign that has leads, and when a dry list may have some again."""
        floor = self._floor
        if not floor.accepting:
            return None, None
        now = floor.clock.now()
        seconds: list[float] = []
        instants: list[datetime] = []
        for running in floor.campaigns.values():
            if not running.dials:
                continue
            for list_id in running.lists:
                next_at = running.hopper.next_at(list_id)
                if next_at is not None:
                    instants.append(next_at)
            wanted = running.campaign.settings.trunks or tuple(floor.trunks)
            for name in (name for name in wanted if name in set(floor.trunks)):
                rested_until = floor.trunks.rested_until(name)
                if rested_until is not None:
                    instants.append(rested_until)
            if self._is_dry(running, now):
                continue
            seconds.extend(
                floor.trunks.token_due_s(name)
                for name in floor.trunks_of(running)
                if floor.trunks.channels_free(name) and not floor.trunks.tokens(name)
            )
        return min(seconds, default=None), min(instants, default=None)
