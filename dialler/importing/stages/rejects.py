"""Rows that became no leads, as CSV that can be fed in again."""

from collections.abc import AsyncIterator, Sequence
from typing import Final

from dialler.domain.import_block import ImportRow
from dialler.domain.lead_import import LeadImport, RowStatus
from dialler.importing.lead_file import RejectsText
from dialler.importing.rows import Row
from dialler.importing.stages.row_check import corrected
from dialler.importing.stages.row_pages import rows_after
from dialler.importing.stages.staged import first_row, header_of
from dialler.ports import Records, Store

_PAGE: Final = 500
_STATUSES: Final = (RowStatus.INVALID, RowStatus.REJECTED, RowStatus.SKIPPED)


async def rejects_of(store: Store, one: LeadImport) -> AsyncIterator[str]:
    """Yield lines: the file's columns and the reason, then the rows that are invalid or were skipped."""
    header = header_of(one)
    text = RejectsText(header, str(one.file["delimiter"]))
    yield text.header()
    after = first_row(one)

    def page(records: Records) -> Sequence[ImportRow]:
        return rows_after(records, one.import_id, after, statuses=_STATUSES, limit=_PAGE)

    while found := await store.read(page):
        after = found[-1].row
        for row in found:
            cells = corrected(row.cells, row.fixed, len(header))
            yield text.row(Row(row.row, cells, row.unreadable), _reason(row))


def _reason(row: ImportRow) -> str:
    return row.problems[-1 if row.status is RowStatus.SKIPPED else 0][1]
