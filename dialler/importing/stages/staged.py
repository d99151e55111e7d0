"""What stages share: looking that an import is where it should be, and its counts."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeAlias

from dialler.domain.import_block import ImportBlock
from dialler.domain.lead_import import ImportStage, LeadImport
from dialler.errors import Conflict
from dialler.ports import Records

Tell: TypeAlias = Callable[[Mapping[str, object]], Awaitable[None]]
"""Takes progress: {"stage", "rows", "of"}; "bytes" instead of "of" while the file arrives."""

_NEXT: Final = {
    ImportStage.FILE: "it waits for its file",
    ImportStage.MAPPING: "it waits for its mapping",
    ImportStage.CHECK: "its rows are not all checked yet",
    ImportStage.REVIEW: "it waits for a review",
    ImportStage.RUN: "it is reviewed and can be run",
    ImportStage.DONE: "it is done",
    ImportStage.CANCELLED: "it is cancelled",
}


async def tell_nobody(_: Mapping[str, object]) -> None:
    """Take progress that nobody wants."""


def expected(
    records: Records, import_id: int, *stages: ImportStage, revision: int | None = None, to_change: bool = True
) -> LeadImport:
    """Return an import that is at one of `stages`. Raises NotFound, Conflict (which says what it waits for)."""
    found = records.lead_import(import_id, to_change=to_change)
    if found.stage not in stages:
        raise Conflict(
            f"import {import_id} is at stage {found.stage}: {_NEXT[found.stage]}; expected {' or '.join(stages)}"
        )
    if revision is not None and found.revision != revision:
        raise Conflict(f"import {import_id} was changed meanwhile; try again")
    return found


def recounted(one: LeadImport, before: ImportBlock | None, after: ImportBlock) -> dict[str, int]:
    """Return the import's counts once a block is no longer as `before` but as `after`; None: it was not counted."""
    counts = Counter(one.counts)
    counts.update(after.counted())
    if before is not None:
        counts.subtract(before.counted())
    return {key: n for key, n in counts.items() if n}


def back_to_review(one: LeadImport) -> LeadImport:
    """Return an import whose rows or options have changed since it was checked: it needs a new review."""
    return replace(one, stage=ImportStage.REVIEW, cursor=0, revision=one.revision + 1, review=None)


def is_unattended(one: LeadImport) -> bool:
    """Tell whether nobody looks at the review: the run follows it at once."""
    return bool(one.options.get("unattended"))


def rows_of(one: LeadImport) -> int:
    """Return how many rows the file had, without its header."""
    rows = one.file.get("rows", 0)
    assert isinstance(rows, int)
    return rows - has_header(one)


def has_header(one: LeadImport) -> bool:
    """Tell whether the file's first row has the names of the columns."""
    return bool(one.file.get("has_header", True))


def first_row(one: LeadImport) -> int:
    """Return the number of the last row before those with leads."""
    return int(str(one.file.get("first_row", 1))) if has_header(one) else 0


def header_of(one: LeadImport) -> list[str]:
    """Return the names of the columns; without a header they are "column 1" and so on."""
    first = one.file.get("first_cells", [])
    assert isinstance(first, list)
    return [str(cell) for cell in first] if has_header(one) else [f"column {at}" for at, _ in enumerate(first, 1)]


def labels_of(header: Sequence[str]) -> list[str]:
    """Return a name of its own for each column: of two of one name the second is "Name (2)", one without is
    "column 3"."""
    labels: list[str] = []
    for at, name in enumerate(header, 1):
        label, count = name.strip() or f"column {at}", 1
        while label in labels:
            count += 1
            label = f"{name.strip()} ({count})"
        labels.append(label)
    return labels
