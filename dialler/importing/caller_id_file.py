"""Numbers for a pool of caller ids, from a small delimited text file or from a request: all of them, or none."""

from collections.abc import AsyncIterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from dialler.domain.caller_id import NUMBERS_MAX, CallerId
from dialler.errors import UsageError
from dialler.importing.lead_file import open_lead_file
from dialler.importing.phones import WITH_EXTENSION, read_numbers

COLUMNS: Final = ("number", "areas", "trunks", "calls_per_day_max", "rest_s")
"""The columns of a file; only the first is needed. Several areas or trunks stand in one cell, with blanks between."""

MISTAKES_TOLD_MAX: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A number as somebody gave it."""

    where: str
    """"row 3", for messages."""

    number: str
    fields: Mapping[str, object]
    """Of `CallerId`, as far as they were given."""


async def read_rows(chunks: AsyncIterable[bytes]) -> Sequence[Wanted]:
    """Return the rows of a file, whose first line names its columns. Raises UsageError, ImportRefused for no text."""
    file = await open_lead_file(chunks, delimiter=None, encoding=None, source="the file")
    header = [name.strip().lower().replace(" ", "_") for name in file.header]
    expected = f"expected a first line that names the columns: {', '.join(COLUMNS)}; number is needed"
    if "number" not in header:
        raise UsageError(f"columns {', '.join(map(repr, header))}: {expected}")
    if unknown := [name for name in header if name not in COLUMNS]:
        raise UsageError(f"column {unknown[0]!r}: {expected}")
    found: list[Wanted] = []
    mistakes: list[str] = []
    async with aclosing(file.rows):
        async for row in file.rows:
            where = f"row {row.number}"
            cells = {name: cell.strip() for name, cell in zip(header, row.cells, strict=False) if cell.strip()}
            if row.problem:
                mistakes.append(f"{where}: {row.problem}: expected text, cells divided by {file.delimiter!r}")
                continue
            try:
                found.append(Wanted(where=where, number=cells.pop("number", ""), fields=_fields(cells)))
            except ValueError as error:
                mistakes.append(f"{where}: {error}")
            if len(found) > NUMBERS_MAX:
                raise UsageError(f"the file has more than {NUMBERS_MAX} rows: a pool has no more numbers")
    _refuse(mistakes)
    return found


async def caller_ids_of(wanted: Sequence[Wanted], region: str | None) -> Sequence[CallerId]:
    """Return the numbers, read as E.164 or as they are written in `region`. Raises UsageError, with each mistake."""
    dialled = await read_numbers([each.number for each in wanted], region)
    found: dict[str, CallerId] = {}
    mistakes: list[str] = []
    for each, number in zip(wanted, dialled, strict=True):
        said = f"{each.where}, number {each.number!r}"
        if not number or number.endswith(WITH_EXTENSION):
            of = f"of {region}" if region else "in E.164, such as +12025550123, or a region"
            mistakes.append(f"{said}: expected a valid number {of}")
        elif number in found:
            mistakes.append(f"{said}: {number} is given twice")
        else:
            try:
                found[number] = CallerId(number=number, **each.fields)  # type: ignore[arg-type]
            except ValueError as error:
                mistakes.append(f"{said}: {error}")
    _refuse(mistakes)
    return list(found.values())


def _fields(cells: Mapping[str, str]) -> Mapping[str, object]:
    fields: dict[str, object] = {key: tuple(cells[key].split()) for key in ("areas", "trunks") if key in cells}
    for key in ("calls_per_day_max", "rest_s"):
        if key in cells:
            if not cells[key].isascii() or not cells[key].isdigit():
                raise ValueError(f"{key} {cells[key]!r}: expected a whole number")
            fields[key] = int(cells[key])
    return fields


def _refuse(mistakes: Sequence[str]) -> None:
    if not mistakes:
        return
    more = f"; and {len(mistakes) - MISTAKES_TOLD_MAX} more" if len(mistakes) > MISTAKES_TOLD_MAX else ""
    raise UsageError(f"nothing was added: {'; '.join(mistakes[:MISTAKES_TOLD_MAX])}{more}")
