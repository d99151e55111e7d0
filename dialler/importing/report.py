"""What became of a file."""

from dataclasses import dataclass, field
from typing import Final

EXAMPLES_MAX: Final = 20  # of each kind


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What became of a file: rows = imported + updated + rejected."""

    rows: int
    """Those of the file, without header and blank ones."""

    imported: int
    updated: int
    rejected: int
    duplicates: int
    """Rows, imported or updated, with a number that another lead of the campaign has, or an earlier row."""

    reasons: dict[str, int]
    """Rejected rows, by the code of their reason."""

    warnings: dict[str, int]
    """Rows in which something was noticed for which they were not rejected, by code."""

    notes: tuple[str, ...]
    """What concerns the whole file: how it was read, what was left out."""

    examples: tuple[str, ...]
    """The first rows of each kind that were rejected, repeated or noticed, in words."""

    columns: dict[str, list[str]]
    """By field: the columns it was taken from."""

    encoding: str
    delimiter: str
    dry_run: bool
    import_id: int = field(compare=False)
    """The import that it was; one that was dry is cancelled."""
