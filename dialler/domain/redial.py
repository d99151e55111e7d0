"""When a lead is due again after an attempt, or that it never is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from dialler.domain.outcome import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class RedialRule:
    """How attempts that end with one outcome are repeated."""

    rests: tuple[timedelta, ...]
    """From the end of the 1st, 2nd, ... attempt in a row with this outcome; the last one repeats."""

    in_a_row_max: int | None = None
    """After this many in a row the lead is exhausted; None: no such limit."""

    def __post_init__(self) -> None:
        if not self.rests or min(self.rests) < timedelta(0):
            raise ValueError(f"rests must be given, none below zero, got {self.rests}")
        if self.in_a_row_max is not None and self.in_a_row_max < 1:
            raise ValueError(f"in_a_row_max must be 1 or more, got {self.in_a_row_max}")


@dataclass(frozen=True, slots=True)
class RedialRules:
    """One list's rules: those given here, the shipped defaults for the rest."""

    by_outcome: Mapping[Outcome, RedialRule] = field(default_factory=dict)
