"""Runs as tables for docs/pacing.md: the mean of the seeds for utilisation, the worst seed for everything else."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean

from benchmarks.pacing.figures import MANY, OURS, by, keeps_the_limit
from benchmarks.pacing.matrix import AGENTS, HALF_HOUR_MAX, METHOD, METHOD_MATRIX, RATES, SHAPES, scenario, stress
from benchmarks.pacing.runs import Run


def main_table(found: Sequence[Run]) -> list[str]:
    """Return our strategy's figures on the rows of the reference."""
    lines = [
        "| agents, answer rate, talk | seeds | utilisation | lowest seed | abandoned, worst seed "
        "| worst half hour | above 3 % after 200 answers | reference |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row, reached in METHOD.items():
        runs = _of(found, scenario(*row).name, OURS)
        if not runs:
            continue
        mean = fmean(one.utilisation for one in runs)
        agents, rate, talk_s = row
        half_hour = max(one.worst_half_hour for one in runs)
        half_hour_max = HALF_HOUR_MAX.get(agents, 1.0)
        over = max(one.later_excess for one in runs)
        cells = [
            f"{agents}, {rate:.2f}, {talk_s:.0f} s",
            str(len(runs)),
            _marked(f"{mean:.3f}", is_missed=mean < reached),
            f"{min(one.utilisation for one in runs):.3f}",
            _worst_rate(runs),
            _marked(f"{100 * half_hour:.1f} %", is_missed=half_hour > half_hour_max),
            "never" if over <= 0 else _marked(f"{over:.1f} calls", is_missed=over > (0 if agents >= MANY else 1)),
            f"{reached:.3f}",
        ]
        lines.append(_line(cells))
    return lines


def rivals_table(found: Sequence[Run]) -> list[str]:
    """Return everybody's figures on the rows that everybody ran: utilisation / abandoned in the worst seed."""
    names = [name for name in by(found) if name != OURS]
    rows = [row for row in METHOD if all(_of(found, scenario(*row).name, name) for name in (OURS, *names))]
    lines = [
        _line(["strategy", *(f"{agents} agents, {rate:.2f}, {talk_s:.0f} s" for agents, rate, talk_s in rows)]),
        _line(["---"] * (len(rows) + 1)),
    ]
    for name in (*names, OURS):
        runs = [_of(found, scenario(*row).name, name) for row in rows]
        cells = [f"{fmean(one.utilisation for one in each):.3f} / {_worst_rate(each)}" for each in runs]
        lines.append(_line([name, *cells]))
    return lines


def stress_table(found: Sequence[Run]) -> list[str]:
    """Return our strategy's figures on the stress set."""
    lines = [
        "| stress | seeds | utilisation | abandoned, worst seed | worst half hour | reference |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row, reached in stress():
        runs = _of(found, row.name, OURS)
        if runs:
            mean = fmean(one.utilisation for one in runs)
            cells = [
                row.name,
                str(len(runs)),
                _marked(f"{mean:.3f}", is_missed=mean < reached - 0.01),
                _worst_rate(runs),
                f"{100 * max(one.worst_half_hour for one in runs):.1f} %",
                f"{reached:.3f}",
            ]
            lines.append(_line(cells))
    return lines


def matrix_table(found: Sequence[Run]) -> list[str]:
    """Return our strategy's figures on the whole matrix, each beside the reference's: what has no run is left blank."""
    shapes = [f"{100 * rate:.0f} %: {talk_s:.0f}/{wrap_s:.0f}" for rate in RATES for talk_s, wrap_s in SHAPES]
    lines = [_line(["agents", *shapes]), _line(["---"] * (len(shapes) + 1))]
    for agents in AGENTS:
        cells = [str(agents)]
        for rate in RATES:
            for (talk_s, wrap_s), reached in zip(SHAPES, METHOD_MATRIX[agents, rate], strict=True):
                runs = _of(found, scenario(agents, rate, talk_s, wrap_s).name, OURS)
                if not runs:
                    cells.append("")
                    continue
                mean = fmean(one.utilisation for one in runs)
                reach = _marked(f"{mean:.3f}", is_missed=mean < reached)
                cells.append(f"{reach} ({reached:.3f}) / {_worst_rate(runs)}")
        lines.append(_line(cells))
    return lines


def points(found: Sequence[Run], rows: Iterable[str]) -> Mapping[str, Sequence[tuple[str, float, float]]]:
    """Return for each scenario (strategy, abandon rate of the worst seed, mean utilisation)."""
    return {
        row: [
            (name, max(one.abandon_rate for one in runs), fmean(one.utilisation for one in runs))
            for name, runs in by(one for one in found if one.scenario == row).items()
        ]
        for row in rows
    }


def _of(found: Sequence[Run], row: str, strategy: str) -> list[Run]:
    return [one for one in found if one.scenario == row and one.strategy == strategy]


def _worst_rate(runs: Sequence[Run]) -> str:
    worst = max(runs, key=lambda one: one.abandon_rate)
    text = f"{100 * worst.abandon_rate:.1f} %"
    return _marked(text, is_missed=not all(keeps_the_limit(one) for one in runs))


def _marked(text: str, *, is_missed: bool) -> str:
    return f"**{text}**" if is_missed else text


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
