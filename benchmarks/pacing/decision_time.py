"""How long one decision takes with a large team: the strategy alone, on rosters that change between decisions."""

import time
from collections.abc import Sequence
from typing import Final

import numpy as np

from benchmarks.pacing.simulator import period_count
from strategies.pacing import PacingFacts, Scene
from strategies.predictive import Predictive
from strategies.roster import AgentAt, CallAt, Move, Roster

STEP_S: Final = 0.2
"""Between two decisions."""

LIVES: Final = 100
"""Steps from launch to end of each call: twenty seconds. Each step a hundredth of the calls ends, as many are new."""

MEAN_LIFE: Final = 0.25 * 57 + 0.75 * 100
"""Steps that a call is under way on the average."""

RINGS_AT, ANSWERED_AT, DETECTED_AT = 10, 50, 57
"""Steps after its launch at which a call rings, and at which a fourth of the calls are answered and told apart."""

PERIODS: Final = (
    period_count("30m", 2000, 50, tolerance=2.0),
    period_count("24h", 20_000, 520),
    period_count("month", 20_000, 540),
    period_count("30d", 20_000, 540),
)
AGENTS_AT: Final = (AgentAt.READY, AgentAt.TALKING, AgentAt.TALKING, AgentAt.TALKING, AgentAt.WRAP_UP, AgentAt.AWAY)


def decision_times_s(agents: int, calls: int, decisions: int, seed: int = 1) -> Sequence[float]:
    """Return how long each of so many decisions took, in seconds; renewing the tables is part of it.

    `calls` is about how many are under way.
    """
    rng = np.random.default_rng(seed)
    moves: list[Move] = []
    agents_seen, calls_seen = Roster(is_calls=False, moves=moves), Roster(is_calls=True, moves=moves)
    for number, age_s in enumerate(rng.exponential(60.0, agents)):
        agents_seen.put(number, AGENTS_AT[number % len(AGENTS_AT)], -float(age_s))
    pacing, taken_s = Predictive(), []
    for step in range(LIVES + decisions):
        now_s = step * STEP_S
        for key in rng.integers(0, agents, max(1, agents // LIVES)):
            agents_seen.put(int(key), AGENTS_AT[int(rng.integers(len(AGENTS_AT)))], now_s)
        _let_calls_go_on(calls_seen, step, max(1, round(calls / MEAN_LIFE)))
        facts = _facts(agents_seen, calls_seen, moves, now_s)
        began = time.perf_counter()
        pacing.decide(facts)
        taken_s.append(time.perf_counter() - began)
        moves.clear()
    return taken_s[LIVES:]


def _let_calls_go_on(calls_seen: Roster, step: int, each_step: int) -> None:
    """Launch `each_step` calls, and let those of earlier steps ring, be answered, be told apart and end."""
    now_s = step * STEP_S
    for number in range(each_step):
        is_answered, is_person = number % 4 == 0, number % 8 == 0
        calls_seen.put((step, number), CallAt.SET_UP, now_s)
        if step >= RINGS_AT:
            calls_seen.put((step - RINGS_AT, number), CallAt.RINGING, now_s)
        if step >= ANSWERED_AT and is_answered:
            calls_seen.put((step - ANSWERED_AT, number), CallAt.DETECTING, now_s)
        if step >= DETECTED_AT and is_answered:
            end = CallAt.CONNECTED if is_person else CallAt.ENDED
            calls_seen.drop((step - DETECTED_AT, number), now_s, end)
        calls_seen.drop((step - LIVES, number), now_s, CallAt.ENDED)


def _facts(agents_seen: Roster, calls_seen: Roster, moves: list[Move], now_s: float) -> PacingFacts:
    agents, calls = agents_seen.standing(), calls_seen.standing()
    return PacingFacts(
        agents_ready=int(np.count_nonzero(agents.states == AgentAt.READY)),
        agents_busy=int(np.count_nonzero(agents.states == AgentAt.TALKING)),
        calls_unanswered=int(np.count_nonzero(calls.states <= CallAt.RINGING)),
        calls_waiting=int(np.count_nonzero(calls.states > CallAt.RINGING)),
        calls_talking=0,
        channels_free=10_000,
        tokens=10_000,
        periods=PERIODS,
        scene=Scene(
            at_s=now_s,
            agents=agents,
            calls=calls,
            moves=moves,
            patience_s=2.0,
            ring_timeout_s=25.0,
        ),
    )
