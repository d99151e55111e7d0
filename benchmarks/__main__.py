"""`./go bench`: takes the figures and prints them."""

import argparse
import importlib
import json
import sys
import time
from collections.abc import Sequence
from typing import Final

from benchmarks.figure import Figure, Unavailable, heading, lines_of
from benchmarks.machine import machine
from benchmarks.scale import Scale

FIGURES: Final = {
    "calls": "through_asterisk",
    "agent": "agent_free",
    "leads": "next_lead",
    "lists": "many_lists",
    "callerid": "caller_ids",
    "events": "ami_events",
    "commit": "group_commit",
    "records": "call_records",
    "import": "lead_import",
    "dialling": "import_beside_calls",
    "search": "search",
    "pacing": "pacing.figures",
    "profile": "dial_path",
}
"""By name, the module that takes them."""

COMMANDS: Final = {"pacing-asterisk": "pacing.asterisk_command"}
"""By name, the module of a measurement that is a command of its own: it takes long, and has its own options."""

DESCRIPTION: Final = (
    "Take figures; benchmarks/README.md explains them. `pacing-asterisk` is a command of its own (--help): ten minutes "
    "of real calls."
)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="./go bench", description=DESCRIPTION)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of {', '.join(FIGURES)}; all if none")
    parser.add_argument("--full", action="store_true", help="the long form: more turns, larger records")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given and given[0] in COMMANDS:
        return int(importlib.import_module(f"benchmarks.{COMMANDS[given[0]]}").main(given[1:]))
    options = parser.parse_args(given)
    if unknown := set(options.names) - set(FIGURES):
        parser.error(f"no figure {', '.join(sorted(unknown))}; there are {', '.join(FIGURES)}")
    here = machine()
    if not options.json:
        print("  ".join(f"{key} {value}" for key, value in here.items()))
        print(heading())
    figures: list[Figure] = []
    skipped: dict[str, str] = {}
    for name in options.names or FIGURES:
        began = time.monotonic()
        try:
            for figure in importlib.import_module(f"benchmarks.{FIGURES[name]}").run(Scale(is_full=options.full)):
                figures.append(figure)
                if not options.json:
                    print(*lines_of(figure), sep="\n", flush=True)
        except Unavailable as error:
            skipped[name] = str(error)
            if not options.json:
                print(f"{name:<14} skipped: {error}", flush=True)
        print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    if options.json:
        document = {"machine": here, "figures": [figure.json() for figure in figures], "skipped": skipped}
        print(json.dumps(document, indent=1))
    return 1 if any(figure.is_met is False for figure in figures) else 0


if __name__ == "__main__":
    sys.exit(main())
