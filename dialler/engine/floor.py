"""What all loops of one engine share."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from dialler.clock import Clock
from dialler.domain.lead import Lead, LeadState
from dialler.domain.session import Session
from dialler.engine.abandons import period_counts
from dialler.engine.agent_shares import AgentShares
from dialler.engine.board import Board, CallCounts
from dialler.engine.campaigns import Running
from dialler.engine.free_agents import FreeAgents
from dialler.engine.outbox import Outbox
from dialler.engine.scene import CampaignScene
from dialler.engine.trunks import Trunks
from dialler.engine.wake import Wake
from dialler.engine.windows import Windows
from dialler.events import CampaignBlocked, Journal
from dialler.ports import PacingFacts, Store, Telephony
from strategies.roster import AgentAt, CallAt
from telephony.events import AgentChanged, AgentState


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions:
    """Settings of the engine itself; a reload gives a new one."""

    drain_timeout: timedelta = timedelta(seconds=30)
    """How long a stopping daemon waits for live calls to end."""

    hopper_level: int = 100
    """Leads kept ready for each list."""

    intents_max: int = 50
    """Intents in one transaction."""

    verdict_grace: timedelta = timedelta(seconds=10)
    """How long after the ring time-out a verdict may still come."""

    runway_min: timedelta = timedelta(minutes=30)
    """A list that lasts less long at the present pace is told of; zero: none is."""


@dataclass(slots=True, eq=False)
class Floor:
    """The engine's common ground: one owner for each thing, many who look."""

    store: Store
    telephony: Telephony
    clock: Clock
    journal: Journal
    chance: random.Random
    options: EngineOptions
    windows: Windows
    board: Board
    trunks: Trunks
    outbox: Outbox
    free_agents: FreeAgents
    agent_shares: AgentShares
    wake: Wake
    """Wakes the dial loop."""

    refilled: Wake
    """Wakes those who watch how long lists last."""

    ended: Wake
    """Called at each end of a call."""

    campaigns: dict[int, Running] = field(default_factory=dict)
    reconciled: set[str] = field(default_factory=set)
    """Servers whose live calls were compared with the records since their link came up: there we may dial."""

    accepting: bool = True
    """False once the daemon stops: no new calls."""

    on_event_lag: list[Callable[[float], None]] = field(default_factory=list)
    """Called for each event of the exchange as it is taken in, with the seconds since it arrived."""

    on_agent: list[Callable[[AgentChanged], None]] = field(default_factory=list)
    """Called with each change of an agent, once the board knows it and who counts him."""

    on_lost: list[Callable[[str], None]] = field(default_factory=list)
    """Called with each server whose link broke."""

    on_ended: list[Callable[[Session], None]] = field(default_factory=list)
    """Called with each session whose call has ended."""

    def trunks_of(self, running: Running) -> list[str]:
        """Return the campaign's trunks that can be used now, in order of preference."""
        return [
            name
            for name in running.campaign.settings.trunks or self.trunks
            if name in self.trunks
            and self.is_usable(self.trunks.trunk(name).server)
            and not self.trunks.rested_until(name)
        ]

    def is_usable(self, server: str) -> bool:
        """Tell whether calls can be placed on a server: its link is up, and its calls are known."""
        return server in self.reconciled and self.telephony.is_up(server)

    def links_down(self) -> Sequence[str]:
        """Return the servers whose links are down, or whose calls and agents are not known yet."""
        servers = {self.trunks.trunk(name).server for name in self.trunks}
        return sorted(server for server in servers if not self.is_usable(server))

    def facts(self, running: Running) -> PacingFacts:
        """Read the snapshot of one campaign that pacing decides upon."""
        usable = self.trunks_of(running)
        settings = running.campaign.settings
        ready, busy, counts = self._counts(running)
        return PacingFacts(
            agents_ready=ready,
            agents_busy=busy,
            calls_unanswered=counts.unanswered,
            calls_waiting=counts.waiting,
            calls_talking=counts.talking,
            channels_free=sum(self.trunks.channels_free(name) for name in usable),
            periods=period_counts(running.rates_now(self.clock.now()), settings) if running.has_agents else (),
            tokens=sum(min(self.trunks.tokens(name), self.trunks.channels_free(name)) for name in usable),
            scene=running.scene.scene(settings) if running.scene is not None else None,
        )

    def facts_by_agents(self, running: Running, facts: PacingFacts) -> PacingFacts:
        """Return a campaign's snapshot with the agents who are free for its calls, also where its pacing needs none.

        Who listens to a message may press the key for one, and waits as far as that goes. Agents of the queue are
        nobody's own then: other campaigns may call for them at the same time.
        """
        if running.has_agents:
            return facts
        states = Counter(self.board.agents(running.campaign.settings.queue).values())
        listening = self.board.counts(running.campaign.campaign_id).listening
        return replace(
            facts,
            agents_ready=states[AgentState.READY],
            agents_busy=states[AgentState.RINGING] + states[AgentState.TALKING],
            calls_waiting=facts.calls_waiting + listening,
        )

    def _counts(self, running: Running) -> tuple[int, int, CallCounts]:
        """Return the agents that are ready, those that are busy, and the calls."""
        campaign_id = running.campaign.campaign_id
        if running.scene is not None:  # It has counted already.
            agents, calls = running.scene.agents_by_state(), running.scene.calls_by_state()
            without_agent, doubtful = sum(calls.values()), running.scene.calls_doubtful
            unanswered = calls[CallAt.SET_UP] + calls[CallAt.RINGING]
            counts = CallCounts(
                unanswered=unanswered + doubtful,
                waiting=without_agent - unanswered,
                talking=max(0, self.board.calls_of(campaign_id) - without_agent - doubtful),
            )
            return agents[AgentAt.READY], agents[AgentAt.RESERVED] + agents[AgentAt.TALKING], counts
        if not running.has_agents:
            return 0, 0, self.board.counts(campaign_id)
        states = self.agent_shares.counts(campaign_id)
        busy = states.get(AgentState.RINGING, 0) + states.get(AgentState.TALKING, 0)
        return states.get(AgentState.READY, 0), busy, self.board.counts(campaign_id)

    def scene_of(self, campaign_id: int) -> CampaignScene | None:
        """Return the scene of a campaign, None for one whose pacing wants none."""
        running = self.campaigns.get(campaign_id)
        return running.scene if running is not None else None

    def expect(self, lead: Lead, now: datetime) -> bool:
        """Note that a lead is back from a call; tell whether the dial loop has to look earlier for it.

        For use inside the transaction that wrote the lead.
        """
        running = self.campaigns.get(lead.campaign_id)
        if running is None or lead.state not in (LeadState.READY, LeadState.RESTING):
            return False
        return running.hopper.expect(lead.list_id, lead.due_at or now, is_promised=lead.callback_at is not None)

    def block(self, running: Running, reason: str) -> None:
        """Let a campaign place no calls until somebody mends what `reason` says."""
        if running.blocked is None:
            running.blocked = reason
            self.journal.emit(CampaignBlocked(at=self.clock.now(), campaign=running.campaign.name, reason=reason))
