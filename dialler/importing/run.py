"""Load a lead file: read, check and write it in a pipeline, while the engine keeps dialling."""

from collections.abc import AsyncIterable, Callable
from contextlib import aclosing
from difflib import get_close_matches

import anyio
from anyio.streams.memory import MemoryObjectSendStream

from dialler.clock import Clock
from dialler.domain.campaign import Campaign, LeadList
from dialler.domain.zones import canonical_zone
from dialler.errors import ImportRefused
from dialler.importing.checking import Rejected, RowChecker
from dialler.importing.failures import only_error
from dialler.importing.lead_file import LeadFile, open_lead_file
from dialler.importing.loading import Batch, Loading, RejectSink
from dialler.importing.mapping import FIELDS, Columns, resolve
from dialler.importing.options import ImportOptions
from dialler.importing.phones import read_numbers
from dialler.importing.report import ImportReport, Progress, Tally
from dialler.importing.rows import Row
from dialler.ports import Store

__all__ = ["ROWS_AT_ONCE", "ImportOptions", "ImportReport", "Progress", "RejectSink", "import_leads"]

ROWS_AT_ONCE = 2_000  # given to the worker process together


async def import_leads(
    chunks: AsyncIterable[bytes],
    *,
    store: Store,
    campaign: Campaign,
    lead_list: LeadList,
    options: ImportOptions,
    clock: Clock,
    by: str,
    progress: Callable[[Progress], None] | None = None,
    rejects: RejectSink | None = None,
) -> ImportReport:
    """Load the file whose bytes `chunks` gives into a list of a campaign; `by` is who does, for the audit.

    `progress` is called after each transaction. Raises ImportRefused, before anything is written, if the file or the
    options can't be used; StoreError, or what `chunks` raises, on the way: then what was written stays.
    """
    tally = Tally()
    file = await open_lead_file(
        _counted(chunks, tally), delimiter=options.delimiter, encoding=options.encoding, source=options.source
    )
    columns = resolve(options.mapping, file.header, source=options.source)
    try:
        default_zone = canonical_zone(campaign.settings.timezone).name
    except ValueError as error:
        raise ImportRefused(f"campaign {campaign.name}: timezone: {error}") from error
    checker = RowChecker(
        columns,
        country=options.country(),
        default_zone=default_zone,
        rules=options.rules(),
        numbers_from=options.region,
    )
    loading = Loading(
        store=store,
        campaign=campaign,
        lead_list=lead_list,
        options=options,
        clock=clock,
        by=by,
        file=file,
        checker=checker,
        columns=columns,
        tally=tally,
        progress=progress,
        rejects=rejects,
    )
    await loading.prepare()
    send, receive = anyio.create_memory_object_stream[Batch](1)
    try:
        async with aclosing(file.rows), anyio.create_task_group() as tasks:
            tasks.start_soon(loading.run, receive)
            async with send:
                await _read(file, checker, columns, options.region, send)
    except BaseExceptionGroup as group:
        raise only_error(group) from group
    return ImportReport(
        rows=tally.rows,
        imported=tally.imported,
        updated=tally.updated,
        rejected=tally.rejected,
        duplicates=tally.duplicates,
        reasons=dict(tally.reasons.most_common()),
        warnings=dict(tally.warnings.most_common()),
        notes=tuple(_notes(file, columns, options, default_zone)),
        examples=tuple(tally.examples),
        columns=columns.used(),
        encoding=file.decoder.encoding,
        delimiter=file.delimiter,
        dry_run=options.dry_run,
    )


async def _counted(chunks: AsyncIterable[bytes], tally: Tally) -> AsyncIterable[bytes]:
    async for chunk in chunks:
        tally.bytes_read += len(chunk)
        yield chunk


async def _read(
    file: LeadFile,
    checker: RowChecker,
    columns: Columns,
    region: str | None,
    send: MemoryObjectSendStream[Batch],
) -> None:
    """Send the rows on with their numbers, one batch ahead of the one that is being written."""
    rows: list[tuple[Row, Rejected | None]] = []

    async def flush() -> None:
        raw = [row.cells[at].strip() for row, rejected in rows if rejected is None for at in columns.numbers]
        await send.send((rows, await read_numbers(raw, region)))

    async for row in file.rows:
        rows.append((row, checker.unreadable(row)))
        if len(rows) >= ROWS_AT_ONCE:
            await flush()
            rows = []
    await flush()


def _notes(file: LeadFile, columns: Columns, options: ImportOptions, default_zone: str) -> list[str]:
    rules = options.rules()
    notes = file.notes()
    if rules is not None and columns.position(rules.field) is None and "timezone" not in columns.single:
        notes.append(f"no column is mapped to {rules.field}, so {rules.file} gives no zones: {default_zone} is taken")
    for name, _ in options.mapping.fields:
        near = get_close_matches(name.casefold(), FIELDS, n=1, cutoff=0.75)
        if near and name not in FIELDS:
            notes.append(f"{name!r} is a data field of its own; did you mean the field {near[0]}?")
    return notes
