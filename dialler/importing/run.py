"""Load a lead file in one go: the stages in a row, which nobody looks at between them."""

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any, TypeAlias

from anyio import CancelScope

from dialler.clock import Clock
from dialler.domain.campaign import Campaign, LeadList
from dialler.domain.lead_import import ImportStage, LeadImport
from dialler.errors import Conflict, DiallerError, StoreError
from dialler.importing.going_on import UNATTENDED, AtEnd, go_on, nothing
from dialler.importing.options import ImportOptions
from dialler.importing.report import ImportReport
from dialler.importing.stages.checking import check_import, mapped, spec_for
from dialler.importing.stages.filing import take_file
from dialler.importing.stages.rejects import rejects_of
from dialler.importing.stages.reporting import examples_of, notes_of, reasons_of, warnings_of
from dialler.importing.stages.reviewing import review_import
from dialler.importing.stages.running import cancel_import
from dialler.importing.stages.staged import Tell, rows_of, tell_nobody
from dialler.ports import Records, Store

RejectSink: TypeAlias = Callable[[str], Awaitable[None]]
"""Takes lines of a CSV of rejected rows, with their ends, the header first; nothing if none is rejected."""


async def import_leads(
    chunks: AsyncIterable[bytes],
    *,
    store: Store,
    campaign: Campaign,
    lead_list: LeadList,
    options: ImportOptions,
    clock: Clock,
    who: str,
    tell: Tell = tell_nobody,
    rejects: RejectSink | None = None,
    at_end: AtEnd = nothing,
) -> ImportReport:
    """Load the file whose bytes `chunks` gives into a list of a campaign; its first row has the columns' names.

    `tell` also gets "import_id". Raises ImportRefused, before the file is read on, if the file or the options can't
    be used. If the file is cut off, or can't be kept, the import is cancelled. What goes wrong later leaves it at its
    stage, with the leads that it has loaded, and the error says how to go on; a trial run is always cancelled.
    """
    if lead_list.campaign_id != campaign.campaign_id:
        raise ValueError(f"list {lead_list.name} is not of campaign {campaign.name}")
    import_id = await store.write(lambda records: _start(records, campaign, lead_list, options, clock, who))

    async def tell_whose(progress: Mapping[str, object]) -> None:
        await tell({"import_id": import_id, **progress})

    def look(header: Sequence[str]) -> None:
        spec_for(campaign, options.mapping, options.region, header, source=options.source)

    def then(records: Records, _: LeadImport) -> LeadImport:
        one = mapped(records, import_id, options.mapping, region=options.region, header=None)
        if not options.dry_run:
            one = replace(one, options=UNATTENDED)
            records.set_import(one)
        return one

    async with _cancelled_if_it_fails(store, import_id, clock, who):
        one = await take_file(
            chunks,
            store=store,
            import_id=import_id,
            name=options.source,
            delimiter=options.delimiter,
            encoding=options.encoding,
            has_header=True,
            tell=tell_whose,
            on_header=look,
            then=then,
        )
        if options.dry_run:
            await check_import(store=store, import_id=import_id, tell=tell_whose)
            one = await review_import(
                store=store, import_id=import_id, clock=clock, import_new=True, update_existing=True, tell=tell_whose
            )
            report = _trial_report(one, await examples_of(store, one))
            await _send_rejects(store, one, report, rejects)
            await cancel_import(store=store, import_id=import_id, clock=clock, who=who)
            return report
    try:
        await tell_whose({"stage": "check", "rows": 0, "of": rows_of(one)})
        done = await go_on(store=store, import_id=import_id, clock=clock, who=who, tell=tell_whose, at_end=at_end)
        if done.stage is not ImportStage.DONE:
            raise Conflict(f"import {import_id} was changed by somebody else")
        report = _report(done)
        await _send_rejects(store, done, report, rejects)
    except DiallerError as error:
        raise await _with_way_on(error, store, import_id) from error
    return report


def _start(
    records: Records, campaign: Campaign, lead_list: LeadList, options: ImportOptions, clock: Clock, who: str
) -> int:
    now = clock.now()
    new = LeadImport(
        import_id=0,
        campaign_id=campaign.campaign_id,
        list_id=lead_list.list_id,
        list_name=lead_list.name,
        created_at=now,
        created_by=who,
    )
    import_id = records.add_import(new).import_id
    after = {
        "stage": new.stage.value,
        "new_list": False,
        "file": options.source,
        "mapping": {
            "fields": [list(pair) for pair in options.mapping.fields],
            "guess": options.mapping.guess,
            "keep_rest": options.mapping.keep_rest,
            "region": options.region,
        },
        "dry_run": options.dry_run,
    }
    details = {"import": import_id, "campaign": campaign.name, "list": lead_list.name, "after": after}
    records.add_audit(now, who, "lead.import.start", details)
    return import_id


@asynccontextmanager
async def _cancelled_if_it_fails(store: Store, import_id: int, clock: Clock, who: str) -> AsyncIterator[None]:
    """Leave nothing of an import behind if the block does not end well, whatever the reason."""
    try:
        yield
    except BaseException:
        # Records that are full, or away, keep its rows: it can be cancelled later.
        with CancelScope(shield=True), suppress(StoreError):
            await cancel_import(store=store, import_id=import_id, clock=clock, who=who)
        raise


async def _send_rejects(store: Store, one: LeadImport, report: ImportReport, rejects: RejectSink | None) -> None:
    if rejects is not None and report.rejected:
        async for lines in rejects_of(store, one):
            await rejects(lines)


async def _with_way_on(error: DiallerError, store: Store, import_id: int) -> DiallerError:
    """Return an error that also says where its import is, and what can be done with it."""
    where = "is kept"
    with suppress(StoreError):
        one = await store.read(lambda records: records.lead_import(import_id))
        if one.stage in (ImportStage.DONE, ImportStage.CANCELLED):
            return error
        where = f"is kept at stage {one.stage}"
    ways = f"`dialler import resume {import_id}` goes on with it, `dialler import cancel {import_id}` gives it up"
    return type(error)(f"{error}; import {import_id} {where}: {ways}")


def _report(one: LeadImport) -> ImportReport:
    kept: Any = one.report
    return ImportReport(
        rows=kept["rows"],
        imported=kept["imported"],
        updated=kept["updated"],
        rejected=kept["rejected"],
        duplicates=kept["duplicates"],
        reasons=dict(kept["reasons"]),
        warnings=dict(kept["warnings"]),
        notes=tuple(kept["notes"]),
        examples=tuple(kept["examples"]),
        columns=dict(kept["columns"]),
        encoding=kept["encoding"],
        delimiter=kept["delimiter"],
        dry_run=False,
        import_id=one.import_id,
    )


def _trial_report(one: LeadImport, examples: list[str]) -> ImportReport:
    review: Any = one.review
    mapping: Any = one.mapping
    return ImportReport(
        rows=rows_of(one),
        imported=review["new"],
        updated=review["existing"] + review["repeated_keys"],
        rejected=review["invalid"],
        duplicates=one.counts.get("repeated", 0),
        reasons=reasons_of(one),
        warnings=warnings_of(one),
        notes=tuple(notes_of(one)),
        examples=tuple(examples),
        columns=dict(mapping["columns"]),
        encoding=str(one.file["encoding"]),
        delimiter=str(one.file["delimiter"]),
        dry_run=True,
        import_id=one.import_id,
    )
