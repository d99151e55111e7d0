"""Checking rows as the records keep them: pure, so that worker processes can do it."""

import pickle
from collections.abc import Callable, Generator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

import orjson

from dialler.domain.import_block import LETTERS
from dialler.domain.lead_import import RowStatus
from dialler.importing.checking import Checked, Rejected, RowChecker
from dialler.importing.mapping import Columns
from dialler.importing.number_prefixes import NumberReader
from dialler.importing.phones import WITH_EXTENSION, dialled_number_and_type
from dialler.importing.rows import Row
from dialler.importing.stages.plain_lead import CUSTOMER_KEY, NUMBERS, PlainLead, plain_lead
from dialler.importing.zone_rules import ZoneRules

_STEP: Final = 10  # rows; about a millisecond
_STAGED: Final = LETTERS[RowStatus.STAGED]
_VALID: Final = LETTERS[RowStatus.VALID]
_INVALID: Final = LETTERS[RowStatus.INVALID]
_DROPPED: Final = LETTERS[RowStatus.DROPPED]

_Read: TypeAlias = Callable[[str, str | None], tuple[str, str]]
"""Reads a number, as `dialled_number_and_type` does."""

_NUMBERS: Final = NumberReader()
"""Of a worker process: learning how numbers begin takes milliseconds, too long for an event loop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSpec:
    """What the rows of one import are checked by."""

    columns: Columns
    country: str
    default_zone: str
    rules: ZoneRules | None
    numbers_from: str | None


class ToCheck(NamedTuple):
    """A block, as another process gets it."""

    cells: bytes
    after: int
    """Rows up to this number are none: a header."""

    fixed: Mapping[int, Mapping[str, str]]
    dropped: Set[int]


class BlockFound(NamedTuple):
    """What the rows of a block are, each by its place. Plain values: a million rows come from other processes."""

    status: str
    problems: dict[int, list[tuple[str, str]]]
    leads: bytes
    marks: list[tuple[int, str | None, list[str]]]
    """Of valid rows: place, customer key, numbers."""


def check_block(spec: bytes, block: ToCheck) -> BlockFound:
    """Check the rows of a block by a pickled CheckSpec, in a process of its own."""
    steps = check_steps(spec, block, read=_NUMBERS.read)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found: BlockFound = end.value
            return found


def check_steps(
    spec: bytes, block: ToCheck, *, read: _Read = dialled_number_and_type
) -> Generator[None, None, BlockFound]:
    """Do what `check_block` does, and yield now and then."""
    one, checker = _checker(spec)
    status: list[str] = []
    problems: dict[int, list[tuple[str, str]]] = {}
    leads: list[PlainLead | None] = []
    marks: list[tuple[int, str | None, list[str]]] = []
    for place, (number, unreadable, cells) in enumerate(orjson.loads(block.cells)):
        if place % _STEP == _STEP - 1:
            yield
        lead: PlainLead | None = None
        if place in block.dropped or number <= block.after:
            status.append(_DROPPED if place in block.dropped else _STAGED)
        else:
            if fixed := block.fixed.get(place):
                cells = corrected(cells, fixed, len(one.columns.header))
            found = _check(one, checker, Row(number, cells, unreadable), read)
            if isinstance(found, Rejected):
                status.append(_INVALID)
                problems[place] = [(found.code, found.reason)]
            else:
                lead, warnings = found
                status.append(_VALID)
                if warnings:
                    problems[place] = list(warnings)
                marks.append((place, lead[CUSTOMER_KEY], [phone for phone, _, _ in lead[NUMBERS]]))
        leads.append(lead)
    return BlockFound("".join(status), problems, orjson.dumps(leads), marks)


@lru_cache(maxsize=8)
def _checker(pickled: bytes) -> tuple[CheckSpec, RowChecker]:
    spec: CheckSpec = pickle.loads(pickled)
    checker = RowChecker(
        spec.columns,
        country=spec.country,
        default_zone=spec.default_zone,
        rules=spec.rules,
        numbers_from=spec.numbers_from,
    )
    return spec, checker


def _check(
    spec: CheckSpec, checker: RowChecker, row: Row, read: _Read
) -> tuple[PlainLead, Sequence[tuple[str, str]]] | Rejected:
    refused = checker.unreadable(row)
    if refused is not None:
        return refused
    numbers_from = checker.numbers_from(row.cells)
    numbers = [read(row.cells[at].strip(), numbers_from) for at in spec.columns.numbers]
    checked = checker.check(row, [dialled for dialled, _ in numbers])
    if not isinstance(checked, Checked):
        return checked
    kinds = {dialled.removesuffix(WITH_EXTENSION): kind for dialled, kind in numbers if dialled}
    return plain_lead(checked, kinds, checker.zone_by(checked.lead)), checked.warnings


def corrected(cells: Sequence[str], fixed: Mapping[str, str], width: int) -> list[str]:
    """Return a row's cells with the corrected ones in their places; a row that is too short is filled up."""
    cells = [*cells, *[""] * (width - len(cells) if fixed else 0)]
    for at, value in fixed.items():
        cells[int(at)] = value
    return cells
