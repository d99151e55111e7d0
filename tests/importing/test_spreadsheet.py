"""Spreadsheets as lead files: read as the CSV that a person would have saved them as."""

import io
import sys
import zipfile
from collections.abc import AsyncIterator
from datetime import date, datetime, time

import openpyxl
import pytest

from dialler.errors import ImportRefused
from dialler.importing import spreadsheet
from dialler.importing.lead_file import LeadFile, open_lead_file


def workbook(**sheets: list[list[object]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


async def opened(data: bytes) -> LeadFile:
    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(data), 1_000):
            yield data[start : start + 1_000]

    return await open_lead_file(chunks(), delimiter=";", encoding="cp1252", source="leads.xlsx")


async def test_the_first_sheet_with_rows_is_read_with_its_own_row_numbers() -> None:
    rows: list[list[object]] = [
        [],
        ["Phone", "Seen", "Ok", "Share"],
        [442079559999, datetime(2026, 1, 2, 3, 4), True, 1.5],  # noqa: DTZ001 - a sheet's clock has no zone
        [],
        ["020 7955 9998", date(2026, 1, 2), False, 'say "é",\nthen'],
        [None, time(3, 4), None, 0.1],
    ]
    file = await opened(workbook(Notes=[], Leads=rows, Old=[["x"]]))
    assert file.header == ["Phone", "Seen", "Ok", "Share"]
    assert [(row.number, row.cells) async for row in file.rows] == [
        (3, ["442079559999", "2026-01-02 03:04:00", "TRUE", "1.5"]),
        (5, ["020 7955 9998", "2026-01-02", "FALSE", 'say "é",\nthen']),
        (6, ["", "03:04:00", "", "0.1"]),
    ]
    assert file.notes() == ["sheet 'Leads' was read, and not 'Notes', 'Old'"]


async def test_a_sheet_of_one_cell_is_one() -> None:
    assert (await opened(workbook(A=[["Phone"]]))).header == ["Phone"]


def archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as zipped:
        zipped.writestr("a", "b")
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (archive(), "is a zip archive or document"),
        (b"PK\x03\x04rest", "is a zip archive or document"),
        (workbook(A=[]), "is a workbook without rows"),
        (workbook(A=[["Phone"], [2025550123]])[:-40], "is a zip archive or document"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 600, "is a zip archive or document"),
    ],
)
async def test_what_is_no_spreadsheet_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(ImportRefused, match=f"^leads.xlsx {said}"):
        await opened(data)


async def test_one_that_is_too_large_is_refused_while_it_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spreadsheet, "BYTES_MAX", 1 << 20)
    with pytest.raises(ImportRefused, match="more than 1 MiB"):
        await opened(b"PK\x03\x04" + b"\0" * (1 << 20))


async def test_without_the_extra_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spreadsheet, "find_spec", lambda name: None)
    with pytest.raises(ImportRefused, match=r"save it as CSV.*pip install python-calamine"):
        await opened(workbook(A=[["Phone"]]))
    assert "python_calamine" not in sys.modules  # it is read in a process of its own
