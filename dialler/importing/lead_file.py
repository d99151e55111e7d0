"""A lead file as it streams in: its header, then its rows."""

import re
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Sequence
from csv import writer
from io import StringIO

import anyio.lowlevel

from dialler.errors import ImportRefused
from dialler.importing.mapping import REASON_COLUMN
from dialler.importing.rows import Row, RowReader, guess_delimiter
from dialler.importing.spreadsheet import first_sheet, looks_like_workbook
from dialler.importing.text import TextDecoder

_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f\ud800]")
_CONTROLS_MAX = 0.1  # of the sample; a damaged row or two is no reason to refuse a file
_SAMPLE_CHARS = 4096
_PIECE = 1 << 16  # bytes read between two turns of the event loop: a millisecond or two


class LeadFile:
    """A file whose header has been read; made by `open_lead_file`."""

    def __init__(
        self, first: Row, rows: AsyncGenerator[Row, None], decoder: TextDecoder, delimiter: str, note: str | None
    ) -> None:
        self.first = first
        self.header = first.cells
        self.rows = rows
        self.decoder = decoder
        self.delimiter = delimiter
        self._note = note

    def notes(self) -> list[str]:
        """Return what whoever loads the file should know about how it was read, once it has been."""
        return [note for note in (self._note, self.decoder.note()) if note]


async def open_lead_file(
    chunks: AsyncIterable[bytes], *, delimiter: str | None, encoding: str | None, source: str
) -> LeadFile:
    """Read as far as the header. Raises ImportRefused if there is none, or the file is no text."""
    head, pieces = await _begun(chunks)
    if not head:
        raise ImportRefused(f"{source} is empty")
    note = None
    if looks_like_workbook(head):
        sheet = await first_sheet(_joined(head, pieces), source=source)
        head, pieces = await _begun(sheet.chunks)
        note, delimiter, encoding = sheet.note, ",", "utf-8"
    decoder = TextDecoder(head, encoding=encoding, source=source)
    if delimiter is None:
        delimiter = guess_delimiter(TextDecoder(head, encoding=encoding, source=source).decode(head))
    rows = _rows(head, pieces, decoder, RowReader(delimiter))
    header = await anext(rows, None)
    if header is None:
        raise ImportRefused(f"{source} has no rows; expected the names of its columns in the first one")
    if header.problem == "nul":
        raise ImportRefused(
            f"{source} has NUL characters; if it is UTF-16, say so: --encoding utf-16-le (or utf-16-be)"
        )
    if header.problem:
        raise ImportRefused(
            f"{source}: its first row can't be read as {decoder.encoding}; expected the names of its columns"
        )
    sample = TextDecoder(head, encoding=encoding, source=source).decode(head)[:_SAMPLE_CHARS]
    if len(_CONTROLS.findall(sample)) > len(sample) * _CONTROLS_MAX:
        raise ImportRefused(f"{source} is no text: it is full of characters that no text has")
    return LeadFile(header, rows, decoder, delimiter, note)


async def _begun(chunks: AsyncIterable[bytes]) -> tuple[bytes, AsyncIterator[bytes]]:
    """Return enough of the beginning to know a file by, and the rest in pieces."""
    pieces = _pieces(chunks)
    head = b""
    async for piece in pieces:
        head += piece
        if len(head) >= _PIECE:
            break
    return head, pieces


async def _joined(head: bytes, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield head
    async for piece in pieces:
        yield piece


async def _pieces(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    async for chunk in chunks:
        for start in range(0, len(chunk), _PIECE):
            yield chunk[start : start + _PIECE]


async def _rows(
    head: bytes, pieces: AsyncIterator[bytes], decoder: TextDecoder, reader: RowReader
) -> AsyncGenerator[Row, None]:
    for row in reader.feed(decoder.decode(head)):
        yield row
    async for piece in pieces:
        for row in reader.feed(decoder.decode(piece)):
            yield row
        await anyio.lowlevel.checkpoint()
    for row in reader.feed(decoder.decode(b"", final=True), final=True):
        yield row


class RejectsText:
    """Writes rejected rows as CSV that can be fed in again: the file's own columns, and the reason."""

    def __init__(self, header: Sequence[str], delimiter: str) -> None:
        self._delimiter = delimiter
        # Rows that were rejected before have the column already.
        self._had_reason = header[-1].strip() == REASON_COLUMN
        self._header = list(header[:-1] if self._had_reason else header)

    def header(self) -> str:
        return self._line([*self._header, REASON_COLUMN])

    def row(self, row: Row, reason: str) -> str:
        cells = row.cells[:-1] if self._had_reason and row.problem != "unreadable" else row.cells
        return self._line([*cells, reason])

    def _line(self, cells: Sequence[str]) -> str:
        text = StringIO()
        # A cell with a CR or LF is put in quotes because the line ends with both; Python 3.11 looks at nothing else.
        writer(text, delimiter=self._delimiter, lineterminator="\r\n").writerow(cells)
        # What could not be read is no character, so can't be written.
        return text.getvalue().removesuffix("\r\n").encode("utf-8", "replace").decode() + "\n"
