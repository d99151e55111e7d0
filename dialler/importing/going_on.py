"""Lets an import in stages go on, as far as it goes without a decision."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeAlias

from dialler.clock import Clock
from dialler.domain.lead_import import ImportStage, LeadImport
from dialler.importing.stages.checking import check_import
from dialler.importing.stages.reviewing import review_import
from dialler.importing.stages.running import run_import
from dialler.importing.stages.staged import Tell, is_unattended, tell_nobody
from dialler.ports import Store

UNATTENDED: Final[Mapping[str, object]] = {"import_new": True, "update_existing": True, "unattended": True}
"""Options of an import that nobody looks at between its stages."""

AtEnd: TypeAlias = Callable[[LeadImport], Awaitable[None]]
"""Takes an import that has just been run to its end."""


async def nothing(_: LeadImport) -> None:
    """Do nothing at an import's end."""


async def go_on(
    *, store: Store, import_id: int, clock: Clock, who: str, tell: Tell = tell_nobody, at_end: AtEnd = nothing
) -> LeadImport:
    """Let an import go on from the stage it is at, up to where somebody must decide; return it.

    One that is unattended goes to its end, as does one whose run had begun. Raises NotFound, and what the stages do.
    """
    one = await store.read(lambda records: records.lead_import(import_id))
    if one.stage is ImportStage.CHECK:
        one = await checked(store=store, import_id=import_id, clock=clock, who=who, tell=tell)
    if one.stage is ImportStage.REVIEW and is_unattended(one):
        one = await reviewed(
            store=store,
            import_id=import_id,
            clock=clock,
            who=who,
            import_new=bool(one.options["import_new"]),
            update_existing=bool(one.options["update_existing"]),
            unattended=True,
            tell=tell,
        )
    is_begun = is_unattended(one) or one.options.get("begun")
    if one.stage is ImportStage.DONE or (one.stage is ImportStage.RUN and is_begun):
        one, is_new = await run_import(store=store, import_id=import_id, clock=clock, who=who, tell=tell)
        if is_new:
            await at_end(one)
    return one


async def checked(*, store: Store, import_id: int, clock: Clock, who: str, tell: Tell = tell_nobody) -> LeadImport:
    """Check an import's rows, and note it in the audit."""
    done = await check_import(store=store, import_id=import_id, tell=tell)
    await _noted(store, clock, who, "lead.import.check", {"import": import_id, "after": dict(done.counts)})
    return done


async def reviewed(
    *,
    store: Store,
    import_id: int,
    clock: Clock,
    who: str,
    import_new: bool,
    update_existing: bool,
    unattended: bool = False,
    tell: Tell = tell_nobody,
) -> LeadImport:
    """Look at what a run of an import would do, and note it in the audit."""
    done = await review_import(
        store=store,
        import_id=import_id,
        clock=clock,
        import_new=import_new,
        update_existing=update_existing,
        unattended=unattended,
        tell=tell,
    )
    await _noted(store, clock, who, "lead.import.review", {"import": import_id, "after": done.review})
    return done


async def _noted(store: Store, clock: Clock, who: str, what: str, details: Mapping[str, object]) -> None:
    now = clock.now()
    await store.write(lambda records: records.add_audit(now, who, what, details))
