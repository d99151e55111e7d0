"""What is wrong with a plan: all of it at once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class PlanMistake:
    """One thing wrong in a plan: where, what stands there, what was expected."""

    key: str
    value: object
    expected: str

    def __str__(self) -> str:
        return f"{self.key} = {self.value!r}: expected {self.expected}"

    def under(self, table: str) -> "PlanMistake":
        """Return the same mistake, of a key inside `table`."""
        return replace(self, key=f"{table}.{self.key}" if self.key else table)


class PlanError(ValueError):
    """A plan can't be used; it lists every mistake."""

    def __init__(self, mistakes: Sequence[PlanMistake]) -> None:
        super().__init__("\n".join(map(str, mistakes)))
        self.mistakes = tuple(mistakes)


def refuse(checks: Iterable[tuple[bool, str, object, str]]) -> None:
    """Raise PlanError for those of `checks` (good or not, key, value, what was expected) that are not good."""
    mistakes = [PlanMistake(key, value, expected) for good, key, value, expected in checks if not good]
    if mistakes:
        raise PlanError(mistakes)
