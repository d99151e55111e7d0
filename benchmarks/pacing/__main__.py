"""`python -m benchmarks.pacing KEPT`: lets the runs of docs/pacing.md happen, and writes its tables and its plot.

These are the rows, the stress set, the whole matrix, and everybody else on four of the rows.

KEPT is a file of JSON lines: runs that it has are not run again, so the command can be stopped and taken up. It knows
nothing of versions: start a new one when a strategy or the simulator has changed.
"""

import argparse
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Final

from benchmarks.pacing.figures import OURS
from benchmarks.pacing.matrix import AGENTS, METHOD, RATES, SEEDS, SHAPES, scenario, stress
from benchmarks.pacing.plot import plot
from benchmarks.pacing.runs import ORACLE, STRATEGIES, read, runs
from benchmarks.pacing.scenario import Scenario
from benchmarks.pacing.tables import main_table, matrix_table, points, rivals_table, stress_table

DOCS: Final = Path(__file__).parents[2] / "docs"
TEAMS: Final = (3, 10, 30, 100)
"""Whose rows (p .25, talk 60 s) all strategies run."""


def wanted() -> Iterator[tuple[Scenario, str, int]]:
    """Yield what the document shows, what matters most first."""
    rivals = [name for name in (*STRATEGIES, ORACLE) if name != OURS]
    for seed in SEEDS:
        yield from ((scenario(*row), OURS, seed) for row in METHOD)
    for seed in SEEDS:
        yield from ((row, OURS, seed) for row, _ in stress())
    for seed in SEEDS:
        yield from ((scenario(agents, 0.25, 60.0), name, seed) for agents in TEAMS for name in rivals)
    for rates in ((0.25,), RATES):
        for seed in SEEDS:
            cells = product(AGENTS, rates, SHAPES)
            yield from ((scenario(agents, rate, *shape), OURS, seed) for agents, rate, shape in cells)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pacing", description="Write docs/pacing.md's tables.")
    parser.add_argument("kept", type=Path, metavar="KEPT", help="a file of runs, made if there is none")
    parser.add_argument("--no-runs", action="store_true", help="write from what KEPT has")
    options = parser.parse_args()
    if not options.no_runs:
        number = sum(1 for _ in wanted())
        for done, one in enumerate(runs(wanted(), options.kept), 1):
            words = f"{one.scenario}, {one.strategy}, seed {one.seed}: {one.utilisation:.3f}"
            print(f"{done} of {number}: {words}", file=sys.stderr, flush=True)
    found = read(options.kept)
    document = DOCS / "pacing.md"
    text = document.read_text()
    for name, lines in (
        ("rows", main_table(found)),
        ("rivals", rivals_table(found)),
        ("stress", stress_table(found)),
        ("matrix", matrix_table(found)),
    ):
        before, rest = text.split(f"<!-- {name} -->\n", 1)
        _, after = rest.split("<!-- end -->\n", 1)
        table = "\n".join(lines)
        text = f"{before}<!-- {name} -->\n\n{table}\n\n<!-- end -->\n{after}"
    document.write_text(text)
    names = [scenario(agents, 0.25, 60.0).name for agents in TEAMS]
    (DOCS / "pacing.svg").write_text(plot(points(found, names), OURS))
    return 0


if __name__ == "__main__":
    sys.exit(main())
