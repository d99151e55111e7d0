"""The scenarios: the table's rows, the whole matrix, and the stress set; with the figures there are to beat.

The spreads are the reference's. It does not say when machines answer, nor how set-ups vary: a median of 14 s (sigma
0.3) and a sigma of 0.4 were taken, with which the ratio strategies come to within 0.02 of its figures.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from benchmarks.pacing.scenario import Scenario, answering

SEEDS: Final = (1, 2, 3)
AGENTS: Final = (3, 10, 30, 100, 300)
RATES: Final = (0.10, 0.25, 0.50)
SHAPES: Final = ((60.0, 10.0), (60.0, 30.0), (180.0, 10.0), (180.0, 30.0))
"""Talk and wrap, seconds."""

METHOD: Final[Mapping[tuple[int, float, float], float]] = {
    (3, 0.25, 60.0): 0.598,
    (3, 0.25, 180.0): 0.752,
    (3, 0.50, 60.0): 0.690,
    (10, 0.10, 60.0): 0.710,
    (10, 0.25, 60.0): 0.730,
    (10, 0.25, 180.0): 0.835,
    (10, 0.50, 180.0): 0.883,
    (30, 0.10, 60.0): 0.850,
    (30, 0.25, 60.0): 0.864,
    (30, 0.25, 180.0): 0.916,
    (30, 0.50, 60.0): 0.886,
    (100, 0.10, 180.0): 0.953,
    (100, 0.25, 60.0): 0.943,
    (100, 0.25, 180.0): 0.955,
    (100, 0.50, 60.0): 0.952,
    (300, 0.25, 60.0): 0.984,
}
"""What the reference's method reached, by agents, answer rate and talk; one seed."""

METHOD_MATRIX: Final[Mapping[tuple[int, float], Sequence[float]]] = {
    (3, 0.10): (0.480, 0.421, 0.652, 0.629),
    (3, 0.25): (0.567, 0.533, 0.736, 0.730),
    (3, 0.50): (0.660, 0.647, 0.834, 0.837),
    (10, 0.10): (0.712, 0.657, 0.825, 0.789),
    (10, 0.25): (0.733, 0.696, 0.833, 0.814),
    (10, 0.50): (0.770, 0.731, 0.878, 0.867),
    (30, 0.10): (0.849, 0.814, 0.893, 0.877),
    (30, 0.25): (0.862, 0.828, 0.914, 0.898),
    (30, 0.50): (0.886, 0.850, 0.925, 0.912),
    (100, 0.10): (0.938, 0.920, 0.953, 0.944),
    (100, 0.25): (0.944, 0.923, 0.955, 0.950),
    (100, 0.50): (0.952, 0.932, 0.963, 0.957),
    (300, 0.10): (0.982, 0.971, 0.980, 0.976),
    (300, 0.25): (0.984, 0.973, 0.982, 0.978),
    (300, 0.50): (0.986, 0.977, 0.984, 0.980),
}
"""The same on the whole matrix, the mean of two seeds, in the order of SHAPES."""

HALF_HOUR_MAX: Final[Mapping[int, float]] = {10: 0.09, 30: 0.06, 100: 0.045, 300: 0.045}
"""The highest abandon rate over any half hour that is wanted, by agents."""


def scenario(agents: int, rate: float, talk_s: float, wrap_s: float = 10.0, *, hours: float = 3.0) -> Scenario:
    """Return one scenario of the matrix."""
    return Scenario(
        name=f"{agents} agents, p {rate:.2f}, talk {talk_s:.0f} s, wrap {wrap_s:.0f} s",
        agents=agents,
        answer_rates=answering(rate),
        talk_mean_s=talk_s,
        wrap_mean_s=wrap_s,
        hours=hours,
    )


def stress() -> Sequence[tuple[Scenario, float]]:
    """Return the stress set, with the utilisation that the reference's method reached."""
    calm = {agents: scenario(agents, 0.25, 60.0) for agents in AGENTS}
    jump = ((0.0, 0.15), (3600.0, 0.45), (7200.0, 0.15))
    found: list[tuple[Scenario, float]] = []

    def add(name: str, agents: int, reached: float, **changes: object) -> None:
        found.append((replace(calm[agents], name=f"{name}, {agents} agents", **changes), reached))  # type: ignore[arg-type]

    for agents, reached in ((10, 0.748), (30, 0.866), (100, 0.944)):
        add("answer rate .15, .45, .15", agents, reached, answer_rates=jump)
    for agents, reached in ((10, 0.741), (30, 0.868), (100, 0.937)):
        add("half the agents leave", agents, reached, leave_at_s=5400.0)
    slow = {"set_up_median_s": 4.0, "ring_median_s": 15.0, "ring_timeout_s": 45.0, "machine_ring_median_s": 25.0}
    for agents, reached in ((30, 0.866), (100, 0.944)):
        add("slow ring", agents, reached, **slow)
    for rate, agents, reached in ((0.6, 30, 0.900), (0.6, 100, 0.947), (0.05, 100, 0.917)):
        add(f"cold start into p {rate:g}", agents, reached, answer_rates=answering(rate), hours=0.5)
    for agents, reached in ((30, 0.861), (100, 0.939)):
        add("drift of p", agents, reached, answer_rates=drift())
    add("talks of 12 s and 240 s", 30, 0.890, talk_kinds_s=(12.0, 240.0))
    add("detection errs", 30, 0.869, machines_missed=0.08, people_lost=0.02)
    add("mixed agents", 30, 0.863, agent_sigma=0.5)
    add("90 channels, p .1", 30, 0.830, channels_max=90, answer_rates=answering(0.1))
    for agents, reached in ((10, 0.739), (30, 0.852)):
        outage = ((0.0, 0.25), (5400.0, 0.005), (5640.0, 0.25))
        add("four minutes without answers", agents, reached, answer_rates=outage)
    add("no detection, machines answer a fifth", 30, 0.864, detects=False, machine_share=0.2)
    return found


def drift() -> Sequence[tuple[float, float]]:
    """Return an answer rate that wanders slowly between .05 and .6, the same each time."""
    rng = np.random.default_rng(7)
    rate, path = 0.25, []
    for minute in range(180):
        path.append((60.0 * minute, rate))
        rate = float(np.clip(rate * np.exp(rng.normal(0.0, 0.08)), 0.05, 0.6))
    return path
