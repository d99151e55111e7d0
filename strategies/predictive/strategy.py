"""The strategy: learn from what happened, look ahead, launch as many calls as the price of an abandon allows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from strategies.pacing import RING_MIN_S, PacingDecision, PacingFacts, Scene
from strategies.predictive.blocking import Blocking, Edgeworth, Exact, fits, fresh_of, logs_of, moments_of
from strategies.predictive.cells import RING, cells_of_ringing, counts_of
from strategies.predictive.hazards import Hazards
from strategies.predictive.level import Level
from strategies.predictive.price import Price, price_of
from strategies.predictive.tables import Tables, tables_of
from strategies.roster import CallAt

SOONEST_S, SOONEST_MANY_S, LATEST_S = 0.1, 0.2, 0.5
"""Between decisions. With many agents something changes all the time, and no single change matters."""

EXACT_AGENTS: Final = 55
REFRESH_S, REFRESH_EARLY_S, EARLY_S = 5.0, 1.0, 120.0
"""How often tables are made anew, at first more often."""

START_S, START_ANSWERS, START_EXPECTED, START_MULTIPLE = 15.0, 10, 8.0, 2.0
"""Cold start: for so long, and until so much is known, at most this multiple of the idle agents is under way."""

CANCEL_PRICES, CANCEL_RISK = 1.7, 0.06
"""A call that rings is given up only at a risk far above that of a new one: so many times the price, and so much."""

CANCEL_MOST: Final = 64
"""In one decision; the next one is near."""

PACE_S: Final = 120.0
"""The pace of answers is judged by so much time at least."""

ROOM_S: Final = 10.0
"""Channels are short, not gone, if something was launched within so long."""

UNBOUNDED: Final = 1_000_000

_RINGING, _WAITING = int(CallAt.RINGING), int(CallAt.WAITING)

GAP_MAX_S: Final = 2.0
"""Time without a decision beyond this, and what changed in it, is not learnt from: who knows what was in which cell."""


@dataclass(frozen=True, slots=True)
class _Outlook:
    """Tables, and what is derived from them."""

    tables: Tables
    moments: NDArray[np.float64]
    exact: tuple[NDArray[np.float64], NDArray[np.complex128]] | None


class Predictive:
    """Calls ahead of agents coming free, inside an abandon rate. It learns: each campaign has one of its own."""

    name: ClassVar[str] = "predictive"
    needs_agents: ClassVar[bool] = True
    wants_scene: ClassVar[bool] = True

    def __init__(
        self,
        *,
        talk_s: float = 120.0,
        wrap_s: float = 20.0,
        answer_rate: float = 0.25,
        memory_min: float = 40.0,
        ring_min_s: float = 15.0,
    ) -> None:
        """Set rough expectations, and the half-life of what is learnt. The limit is that of the facts' periods.

        `ring_min_s`: calls that rang so long may be given up when too many people answer; 0: none is.
        Raises ValueError.
        """
        bounds = (
            ("talk_s", talk_s, 1.0, 7200.0),
            ("wrap_s", wrap_s, 0.5, 3600.0),
            ("answer_rate", answer_rate, 0.005, 0.95),
            ("memory_min", memory_min, 1.0, 1440.0),
            ("ring_min_s", ring_min_s, 0.0, 120.0),
        )
        for name, value, low, high in bounds:
            if not low <= value <= high:
                raise ValueError(f"{name} must be {low:g} to {high:g}, got {value}")
        if 0 < ring_min_s < RING_MIN_S:
            raise ValueError(f"ring_min_s must be 0, or {RING_MIN_S:g} or more, got {ring_min_s}")
        self._ring_min_s = ring_min_s
        self._hazards = Hazards(answer_rate=answer_rate, talk_s=talk_s, wrap_s=wrap_s, half_life_s=memory_min * 60.0)
        self._level = Level()
        self._level_changes = 0
        self._ring_hazard = self._hazards.lasting(RING)[0]
        self._outlook: _Outlook | None = None
        self._counts: NDArray[np.float64] | None = None
        self._began_s = self._at_s = self._looked_s = float("-inf")
        self._launched_s: float | None = None
        self._launched_last_s = float("-inf")

    def decide(self, facts: PacingFacts) -> PacingDecision:
        """Return how many calls to launch now. Without a scene: one for each free agent."""
        scene = facts.scene
        if scene is None:
            calls = max(0, facts.agents_ready - facts.calls_unanswered - facts.calls_waiting)
            words = f"one call for each free agent, nothing is known of single calls: {facts.agents_ready} ready"
            return PacingDecision(calls=calls, reason=words)
        counts = counts_of(scene.agents, scene.calls, scene.at_s)
        self._learn(scene, counts)
        agents = len(scene.agents.states)
        outlook = self._look_ahead(scene, agents)
        waiting = int(np.count_nonzero(scene.calls.states == _WAITING))
        idle = facts.agents_ready - waiting
        under_way = len(scene.calls.states) - waiting
        price = price_of(facts.periods, 600.0 * self._level.answers / max(scene.at_s - self._began_s, PACE_S))
        safe = max(0, idle - under_way)
        wish, bound = self._limit(facts, scene, under_way, safe, price)
        limit = min(wish, facts.channels_free, facts.tokens)
        blocking = self._blocking(outlook, counts, idle)
        plan = blocking.plan(price.risk, max(limit, 1))
        calls = min(limit, max(safe, plan.calls))
        cancel: Sequence[int] = ()
        soon_max = CANCEL_PRICES * price.risk + CANCEL_RISK
        if self._ring_min_s and calls == 0 and plan.blocked_soon > soon_max:
            cancel = self._unwanted(scene, blocking, soon_max)
        elif self._ring_min_s and plan.calls >= limit and self._is_short_of_channels(facts, scene, wish):
            cancel = self._in_the_way(scene, outlook, blocking, price.risk, limit, wish)
        if calls:
            self._launched_last_s = scene.at_s
            if self._launched_s is None:
                self._launched_s = scene.at_s
        figures = {
            "agents_ready": facts.agents_ready,
            "calls_waiting": waiting,
            "calls_under_way": under_way,
            "risk_next": plan.risk_next,
            "risk_max": price.risk,
            "credit": price.credit,
            "answer_rate": outlook.tables.answer_rate,
            "answer_level": self._level.value,
        }
        return PacingDecision(
            calls=calls,
            reason=_words(bound, figures, price.period),
            figures=figures,
            cancel=cancel,
            soonest_s=SOONEST_S if agents <= EXACT_AGENTS else SOONEST_MANY_S,
            latest_s=LATEST_S,
        )

    def _learn(self, scene: Scene, counts: NDArray[np.float64]) -> None:
        hazards = self._hazards
        expected = 0.0
        gap_s = scene.at_s - self._at_s
        if self._counts is None:
            self._began_s = scene.at_s
        elif gap_s <= GAP_MAX_S:
            hazards.learn(scene.moves)
            hazards.spend(self._counts, max(gap_s, 0.0))
            expected = float(self._counts[RING] @ self._ring_hazard) * max(gap_s, 0.0)
        self._level.note(seen=hazards.persons_seen, expected=expected)
        hazards.persons_seen = 0
        self._at_s, self._counts = scene.at_s, counts

    def _look_ahead(self, scene: Scene, agents: int) -> _Outlook:
        """Return the outlook, made anew if it is old or if the level of answers has jumped."""
        now_s = scene.at_s
        every_s = REFRESH_EARLY_S if now_s - self._began_s < EARLY_S else REFRESH_S
        is_new = now_s - self._looked_s < every_s and self._level.changes == self._level_changes
        if self._outlook is not None and is_new and (agents > EXACT_AGENTS or self._outlook.exact is not None):
            return self._outlook
        if self._outlook is not None:
            self._hazards.forget(now_s - self._looked_s)
        self._looked_s, self._level_changes = now_s, self._level.changes
        self._ring_hazard = self._hazards.lasting(RING)[0]
        tables = tables_of(
            self._hazards,
            level=self._level.cautious,
            patience_s=scene.patience_s,
            ring_timeout_s=scene.ring_timeout_s,
        )
        exact = (logs_of(tables), fresh_of(tables)) if agents <= EXACT_AGENTS else None
        self._outlook = _Outlook(tables, moments_of(tables), exact)
        return self._outlook

    @staticmethod
    def _blocking(outlook: _Outlook, counts: NDArray[np.float64], idle: int) -> Blocking:
        if outlook.exact is not None and fits(outlook.moments, counts, idle):
            return Exact(outlook.tables, *outlook.exact, counts, idle)
        return Edgeworth(outlook.tables, outlook.moments, counts, idle)

    def _limit(self, facts: PacingFacts, scene: Scene, under_way: int, safe: int, price: Price) -> tuple[int, str]:
        """Return the most calls whatever the risk, the channels and the tokens, and in words what bounds them."""
        if price.is_debt_deep:
            return safe, "far over the limit, one call for each free agent"
        level = self._level
        is_known = level.answers >= START_ANSWERS or level.expected >= START_EXPECTED
        if self._launched_s is None or scene.at_s - self._launched_s < START_S or not is_known:
            most = int(START_MULTIPLE * facts.agents_ready) - under_way
            return max(safe, most), f"start, {START_MULTIPLE:g} calls for each free agent at most"
        return UNBOUNDED, ""

    def _unwanted(self, scene: Scene, blocking: Blocking, risk_max: float) -> Sequence[int]:
        """Return the places of calls to cancel: the oldest that ring, as few as keep the next answers in their risk."""
        oldest, cells = self._oldest(scene)
        is_enough = blocking.blocked_soon(cells) <= risk_max
        is_enough[-1] = True  # Or there are no more.
        n = int(is_enough.argmax())
        places: list[int] = oldest[:n].tolist()
        return places

    def _is_short_of_channels(self, facts: PacingFacts, scene: Scene, wish: int) -> bool:
        """Tell whether channels are the bound, and not tokens: those of a trunk are never more than its channels.

        A trunk that rests or whose server is away has no channels either, but nothing is launched then.
        """
        is_launching = scene.at_s - self._launched_last_s <= ROOM_S
        return is_launching and facts.channels_free <= facts.tokens and facts.channels_free < wish

    def _in_the_way(
        self, scene: Scene, outlook: _Outlook, blocking: Blocking, risk_max: float, limit: int, wish: int
    ) -> Sequence[int]:
        """Return the places of calls to cancel for want of channels: new ones are answered sooner in their place."""
        oldest, cells = self._oldest(scene)
        hopeless = (
            self._ring_hazard[cells - RING.start] * self._level.value < outlook.tables.answers_a_second
        ).nonzero()[0]
        if not len(hopeless):
            return ()
        wanted = blocking.plan(risk_max, min(wish, limit + len(hopeless))).calls - limit
        places: list[int] = oldest[hopeless[: max(wanted, 0)]].tolist()
        return places

    def _oldest(self, scene: Scene) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return the places of calls that ring for long enough to be given up, the oldest first, and their cells."""
        calls = scene.calls
        old = ((calls.states == _RINGING) & (calls.since_s <= scene.at_s - self._ring_min_s)).nonzero()[0]
        oldest = old[np.argsort(calls.since_s[old], kind="stable")[:CANCEL_MOST]]
        return oldest, cells_of_ringing(scene.at_s - calls.since_s[oldest])


def _words(bound: str, figures: Mapping[str, float], period: str) -> str:
    return (
        f"{bound + '; ' if bound else ''}{figures['agents_ready']} ready - {figures['calls_waiting']} waiting,"
        f" {figures['calls_under_way']} under way, {100 * figures['answer_rate']:.0f} % of calls reach a person;"
        f" one more would find no agent with {100 * figures['risk_next']:.1f} %,"
        f" {100 * figures['risk_max']:.1f} % are allowed ({period}: {figures['credit']:.1f} abandons in hand)"
    )
