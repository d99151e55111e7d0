"""`./go bench pacing`: every strategy on the same campaigns, side by side; and how long a decision takes.

Short: a row for each size of team, one hour, one seed. Full: all rows with three seeds and three hours, and the
predictive strategy on the whole matrix and the stress set.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from benchmarks.figure import AT_LEAST, AT_MOST, Figure, Goal, Part, Spread, percentile
from benchmarks.pacing.decision_time import decision_times_s
from benchmarks.pacing.engine_time import engine_times_s
from benchmarks.pacing.matrix import AGENTS, METHOD, METHOD_MATRIX, RATES, SEEDS, SHAPES, scenario, stress
from benchmarks.pacing.runs import ORACLE, STRATEGIES, Run, runs
from benchmarks.pacing.scenario import Scenario
from benchmarks.scale import Scale

NAME: Final = "pacing"
OURS: Final = "predictive"
SHORT_AGENTS, SHORT_HOURS, SHORT_SEEDS = (3, 10, 30, 100), 1.0, (1,)
RATE_MAX: Final = 3.0
"""Per cent of answered calls that may be abandoned; one call over it with fewer than MANY agents."""

MANY: Final = 30
DECISION_MAX_US: Final = 200.0
TEAMS: Final = ((10, 40), (100, 400))
"""Agents and calls whose decisions are timed beside those of the largest team."""

SCORED_HOURS: Final = 3.0
"""Shorter runs have no goal: too much of them is start."""

METHOD_LEAST: Final = {scenario(*row).name: reached for row, reached in METHOD.items()}
"""What the reference's method reached, by the scenario's name."""

WITHIN: Final = 0.01
"""The stress set may end so much below the reference's method."""


def run(scale: Scale) -> Iterator[Figure]:
    """Yield the figures, each as soon as its runs are done."""
    yield decision_figure(scale)
    seeds = SEEDS if scale.is_full else SHORT_SEEDS
    for row in rows(scale):
        yield side_by_side(row, runs((row, strategy, seed) for strategy in (*STRATEGIES, ORACLE) for seed in seeds))
    if not scale.is_full:
        return
    for agents in AGENTS:
        for rate in RATES:
            for (talk_s, wrap_s), reached in zip(SHAPES, METHOD_MATRIX[agents, rate], strict=True):
                yield ours(scenario(agents, rate, talk_s, wrap_s), SEEDS, reached)
    for row, reached in stress():
        yield ours(row, SEEDS, reached - WITHIN)


def rows(scale: Scale) -> Sequence[Scenario]:
    """Return the scenarios that all strategies run."""
    if scale.is_full:
        return [scenario(*row) for row in METHOD]
    return [scenario(agents, 0.25, 60.0, hours=SHORT_HOURS) for agents in SHORT_AGENTS]


def decision_figure(scale: Scale) -> Figure:
    """Return how long a decision of the predictive strategy takes with 500 agents and 2,000 calls."""
    n = scale.of(1000, 5000)
    large_us = [1e6 * taken_s for taken_s in decision_times_s(500, 2000, n)]
    parts = [Part("its p99 (every 5 s tables are renewed)", "us", Spread((percentile(large_us, 0.99),)))]
    for agents, calls in TEAMS:
        times_us = [1e6 * taken_s for taken_s in decision_times_s(agents, calls, n)]
        parts.append(Part(f"{agents} agents, {calls} calls: median", "us", Spread((percentile(times_us, 0.5),))))
    engine_us = [1e6 * taken_s for taken_s in engine_times_s(500, 2000, n)]
    for what, share in (("median", 0.5), ("p99", 0.99)):
        parts.append(Part(f"beside it the engine's snapshot: {what}", "us", Spread((percentile(engine_us, share),))))
    return Figure(
        name=NAME,
        what="a decision: 500 agents, 2,000 calls",
        spread=Spread.of(large_us),
        unit="us",
        goal=Goal(AT_MOST, DECISION_MAX_US),
        parts=parts,
    )


def side_by_side(row: Scenario, found: Iterable[Run]) -> Figure:
    """Return one scenario's figure: our utilisation, with everybody's, and everybody's abandon rate, beside it."""
    by_strategy = by(found)
    mine = by_strategy[OURS]
    least = METHOD_LEAST.get(row.name) if row.hours >= SCORED_HOURS else None
    return Figure(
        name=NAME,
        what=f"{row.name}: utilisation",
        spread=utilisation(mine),
        unit="of 1",
        goal=None if least is None else Goal(AT_LEAST, least),
        parts=[
            part
            for strategy, theirs in by_strategy.items()
            for part in (
                Part(f"{strategy}: utilisation", "of 1", utilisation(theirs)),
                Part(f"{strategy}: abandoned", "%", abandoned_percent(theirs)),
            )
        ],
        notes=notes_on(mine),
    )


def ours(row: Scenario, seeds: Sequence[int], least: float) -> Figure:
    """Return the predictive strategy's figure on one scenario, held against a utilisation of `least`."""
    found = list(runs((row, OURS, seed) for seed in seeds))
    return Figure(
        name=NAME,
        what=f"{row.name}: utilisation",
        spread=utilisation(found),
        unit="of 1",
        goal=Goal(AT_LEAST, least),
        parts=[Part("abandoned", "%", abandoned_percent(found))],
        notes=notes_on(found),
    )


def by(found: Iterable[Run]) -> Mapping[str, list[Run]]:
    """Return runs by strategy, in the order they came."""
    by_strategy: dict[str, list[Run]] = defaultdict(list)
    for one in found:
        by_strategy[one.strategy].append(one)
    return by_strategy


def utilisation(found: Sequence[Run]) -> Spread:
    return Spread.of(one.utilisation for one in found)


def abandoned_percent(found: Sequence[Run]) -> Spread:
    return Spread.of(100 * one.abandon_rate for one in found)


def notes_on(found: Sequence[Run]) -> Sequence[str]:
    """Return what a seed missed of the limit on abandons, in words; nothing if all kept it."""
    return [
        f"seed {one.seed} ended over the limit: {one.abandoned} of {one.answered} abandoned"
        for one in found
        if not keeps_the_limit(one)
    ]


def keeps_the_limit(one: Run) -> bool:
    """Tell whether a run ended inside the limit; with few agents one call over it is inside."""
    spare = 0 if one.agents >= MANY else 1
    return one.abandoned - spare < RATE_MAX / 100 * one.answered or one.abandoned == 0
