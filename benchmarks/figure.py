"""A figure: a ratio or a time with its spread, its goal, and the parts it was made of."""

import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

AT_LEAST: Final = "at least"
AT_MOST: Final = "at most"


class Unavailable(Exception):
    """What a figure needs is not on this machine; the words say what."""


@dataclass(frozen=True, slots=True)
class Spread:
    """The same thing measured several times."""

    values: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError("a spread needs at least one value")

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread":
        return cls(tuple(values))

    @property
    def low(self) -> float:
        return min(self.values)

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def high(self) -> float:
        return max(self.values)

    def over(self, other: "Spread") -> "Spread":
        """Return the ratios turn by turn: what disturbed the machine in one turn disturbed both sides of it.

        Raises ValueError unless both have as many turns, ZeroDivisionError where the other is 0.
        """
        return Spread(tuple(ours / theirs for ours, theirs in zip(self.values, other.values, strict=True)))

    def json(self) -> dict[str, Any]:
        return {"min": self.low, "median": self.median, "max": self.high, "values": list(self.values)}


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least `share` (0..1) of the values do not exceed: the nearest rank."""
    if not values or not 0 < share <= 1:
        raise ValueError(f"percentile needs values and a share above 0 and at most 1, got {len(values)} and {share}")
    ordered = sorted(values)
    rank = -int(-share * len(ordered) // 1)  # the ceiling
    return ordered[max(rank, 1) - 1]


@dataclass(frozen=True, slots=True)
class Goal:
    """What the figure's median has to be."""

    bound: str
    value: float

    def __post_init__(self) -> None:
        if self.bound not in (AT_LEAST, AT_MOST):
            raise ValueError(f"a goal is {AT_LEAST!r} or {AT_MOST!r} something, got {self.bound!r}")

    def is_met_by(self, value: float) -> bool:
        return value >= self.value if self.bound == AT_LEAST else value <= self.value

    def __str__(self) -> str:
        return f"{self.bound} {number(self.value)}"


@dataclass(frozen=True, slots=True)
class Part:
    """One of the things that a figure was made of."""

    what: str
    unit: str
    spread: Spread


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the table, and what stands behind it."""

    name: str
    what: str
    spread: Spread
    unit: str = ""
    """Empty for a ratio."""

    goal: Goal | None = None
    parts: Sequence[Part] = ()
    notes: Sequence[str] = field(default=())

    @property
    def is_met(self) -> bool | None:
        """Whether the median meets the goal; None without one."""
        return None if self.goal is None else self.goal.is_met_by(self.spread.median)

    def json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "what": self.what,
            "unit": self.unit or "ratio",
            **self.spread.json(),
            "goal": None if self.goal is None else str(self.goal),
            "met": self.is_met,
            "parts": [{"what": part.what, "unit": part.unit, **part.spread.json()} for part in self.parts],
            "notes": list(self.notes),
        }


def number(value: float) -> str:
    """Return a number with as many digits as one can believe in."""
    if value == 0:
        return "0"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    if abs(value) >= 100:
        return f"{value:.0f}"
    if abs(value) >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.2g}"


def lines_of(figure: Figure) -> Iterator[str]:
    """Yield the figure's lines of the table."""
    met = {True: "met", False: "MISSED", None: ""}[figure.is_met]
    goal = "" if figure.goal is None else f"goal {figure.goal}"
    yield _line(figure.name, figure.what, figure.spread, figure.unit or "x", f"{goal:<16} {met}".rstrip())
    for part in figure.parts:
        yield _line("", f"  {part.what}", part.spread, part.unit, "")
    for note in figure.notes:
        yield f"{'':<14} note: {note}"


def heading() -> str:
    """Return the heading over `lines_of`."""
    return f"{'':<14} {'':<66} {'min':>9} {'median':>9} {'max':>9}"


def _line(name: str, what: str, spread: Spread, unit: str, rest: str) -> str:
    values = f"{number(spread.low):>9} {number(spread.median):>9} {number(spread.high):>9}"
    return f"{name:<14} {what:<66} {values}  {unit:<10} {rest}".rstrip()
