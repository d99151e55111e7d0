"""What became of a file."""

from collections import Counter
from dataclasses import dataclass, field

EXAMPLES_MAX = 20  # of each kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far an import is. Rows are those of the file, without header and blank ones."""

    bytes_read: int
    rows: int
    imported: int
    updated: int
    rejected: int
    duplicates: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What became of a file: rows = imported + updated + rejected."""

    rows: int
    imported: int
    updated: int
    rejected: int
    duplicates: int
    """Rows, imported or updated, with a number that another lead of the campaign has, or an earlier row."""

    reasons: dict[str, int]
    """Rejected rows, by the code of their reason."""

    warnings: dict[str, int]
    """What was noticed in rows that were not rejected for it, by code."""

    notes: tuple[str, ...]
    """What concerns the whole file: how it was read, what was left out."""

    examples: tuple[str, ...]
    """The first rows of each kind that were rejected, repeated or noticed, in words."""

    columns: dict[str, list[str]]
    """By field: the columns it was taken from."""

    encoding: str
    delimiter: str
    dry_run: bool


@dataclass(slots=True)
class Tally:
    """The counts of an import that is under way."""

    bytes_read: int = 0
    rows: int = 0
    imported: int = 0
    updated: int = 0
    rejected: int = 0
    duplicates: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)
    _shown: Counter[str] = field(default_factory=Counter)

    def reject(self, number: int, code: str, reason: str) -> None:
        self.rejected += 1
        self.reasons[code] += 1
        self._example("rejected", number, f"rejected: {reason}")

    def warn(self, number: int, code: str, text: str) -> None:
        self.warnings[code] += 1
        self._example(code, number, text)

    def repeat(self, number: int, phone: str) -> None:
        self.duplicates += 1
        self._example("repeated", number, f"{phone} is repeated")

    def progress(self) -> Progress:
        return Progress(
            bytes_read=self.bytes_read,
            rows=self.rows,
            imported=self.imported,
            updated=self.updated,
            rejected=self.rejected,
            duplicates=self.duplicates,
        )

    def _example(self, kind: str, number: int, text: str) -> None:
        self._shown[kind] += 1
        if self._shown[kind] <= EXAMPLES_MAX:
            self.examples.append(f"row {number}: {text}")
