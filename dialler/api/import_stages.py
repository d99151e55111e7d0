"""Routes that let an import go on: check, review, run, resume.

Each answers in lines, as `streaming` says, with `{"import": ...}` as the last; progress is `{"stage", "rows", "of"}`.
Whoever goes away ends the work behind its last batch; the same request goes on from there.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final

import anyio
from fastapi import APIRouter
from starlette.responses import Response

from dialler.api.campaigns import followed
from dialler.api.desk import Desk, TheDesk, Who
from dialler.api.forms import Json
from dialler.api.import_json import imports_json
from dialler.api.import_setup import ImportId
from dialler.api.streaming import Lines, StreamedAnswer
from dialler.domain.lead_import import ImportStage, LeadImport
from dialler.engine.search_upkeep import index_leads
from dialler.errors import UsageError
from dialler.events import ImportFinished
from dialler.importing.going_on import checked, go_on, reviewed
from dialler.importing.stages.running import run_import
from dialler.importing.stages.staged import Tell, expected

router = APIRouter(prefix="/imports", tags=["imports"])

FOLLOW_EVERY_S: Final = 5.0
"""How often a running engine is told of the leads that arrive; at the end it is told anyway."""


@router.post("/{import_id}/check")
async def check_rows(import_id: ImportId, desk: TheDesk, who: Who) -> Response:
    """Check the rows, or go on with that. Answers in lines."""
    await _at(desk, import_id, ImportStage.CHECK)
    check = partial(checked, store=desk.store, import_id=import_id, clock=desk.clock, who=who)
    return _answer(desk, import_id, lambda tell: check(tell=tell))


@router.post("/{import_id}/review")
async def review(
    import_id: ImportId, desk: TheDesk, who: Who, import_new: bool = True, update_existing: bool = False
) -> Response:
    """Look at what a run would do. Answers in lines; the run must find the records as the review did."""
    if not (import_new or update_existing):
        raise UsageError("expected import_new or update_existing: with neither nothing would be loaded")
    await _at(desk, import_id, ImportStage.REVIEW, ImportStage.RUN)
    look = partial(
        reviewed,
        store=desk.store,
        import_id=import_id,
        clock=desk.clock,
        who=who,
        import_new=import_new,
        update_existing=update_existing,
    )
    return _answer(desk, import_id, lambda tell: look(tell=tell))


@router.post("/{import_id}/run")
async def run(import_id: ImportId, desk: TheDesk, who: Who) -> Response:
    """Load what was reviewed, or go on with that. Answers in lines."""
    await _at(desk, import_id, ImportStage.RUN, ImportStage.DONE)

    async def work(tell: Tell) -> LeadImport:
        done, is_new = await run_import(
            store=desk.store, import_id=import_id, clock=desk.clock, who=who, tell=following(desk, tell)
        )
        if is_new:
            await finished(desk, done)
        return done

    return _answer(desk, import_id, work)


@router.post("/{import_id}/resume")
async def resume(import_id: ImportId, desk: TheDesk, who: Who) -> Response:
    """Go on at the stage it is at, up to where somebody must decide. Answers in lines."""
    await desk.store.read(lambda records: records.lead_import(import_id))
    way = partial(
        go_on, store=desk.store, import_id=import_id, clock=desk.clock, who=who, at_end=partial(finished, desk)
    )
    return _answer(desk, import_id, lambda tell: way(tell=following(desk, tell)))


def following(desk: Desk, tell: Tell) -> Tell:
    """Return what tells, and now and then lets a running engine follow while leads are loaded."""
    told_at = anyio.current_time()

    async def tell_and_follow(progress: Mapping[str, object]) -> None:
        nonlocal told_at
        await tell(progress)
        if progress["stage"] == ImportStage.RUN and anyio.current_time() - told_at >= FOLLOW_EVERY_S:
            told_at = anyio.current_time()
            await followed(desk)

    return tell_and_follow


async def finished(desk: Desk, done: LeadImport) -> None:
    """Tell the journal and the engine of an import that was run to its end."""
    report: Any = done.report
    counts = {key: report[key] for key in ("rows", "imported", "updated", "rejected", "duplicates")}
    now = desk.clock.now()
    desk.journal.emit(ImportFinished(at=now, campaign=report["campaign"], list=report["list"], **counts))
    await followed(desk)
    if desk.engine is None:
        await index_leads(desk.store)  # With a daemon it goes on beside the dialling.


def _answer(desk: Desk, import_id: int, work: Callable[[Tell], Awaitable[LeadImport]]) -> StreamedAnswer:
    async def answer(lines: Lines) -> Json:
        one = await work(lines.progress)
        return {"import": await desk.store.read(lambda records: imports_json(records, [one])[0])}

    return StreamedAnswer(answer, what=f"work on import {import_id}")


async def _at(desk: Desk, import_id: int, *stages: ImportStage) -> None:
    """Raise Conflict for an import that is elsewhere: before a work that would change it begins."""
    await desk.store.read(lambda records: expected(records, import_id, *stages, to_change=False))
