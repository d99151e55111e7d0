"""Rows of imports for people: by number and status, out of their blocks."""

from collections.abc import Collection, Sequence
from typing import Final

from dialler.domain.import_block import MARKED, ImportBlock, ImportRow, rows_of_block
from dialler.domain.lead_import import RowStatus
from dialler.ports import Records

_STATES_READ: Final = 64


def rows_after(
    records: Records, import_id: int, after: int, *, statuses: Collection[RowStatus] = (), limit: int
) -> Sequence[ImportRow]:
    """Return a page of rows by number, those above `after`; with `statuses` only these."""
    marked = bool(statuses) and MARKED.issuperset(statuses)
    found: list[ImportRow] = []
    # What the rows are is small beside what is in them: only blocks with rows that are wanted are read whole.
    while blocks := records.import_blocks(
        import_id, after=after, limit=_STATES_READ, marked=marked, cells=False, leads=False
    ):
        for block in blocks:
            places = set(block.places(statuses))
            if not places:
                after = block.last
                continue
            (whole,) = records.import_blocks(import_id, after=block.last - 1)
            found += [row for row in rows_of_block(whole, places.__contains__) if row.row > after]
            after = block.last
            if len(found) >= limit:
                return found[:limit]
    return found


def block_with(records: Records, import_id: int, row: int) -> ImportBlock | None:
    """Return the block in which a row is, if it is anywhere."""
    blocks = records.import_blocks(import_id, after=row - 1)
    return blocks[0] if blocks else None


def row_of(block: ImportBlock, row: int) -> ImportRow | None:
    """Return a row of a block by its number; None if the block has none, or it was dropped."""
    return next((one for one in rows_of_block(block) if one.row == row), None)
