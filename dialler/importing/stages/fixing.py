"""Corrections between check and run: a cell, or rows that are not wanted."""

import pickle
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from operator import ne
from typing import Final

import orjson

from dialler.domain.import_block import LETTERS, MARKED, ImportBlock, ImportRow, with_row
from dialler.domain.lead_import import WAITING, ImportStage, LeadImport, RowStatus
from dialler.errors import Conflict, ImportMisused, NotFound, UsageError
from dialler.importing.mapping import Columns
from dialler.importing.stages.checking import add_problem, look_for_repeats, spec_of
from dialler.importing.stages.plain_lead import CUSTOMER_KEY, NUMBERS
from dialler.importing.stages.row_check import BlockFound, ToCheck, check_block, corrected
from dialler.importing.stages.row_pages import block_with, row_of
from dialler.importing.stages.staged import back_to_review, expected, first_row, header_of, labels_of, recounted
from dialler.ports import Records, Store

_CHANGEABLE: Final = (ImportStage.REVIEW, ImportStage.RUN)
_BLOCKS_READ: Final = 20
_BLOCKS_DROPPED: Final = 4
_CHARS_SHOWN: Final = 200


async def fix_row(
    *, store: Store, import_id: int, row: int, cells: Mapping[str, str], who: str, now: datetime
) -> ImportRow:
    """Put values into columns of one row, check it again and note it in the audit; return the row.

    Raises NotFound, UsageError, Conflict once the run has begun.
    """

    def check(records: Records) -> tuple[int, int, ImportRow, BlockFound]:
        one = _changeable(records, import_id, to_change=False)
        block, old = _row(records, one, row)
        spec = spec_of(records.campaign(one.campaign_id), one)
        fixed = _fixed_cells(spec.columns, old, cells)
        alone = ToCheck(orjson.dumps([(row, old.unreadable, old.cells)]), 0, {0: fixed}, frozenset())
        old = replace(old, fixed=fixed)
        return one.revision, block.last, old, check_block(pickle.dumps(spec), alone)

    revision, last, checked, found = await store.read(check)
    await _look_in_file(store, import_id, (last, checked.place), found)

    def write(records: Records) -> ImportRow:
        one = _changeable(records, import_id, revision=revision)
        block, before = _row(records, one, row)
        look_for_repeats(records, one, found)
        (lead,) = orjson.loads(found.leads)
        new = with_row(
            block,
            before.place,
            status=found.status,
            fixed=checked.fixed,
            problems=found.problems.get(0, ()),
            lead=lead,
        )
        records.set_import_block(import_id, new)
        records.set_import(back_to_review(replace(one, counts=recounted(one, block, new))))
        labels = labels_of(header_of(one))
        was = dict(zip(labels, corrected(before.cells, before.fixed, len(labels)), strict=False))
        details = {
            "import": import_id,
            "row": row,
            "before": {name: was.get(name.strip()) for name in cells},  # None: the row was too short
            "after": dict(cells),
        }
        records.add_audit(now, who, "lead.import.fix", details)
        after = row_of(new, row)
        assert after is not None
        return after

    return await store.write(write)


async def _look_in_file(store: Store, import_id: int, own: tuple[int, int], found: BlockFound) -> None:
    """Note which number, or customer key, of a corrected row another row of the file has; `own` is its place."""
    after = 0
    for _, customer_key, numbers in found.marks:
        # A million rows are looked through in less than a second: only blocks that have the bytes are read.
        needles = [orjson.dumps(text) for text in (customer_key, *numbers) if text is not None]
        while blocks := await store.read(
            lambda records, after=after: records.import_blocks(import_id, after=after, limit=_BLOCKS_READ, cells=False)  # type: ignore[misc]
        ):
            after = blocks[-1].last
            for block in blocks:
                if not any(needle in block.leads for needle in needles):
                    continue
                for place, lead in enumerate(orjson.loads(block.leads)):
                    if lead is None or (block.last, place) == own or block.status[place] != LETTERS[RowStatus.VALID]:
                        continue
                    if both := {number for number, _, _ in lead[NUMBERS]}.intersection(numbers):
                        add_problem(found, 0, "repeated_in_file", f"{min(both)} is in another row, too")
                    if customer_key is not None and lead[CUSTOMER_KEY] == customer_key:
                        text = f"customer key {customer_key!r} is in another row, too"
                        add_problem(found, 0, "key_repeated", text)


async def drop_rows(
    *, store: Store, import_id: int, rows: Collection[int] = (), statuses: Collection[RowStatus] = ()
) -> int:
    """Drop rows by number, or all of some statuses, in batches; return how many.

    Raises NotFound if a row that is named is not there: then none was dropped. Raises Conflict as `fix_row`.
    """
    wanted = frozenset(rows)

    def look(records: Records) -> None:
        one = _changeable(records, import_id, to_change=False)
        for row in sorted(wanted):
            _row(records, one, row)

    if wanted:
        await store.read(look)
    letters = {LETTERS[status] for status in statuses or WAITING}
    dropped, after = 0, min(wanted, default=1) - 1

    def work(records: Records) -> tuple[int, int | None]:
        one = _changeable(records, import_id)
        marked = bool(statuses) and MARKED.issuperset(statuses)
        blocks = records.import_blocks(import_id, after=after, limit=_BLOCKS_DROPPED, marked=marked, leads=False)
        n = 0
        for block in blocks:
            status = "".join(
                LETTERS[RowStatus.DROPPED] if letter in letters and (not wanted or number in wanted) else letter
                for letter, (number, _, _) in zip(block.status, orjson.loads(block.cells), strict=True)
            )
            if changed := sum(map(ne, status, block.status)):
                new = replace(block, status=status)
                records.set_import_block(import_id, new)
                one = replace(one, counts=recounted(one, block, new))
                n += changed
        if n:
            records.set_import(back_to_review(one))
        return n, blocks[-1].last if blocks else None

    while True:
        n, last = await store.write(work)
        dropped += n
        if last is None or (wanted and last >= max(wanted)):
            return dropped
        after = last


def _row(records: Records, one: LeadImport, row: int) -> tuple[ImportBlock, ImportRow]:
    block = block_with(records, one.import_id, row)
    found = row_of(block, row) if block is not None and row > first_row(one) else None
    if block is None or found is None:
        raise NotFound(f"import {one.import_id} has no row {row}")
    return block, found


def _changeable(records: Records, import_id: int, *, revision: int | None = None, to_change: bool = True) -> LeadImport:
    one = expected(records, import_id, *_CHANGEABLE, revision=revision, to_change=to_change)
    if one.stage is ImportStage.RUN and one.options.get("begun"):
        raise Conflict(f"import {import_id} is being run: its rows can't be changed any more")
    return one


def _fixed_cells(columns: Columns, row: ImportRow, cells: Mapping[str, str]) -> Mapping[str, str]:
    """Return a row's corrected cells with `cells` (values by column) put in. Raises UsageError."""
    if row.unreadable:
        raise UsageError(
            f"row {row.row} can't be read ({row.unreadable}), so it can't be corrected: drop it, or correct the file"
        )
    if len(row.cells) > len(columns.header):
        raise UsageError(
            f"row {row.row} has more columns than the header, so nobody knows which is which: drop it, or correct"
            " the file"
        )
    fixed = dict(row.fixed)
    labels = labels_of(columns.header)
    for name, value in cells.items():
        if name.strip() not in labels:
            shown = ", ".join(labels)[:_CHARS_SHOWN]
            raise ImportMisused(f"row {row.row}: {name!r} is no column of the file; expected one of {shown}")
        fixed[str(labels.index(name.strip()))] = value
    return fixed
