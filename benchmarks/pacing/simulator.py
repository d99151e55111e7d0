"""The campaign as it happens: a queue of events, agents who take the first caller, callers who wait no longer.

Pacing sees what a dialler sees. What must always hold is asserted at each event: nobody is abandoned while an agent
is free.
"""

from bisect import bisect_right
from collections import deque
from dataclasses import dataclass, field
from heapq import heappop, heappush
from math import sqrt

import numpy as np

from benchmarks.pacing.chance import around_median, uniform, with_mean
from benchmarks.pacing.scenario import Scenario
from strategies.pacing import PacingDecision, PacingFacts, PacingStrategy, PeriodCount, Scene
from strategies.roster import GONE, AgentAt, CallAt, Move, Roster

HALF_HOUR_S = 1800.0
LIMIT, SAMPLE_MIN = 0.03, 100
MANY_CALLS = 100_000
"""Where no channels and no tokens are missing."""

PERSON, MACHINE, FAILED, SILENT = range(4)
LOG_IN, DECIDE, SET_UP, RUNG, DETECTED, GIVES_UP, TALKS, TALKED, WRAPPED, BACK, LEAVE, BREAK_DUE = range(12)


@dataclass(slots=True)
class Call:
    """One call, with what only fate knows of it."""

    number: int
    who: int
    ring_s: float
    rings: bool = False
    is_over: bool = False
    is_waiting: bool = False


@dataclass(slots=True)
class Agent:
    number: int
    pace: float
    state: AgentAt = AgentAt.AWAY
    since_s: float = 0.0
    break_due_s: float = 0.0
    leaves: bool = False
    talk_s: float = 0.0
    wrap_s: float = 0.0


@dataclass(slots=True)
class Result:
    """What came of it."""

    talk_s: float = 0.0
    idle_s: float = 0.0
    answered: int = 0
    """By persons: served or abandoned."""

    abandoned: int = 0
    launched: int = 0
    cancelled: int = 0
    decisions: int = 0
    abandoned_at_s: list[float] = field(default_factory=list)
    answered_at_s: list[float] = field(default_factory=list)
    idle_marks: list[tuple[float, float, float]] = field(default_factory=list)
    """(time, talk so far, idle so far) every ten minutes."""

    worst_start_excess: float = 0.0
    """Before 200 answers: the most that abandoned calls were above 1 + 4 % of answers."""

    worst_later_excess: float = -1e9
    """From 200 answers on: the most that abandoned calls were above the cap's share of answers."""

    @property
    def utilisation(self) -> float:
        return self.talk_s / (self.talk_s + self.idle_s) if self.talk_s else 0.0

    @property
    def abandon_rate(self) -> float:
        return self.abandoned / self.answered if self.answered else 0.0

    @property
    def worst_half_hour(self) -> float:
        """Return the highest abandon rate over any half hour that lies within the run."""
        answered, abandoned = self.answered_at_s, self.abandoned_at_s
        worst = 0.0
        for at_s in abandoned:
            end_s = max(at_s, HALF_HOUR_S)
            first = end_s - HALF_HOUR_S
            n = bisect_right(answered, end_s) - bisect_right(answered, first)
            m = bisect_right(abandoned, end_s) - bisect_right(abandoned, first)
            if n:
                worst = max(worst, m / n)
        return worst


def period_count(
    name: str, answered: int, abandoned: int, *, machine_share: float = 0.0, tolerance: float = 0.0
) -> PeriodCount:
    """Return what the dialler's ledger would say of a period, with its limit, and so many deviations beside it.

    `machine_share` is what part of the answers are machines that nobody told apart, judged by those that agents met.
    """
    persons = 1.0 - machine_share
    sample = max(answered * persons, SAMPLE_MIN)
    return PeriodCount(
        name=name,
        answered=answered * persons,
        abandoned=abandoned * persons,
        limit=LIMIT,
        allowed=LIMIT * sample + tolerance * sqrt(LIMIT * (1 - LIMIT) * sample),
        unsure=sqrt(abandoned * machine_share * persons),
    )


class Simulation:
    """One run; `run` returns what came of it. The same seed and pacing give the same run."""

    def __init__(self, scenario: Scenario, pacing: PacingStrategy, seed: int) -> None:
        self.scenario = scenario
        self.pacing = pacing
        self.result = Result()
        self.now_s = 0.0
        self._rng = rng = np.random.default_rng(seed)
        self._queue: list[tuple[float, int, int, object]] = []
        self._events = 0
        self._moves: list[Move] = []
        self._agents_seen = Roster(is_calls=False, moves=self._moves)
        self._calls_seen = Roster(is_calls=True, moves=self._moves)
        self._calls: dict[int, Call] = {}
        self._waiting: deque[Call] = deque()
        self._free: deque[Agent] = deque()
        self._unanswered = self._detecting = self._talking = self._busy = 0
        self._seen_answered = self._seen_abandoned = 0
        self._met_machines = self._passed = 0
        self._recent: deque[tuple[float, bool]] = deque()
        self._recent_abandoned = 0
        self._decided_at_s = -1e9
        self._soonest_s = 0.0
        self._decision_at_s = float("inf")
        s = scenario
        self._chance = uniform(rng)
        self._set_up = around_median(rng, s.set_up_median_s, s.set_up_sigma)
        self._ring = around_median(rng, s.ring_median_s, s.ring_sigma)
        self._machine_ring = around_median(rng, s.machine_ring_median_s, s.machine_ring_sigma)
        self._talks = [with_mean(rng, mean, s.talk_cv) for mean in s.talk_kinds_s or (s.talk_mean_s,)]
        self._wrap = with_mean(rng, s.wrap_mean_s, s.wrap_cv)
        self._rate_from = [at for at, _ in s.answer_rates]
        self._rates = [rate for _, rate in s.answer_rates]
        paces = np.exp(rng.normal(-(s.agent_sigma**2) / 2, s.agent_sigma, s.agents))
        self._agents = [Agent(i, float(pace)) for i, pace in enumerate(paces)]

    def run(self) -> Result:
        """Let the whole campaign happen."""
        s = self.scenario
        for agent in self._agents:
            at_s = self._chance() * s.log_in_s
            agent.break_due_s = at_s + self._chance() * s.break_each_s
            self._at(at_s, LOG_IN, agent)
            self._at(agent.break_due_s, BREAK_DUE, agent)
        if s.leave_at_s is not None:
            self._at(s.leave_at_s, LEAVE, None)
        self._wish(0.0)
        handlers = {
            LOG_IN: self._back,
            BACK: self._back,
            SET_UP: self._set_up_done,
            RUNG: self._rung,
            DETECTED: self._detected,
            GIVES_UP: self._give_up,
            TALKS: self._talk,
            TALKED: self._wrap_up,
            WRAPPED: self._wrapped,
            LEAVE: self._half_leave,
            BREAK_DUE: self._break_due,
        }
        queue, ends_s = self._queue, s.ends_s
        while queue:
            at_s, _, kind, what = heappop(queue)
            if at_s > ends_s:
                break
            self.now_s = at_s
            if kind == DECIDE:
                if at_s == self._decision_at_s:
                    self._decide()
            else:
                handlers[kind](what)
        self.now_s = ends_s
        for agent in self._agents:
            self._account(agent)
        return self.result

    # Agents

    def _back(self, agent: Agent) -> None:
        if agent.leaves:
            return
        if agent.break_due_s <= self.now_s:
            agent.break_due_s = self.now_s + self.scenario.break_each_s
            self._at(agent.break_due_s, BREAK_DUE, agent)
        self._get_ready(agent)

    def _get_ready(self, agent: Agent) -> None:
        if agent.leaves or agent.break_due_s <= self.now_s:
            self._go_away(agent)
        elif self._waiting:
            self._move(agent, AgentAt.READY)
            self._reserve(agent, self._waiting.popleft())
        else:
            self._move(agent, AgentAt.READY)
            self._free.append(agent)
            self._wish(self.now_s)

    def _go_away(self, agent: Agent) -> None:
        self._move(agent, AgentAt.AWAY)
        if agent.leaves:
            self._agents_seen.drop(agent.number, self.now_s)
        else:
            self._at(self.now_s + self.scenario.break_s, BACK, agent)

    def _break_due(self, agent: Agent) -> None:
        if agent.state is AgentAt.READY and not agent.leaves:
            self._free.remove(agent)
            self._go_away(agent)

    def _half_leave(self, _: object) -> None:
        for agent in self._agents[::2]:
            agent.leaves = True
            if agent.state is AgentAt.READY:
                self._free.remove(agent)
                self._go_away(agent)
            elif agent.state is AgentAt.AWAY:
                self._agents_seen.drop(agent.number, self.now_s)
        self._wish(self.now_s)

    def _reserve(self, agent: Agent, call: Call) -> None:
        s = self.scenario
        call.is_waiting = False
        call.is_over = True
        self._calls_seen.drop(call.number, self.now_s, CallAt.CONNECTED)
        del self._calls[call.number]
        self._move(agent, AgentAt.RESERVED)
        self._busy += 1
        self._talking += 1
        self._count(call, abandoned=False)
        if call.who == MACHINE:
            agent.talk_s = s.machine_talk_s * (0.5 + self._chance())
            agent.wrap_s = 2.0
        else:
            talks = self._talks
            draw = talks[0] if len(talks) == 1 else talks[int(self._chance() * len(talks))]
            agent.talk_s = draw() * agent.pace
            agent.wrap_s = self._wrap() * agent.pace
        self._at(self.now_s + s.connect_s, TALKS, agent)

    def _talk(self, agent: Agent) -> None:
        self._move(agent, AgentAt.TALKING)
        self._at(self.now_s + agent.talk_s, TALKED, agent)

    def _wrap_up(self, agent: Agent) -> None:
        self._move(agent, AgentAt.WRAP_UP)
        self._busy -= 1
        self._talking -= 1
        self._at(self.now_s + agent.wrap_s, WRAPPED, agent)
        self._wish(self.now_s)

    def _wrapped(self, agent: Agent) -> None:
        self._get_ready(agent)

    def _move(self, agent: Agent, state: AgentAt) -> None:
        self._account(agent)
        agent.state = state
        agent.since_s = self.now_s
        self._agents_seen.put(agent.number, state, self.now_s)

    def _account(self, agent: Agent) -> None:
        lasted_s = self.now_s - agent.since_s
        if agent.state is AgentAt.TALKING:
            self.result.talk_s += lasted_s
        elif agent.state is AgentAt.READY:
            self.result.idle_s += lasted_s

    # Calls

    def _launch(self) -> None:
        s = self.scenario
        rate = self._rates[0] if len(self._rates) == 1 else self._rates[bisect_right(self._rate_from, self.now_s) - 1]
        chance = self._chance()
        if chance < rate:
            who, ring_s = PERSON, self._ring()
        else:
            chance = (chance - rate) / (1 - rate)
            if chance < s.failed_share:
                who, ring_s = FAILED, 0.0
            elif chance < s.failed_share + s.machine_share:
                who, ring_s = MACHINE, self._machine_ring()
            else:
                who, ring_s = SILENT, s.ring_timeout_s
        if ring_s >= s.ring_timeout_s:
            who, ring_s = SILENT, s.ring_timeout_s
        number = self.result.launched
        self.result.launched += 1
        call = Call(number, who, ring_s)
        self._calls[number] = call
        self._unanswered += 1
        self._calls_seen.put(number, CallAt.SET_UP, self.now_s)
        self._at(self.now_s + self._set_up(), SET_UP, call)

    def _set_up_done(self, call: Call) -> None:
        if call.is_over:
            return
        if call.who == FAILED:
            self._end(call)
            return
        call.rings = True
        self._calls_seen.put(call.number, CallAt.RINGING, self.now_s)
        self._at(self.now_s + call.ring_s, RUNG, call)
        self._wish(self.now_s)

    def _rung(self, call: Call) -> None:
        if call.is_over:
            return
        s = self.scenario
        if call.who == SILENT:
            self._end(call)
            return
        self._unanswered -= 1
        call.rings = False
        if not s.detects:
            self._wait(call)
            return
        self._detecting += 1
        self._calls_seen.put(call.number, CallAt.DETECTING, self.now_s)
        self._at(self.now_s + (s.detect_person_s if call.who == PERSON else s.detect_machine_s), DETECTED, call)
        self._wish(self.now_s)

    def _detected(self, call: Call) -> None:
        s = self.scenario
        self._detecting -= 1
        wrong = s.people_lost if call.who == PERSON else s.machines_missed
        is_wrong = wrong > 0 and self._chance() < wrong
        if (call.who == PERSON) is not is_wrong:
            self._wait(call)
        else:
            self._end(call, was_answered=True)

    def _wait(self, call: Call) -> None:
        self._calls_seen.put(call.number, CallAt.WAITING, self.now_s)
        if self._free:
            self._reserve(self._free.popleft(), call)
        else:
            call.is_waiting = True
            self._waiting.append(call)
            self._at(self.now_s + self.scenario.patience_s, GIVES_UP, call)
        self._wish(self.now_s)

    def _give_up(self, call: Call) -> None:
        if not call.is_waiting:
            return
        assert not self._free, "a person is abandoned while an agent is free"
        self._waiting.remove(call)
        call.is_waiting = False
        self._count(call, abandoned=True)
        self._calls_seen.drop(call.number, self.now_s, CallAt.ENDED)
        call.is_over = True
        del self._calls[call.number]
        self._wish(self.now_s)

    def _end(self, call: Call, *, was_answered: bool = False) -> None:
        if not was_answered:
            self._unanswered -= 1
        call.is_over = True
        self._calls_seen.drop(call.number, self.now_s, CallAt.ENDED)
        del self._calls[call.number]
        self._wish(self.now_s)

    def _count(self, call: Call, *, abandoned: bool) -> None:
        self._seen_answered += 1
        self._seen_abandoned += abandoned
        self._recent.append((self.now_s, abandoned))
        self._recent_abandoned += abandoned
        if not abandoned:
            self._passed += 1
            self._met_machines += call.who == MACHINE
        if call.who != PERSON:
            return
        result = self.result
        result.answered += 1
        result.answered_at_s.append(self.now_s)
        if abandoned:
            result.abandoned += 1
            result.abandoned_at_s.append(self.now_s)
        if result.answered < 200:
            result.worst_start_excess = max(result.worst_start_excess, result.abandoned - 1 - 0.04 * result.answered)
        else:
            result.worst_later_excess = max(result.worst_later_excess, result.abandoned - 0.03 * result.answered)

    # Pacing

    def _wish(self, at_s: float) -> None:
        """Let a decision be made at `at_s`, or as soon after it as pacing has something to say."""
        due_s = max(at_s, self._decided_at_s + self._soonest_s)
        if due_s < self._decision_at_s:
            self._decision_at_s = due_s
            self._at(due_s, DECIDE, None)

    def facts(self) -> PacingFacts:
        """Return what a dialler knows now."""
        s = self.scenario
        recent, past_s = self._recent, self.now_s - HALF_HOUR_S
        while recent and recent[0][0] < past_s:
            self._recent_abandoned -= recent.popleft()[1]
        machines = 0.0 if s.detects and not s.machines_missed else self._met_machines / max(1, self._passed)
        scene = Scene(
            at_s=self.now_s,
            agents=self._agents_seen.standing(),
            calls=self._calls_seen.standing(),
            moves=self._moves,
            patience_s=s.patience_s,
            ring_timeout_s=s.ring_timeout_s,
        )
        up = len(self._calls) + self._talking
        free = MANY_CALLS if s.channels_max is None else max(0, s.channels_max - up)
        return PacingFacts(
            agents_ready=len(self._free),
            agents_busy=self._busy,
            calls_unanswered=self._unanswered,
            calls_waiting=self._detecting + len(self._waiting),
            calls_talking=self._talking,
            channels_free=free,
            tokens=MANY_CALLS,
            periods=(
                period_count("30m", len(recent), self._recent_abandoned, machine_share=machines, tolerance=2.0),
                period_count("30d", self._seen_answered, self._seen_abandoned, machine_share=machines),
            ),
            scene=scene,
        )

    def _decide(self) -> None:
        facts = self.facts()
        decision: PacingDecision = self.pacing.decide(facts)
        self.result.decisions += 1
        self._moves.clear()
        self._decided_at_s = self.now_s
        self._decision_at_s = float("inf")
        self._soonest_s = max(decision.soonest_s, 0.02)
        keys = [self._calls_seen.key(place) for place in decision.cancel]
        for key in keys:
            call = self._calls[key]  # type: ignore[index]
            if call.rings:
                self.result.cancelled += 1
                self._unanswered -= 1
                call.is_over = True
                self._calls_seen.drop(key, self.now_s, GONE)
                del self._calls[call.number]
        for _ in range(min(decision.calls, facts.channels_free)):
            self._launch()
        if decision.latest_s is not None:
            self._wish(self.now_s + decision.latest_s)

    def _at(self, at_s: float, kind: int, what: object) -> None:
        self._events += 1
        heappush(self._queue, (at_s, self._events, kind, what))
