"""From a file of numbers to do-not-call entries: `import_numbers`.

One column is read, found by the name that was given, by what columns of numbers are usually called, or, in a file
without names of columns, by the first cell that is a number. A row whose number is not valid is rejected alone. What is
there already stays as it was, so that a file can be fed in again after an interruption.
"""

from collections import Counter
from collections.abc import AsyncIterable, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final

from dialler.clock import Clock
from dialler.errors import ImportRefused
from dialler.importing.column_names import guessed_fields
from dialler.importing.lead_file import LeadFile, RejectsText, open_lead_file
from dialler.importing.options import FileOptions
from dialler.importing.phones import WITH_EXTENSION, dialled_number, read_numbers
from dialler.importing.report import EXAMPLES_MAX
from dialler.importing.rows import Row
from dialler.ports import DncEntry, Records, Store

ROWS_AT_ONCE: Final = 1_000
REASON_CHARS_MAX: Final = 200
_RAW_CHARS_MAX: Final = 64
_COLUMNS_SHOWN: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberOptions(FileOptions):
    """What whoever loads a file of numbers says about it."""

    campaign_id: int | None = None
    merchant: str | None = None
    """Of neither: the numbers must not be called anywhere."""

    column: str | None = None
    """Of the numbers; None looks for it."""

    reason: str = ""
    reason_column: str | None = None
    """Where it has a cell that is not empty, this is the reason instead."""


@dataclass(slots=True, kw_only=True)
class NumberReport:
    """What became of a file: rows = added + known + rejected."""

    rows: int = 0
    added: int = 0
    known: int = 0
    """Rows whose number was there already, or came earlier in the file."""

    rejected: int = 0
    column: str = ""
    """The column that was read; "" in a file without names of columns."""

    examples: list[str] = field(default_factory=list)
    """The first rows that were rejected, in words."""

    notes: list[str] = field(default_factory=list)
    encoding: str = ""
    delimiter: str = ""
    dry_run: bool = False


async def import_numbers(
    chunks: AsyncIterable[bytes],
    *,
    store: Store,
    options: NumberOptions,
    clock: Clock,
    by: str,
    progress: Callable[[NumberReport], Awaitable[None]] | None = None,
    rejects: Callable[[str], Awaitable[None]] | None = None,
) -> NumberReport:
    """Add the numbers of a delimited text file to a do-not-call list, a thousand in a transaction.

    Raises ImportRefused, before anything is written, for a file that is no text or has no column of numbers.
    """
    file = await open_lead_file(chunks, delimiter=options.delimiter, encoding=options.encoding, source=options.source)
    column, first = _column(file, options)
    reason_at = _named(file, options.reason_column, options) if options.reason_column is not None else None
    loading = _Loading(
        file=file,
        column=column,
        reason_at=reason_at,
        has_header=first is None,
        store=store,
        options=options,
        clock=clock,
        by=by,
        rejects=rejects,
    )
    rows = [] if first is None else [first]
    async with aclosing(file.rows):
        async for row in file.rows:
            rows.append(row)
            if len(rows) >= ROWS_AT_ONCE:
                await loading.take(rows)
                rows = []
                if progress is not None:
                    await progress(loading.report)
    await loading.take(rows)
    report = loading.report
    report.notes += file.notes()
    if options.region is None and report.rejected:
        report.notes.append("numbers without their country's code need a region, such as US")
    return report


class _Loading:
    def __init__(
        self,
        *,
        file: LeadFile,
        column: int,
        reason_at: int | None,
        has_header: bool,
        store: Store,
        options: NumberOptions,
        clock: Clock,
        by: str,
        rejects: Callable[[str], Awaitable[None]] | None,
    ) -> None:
        self.report = NumberReport(
            column=file.header[column] if has_header else "",
            encoding=file.decoder.encoding,
            delimiter=file.delimiter,
            dry_run=options.dry_run,
        )
        self._column = column
        self._reason_at = reason_at
        self._has_header = has_header
        self._store = store
        self._options = options
        self._clock = clock
        self._by = by
        self._rejects = rejects
        self._rejects_text = RejectsText(file.header, file.delimiter)

    async def take(self, rows: Sequence[Row]) -> None:
        """Add the numbers of some rows, and count what became of each."""
        raw = [row.cells[self._column].strip() if self._column < len(row.cells) else "" for row in rows]
        entries: list[DncEntry] = []
        now = self._clock.now()
        for row, text, number in zip(rows, raw, await read_numbers(raw, self._options.region), strict=True):
            self.report.rows += 1
            if row.problem or not number:
                await self._reject(row, text)
                continue
            entries.append(
                DncEntry(
                    number=number.removesuffix(WITH_EXTENSION),
                    campaign_id=self._options.campaign_id,
                    merchant=self._options.merchant,
                    reason=self._reason(row),
                    added_at=now,
                    added_by=self._by,
                )
            )
        # What comes twice in a thousand rows is one entry; the records know what came before.
        distinct = list({entry.number: entry for entry in reversed(entries)}.values())
        added = await (self._look(distinct) if self._options.dry_run else self._add(distinct))
        self.report.added += added
        self.report.known += len(entries) - added

    def _reason(self, row: Row) -> str:
        said = (
            row.cells[self._reason_at].strip()
            if self._reason_at is not None and self._reason_at < len(row.cells)
            else ""
        )
        return (said or self._options.reason)[:REASON_CHARS_MAX]

    async def _add(self, entries: Sequence[DncEntry]) -> int:
        return await self._store.write(lambda records: records.add_dnc(entries), urgent=False)

    async def _look(self, entries: Sequence[DncEntry]) -> int:
        def work(records: Records) -> int:
            return sum(
                not any(
                    (known.campaign_id, known.merchant) == (entry.campaign_id, entry.merchant)
                    for known in records.dnc_of(entry.number)
                )
                for entry in entries
            )

        return await self._store.read(work)

    async def _reject(self, row: Row, text: str) -> None:
        self.report.rejected += 1
        where = f" in {self._options.region}" if self._options.region else " with its country (+...)"
        reason = f"{text[:_RAW_CHARS_MAX]!r} is not a valid number{where}" if text else "it has no number"
        if len(self.report.examples) < EXAMPLES_MAX:
            self.report.examples.append(f"row {row.number}: rejected: {reason}")
        if self._rejects is not None:
            if self.report.rejected == 1 and self._has_header:
                await self._rejects(self._rejects_text.header())
            await self._rejects(self._rejects_text.row(row, reason))


def _column(file: LeadFile, options: NumberOptions) -> tuple[int, Row | None]:
    """Return where the numbers stand, and the file's first row if it is no row of names."""
    if options.column is not None:
        return _named(file, options.column, options), None
    # A number is never the name of a column, whatever it is called beside it.
    for at, cell in enumerate(file.header):
        if dialled_number(cell.strip(), options.region):
            return at, Row(1, list(file.header))
    called = Counter(field for field, _ in guessed_fields(file.header))
    if called["number"] == 1 or (called["number"] == 0 and len(file.header) == 1):
        return next((at for field, at in guessed_fields(file.header) if field == "number"), 0), None
    found = "several columns that may be numbers" if called["number"] else "no column that is called like a number"
    raise ImportRefused(
        f"{options.source} has {found}; expected the name of one of: {', '.join(file.header[:_COLUMNS_SHOWN])}"
    )


def _named(file: LeadFile, name: str, options: NumberOptions) -> int:
    plain = [cell.strip().casefold() for cell in file.header]
    if name.strip().casefold() not in plain:
        shown = ", ".join(file.header[:_COLUMNS_SHOWN])
        raise ImportRefused(f"{options.source} has no column {name!r}; expected one of: {shown}")
    return plain.index(name.strip().casefold())
