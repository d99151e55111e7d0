"""Spreadsheets: a workbook's first sheet with rows, as the CSV that a person would have saved it as.

Reading one takes its whole in memory, and holds on to its thread: a worker process does it, and what it wrote is read
like any other file. The reader is an extra, `xlsx`: `pip install python-calamine`.
"""

import csv
import datetime
import tempfile
from collections.abc import AsyncIterable, AsyncIterator, Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import anyio.to_process

from dialler.errors import ImportRefused

BYTES_MAX: Final = 100 * 1024 * 1024
"""Of a workbook, which is compressed: about a sheet's million rows."""

_MAGIC: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_PIECE: Final = 1 << 16
_EXACT_MAX: Final = 2**53
"""Spreadsheets keep whole numbers up to here; of longer ones the last digits are gone already."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet as CSV."""

    chunks: AsyncIterator[bytes]
    """UTF-8, commas."""

    note: str


def looks_like_workbook(head: bytes) -> bool:
    """Tell whether bytes begin a workbook, or an archive of another kind."""
    return head.startswith(_MAGIC)


async def first_sheet(chunks: AsyncIterable[bytes], *, source: str) -> Sheet:
    """Return the first sheet that has rows. Raises ImportRefused for what is no workbook, or has none."""
    if find_spec("python_calamine") is None:
        raise ImportRefused(
            f"{source} is a spreadsheet or zip archive, not text: save it as CSV and import that, or let"
            " spreadsheets be read: pip install python-calamine"
        )
    with tempfile.TemporaryDirectory(prefix="dialler-") as folder:
        book, text = anyio.Path(folder) / "book", anyio.Path(folder) / "sheet.csv"
        size = 0
        async with await book.open("wb") as kept:
            async for chunk in chunks:
                size += len(chunk)
                if size > BYTES_MAX:
                    raise ImportRefused(f"{source} is a workbook of more than {BYTES_MAX >> 20} MiB: save it as CSV")
                await kept.write(chunk)
        names, used, problem = await anyio.to_process.run_sync(write_sheet, str(book), str(text))
        if problem:
            raise ImportRefused(f"{source} {problem}")
        stream = await text.open("rb")  # It is there until it is closed, whatever becomes of its folder.
    others = [name for name in names if name != used]
    note = f"sheet {used!r} was read" + (f", and not {', '.join(map(repr, others))}" if others else "")
    return Sheet(_pieces(stream), note)


async def _pieces(stream: "anyio.AsyncFile[bytes]") -> AsyncIterator[bytes]:
    async with stream:
        while piece := await stream.read(_PIECE):
            yield piece


def write_sheet(book: str, text: str) -> tuple[list[str], str, str]:
    """Write the first sheet with rows as CSV; return the names of all sheets, its own, and what is wrong if there is
    none; this is what the worker process runs."""
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError

    try:
        with CalamineWorkbook.from_path(book) as workbook:
            for name in workbook.sheet_names:
                sheet = workbook.get_sheet_by_name(name)
                if sheet.start is not None:
                    with Path(text).open("w", encoding="utf-8", newline="") as file:
                        write = csv.writer(file, lineterminator="\r\n").writerow
                        for row in sheet.iter_rows():
                            write([_text(cell) for cell in row])
                    return workbook.sheet_names, name, ""
            return workbook.sheet_names, "", "is a workbook without rows"
    except PasswordError:
        return [], "", "is a workbook with a password: save it without one"
    except CalamineError:
        return [], "", "is a zip archive or document, but no spreadsheet that can be read: save it as CSV"


def _text(cell: Any) -> str:
    """Return a cell as it would be in a CSV: whole numbers without a point, dates and times by ISO 8601."""
    for kind, write in _WRITERS:
        if isinstance(cell, kind):
            return write(cell)
    return str(cell)


_WRITERS: Final[tuple[tuple[type, Callable[[Any], str]], ...]] = (
    (str, str),
    (bool, lambda cell: str(cell).upper()),
    (float, lambda cell: str(int(cell)) if cell.is_integer() and abs(cell) < _EXACT_MAX else repr(cell)),
    (datetime.datetime, lambda cell: cell.isoformat(sep=" ", timespec="seconds")),
    (datetime.date, lambda cell: cell.isoformat()),
    (datetime.time, lambda cell: cell.isoformat(timespec="seconds")),
)
