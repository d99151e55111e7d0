"""The rows of an import as they are kept: some hundred together, in a block.

A file has a million rows that differ in little but their cells. Each by itself in the records would cost more than
reading its number; in blocks it is the file's own size. What most rows share, a status, is a letter; what few have, a
problem, is kept by the row's place in its block.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

import orjson

from dialler.domain.lead_import import KEPT, RowStatus

Problems: TypeAlias = Sequence[tuple[str, str]]
"""Codes and texts; of an invalid row the first is why."""

LETTERS: Final = {
    RowStatus.STAGED: "s",
    RowStatus.VALID: "v",
    RowStatus.INVALID: "x",
    RowStatus.IMPORTED: "i",
    RowStatus.UPDATED: "u",
    RowStatus.REJECTED: "r",
    RowStatus.SKIPPED: "k",
    RowStatus.DROPPED: "d",
}
STATUS_OF: Final = {letter: status for status, letter in LETTERS.items()}
PLANS: Final = {"n": "new", "e": "existing", "a": "again", "-": ""}
"""What a review said becomes of a row; again: an earlier row of the file has its customer key."""

MARKED: Final = KEPT | {RowStatus.INVALID}
"""What whoever corrects rows looks for."""

_MARKED: Final = frozenset(LETTERS[status] for status in MARKED)
_INVALID: Final = frozenset(LETTERS[status] for status in (RowStatus.INVALID, RowStatus.REJECTED))


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportBlock:
    """Rows that follow each other in a file."""

    last: int
    """Its last row's number, as a spreadsheet counts: the first row of the file is 1. It names the block."""

    status: str
    """A letter of LETTERS for each row."""

    cells: bytes = b""
    """JSON, never changed: for each row its number, why it can't be trusted (nul, encoding, unreadable, or ""), and
    its cells as they stand in the file."""

    plan: str = ""
    """A letter of PLANS for each row, "" before a review."""

    fixed: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    """Corrected cells of rows, by place in the block, then by column, from 0."""

    problems: Mapping[int, Problems] = field(default_factory=dict)
    """What was found in rows, by place in the block."""

    leads: bytes = b""
    """JSON: for each row its lead as checked (see `importing.stages.plain_lead`), or null. b"": none are known."""

    @property
    def marked(self) -> int:
        """How many rows have a status of MARKED."""
        return sum(map(self.status.count, _MARKED))

    def places(self, statuses: Collection[RowStatus] = ()) -> Iterator[int]:
        """Yield the places of rows that have not been dropped, with `statuses` only of these."""
        wanted = {LETTERS[status] for status in statuses or STATUS_OF.values() if status is not RowStatus.DROPPED}
        return (place for place, letter in enumerate(self.status) if letter in wanted)

    def counted(self) -> Counter[str]:
        """Return how many checked rows have which status, and how many which problem."""
        counts: Counter[str] = Counter()
        for letter, status in STATUS_OF.items():
            if status is not RowStatus.STAGED and (n := self.status.count(letter)):
                counts[status.value] = n
        for place, problems in self.problems.items():
            letter = self.status[place]
            if letter in (LETTERS[RowStatus.STAGED], LETTERS[RowStatus.DROPPED]):
                continue
            codes = [code for code, _ in problems]
            if letter in _INVALID:
                counts[f"invalid:{codes.pop(0)}"] += 1
            counts.update(f"noticed:{code}" for code in dict.fromkeys(codes))
            counts["repeated"] += any(code.startswith("repeated_in_") for code in codes)
        return +counts


def with_row(
    block: ImportBlock, place: int, *, status: str, fixed: Mapping[str, str], problems: Problems, lead: Any
) -> ImportBlock:
    """Return a block, read whole, with another state of one row; its plan is given up."""
    leads = orjson.loads(block.leads)
    leads[place] = lead
    others = {at: some for at, some in block.problems.items() if at != place}
    return replace(
        block,
        status=block.status[:place] + status + block.status[place + 1 :],
        plan="",
        fixed={**block.fixed, place: fixed},
        problems={**others, place: problems} if problems else others,
        leads=orjson.dumps(leads),
    )


def only(block: ImportBlock, statuses: Collection[RowStatus]) -> ImportBlock:
    """Return a block, read whole, with no other rows than those of `statuses`, of which it has some, and no leads."""
    places = list(block.places(statuses))
    rows = orjson.loads(block.cells)
    return ImportBlock(
        last=rows[places[-1]][0],
        status="".join(block.status[place] for place in places),
        cells=orjson.dumps([rows[place] for place in places]),
        plan="".join(block.plan[place] for place in places) if block.plan else "",
        fixed={at: block.fixed[place] for at, place in enumerate(places) if place in block.fixed},
        problems={at: block.problems[place] for at, place in enumerate(places) if place in block.problems},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRow:
    """One row, out of its block."""

    row: int
    """As a spreadsheet counts."""

    cells: Sequence[str]
    """As they stand in the file."""

    unreadable: str
    """Why the file's row can't be trusted: nul, encoding, unreadable; "" if it can."""

    status: RowStatus
    fixed: Mapping[str, str]
    """Corrected cells by column, from 0."""

    problems: Problems
    lead: Sequence[Any] | None
    plan: str
    """new, existing, again (an earlier row of the file has its customer key); "" before a review."""

    place: int
    """In its block, from 0."""


def rows_of_block(block: ImportBlock, wanted: Callable[[int], bool] = lambda _: True) -> Iterator[ImportRow]:
    """Yield the rows of a block that was read whole, but those dropped and those whose place is not `wanted`."""
    leads: Sequence[Any] = orjson.loads(block.leads) if block.leads else ()
    for place, (number, unreadable, cells) in enumerate(orjson.loads(block.cells)):
        status = STATUS_OF[block.status[place]]
        if status is not RowStatus.DROPPED and wanted(place):
            yield ImportRow(
                row=number,
                cells=cells,
                unreadable=unreadable,
                status=status,
                fixed=block.fixed.get(place, {}),
                problems=block.problems.get(place, ()),
                lead=leads[place] if leads else None,
                plan=PLANS[block.plan[place]] if block.plan else "",
                place=place,
            )
