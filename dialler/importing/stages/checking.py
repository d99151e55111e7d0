"""The mapping stage and the check stage: what the columns are, then what each row is."""

from collections import deque
from collections.abc import Mapping as AbstractMapping
from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Any, Final

import anyio
import anyio.lowlevel
import orjson

from dialler.domain.campaign import Campaign
from dialler.domain.import_block import LETTERS, ImportBlock
from dialler.domain.lead_import import ImportStage, LeadImport, RowStatus
from dialler.domain.zones import canonical_zone
from dialler.errors import Conflict, ImportRefused
from dialler.importing.failures import only_error
from dialler.importing.mapping import FIELDS as KNOWN_FIELDS
from dialler.importing.mapping import Mapping, resolve
from dialler.importing.options import ImportOptions
from dialler.importing.stages.plain_lead import CUSTOMER_KEY, NUMBERS
from dialler.importing.stages.row_check import BlockFound, CheckSpec, ToCheck
from dialler.importing.stages.seen import Seen
from dialler.importing.stages.staged import (
    Tell,
    expected,
    first_row,
    header_of,
    recounted,
    rows_of,
    tell_nobody,
)
from dialler.importing.stages.workers import Check, checkers
from dialler.importing.stages.write_behind import WriteBehind, write_behind
from dialler.ports import Records, Store

MAPPABLE: Final = (ImportStage.MAPPING, ImportStage.CHECK, ImportStage.REVIEW)
_AHEAD: Final = 4
"""Batches that are checked, or wait to be written, at once: enough for two processes, and a few megabytes."""


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
    # Raises what would stop the check.
    spec = spec_for(records.campaign(old.campaign_id), mapping, region, header_of(one), source=str(file["name"]))
    # A re-check goes through all rows anyway, so what they were found to be needs no undoing here.
    new = replace(
        one,
        stage=ImportStage.CHECK,
        cursor=0,
        revision=old.revision + 1,
        counts={},
        review=None,
        options={},
        mapping={
            "fields": [list(pair) for pair in mapping.fields],
            "guess": mapping.guess,
            "keep_rest": mapping.keep_rest,
            "region": spec.numbers_from,
            "columns": spec.columns.used(),
            "notes": _notes(spec, mapping),
        },
    )
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
    return spec_for(campaign, mapping, region, header_of(one), source=str(one.file["name"]))


def spec_for(
    campaign: Campaign, mapping: Mapping, region: str | None, header: Sequence[str], *, source: str
) -> CheckSpec:
    """Return what the rows under a header are checked by; `source` is what messages call the file.

    Raises ImportRefused.
    """
    options = ImportOptions(mapping=mapping, region=region)
    try:
        default_zone = canonical_zone(campaign.settings.timezone).name
    except ValueError as error:
        raise ImportRefused(f"campaign {campaign.name}: timezone: {error}") from error
    return CheckSpec(
        columns=resolve(mapping, header, source=source),
        country=options.country(),
        default_zone=default_zone,
        rules=options.rules(),
        numbers_from=options.region,
    )


def _notes(spec: CheckSpec, mapping: Mapping) -> list[str]:
    """Return what whoever made the mapping may not have meant."""
    rules, columns = spec.rules, spec.columns
    notes = []
    if rules is not None and columns.position(rules.field) is None and "timezone" not in columns.single:
        zone = spec.default_zone
        notes.append(f"no column is mapped to {rules.field}, so {rules.file} gives no zones: {zone} is taken")
    for name, _ in mapping.fields:
        near = get_close_matches(name.casefold(), KNOWN_FIELDS, n=1, cutoff=0.75)
        if near and name not in KNOWN_FIELDS:
            notes.append(f"{name!r} is a data field of its own; did you mean the field {near[0]}?")
    return notes


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
        async with checkers(spec, rows_of(one)) as check, write_behind(store) as behind:
            await passing.run(check, behind)
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
        self._cursor = one.cursor
        self._done = 0
        self._numbers = Seen()
        self._keys = Seen()

    async def remember(self) -> None:
        """Learn the numbers and customer keys of the rows that were checked before an interruption."""
        after = 0
        while after < self._cursor and (block := await self._block(after, checked=True)):
            self._done += len(block.status)
            after = block.last
            leads = [lead for lead in orjson.loads(block.leads) if lead is not None]
            self._numbers.add([number for lead in leads for number, _, _ in lead[NUMBERS]])
            self._keys.add([lead[CUSTOMER_KEY] for lead in leads if lead[CUSTOMER_KEY] is not None])
            await anyio.lowlevel.checkpoint()

    async def run(self, check: Check, behind: WriteBehind) -> None:
        """Read ahead, let the rows be checked, and write them in their order."""
        flying: deque[tuple[ImportBlock, list[BlockFound], anyio.Event]] = deque()
        after = self._cursor
        is_read = False
        async with anyio.create_task_group() as tasks:
            while flying or not is_read:
                while not is_read and len(flying) < _AHEAD:
                    block = await self._block(after)
                    if block is None:
                        is_read = True
                        break
                    after = block.last
                    found: list[BlockFound] = []
                    ended = anyio.Event()
                    flying.append((block, found, ended))
                    tasks.start_soon(_checked, check, to_check(block, first_row(self._one)), found, ended)
                if flying:
                    block, found, ended = flying.popleft()
                    await ended.wait()
                    await behind.write(self._writing(block, found[0]))
                    self._done += len(block.status)
                    of = rows_of(self._one)
                    await self._tell({"stage": "check", "rows": min(self._done, of), "of": of})

    async def _block(self, after: int, *, checked: bool = False) -> ImportBlock | None:
        """Return the next block, with its cells or, `checked`, with its leads."""
        import_id = self._one.import_id
        found = await self._store.read(
            lambda records: records.import_blocks(import_id, after=after, cells=not checked, leads=checked)
        )
        return found[0] if found else None

    def _writing(self, block: ImportBlock, found: BlockFound) -> Any:
        self._look_before(found)
        before, self._cursor = self._cursor, block.last

        def work(records: Records) -> None:
            one = expected(records, self._one.import_id, ImportStage.CHECK, revision=self._one.revision)
            if one.cursor != before:
                raise Conflict(f"import {one.import_id} is being checked by somebody else")
            look_for_repeats(records, one, found)
            new = as_found(block, found)
            records.set_import_block(one.import_id, new)
            records.set_import(replace(one, cursor=block.last, counts=recounted(one, None, new)))

        return work

    def _look_before(self, found: BlockFound) -> None:
        """Add to rows' problems what an earlier row has, too."""
        numbers = [number for _, _, some in found.marks for number in some]
        keys = [key for _, key, _ in found.marks if key is not None]
        if not (self._numbers.are_new(numbers) and self._keys.are_new(keys)):
            numbers_before, keys_before = set(self._numbers.those_of(numbers)), set(self._keys.those_of(keys))
            for place, key, some in found.marks:
                if repeated := [each for each in some if each in numbers_before]:
                    add_problem(found, place, "repeated_in_file", f"{repeated[0]} is in an earlier row, too")
                if key is not None and key in keys_before:
                    add_problem(found, place, "key_repeated", f"customer key {key!r} is in an earlier row, too")
                numbers_before.update(some)
                keys_before.update(() if key is None else (key,))
        self._numbers.add(numbers)
        self._keys.add(keys)


async def _checked(check: Check, block: ToCheck, found: list[BlockFound], ended: anyio.Event) -> None:
    found.append(await check(block))
    ended.set()


def to_check(block: ImportBlock, first: int) -> ToCheck:
    """Return what a worker needs of a block; rows up to `first` are a header."""
    dropped = {place for place, letter in enumerate(block.status) if letter == LETTERS[RowStatus.DROPPED]}
    return ToCheck(block.cells, first, block.fixed, dropped)


def as_found(block: ImportBlock, found: BlockFound) -> ImportBlock:
    """Return a block with what its check has found."""
    return replace(block, status=found.status, plan="", problems=found.problems, leads=found.leads)


def add_problem(found: BlockFound, place: int, code: str, text: str) -> None:
    """Note what was noticed about a row."""
    found.problems.setdefault(place, []).append((code, text))


def look_for_repeats(records: Records, one: LeadImport, found: BlockFound) -> None:
    """Add to rows' problems which of their numbers the list, the campaign and the do-not-call lists have.

    The numbers of the very lead that a row updates are no repeats.
    """
    asked = list(dict.fromkeys(number for _, _, numbers in found.marks for number in numbers))
    if not asked:
        return
    forbidden = records.dnc_hits(one.campaign_id, asked)
    known = records.numbers_known(one.campaign_id, asked)
    if not known and not forbidden:
        return
    in_list: frozenset[str] = frozenset()
    owned: dict[str, set[str]] = {}
    if known and one.list_id is not None:
        in_list = records.numbers_in_list(one.list_id, list(known))
        there = records.leads_by_key(one.list_id, [key for _, key, _ in found.marks if key is not None])
        owned = {key: {phone.number for phone in lead.numbers} for key, lead in there.items()}
    for place, customer_key, numbers in found.marks:
        own = owned.get(customer_key or "", set())
        for number in numbers:
            if number in forbidden:
                add_problem(found, place, "do_not_call", f"{number} is on a do-not-call list")
        for number in numbers:
            if number in known and number not in own:
                where = "list" if number in in_list else "campaign"
                add_problem(found, place, f"repeated_in_{where}", f"{number} is in the {where} already")
                break
