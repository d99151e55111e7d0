"""A day's figures, as lines for people."""

from collections.abc import Iterator, Mapping
from textwrap import wrap
from typing import Any, Final

WIDTH: Final = 79


def summary_lines(figures: Mapping[str, Any]) -> Iterator[str]:
    """Yield the figures as lines for people."""
    yield f"calls {figures['calls']}, sessions open {figures['open']}, unaccounted {figures['unaccounted']}"
    for each in figures["lists"]:
        yield (
            f"  {each['campaign']} / {each['list']}: weight {each['weight']}, calls {each['calls']} "
            f"({each['share']:.2%}, due {each['due']:.2%})"
        )
    for each in figures["fairness"]:
        yield f"  largest prefix error of {each['campaign']}: {each['error_of_bound']:.3f} of its bound"
    outcomes = ", ".join(f"{name} {count}" for name, count in figures["outcomes"].items() if name != "none")
    yield from wrap(f"outcomes: {outcomes or 'none'}", WIDTH, initial_indent="  ", subsequent_indent="    ")
