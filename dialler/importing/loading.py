"""The second half of an import: rows and their numbers in, records and counts out."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from itertools import islice
from typing import TypeAlias

import anyio.lowlevel
from anyio.streams.memory import MemoryObjectReceiveStream

from dialler.clock import Clock
from dialler.domain.campaign import Campaign, LeadList
from dialler.errors import Conflict
from dialler.importing.checking import Checked, Rejected, RowChecker
from dialler.importing.lead_file import LeadFile, RejectsText
from dialler.importing.mapping import Columns
from dialler.importing.options import ImportOptions
from dialler.importing.report import Progress, Tally
from dialler.importing.rows import Row
from dialler.importing.writing import NumbersSeen, Written, look_batch, write_batch
from dialler.ports import LeadFilter, Store

LEADS_PER_WRITE = 1_000  # in one transaction: 20 ms or so, in which the engine's own writes wait
_ROWS_PER_TURN = 50  # checked between two turns of the event loop: a millisecond

RejectSink: TypeAlias = Callable[[str], Awaitable[None]]
"""Takes the lines of a CSV of rejected rows, with their ends, the header first; nothing if none is rejected."""

Batch: TypeAlias = tuple[list[tuple[Row, Rejected | None]], list[str]]
"""Rows with why they can't be read, and what `read_numbers` made of the number columns of those that can."""


class Loading:
    """Checks the rows of one file and writes their leads."""

    def __init__(
        self,
        *,
        store: Store,
        campaign: Campaign,
        lead_list: LeadList,
        options: ImportOptions,
        clock: Clock,
        by: str,
        file: LeadFile,
        checker: RowChecker,
        columns: Columns,
        tally: Tally,
        progress: Callable[[Progress], None] | None,
        rejects: RejectSink | None,
    ) -> None:
        if lead_list.campaign_id != campaign.campaign_id:
            raise ValueError(f"list {lead_list.name} is not of campaign {campaign.name}")
        self._store = store
        self._campaign_id = campaign.campaign_id
        self._list_id = lead_list.list_id
        self._dry_run = options.dry_run
        self._clock = clock
        self._by = by
        self._checker = checker
        self._numbers_a_row = len(columns.numbers)
        self._has_key = "customer_key" in columns.single
        self._tally = tally
        self._progress = progress
        self._rejects = rejects
        self._rejects_text = RejectsText(file.header, file.delimiter)
        self._look_up = False
        self._seen = NumbersSeen()
        self._keys_seen: set[int] = set()

    async def prepare(self) -> None:
        """Find out whether the list has leads that may be updated; looking for each key costs time and memory."""
        which = LeadFilter(list_id=self._list_id)
        self._look_up = self._has_key and bool(await self._store.read(lambda records: records.leads(which, limit=1)))

    async def run(self, batches: MemoryObjectReceiveStream[Batch]) -> None:
        leads: list[Checked] = []
        async with batches:
            async for rows, dialled in batches:
                numbers = iter(dialled)
                for count, (row, unreadable) in enumerate(rows):
                    if count % _ROWS_PER_TURN == 0:
                        await anyio.lowlevel.checkpoint()
                    found = unreadable or self._checker.check(row, list(islice(numbers, self._numbers_a_row)))
                    self._tally.rows += 1
                    if isinstance(found, Rejected):
                        await self._reject(row, found)
                        continue
                    for code, text in found.warnings:
                        self._tally.warn(row.number, code, text)
                    leads.append(found)
                    if len(leads) >= LEADS_PER_WRITE:
                        await self._write(leads)
                        leads = []
        await self._write(leads)

    async def _reject(self, row: Row, rejected: Rejected) -> None:
        self._tally.reject(row.number, rejected.code, rejected.reason)
        if self._rejects is not None:
            if self._tally.rejected == 1:
                await self._rejects(self._rejects_text.header())
            await self._rejects(self._rejects_text.row(row, rejected.reason))

    async def _write(self, leads: Sequence[Checked]) -> None:
        if leads:
            written = await self._look(leads) if self._dry_run else await self._load(leads)
            self._tally.imported += written.imported
            self._tally.updated += written.updated
            for row_number, repeated in written.repeats:
                self._tally.repeat(row_number, repeated)
            if self._dry_run or self._look_up:
                for row in leads:
                    for phone in row.lead.numbers:
                        self._seen.add(phone.number)
        if self._progress is not None:
            self._progress(self._tally.progress())

    async def _look(self, leads: Sequence[Checked]) -> Written:
        work = partial(
            look_batch,
            leads=leads,
            list_id=self._list_id,
            campaign_id=self._campaign_id,
            seen=self._seen,
            keys_seen=self._keys_seen,
        )
        return await self._store.read(work)

    async def _load(self, leads: Sequence[Checked]) -> Written:
        work = partial(
            write_batch,
            leads=leads,
            list_id=self._list_id,
            campaign_id=self._campaign_id,
            seen=self._seen,
            now=self._clock.now(),
            by=self._by,
        )
        if not self._look_up:
            try:
                return await self._store.write(partial(work, look_up=False), urgent=False)
            except Conflict:  # a key that came twice in the file, or with a lead that someone has just added
                if not self._has_key:
                    raise
        return await self._store.write(partial(work, look_up=True), urgent=False)
