"""The engine: all loops of one daemon, and what supervisors want of it."""

import random
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from datetime import datetime
from functools import partial

import anyio
from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus

from dialler.clock import Clock
from dialler.domain.abandon import AbandonCounts
from dialler.domain.campaign import Campaign, Desired, LeadList
from dialler.domain.serving import lacks
from dialler.domain.session import Session
from dialler.engine.abandons import stored_counts
from dialler.engine.accounts import Accounts
from dialler.engine.agent_desk import AgentDesk
from dialler.engine.agent_shares import AgentShares
from dialler.engine.asking import Asking
from dialler.engine.board import Board
from dialler.engine.caller_id_watch import CallerIdWatch
from dialler.engine.campaigns import Running
from dialler.engine.dial import DialLoop
from dialler.engine.direct import DirectCalls
from dialler.engine.floor import EngineOptions, Floor
from dialler.engine.free_agents import FreeAgents
from dialler.engine.handover import Handover
from dialler.engine.hopper import Hopper
from dialler.engine.local_limits import LocalLimits
from dialler.engine.local_wakes import LocalWakes
from dialler.engine.offers import Offers
from dialler.engine.outbox import Outbox
from dialler.engine.pauses import Pauses
from dialler.engine.personal_callbacks import PersonalCallbacks
from dialler.engine.previews import Previews
from dialler.engine.recovery import Recovery
from dialler.engine.replanning import Replanning
from dialler.engine.report import report_of
from dialler.engine.reservations import Reservations
from dialler.engine.runways import Runways
from dialler.engine.scene import CampaignScene
from dialler.engine.staffing import Staffing
from dialler.engine.tracking import Tracker
from dialler.engine.trunks import Trunks
from dialler.engine.wake import Wake
from dialler.engine.windows import Windows
from dialler.engine.wrapping import Wrapping
from dialler.events import CampaignFollowed, EngineStopped, EngineStopping, Journal
from dialler.ports import (
    Account,
    EngineReport,
    ManualCall,
    Offer,
    Records,
    Store,
    Telephony,
    Trunk,
    TrunkLimits,
    WakeBus,
)
from strategies.registry import make_pacing

FLUSH_MIN_S = 10.0
"""What has ended is written down before the engine stops, however little time live calls get."""


class Engine:
    """Dials for all campaigns of one installation. `EngineControl` in `dialler.ports` is its face to the API."""

    def __init__(
        self,
        *,
        store: Store,
        telephony: Telephony,
        clock: Clock,
        journal: Journal,
        chance: random.Random,
        options: EngineOptions | None = None,
        limits: TrunkLimits | None = None,
        wakes: WakeBus | None = None,
    ) -> None:
        """Without `limits` and `wakes` the engine has its trunks for itself and knows of no others."""
        board = Board()
        self.floor = floor = Floor(
            store=store,
            telephony=telephony,
            clock=clock,
            journal=journal,
            chance=chance,
            options=options or EngineOptions(),
            windows=Windows(),
            board=board,
            trunks=Trunks(telephony.trunks, limits or LocalLimits(telephony.trunks, clock, chance), clock),
            outbox=Outbox(store, clock, journal),
            free_agents=FreeAgents(),
            agent_shares=AgentShares(),
            wake=Wake(clock),
            refilled=Wake(clock),
            ended=Wake(clock),
        )
        watch = Wake(clock)
        self._staffing = Staffing(floor)
        self._pauses = Pauses(floor)
        self._wrapping = Wrapping(floor, self._pauses)
        self._tracker = Tracker(floor, self._wrapping, watch, self._staffing)
        self._handover = Handover(floor, self._tracker)
        self._reservations = Reservations(floor, self._pauses, self._staffing)
        self._offers = Offers(floor, self._reservations)
        self._dial = DialLoop(
            floor,
            self._handover,
            self._tracker,
            self._staffing,
            self._offers,
            lambda callbacks: self._callbacks.wait_for(callbacks),
        )
        self._recovery = Recovery(floor, self._tracker, self._wrapping, self._reservations, self._pauses, watch)
        self._replanning = Replanning(floor)
        self._caller_ids = CallerIdWatch(floor)
        self._direct = DirectCalls(floor, self._handover, self._reservations, self._dial.at_work)
        self._callbacks = PersonalCallbacks(floor, self._direct)
        self._previews = Previews(
            floor, self._offers, self._reservations, self._direct, self._handover, self._dial.at_work
        )
        self._accounts = Accounts(floor, self._wrapping, self._dial.at_work)
        self.agents = AgentDesk(floor, self._wrapping)
        self._following = anyio.Lock()
        self._quiet = anyio.Event()
        self._wakes = wakes or LocalWakes()
        self._told_to_follow = Wake(clock)
        self._wakes.listen("follow", self._told_to_follow.call)
        for name in floor.trunks:
            self._wakes.listen(f"trunk:{name}", floor.wake.call)
        self.started_at = clock.now()

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        """Work until `stop` has done its part, or until cancelled (as a crash would: calls stay with the exchange)."""
        floor = self.floor
        await self._follow()
        await floor.store.read(lambda records: self._dial.shares.restore(records, floor.trunks))
        await self._recovery.load()
        self._accounts.ready.set()
        async with anyio.create_task_group() as loops:
            await loops.start(floor.telephony.run)
            await loops.start(floor.outbox.run)
            loops.start_soon(self._tracker.run)
            loops.start_soon(self._tracker.clock.run)
            loops.start_soon(self._tracker.looks.run)
            loops.start_soon(self._recovery.run)
            loops.start_soon(self._wrapping.run)
            loops.start_soon(self._wrapping.agents.run)
            loops.start_soon(self._pauses.run)
            loops.start_soon(self._offers.run, self._previews.time_over)
            loops.start_soon(self._callbacks.run)
            loops.start_soon(self._replanning.run)
            loops.start_soon(Runways(floor).run)
            loops.start_soon(self._caller_ids.run)
            loops.start_soon(self._finish_drains)
            await loops.start(floor.trunks.limits.run, floor.wake.call)
            await loops.start(self._wakes.run)
            loops.start_soon(self._follow_others)
            await loops.start(self._direct.run)
            await loops.start(self._dial.run)
            task_status.started()
            await self._quiet.wait()
            loops.cancel_scope.cancel()

    async def stop(self) -> None:
        """Stop in two phases: place no new calls, then give live ones up to `drain_timeout` to end.

        Calls still up then are left to the exchange; the next engine adopts them. Returns once what has ended is
        durable; if the records fail all the while, the next engine finds those sessions open.
        """
        floor = self.floor
        floor.accepting = False
        async with self._dial.at_work:
            await self._handover.settled(lambda campaign_id: True)
            self._offers.look()
        drain_s = floor.options.drain_timeout.total_seconds()
        floor.journal.emit(EngineStopping(at=floor.clock.now(), live_calls=len(floor.board.calls), drain_s=drain_s))
        with anyio.move_on_after(drain_s):
            while floor.board.calls:
                await floor.ended.wait()
        with anyio.move_on_after(max(drain_s, FLUSH_MIN_S)):
            await floor.outbox.flush()
        await floor.trunks.limits.leave()
        floor.journal.emit(EngineStopped(at=floor.clock.now(), live_calls=len(floor.board.calls)))
        self._quiet.set()

    async def dial_pass(self) -> None:
        """Wake the dial loop and return once it has completed a pass; never, if it is stuck: for a watchdog."""
        passed = self._dial.passed
        self.floor.wake.call()
        await passed.wait()

    def set_options(self, options: EngineOptions, trunks: Sequence[Trunk]) -> None:
        """Apply changed settings at once; calls under way are not touched."""
        floor = self.floor
        floor.options = options
        floor.trunks.set_caps({trunk.name: trunk for trunk in trunks})
        for running in floor.campaigns.values():
            running.hopper.level = options.hopper_level
        floor.wake.call()

    async def follow(self) -> None:
        """Read the desired state and obey it; return once it is obeyed. Other engines are told to do the same.

        After a stop, pause or drain is followed no further Originate of the campaign leaves. A stop also takes back
        calls that nobody has answered yet.
        """
        self._wakes.publish("follow")
        await self._follow()

    async def _follow_others(self) -> None:
        """Follow when another engine was told to."""
        while True:
            await self._told_to_follow.wait()
            await self._follow()

    async def _follow(self) -> None:
        async with self._following:
            floor = self.floor
            known = frozenset(floor.campaigns)
            campaigns, lists, counts = await floor.store.read(partial(_wanted, known=known, now=floor.clock.now()))
            for campaign in campaigns:
                self._take_up(campaign, [each for each in lists if each.campaign_id == campaign.campaign_id])
                self._take_up_abandons(campaign, counts.get(campaign.campaign_id))
            for gone in set(floor.campaigns) - {campaign.campaign_id for campaign in campaigns}:
                del floor.campaigns[gone]
            self._staffing.follow()
            self._offers.look()
            await self._handover.settled(lambda campaign_id: not self._dials(campaign_id))
            for running in floor.campaigns.values():
                if running.campaign.desired is Desired.STOPPED:
                    calls = floor.board.of_campaign(running.campaign.campaign_id)
                    await self._tracker.calling_off.take_back(calls)
            await self._wrapping.look()
            self._replanning.look()
            self._caller_ids.look()
            floor.wake.call()
            floor.ended.call()

    def report(self) -> EngineReport:
        """Return what the engine is doing."""
        return report_of(self.floor, self.started_at, self._caller_ids.reports, self._callbacks.waiting())

    async def dial(self, wanted: ManualCall) -> Session:
        """As `EngineControl.dial` says."""
        return await self._direct.dial(wanted)

    def offer(self, agent: str) -> Offer:
        """As `EngineControl.offer` says."""
        return self._offers.of(agent)

    async def accept(self, agent: str, by: str) -> Session:
        """As `EngineControl.accept` says."""
        return await self._previews.accept(agent, by)

    async def skip(self, agent: str, reason: str, by: str) -> Session:
        """As `EngineControl.skip` says."""
        return await self._previews.skip(agent, reason, by)

    async def account(self) -> Account:
        """Return what the records hold, as of some seconds ago at most. Raises StoreError."""
        return await self._accounts.latest()

    def _dials(self, campaign_id: int) -> bool:
        running = self.floor.campaigns.get(campaign_id)
        return running is not None and running.dials

    def _take_up(self, campaign: Campaign, lists: Sequence[LeadList]) -> None:
        floor = self.floor
        running = floor.campaigns.get(campaign.campaign_id)
        was = running.campaign if running is not None else None
        if running is None:
            hopper = Hopper(floor.windows, level=floor.options.hopper_level)
            running = Running(campaign=campaign, hopper=hopper, since=floor.clock.now())
            floor.campaigns[campaign.campaign_id] = running
        running.campaign = campaign
        running.lists = {each.list_id: each.name for each in lists if each.to_dial}
        # Leads, lists, windows or weights may have changed: what the hopper remembers may no longer be so.
        running.hopper.stale = True
        running.caller_id_waits.clear()
        if was is None or was.desired is not campaign.desired:
            running.since = floor.clock.now()
            floor.journal.emit(CampaignFollowed(at=floor.clock.now(), campaign=campaign.name, desired=campaign.desired))
        if was is None or _pacing_of(was) != _pacing_of(campaign):
            running.pacing = None  # Else it keeps what it has learnt.
        self._set_pacing(running)

    def _take_up_abandons(self, campaign: Campaign, counts: Mapping[int, AbandonCounts] | None) -> None:
        """Give a campaign that is new here its ledger: no end of a call of its is on its way into the records yet."""
        floor = self.floor
        ledger = floor.campaigns[campaign.campaign_id].abandons
        if counts is not None:
            ledger.load(counts)
        elif campaign.settings.abandon_estimate:
            # Wrap codes may have changed. By way of the outbox: it is known there which ends the records hold.
            floor.outbox.put(
                partial(stored_counts, campaign_id=campaign.campaign_id, now=floor.clock.now()), then=ledger.load
            )

    def _set_pacing(self, running: Running) -> None:
        """Give a campaign its pacing, if it has none that fits; what blocked it may have been mended meanwhile."""
        settings = running.campaign.settings
        reason = None
        if running.pacing is None:
            try:
                running.pacing = make_pacing(settings.pacing, settings.pacing_settings)
                running.asking = Asking()
            except (ValueError, TypeError) as error:
                reason = f"pacing: {error}"
        if running.pacing is not None:
            reason = lacks(settings, needs_agents=running.has_agents)
        if reason is None or reason != running.blocked:  # What is known is not told again.
            running.blocked = None
        self._set_scene(running)
        if reason is not None:
            self.floor.block(running, reason)

    def _set_scene(self, running: Running) -> None:
        """Keep rosters for a campaign whose pacing wants them, and for no other."""
        wants_scene = getattr(running.pacing, "wants_scene", False)
        if not (wants_scene and running.campaign.settings.queue):
            running.scene = None
        elif running.scene is None:
            floor = self.floor
            running.scene = CampaignScene(floor.board, floor.clock, campaign_id=running.campaign.campaign_id)
            running.scene.agents_pause_themselves = running.campaign.settings.wrap_up_limit is None
            self._staffing.show(running)
        else:
            running.scene.agents_pause_themselves = running.campaign.settings.wrap_up_limit is None

    async def _finish_drains(self) -> None:
        """Stop campaigns that were to drain, once their last call has ended."""
        floor = self.floor
        while True:
            await floor.ended.wait()
            async with self._dial.at_work:  # No intent of theirs is half way.
                for campaign_id, running in floor.campaigns.items():
                    if running.campaign.desired is Desired.DRAINING and not floor.board.of_campaign(campaign_id):
                        # By way of the outbox: behind the ends of its calls.
                        floor.outbox.put(partial(_drained, campaign_id, clock=floor.clock), then=self._drained)

    def _drained(self, campaign: Campaign) -> None:
        running = self.floor.campaigns.get(campaign.campaign_id)
        if running is None or running.campaign.desired is not Desired.DRAINING:
            return
        if campaign.desired is Desired.STOPPED:  # Else somebody wants it otherwise by now, and `follow` comes.
            running.campaign = campaign
            self.floor.journal.emit(
                CampaignFollowed(at=self.floor.clock.now(), campaign=campaign.name, desired=campaign.desired)
            )


def _wanted(
    records: Records, *, known: Set[int], now: datetime
) -> tuple[Sequence[Campaign], Sequence[LeadList], Mapping[int, Mapping[int, AbandonCounts]]]:
    """Return campaigns, lists, and the abandoned calls of campaigns that are not `known`."""
    campaigns = records.campaigns()
    new = [each.campaign_id for each in campaigns if each.campaign_id not in known]
    return campaigns, records.lists(), {each: stored_counts(records, each, now) for each in new}


def _pacing_of(campaign: Campaign) -> tuple[str, Mapping[str, float]]:
    return campaign.settings.pacing, campaign.settings.pacing_settings


def _drained(campaign_id: int, records: Records, *, clock: Clock) -> Campaign:
    campaign = records.campaign(campaign_id)
    if campaign.desired is Desired.DRAINING:
        campaign = replace(campaign, desired=Desired.STOPPED)
        records.set_campaign(campaign)
        change = {"before": {"desired": Desired.DRAINING}, "after": {"desired": Desired.STOPPED}}
        records.add_audit(clock.now(), "engine", "campaign.drained", {"campaign": campaign.name, **change})
    return campaign
