"""Checking rows as the records keep them: pure, so that worker processes can do it."""

import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, TypeAlias

import orjson

from dialler.domain.lead_import import RowStatus
from dialler.importing.checking import Checked, RowChecker
from dialler.importing.mapping import Columns
from dialler.importing.phones import WITH_EXTENSION, dialled_number_and_type
from dialler.importing.rows import Row
from dialler.importing.stages.staged import lead_to_json
from dialler.importing.zone_rules import ZoneRules

ToCheck: TypeAlias = tuple[int, str, str, str]
"""Row number, cells (JSON), corrected cells (JSON), why it is unreadable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSpec:
    """What the rows of one import are checked by."""

    columns: Columns
    country: str
    default_zone: str
    rules: ZoneRules | None
    numbers_from: str | None


class RowFound(NamedTuple):
    """What a row is. A tuple of plain values: millions come from other processes."""

    row: int
    status: str
    problems: list[tuple[str, str]]
    """Codes and texts; of an invalid row the first is why."""

    lead: str
    customer_key: str | None
    numbers: tuple[str, ...]


def check_rows(spec: bytes, rows: Sequence[ToCheck]) -> list[RowFound]:
    """Check rows by a pickled CheckSpec."""
    one, checker = _checker(spec)
    return [_check(one, checker, *row) for row in rows]


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


def _check(spec: CheckSpec, checker: RowChecker, number: int, cells: str, fixed: str, unreadable: str) -> RowFound:
    row = Row(number, orjson.loads(cells), unreadable)
    if fixed != "{}":
        row = Row(number, corrected(row.cells, fixed, len(spec.columns.header)))
    found = checker.unreadable(row)
    if found is not None:
        return RowFound(number, RowStatus.INVALID.value, [(found.code, found.reason)], "", None, ())
    read = [dialled_number_and_type(row.cells[at].strip(), spec.numbers_from) for at in spec.columns.numbers]
    checked = checker.check(row, [dialled for dialled, _ in read])
    if not isinstance(checked, Checked):
        return RowFound(number, RowStatus.INVALID.value, [(checked.code, checked.reason)], "", None, ())
    kinds = {dialled.removesuffix(WITH_EXTENSION): kind for dialled, kind in read if dialled}
    return RowFound(
        number,
        RowStatus.VALID.value,
        list(checked.warnings),
        lead_to_json(checked, kinds, _zone_by(spec, checked)),
        checked.lead.customer_key,
        tuple(phone.number for phone in checked.lead.numbers),
    )


def corrected(cells: list[str], fixed: str, width: int) -> list[str]:
    """Return a row's cells with the corrected ones in their places; a row that is too short is filled up."""
    cells = cells + [""] * (width - len(cells))
    for at, value in orjson.loads(fixed).items():
        cells[int(at)] = value
    return cells


def _zone_by(spec: CheckSpec, checked: Checked) -> str:
    """Return what gave the zone, for people."""
    if checked.lead.timezone_source == "field":
        return f"column {spec.columns.header[spec.columns.single['timezone']]}: {checked.lead.timezone_given}"
    if checked.lead.timezone_source == "rule" and spec.rules is not None:
        at = spec.columns.position(spec.rules.field)
        assert at is not None
        return f"{spec.rules.file}, by column {spec.columns.header[at]}"
    return "the campaign's default"
