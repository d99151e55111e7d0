"""Keeps who counts whom: what the exchange tells of agents, and what campaigns claim of them, into `AgentShares`.

Those who look at single agents, the scenes and the agents who wait for a call, are told whose each one is.
"""

from collections.abc import Iterable
from datetime import datetime
from math import inf
from typing import Final

from dialler.domain.call import waits_for_nobody
from dialler.domain.campaign import AbandonOver, Desired
from dialler.engine.agent_shares import Change, Key, Pending
from dialler.engine.agent_split import Claim
from dialler.engine.board import UNANSWERED, WAITING
from dialler.engine.campaigns import Running
from dialler.engine.floor import Floor
from telephony.events import AgentChanged, AgentState

RETURN_S: Final = 5.0
"""A campaign that ceased to claim agents for want of leads does so again after so long at the soonest: near the end of
its lists leads come one by one, and agents would go to and fro with each."""

_CLAIMS, _RUNS, _RESTS = 2, 1, 0
"""It can call somebody now; it can't, but it runs; it is stopped, paused or drains. Agents whom nobody else claims stay
with those that rest: they are seen there, and known when it begins again."""


class Staffing:
    """The one who changes `floor.agent_shares`."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._shares = floor.agent_shares
        self._claiming: set[int] = set()
        self._out_since_s: dict[int, float] = {}
        """When a campaign that may dial ceased to claim agents, because it had nobody to call."""

        self._returns: set[int] = set()
        """Campaigns that have somebody to call, and wait for `RETURN_S` to be over."""

    def moved(self, event: AgentChanged) -> None:
        """Take in what the exchange tells of an agent."""
        self._tell((event.server, event.queue), event.agent, event.state, event.at)

    def held(self, agent: str) -> None:
        """Look anew at an agent who is held for a call of his own from now on, or no longer."""
        for place, standing in self._floor.board.members.of(agent).items():
            self._tell(place, agent, standing.state, self._floor.clock.now())

    def _tell(self, key: Key, agent: str, state: AgentState, at: datetime) -> None:
        state = self._floor.board.with_hold(agent, state)
        change = self._shares.tell(key, agent, state, self._floor.clock.monotonic())
        if change is None and state is AgentState.TALKING and (life := self._shares.life(agent)) is not None:
            change = Change(agent, life.shown, life.shown)  # He may have been paused, or no longer be.
        if change is not None:
            self._apply([change], at)

    def lost(self, server: str) -> None:
        """Know nothing of the agents of a server whose link broke."""
        self._apply(self._shares.lose(server, self._floor.clock.monotonic()))

    def joined(self, campaign_id: int, agent: str) -> None:
        """Note that a call of a campaign was joined to an agent, who may be another campaign's."""
        self._apply(self._shares.joined(campaign_id, agent))

    def follow(self) -> None:
        """Look at campaigns that came, went or were changed."""
        floor = self._floor
        self._shares.reaches(
            {each: self._keys(running) for each, running in floor.campaigns.items() if _staffed(running)}
        )
        self._claiming &= floor.campaigns.keys()
        self._returns &= floor.campaigns.keys()
        for gone in self._out_since_s.keys() - floor.campaigns.keys():
            del self._out_since_s[gone]
        self.settle()

    def show(self, running: Running) -> None:
        """Show a campaign's new scene the agents that are its own."""
        campaign_id = running.campaign.campaign_id
        self._apply(Change(agent, None, campaign_id) for agent in self._shares.of(campaign_id))

    def settle(self) -> None:
        """Give each agent to the campaign to which he belongs by now."""
        floor = self._floor
        now, now_s = floor.clock.now(), floor.clock.monotonic()
        claims = {
            each: Claim(
                rank=(self._tier(running, now, now_s), running.campaign.settings.agents_priority),
                weight=running.campaign.settings.agents_weight,
            )
            for each, running in floor.campaigns.items()
            if _staffed(running)
        }
        self._apply(self._shares.settle(claims, self._pending, now_s))

    def due_s(self) -> float | None:
        """Return in how many seconds a campaign claims agents again; None: not by itself."""
        if not self._returns:
            return None
        now_s = self._floor.clock.monotonic()
        return max(0.0, min(self._out_since_s[each] for each in self._returns) + RETURN_S - now_s)

    def _keys(self, running: Running) -> frozenset[Key]:
        """Return the queues that the answered calls of a campaign may get to."""
        settings, trunks = running.campaign.settings, self._floor.trunks
        names = [name for name in settings.trunks or trunks if name in trunks]
        return frozenset((trunks.trunk(name).server, settings.queue or "") for name in names)

    def _tier(self, running: Running, now: datetime, now_s: float) -> int:
        campaign_id = running.campaign.campaign_id
        self._returns.discard(campaign_id)
        if not running.dials:
            self._claiming.discard(campaign_id)
            self._out_since_s.pop(campaign_id, None)
            return _RUNS if running.campaign.desired is Desired.RUNNING else _RESTS
        if running.is_dry(now) or self._may_not(running, now):
            if campaign_id in self._claiming:
                self._claiming.remove(campaign_id)
                self._out_since_s[campaign_id] = now_s
            return _RUNS
        if now_s < self._out_since_s.get(campaign_id, -inf) + RETURN_S:
            self._returns.add(campaign_id)
            return _RUNS
        self._claiming.add(campaign_id)
        self._out_since_s.pop(campaign_id, None)
        return _CLAIMS

    def _may_not(self, running: Running, now: datetime) -> bool:
        """Tell whether a campaign with leads can call none of them: no trunk, or too many abandoned."""
        if not self._floor.trunks_of(running):
            return True
        stops = running.campaign.settings.abandon_over is AbandonOver.STOP
        return stops and running.over_limit(now) is not None

    def _pending(self, campaign_id: int) -> Pending:
        """Return the calls of a campaign that have no agent yet."""
        floor = self._floor
        waiting = [
            tracked
            for tracked in floor.board.of_campaign(campaign_id)
            if tracked.has_agents
            and not tracked.is_direct
            and (tracked.call.state in UNANSWERED or tracked.call.state in WAITING)
            and not waits_for_nobody(tracked.call)
        ]
        if not waiting:
            return Pending(0, inf)
        oldest = min(tracked.session.created_at for tracked in waiting)
        return Pending(len(waiting), floor.clock.monotonic() - (floor.clock.now() - oldest).total_seconds())

    def _apply(self, changes: Iterable[Change], at: datetime | None = None) -> None:
        """Tell of changes, which happened at `at` (UTC; None: now)."""
        floor = self._floor
        at = at or floor.clock.now()
        for change in changes:
            life = self._shares.life(change.agent)
            floor.free_agents.moved(
                change.agent, change.now, at, is_free=life is not None and life.state is AgentState.READY
            )
            before = floor.scene_of(change.was) if change.was is not None else None
            after = floor.scene_of(change.now) if change.now is not None else None
            if before is not None and before is not after:
                if life is None and not change.is_lost:
                    before.agent_gone(change.agent)
                else:
                    before.agent_forgotten(change.agent)
            if after is not None and life is not None:
                after.agent_moved(change.agent, life, is_new=before is not after)


def _staffed(running: Running) -> bool:
    """Tell whether a campaign has agents."""
    return running.has_agents and running.campaign.settings.queue is not None
