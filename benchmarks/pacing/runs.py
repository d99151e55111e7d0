"""Runs of the simulator by strategy, scenario and seed, kept in a file so that a long comparison can be taken up."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from benchmarks.pacing.oracle import run_oracle
from benchmarks.pacing.rivals import Adapt
from benchmarks.pacing.scenario import Scenario
from benchmarks.pacing.simulator import Result, Simulation
from strategies.pacing import PacingStrategy
from strategies.predictive import Predictive
from strategies.progressive import Progressive
from strategies.ratio import Ratio

STRATEGIES: Final[Mapping[str, Callable[[], PacingStrategy]]] = {
    "progressive": Progressive,
    "ratio 1": lambda: Ratio(1.0),
    "ratio 1.5": lambda: Ratio(1.5),
    "ratio 2": lambda: Ratio(2.0),
    "ratio 3": lambda: Ratio(3.0),
    "adapt, average": Adapt,
    "adapt, hard limit": lambda: Adapt(hard=True),
    "predictive": Predictive,
    "predictive, no cancelling": lambda: Predictive(ring_min_s=0.0),
}
ORACLE: Final = "oracle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What came of one run."""

    scenario: str
    strategy: str
    seed: int
    agents: int
    utilisation: float
    abandon_rate: float
    worst_half_hour: float
    start_excess: float
    """Before 200 answers: the most that abandons were above 1 + 4 % of answers; 0 or less is well."""

    later_excess: float
    """From 200 answers on: the most that abandons were above 3 % of answers; negative is well."""

    answered: int
    abandoned: int
    launched: int
    seconds: float


def run(scenario: Scenario, strategy: str, seed: int) -> Run:
    """Let one strategy pace one scenario from one seed."""
    began = time.monotonic()
    result: Result = (
        run_oracle(scenario, seed) if strategy == ORACLE else Simulation(scenario, STRATEGIES[strategy](), seed).run()
    )
    return Run(
        scenario=scenario.name,
        strategy=strategy,
        seed=seed,
        agents=scenario.agents,
        utilisation=round(result.utilisation, 5),
        abandon_rate=round(result.abandon_rate, 6),
        worst_half_hour=round(result.worst_half_hour, 5),
        start_excess=round(result.worst_start_excess, 2),
        later_excess=round(result.worst_later_excess, 2),
        answered=result.answered,
        abandoned=result.abandoned,
        launched=result.launched,
        seconds=round(time.monotonic() - began, 1),
    )


def runs(wanted: Iterable[tuple[Scenario, str, int]], kept: Path | None = None) -> Iterator[Run]:
    """Yield a run for each of `wanted`; what `kept` (JSON lines) already has is not run again, what is new is added."""
    known = {(each.scenario, each.strategy, each.seed): each for each in read(kept)} if kept else {}
    for scenario, strategy, seed in wanted:
        found = known.get((scenario.name, strategy, seed))
        if found is None:
            found = known[scenario.name, strategy, seed] = run(scenario, strategy, seed)
            if kept:
                with kept.open("a") as lines:
                    lines.write(json.dumps(asdict(found)) + "\n")
        yield found


def read(kept: Path) -> list[Run]:
    """Return the runs in a file; none if there is no file."""
    if not kept.exists():
        return []
    return [Run(**json.loads(line)) for line in kept.read_text().splitlines() if line]
