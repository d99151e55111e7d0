"""The mapping stage and the check stage: what the columns are, then what each row is."""

from collections import deque
from collections.abc import Mapping as AbstractMapping
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import anyio
import orjson

from dialler.domain.campaign import Campaign
from dialler.domain.lead_import import ImportRow, ImportStage, LeadImport, RowStatus
from dialler.domain.zones import canonical_zone
from dialler.errors import Conflict, ImportMisused, ImportRefused, UsageError
from dialler.importing.failures import only_error
from dialler.importing.mapping import Columns, Mapping, resolve
from dialler.importing.options import ImportOptions
from dialler.importing.stages.row_check import CheckSpec, RowFound
from dialler.importing.stages.staged import (
    ROWS_AT_ONCE,
    Tell,
    expected,
    first_row,
    header_of,
    labels_of,
    recounted,
    rows_of,
    tell_nobody,
)
from dialler.importing.stages.workers import Check, checkers
from dialler.importing.writing import NumbersSeen
from dialler.ports import Records, Store

MAPPABLE: Final = (ImportStage.MAPPING, ImportStage.CHECK, ImportStage.REVIEW)
_AHEAD: Final = 4
"""Batches that are checked, or wait to be written, at once: enough for two processes, and a few megabytes."""

_CHARS_SHOWN: Final = 200


def mapped(
    records: Records, import_id: int, mapping: Mapping, *, region: str | None, header: bool | None
) -> LeadImport:
    """Map an import's columns; return it at stage check, all of its rows unchecked.

    `region` is the country of numbers that do not say theirs; it chooses the zone rules. `header` None leaves it as
    it is. Raises ImportRefused for columns that are not there, Conflict for an import without file, or reviewed.
    """
    old = expected(records, import_id, *MAPPABLE)
    file = dict(old.file)
    if header is not None:
        file["has_header"] = header
    one = replace(old, file=file)
    columns = resolve(mapping, header_of(one), source=str(file["name"]))
    # A re-check goes through all rows anyway, so what they were found to be needs no undoing here.
    new = replace(
        one,
        stage=ImportStage.CHECK,
        cursor=0,
        revision=old.revision + 1,
        counts={key: n for key, n in old.counts.items() if key == "dropped"},
        review=None,
        mapping={
            "fields": [list(pair) for pair in mapping.fields],
            "guess": mapping.guess,
            "keep_rest": mapping.keep_rest,
            "region": ImportOptions(region=region).region,
            "columns": columns.used(),
        },
    )
    spec_of(records.campaign(one.campaign_id), new)  # Raises what would stop the check.
    records.set_import(new)
    return new


def mapping_of(one: LeadImport | AbstractMapping[str, Any]) -> tuple[Mapping, str | None]:
    """Return the mapping of an import, or of a template, and its region."""
    said: Any = one.mapping if isinstance(one, LeadImport) else one
    fields = tuple((field, column) for field, column in said["fields"])
    return Mapping(fields=fields, guess=said["guess"], keep_rest=said["keep_rest"]), said["region"]


def spec_of(campaign: Campaign, one: LeadImport) -> CheckSpec:
    """Return what an import's rows are checked by. Raises ImportRefused."""
    mapping, region = mapping_of(one)
    options = ImportOptions(mapping=mapping, region=region)
    try:
        default_zone = canonical_zone(campaign.settings.timezone).name
    except ValueError as error:
        raise ImportRefused(f"campaign {campaign.name}: timezone: {error}") from error
    return CheckSpec(
        columns=resolve(mapping, header_of(one), source=str(one.file["name"])),
        country=options.country(),
        default_zone=default_zone,
        rules=options.rules(),
        numbers_from=options.region,
    )


async def check_import(*, store: Store, import_id: int, tell: Tell = tell_nobody) -> LeadImport:
    """Check the rows that are not checked yet; return the import at stage review.

    Raises Conflict when somebody else has changed the import meanwhile.
    """

    def begin(records: Records) -> tuple[LeadImport, CheckSpec]:
        one = expected(records, import_id, ImportStage.CHECK, to_change=False)
        return one, spec_of(records.campaign(one.campaign_id), one)

    one, spec = await store.read(begin)
    passing = _Passing(store, one, tell)
    await passing.remember()
    try:
        async with checkers(spec, rows_of(one)) as check:
            await passing.run(check)
    except BaseExceptionGroup as group:
        raise only_error(group) from group

    def end(records: Records) -> LeadImport:
        done = replace(
            expected(records, import_id, ImportStage.CHECK, revision=one.revision), stage=ImportStage.REVIEW, cursor=0
        )
        records.set_import(done)
        return done

    return await store.write(end)


class _Passing:
    """One pass of the check over an import's rows."""

    def __init__(self, store: Store, one: LeadImport, tell: Tell) -> None:
        self._store = store
        self._one = one
        self._tell = tell
        self._cursor = max(one.cursor, first_row(one))
        self._done = 0
        self._seen = NumbersSeen()
        self._keys: set[int] = set()

    async def remember(self) -> None:
        """Learn the numbers and customer keys of the rows that were checked before an interruption."""
        after = first_row(self._one)
        while after < self._cursor:
            page = await self._page(after)
            some = [row for row in page if row.row <= self._cursor]
            if not some:
                return
            self._done += len(some)
            after = some[-1].row
            for row in some:
                if row.lead:
                    plain = orjson.loads(row.lead)
                    self._note(plain["customer_key"], [number for number, _, _ in plain["numbers"]])

    async def run(self, check: Check) -> None:
        """Read ahead, let the rows be checked, and write them in their order."""
        flying: deque[tuple[Sequence[ImportRow], list[list[RowFound]], anyio.Event]] = deque()
        after = self._cursor
        is_read = False
        async with anyio.create_task_group() as tasks:
            while flying or not is_read:
                while not is_read and len(flying) < _AHEAD:
                    page = await self._page(after)
                    if not page:
                        is_read = True
                        break
                    after = page[-1].row
                    found: list[list[RowFound]] = []
                    ended = anyio.Event()
                    flying.append((page, found, ended))
                    tasks.start_soon(_checked, check, page, found, ended)
                if flying:
                    page, found, ended = flying.popleft()
                    await ended.wait()
                    await self._store.write(self._writing(page, found[0]))
                    self._done += len(page)
                    await self._tell({"stage": "check", "rows": self._done, "of": rows_of(self._one)})

    async def _page(self, after: int) -> Sequence[ImportRow]:
        import_id = self._one.import_id
        return await self._store.read(lambda records: records.import_rows(import_id, after=after, limit=ROWS_AT_ONCE))

    def _writing(self, page: Sequence[ImportRow], found: Sequence[RowFound]) -> Any:
        for one in found:
            if any(number in self._seen for number in one.numbers):
                number = next(number for number in one.numbers if number in self._seen)
                one.problems.append(("repeated_in_file", f"{number} is in an earlier row, too"))
            if one.customer_key is not None and hash(one.customer_key) in self._keys:
                one.problems.append(("key_repeated", f"customer key {one.customer_key!r} is in an earlier row, too"))
            self._note(one.customer_key, one.numbers)
        before = self._cursor
        self._cursor = page[-1].row

        def work(records: Records) -> None:
            one = expected(records, self._one.import_id, ImportStage.CHECK, revision=self._one.revision)
            if max(one.cursor, first_row(one)) != before:
                raise Conflict(f"import {one.import_id} is being checked by somebody else")
            look_for_repeats(records, one, found)
            new = [as_found(row, what) for row, what in zip(page, found, strict=True)]
            records.set_import_rows(one.import_id, new)
            records.set_import(replace(one, cursor=page[-1].row, counts=recounted(one, [], new)))

        return work

    def _note(self, customer_key: str | None, numbers: Sequence[str]) -> None:
        if customer_key is not None:
            self._keys.add(hash(customer_key))
        for number in numbers:
            self._seen.add(number)


async def _checked(check: Check, page: Sequence[ImportRow], found: list[list[RowFound]], ended: anyio.Event) -> None:
    found.append(await check([(row.row, row.cells, row.fixed, row.unreadable) for row in page]))
    ended.set()


def as_found(row: ImportRow, found: RowFound) -> ImportRow:
    """Return a row with what its check has found."""
    return ImportRow(
        row=row.row,
        cells=row.cells,
        unreadable=row.unreadable,
        status=RowStatus(found.status),
        fixed=row.fixed,
        problems=orjson.dumps(found.problems).decode() if found.problems else "[]",
        lead=found.lead,
    )


def look_for_repeats(records: Records, one: LeadImport, found: Sequence[RowFound]) -> None:
    """Add to rows' problems which of their numbers the list, the campaign and the do-not-call lists have.

    The numbers of the very lead that a row updates are no repeats.
    """
    numbers = list(dict.fromkeys(number for row in found for number in row.numbers))
    if not numbers:
        return
    forbidden = records.dnc_hits(one.campaign_id, numbers)
    known = records.numbers_known(one.campaign_id, numbers)
    in_list: frozenset[str] = frozenset()
    owned: dict[str, set[str]] = {}
    if known and one.list_id is not None:
        in_list = records.numbers_in_list(one.list_id, list(known))
        keys = [row.customer_key for row in found if row.customer_key is not None]
        there = records.leads_by_key(one.list_id, keys)
        owned = {key: {phone.number for phone in lead.numbers} for key, lead in there.items()}
    if not known and not forbidden:
        return
    for row in found:
        own = owned.get(row.customer_key or "", set())
        for number in row.numbers:
            if number in forbidden:
                row.problems.append(("do_not_call", f"{number} is on a do-not-call list"))
        for number in row.numbers:
            if number in known and number not in own:
                where = "list" if number in in_list else "campaign"
                row.problems.append((f"repeated_in_{where}", f"{number} is in the {where} already"))
                break


def fixed_cells(columns: Columns, row: ImportRow, cells: AbstractMapping[str, str]) -> str:
    """Return a row's corrected cells with `cells` (values by column) put in. Raises UsageError."""
    if row.unreadable:
        raise UsageError(
            f"row {row.row} can't be read ({row.unreadable}), so it can't be corrected: drop it, or correct the file"
        )
    if len(orjson.loads(row.cells)) > len(columns.header):
        raise UsageError(
            f"row {row.row} has more columns than the header, so nobody knows which is which: drop it, or correct"
            " the file"
        )
    fixed = orjson.loads(row.fixed)
    labels = labels_of(columns.header)
    for name, value in cells.items():
        if name.strip() not in labels:
            shown = ", ".join(labels)[:_CHARS_SHOWN]
            raise ImportMisused(f"row {row.row}: {name!r} is no column of the file; expected one of {shown}")
        fixed[str(labels.index(name.strip()))] = value
    return orjson.dumps(fixed).decode()
