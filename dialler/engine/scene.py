"""What pacing that looks ahead sees: each agent and each call of a campaign, in which state and since when.

Kept only for campaigns whose strategy wants it, from the exchange's events: each of them costs the same however many
agents and calls there are. After a link broke it is filled anew from what the board knows then; what was not seen to
happen is forgotten, and nothing is learnt from it.
"""

from heapq import heappop, heappush
from typing import Final

import numpy as np

from dialler.clock import Clock
from dialler.domain.call import CallState, patience_began, waits_for_nobody
from dialler.domain.campaign import CampaignSettings
from dialler.engine.agent_shares import Life
from dialler.engine.board import UNANSWERED, Board, Tracked
from strategies.pacing import Scene
from strategies.roster import AgentAt, CallAt, Move, Roster
from telephony.events import AgentState

MOVES_MAX: Final = 10_000
"""Of a campaign whose strategy is not asked, as while it is paused; more are of no use to anybody."""

WAITS: Final = 20
"""Waits over which the mean of late is taken."""

PATIENCE_LEAST_S: Final = 0.1

_AGENT_AT: Final = {
    AgentState.READY: AgentAt.READY,
    AgentState.RINGING: AgentAt.RESERVED,
    AgentState.TALKING: AgentAt.TALKING,
    AgentState.WRAP_UP: AgentAt.WRAP_UP,
    AgentState.PAUSED: AgentAt.AWAY,
}
_CALL_AT: Final = {
    CallState.NEW: CallAt.SET_UP,
    CallState.SENT: CallAt.SET_UP,
    CallState.DIALLING: CallAt.SET_UP,
    CallState.RINGING: CallAt.RINGING,
    CallState.ANSWERED: CallAt.DETECTING,
    CallState.WAITING: CallAt.WAITING,
    CallState.TALKING: CallAt.CONNECTED,
}


class CampaignScene:
    """The agents that belong to one campaign, and its calls that have no agent yet."""

    def __init__(self, board: Board, clock: Clock, *, campaign_id: int) -> None:
        """Begin with the calls that the board knows, and without agents."""
        self._board = board
        self._clock = clock
        self._campaign_id = campaign_id
        self._moves: list[Move] = []
        self._agents = Roster(is_calls=False, moves=self._moves)
        self._calls = Roster(is_calls=True, moves=self._moves)
        self._doubtful: set[str] = set()
        """Calls of which nobody knows whether they are up."""

        self._given_up: set[str] = set()
        """Calls that the exchange was asked to end, and whose end is still to come."""

        self.agents_pause_themselves = True
        """Whether a pause that follows a talk may be the wrap-up: not where the engine makes those pauses."""

        self._leaving: set[str] = set()
        """Agents who are paused by hand while they talk, and so are not free at its end: they are shown as away."""

        self._wraps: list[tuple[float, str]] = []
        """Since when who wraps up, a heap; some of them have finished since."""

        self._waited_s = 0.0
        """How much of the patience had passed when somebody began to wait for an agent; the mean of late."""

        for tracked in board.of_campaign(campaign_id):
            self.call_moved(tracked)
        self._moves.clear()

    def agent_moved(self, agent: str, life: Life, *, is_new: bool) -> None:
        """Look at an agent whose state changed, or who comes from another campaign (`is_new`): with his age."""
        leaves = life.state is AgentState.TALKING and self._board.members.rests(agent)
        left = agent in self._leaving
        if left:
            if leaves:
                return
            self._leaving.remove(agent)
            self._agents.forget(agent)
            if life.before is AgentState.TALKING:
                self._agents.put(agent, AgentAt.TALKING, life.since_s - life.before_s)  # How long talks are is learnt.
        # A pause that follows a talk is the wrap-up, until it has lasted too long for one; one that began in it is not.
        wraps_up = (
            life.state is AgentState.PAUSED
            and life.before is AgentState.TALKING
            and self.agents_pause_themselves
            and not left
        )
        at = AgentAt.WRAP_UP if wraps_up else _AGENT_AT[life.state]
        self._agents.put(agent, at, life.since_s, before_s=life.before_s if is_new else 0.0)
        if wraps_up:
            heappush(self._wraps, (life.since_s, agent))
        if leaves:
            self._leaving.add(agent)
            self._agents.forget(agent)
            self._agents.put(agent, AgentAt.AWAY, self._clock.monotonic())
        self._bound_moves()

    def agent_gone(self, agent: str) -> None:
        """Take leave of an agent who logged out."""
        self._leaving.discard(agent)
        self._agents.drop(agent, self._clock.monotonic())
        self._bound_moves()

    def agent_forgotten(self, agent: str) -> None:
        """Know nothing of an agent any more: he belongs to another campaign now, or his link broke."""
        self._leaving.discard(agent)
        self._agents.forget(agent)

    def call_moved(self, tracked: Tracked) -> None:
        """Look at a call of which something became known."""
        if not tracked.has_agents or tracked.is_direct:
            return
        call, call_id, now_s = tracked.call, tracked.session.session_id, self._clock.monotonic()
        if tracked.is_doubtful:
            self._calls.forget(call_id)
            self._doubtful.add(call_id)
            return
        self._doubtful.discard(call_id)
        if call_id in self._given_up and call.state in UNANSWERED:
            return
        at = CallAt.ENDED if waits_for_nobody(call) else _CALL_AT.get(call.state, CallAt.ENDED)
        if at is CallAt.DETECTING and call.classified_at is not None:
            at = CallAt.WAITING
        was = self._calls.state_of(call_id)
        if at is CallAt.WAITING and was != CallAt.WAITING:
            self._learn_wait(tracked)
        if at >= CallAt.CONNECTED:
            self._calls.drop(call_id, now_s, at)
        elif was is None:
            self._calls.put(call_id, at, now_s - self._age_s(tracked, at))
        else:
            self._calls.put(call_id, at, now_s)
        self._bound_moves()

    def call_ended(self, tracked: Tracked) -> None:
        """Take leave of a call."""
        call_id = tracked.session.session_id
        if tracked.call.cancelled_by_us or tracked.is_doubtful:
            self._calls.forget(call_id)  # Nobody knows how it would have ended.
        else:
            self._calls.drop(call_id, self._clock.monotonic(), CallAt.ENDED)
        self._doubtful.discard(call_id)
        self._given_up.discard(call_id)

    def give_up(self, tracked: Tracked) -> None:
        """Count a call no more that the exchange is asked to end, unless it is answered before."""
        self._given_up.add(tracked.session.session_id)
        self._calls.forget(tracked.session.session_id)

    def not_given_up(self, tracked: Tracked) -> None:
        """Count a call again, which the exchange could not be asked to end."""
        call_id = tracked.session.session_id
        self._given_up.discard(call_id)
        if call_id in self._board.calls:
            self.call_moved(tracked)

    def scene(self, settings: CampaignSettings) -> Scene:
        """Return what is the case now; its arrays hold until something changes."""
        now_s = self._clock.monotonic()
        self._end_wraps(now_s - settings.wrap_deadline_s, now_s)
        return Scene(
            at_s=now_s,
            agents=self._agents.standing(),
            calls=self._calls.standing(),
            moves=self._moves,
            patience_s=self._patience_left_s(settings),
            ring_timeout_s=float(settings.ring_timeout_s),
        )

    def was_shown(self) -> None:
        """Forget what changed up to now: the strategy has seen it."""
        self._moves.clear()

    def call_at(self, place: int) -> Tracked | None:
        """Return the call at a place of the scene's calls; None if there is no such place."""
        if not 0 <= place < len(self._calls):
            return None
        return self._board.calls.get(str(self._calls.key(place)))

    @property
    def calls_doubtful(self) -> int:
        """How many calls there may be beside those that are shown."""
        return len(self._doubtful)

    def agents_by_state(self) -> dict[AgentAt, int]:
        """Count the agents that are logged in."""
        found = np.bincount(self._agents.standing().states, minlength=len(AgentAt))
        found[AgentAt.TALKING] += len(self._leaving)
        found[AgentAt.AWAY] -= len(self._leaving)
        return {state: int(found[state]) for state in AgentAt}

    def calls_by_state(self) -> dict[CallAt, int]:
        """Count the calls that have no agent yet."""
        found = np.bincount(self._calls.standing().states, minlength=CallAt.CONNECTED)
        return {state: int(found[state]) for state in CallAt if state < CallAt.CONNECTED}

    def _learn_wait(self, tracked: Tracked) -> None:
        began_at = patience_began(tracked.call, tracked.patience)
        if began_at is not None:
            waited_s = max(0.0, (self._clock.now() - began_at).total_seconds())
            self._waited_s += (waited_s - self._waited_s) / WAITS

    def _patience_left_s(self, settings: CampaignSettings) -> float:
        """Return for how long a person is left to wait: the law's clock began before machine detection was done."""
        patience = settings.patience
        return max(PATIENCE_LEAST_S, (patience.limit - patience.margin).total_seconds() - self._waited_s)

    def _end_wraps(self, begun_before_s: float, now_s: float) -> None:
        """Count those who wrap up for longer than any wrap-up lasts as away: they are on a break."""
        while self._wraps and self._wraps[0][0] <= begun_before_s:
            since_s, agent = heappop(self._wraps)
            if self._agents.state_of(agent) == AgentAt.WRAP_UP and self._agents.since_s(agent) == since_s:
                self._agents.put(agent, AgentAt.AWAY, now_s)

    def _age_s(self, tracked: Tracked, at: CallAt) -> float:
        """Return for how long a call that was not shown has been in its state, as far as that is known."""
        call = tracked.call
        since = {CallAt.SET_UP: call.sent_at, CallAt.RINGING: call.ringing_at}.get(at)
        return max(0.0, (self._clock.now() - since).total_seconds()) if since is not None else 0.0

    def _bound_moves(self) -> None:
        if len(self._moves) > MOVES_MAX:
            self._moves.clear()
