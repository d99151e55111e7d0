"""One campaign in several places, side by side, with the chance that is in each."""

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from benchmarks.figure import percentile

ABANDON_SAMPLE: Final = 1000
"""The campaign's, everywhere: over its limit the engine falls back to one call for each free agent, and with the usual
sample of 100 four people abandoned among the first 133 are over it. Whether that happens in ten minutes is chance, and
it, not pacing, would be most of what is measured."""

HEADINGS: Final = (
    "",
    "runs",
    "minutes",
    "utilisation",
    "abandoned",
    "message after the answer: p99, worst",
    "abandoned though an agent was idle",
    "calls",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of the campaign in one place, over one run or several seeds of the same length."""

    where: str
    runs: int
    seconds: float
    """Of one run."""

    utilisation: float
    utilisation_sd: float | None
    """By how much chance moves the utilisation of one run; None where too little was seen to say."""

    answered: int
    """By persons, all runs together."""

    abandoned: int
    calls: int
    messages_after_s: Sequence[float] = ()
    """From each answer to the information message; the simulator has no messages."""

    overlooked: int = 0
    """Abandoned though an agent was idle; on Asterisk for longer than its queue takes to look for one."""

    @property
    def abandon_rate(self) -> float:
        return self.abandoned / self.answered if self.answered else 0.0

    @property
    def abandon_rate_sd(self) -> float:
        """By how much chance moves the rate of one run: so few are counted, as if each were on its own."""
        answered = self.answered / self.runs
        return math.sqrt(self.abandon_rate * (1 - self.abandon_rate) / answered) if answered else 0.0

    def cells(self) -> Sequence[str]:
        """Return a line of the table."""
        chance = "" if self.utilisation_sd is None else f" ± {self.utilisation_sd:.3f}"
        waits_s = self.messages_after_s
        return (
            self.where,
            f"{self.runs}",
            f"{self.seconds / 60:.3g}",
            f"{self.utilisation:.3f}{chance}",
            f"{self.abandoned} of {self.answered} ({100 * self.abandon_rate:.1f} ± {100 * self.abandon_rate_sd:.1f} %)",
            f"{percentile(waits_s, 0.99):.3f} s, {max(waits_s):.3f} s" if waits_s else "",
            f"{self.overlooked}",
            f"{self.calls:,}",
        )


def together(where: str, runs: Sequence[Result]) -> Result:
    """Return several runs of the same length as one result."""
    if len(runs) == 1:
        return replace(runs[0], where=where)
    utilisations = [each.utilisation for each in runs]
    return Result(
        where=where,
        runs=len(runs),
        seconds=statistics.mean(each.seconds for each in runs),
        utilisation=statistics.mean(utilisations),
        utilisation_sd=statistics.stdev(utilisations),
        answered=sum(each.answered for each in runs),
        abandoned=sum(each.abandoned for each in runs),
        calls=sum(each.calls for each in runs),
        messages_after_s=[wait_s for each in runs for wait_s in each.messages_after_s],
        overlooked=sum(each.overlooked for each in runs),
    )


def table(results: Sequence[Result]) -> Iterator[str]:
    """Yield the lines of a table in Markdown."""
    yield _line(HEADINGS)
    yield _line(["---"] * len(HEADINGS))
    yield from (_line(each.cells()) for each in results)


def differences(results: Sequence[Result]) -> Iterator[str]:
    """Yield how far the first result's utilisation is from each of the others', in the chance that is in one run."""
    if not results:
        return
    first, *others = results
    for other in others:
        difference = first.utilisation - other.utilisation
        words = f"utilisation, {first.where} less {other.where}: {difference:+.3f}"
        yield words if not other.utilisation_sd else f"{words} ({abs(difference) / other.utilisation_sd:.1f} sd)"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
