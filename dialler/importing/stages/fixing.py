"""Corrections between check and run: a cell, or rows that are not wanted."""

import pickle
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Final

from dialler.domain.lead_import import WAITING, ImportRow, ImportStage, RowStatus
from dialler.errors import Conflict, NotFound
from dialler.importing.stages.checking import as_found, fixed_cells, look_for_repeats, spec_of
from dialler.importing.stages.row_check import check_rows
from dialler.importing.stages.staged import back_to_review, expected, first_row, recounted
from dialler.ports import Records, Store

_CHANGEABLE: Final = (ImportStage.REVIEW, ImportStage.RUN)
_DROPPED_AT_ONCE: Final = 1_000


def fix_row(records: Records, import_id: int, row: int, cells: Mapping[str, str]) -> tuple[ImportRow, ImportRow]:
    """Put values into columns of one row and check it again; return the row before and after.

    Its numbers are not held against the file's other rows any more: the run does that. Raises NotFound, UsageError,
    Conflict once the run has begun.
    """
    one = expected(records, import_id, *_CHANGEABLE)
    _not_begun(one.import_id, one.stage, one.options)
    found = records.import_rows(import_id, rows=[row], after=first_row(one))
    if not found:
        raise NotFound(f"import {import_id} has no row {row}")
    (old,) = found
    spec = spec_of(records.campaign(one.campaign_id), one)
    changed = replace(old, fixed=fixed_cells(spec.columns, old, cells), plan="")
    checked = check_rows(pickle.dumps(spec), [(row, changed.cells, changed.fixed, changed.unreadable)])
    look_for_repeats(records, one, checked)
    new = as_found(changed, checked[0])
    records.set_import_rows(import_id, [new])
    records.set_import(back_to_review(replace(one, counts=recounted(one, [old], [new]))))
    return old, new


async def drop_rows(
    *, store: Store, import_id: int, rows: Collection[int] = (), statuses: Collection[RowStatus] = ()
) -> int:
    """Delete rows by number, or all of some statuses, in batches; return how many. They are counted as dropped.

    Raises NotFound if a row that is named is not there: then none was deleted. Raises Conflict as `fix_row`.
    """
    dropped = 0
    is_first = True

    def work(records: Records) -> int:
        one = expected(records, import_id, *_CHANGEABLE)
        _not_begun(one.import_id, one.stage, one.options)
        if rows and is_first:
            there = {
                row.row for row in records.import_rows(import_id, rows=rows, after=first_row(one), limit=len(rows))
            }
            if missing := sorted(set(rows) - there):
                raise NotFound(f"import {import_id} has no row {missing[0]}")
        gone = records.delete_import_rows(
            import_id, rows=rows, statuses=set(statuses or WAITING) - {RowStatus.STAGED}, limit=_DROPPED_AT_ONCE
        )
        if gone:
            counts = recounted(one, gone, [])
            counts["dropped"] = counts.get("dropped", 0) + len(gone)
            records.set_import(back_to_review(replace(one, counts=counts)))
        return len(gone)

    while gone := await store.write(work):
        dropped += gone
        is_first = False
    return dropped


def _not_begun(import_id: int, stage: ImportStage, options: Mapping[str, object]) -> None:
    if stage is ImportStage.RUN and options.get("begun"):
        raise Conflict(f"import {import_id} is being run: its rows can't be changed any more")
