"""`./go bench pacing-asterisk`: one campaign on a real Asterisk, on the simulated network, and in the simulator.

On Asterisk time is real: ten minutes from a cold start. An interrupt (Ctrl-C) ends it with what was measured so far.
"""

import argparse
import json
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from typing import Final

from benchmarks.figure import Unavailable
from benchmarks.machine import machine
from benchmarks.pacing.comparison import Result, differences, table, together
from benchmarks.pacing.in_simulation import in_core, through_engine
from benchmarks.pacing.on_asterisk import on_asterisk, real_scenario

NAME: Final = "pacing-asterisk"
ENGINE_SEEDS, CORE_SEEDS = range(1, 6), range(1, 11)
DURATION: Final = re.compile(r"(\d+)([sm]?)")
FOR_MIN_S, FOR_MAX_S = 20, 3600
AGENTS_MAX: Final = 60
"""Each agent and each call has two channels of the one Asterisk: more than this and the machine is what is measured."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog=f"./go bench {NAME}", description="Pacing on a real Asterisk, beside the same campaign in simulation."
    )
    parser.add_argument("--for", dest="seconds", type=_seconds, default=600, metavar="TIME", help="600s, 10m (default)")
    parser.add_argument(
        "--runs", type=_between(1, 20), default=1, help="on Asterisk, one after the other: 1 unless told"
    )
    parser.add_argument("--agents", type=_between(1, AGENTS_MAX), default=30, help="30 unless told, at most 60")
    parser.add_argument(
        "--answer-rate", type=_between(0.05, 1.0), default=0.25, help="persons a call: 0.25 unless told"
    )
    parser.add_argument("--talk", type=_between(5.0, 600.0), default=60.0, help="mean, seconds: 60 unless told")
    parser.add_argument("--wrap-up", type=_between(1, 120), default=10, help="seconds: 10 unless told")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    options = parser.parse_args(arguments)
    scenario = real_scenario(
        agents=options.agents,
        rate=options.answer_rate,
        talk_s=options.talk,
        wrap_s=options.wrap_up,
        seconds=options.seconds,
    )
    here, results = machine(), list[Result]()
    tell = partial(print, file=sys.stderr, flush=True)
    try:
        runs, interrupted = list[Result](), False
        while len(runs) < options.runs and not interrupted:
            result, interrupted = on_asterisk(scenario, len(runs) + 1, tell)
            runs.append(result)
        whole = [each for each in runs if each.seconds >= scenario.ends_s] or runs
        results.append(together("real Asterisk", whole))
        if not interrupted:
            tell("the same through the engine on the simulated network")
            results.append(through_engine(scenario, ENGINE_SEEDS))
            tell("the same in the simulator")
            results.append(in_core(scenario, CORE_SEEDS))
    except Unavailable as error:
        print(f"{NAME} skipped: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        tell("interrupted: what was measured so far")
    if options.json:
        print(json.dumps({"machine": here, "scenario": scenario.name, "results": [*map(asdict, results)]}, indent=1))
    else:
        print("  ".join(f"{key} {value}" for key, value in here.items()))
        for line in (*table(results), *differences(results)):
            print(line)
    return 0


def _seconds(text: str) -> int:
    found = DURATION.fullmatch(text)
    seconds = int(found[1]) * (60 if found[2] == "m" else 1) if found else 0
    if not FOR_MIN_S <= seconds <= FOR_MAX_S:
        raise argparse.ArgumentTypeError(f"{text!r}: expected {FOR_MIN_S}s to {FOR_MAX_S // 60}m, such as 90s or 10m")
    return seconds


def _between(low: float, high: float) -> Callable[[str], float]:
    """Return a converter of numbers of `low`'s type, within both bounds."""

    def number(text: str) -> float:
        try:
            value = type(low)(text)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text!r}: expected {low:g} to {high:g}")
        return value

    return number
