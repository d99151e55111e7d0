"""The run: rows into leads as reviewed, and the report."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import orjson

from dialler.clock import Clock
from dialler.domain.import_block import LETTERS, PLANS, ImportBlock, only
from dialler.domain.lead import Lead, NewLead
from dialler.domain.lead_import import KEPT, ImportStage, LeadImport, RowStatus
from dialler.errors import Conflict
from dialler.importing.stages.filing import delete_rows
from dialler.importing.stages.plain_lead import CUSTOMER_KEY, LeadsRead, PlainLead
from dialler.importing.stages.reporting import examples_of, kept_report
from dialler.importing.stages.reviewing import differences, existing_leads, fingerprint
from dialler.importing.stages.staged import Tell, expected, is_unattended, recounted, rows_of, tell_nobody
from dialler.importing.updating import updated, write_updates
from dialler.ports import Records, Store

_SKIPPED: Final = {
    "new": "its customer key is not in the list, and only leads that are there were to be updated",
    "existing": "its customer key is in the list already, and only new leads were to be imported",
    "changed": "since the review its customer key has come into the list, or has gone from it",
}


async def run_import(
    *, store: Store, import_id: int, clock: Clock, who: str, tell: Tell = tell_nobody
) -> tuple[LeadImport, bool]:
    """Load a reviewed import's rows, or go on with that; return it when it is done, and whether this call ended it.

    Raises Conflict, with what has changed, if the records are not those of the review: then nothing was loaded. What
    nobody looked at can't have changed: an import that is unattended is loaded as the records are now.
    """
    begun = await store.write(lambda records: _begin(records, import_id, clock, who))
    read = LeadsRead()
    while begun.stage is ImportStage.RUN:
        total = await store.write(lambda records: _load(records, import_id, clock, read))
        if total is None:
            break
        await tell({"stage": "run", "rows": total, "of": rows_of(begun) - begun.counts.get("dropped", 0)})
    loaded = await store.read(lambda records: records.lead_import(import_id))
    examples = await examples_of(store, loaded) if loaded.stage is ImportStage.RUN else []
    ended = await store.write(lambda records: _end(records, import_id, clock, who, examples))
    await tidy_up(store, import_id)
    return ended


async def tidy_up(store: Store, import_id: int) -> None:
    """Delete the rows of a finished import that are leads now, in batches; those that are not stay."""
    after = 0

    def work(records: Records) -> int:
        blocks = records.import_blocks(import_id, after=after)
        if not blocks:
            return 0
        (block,) = blocks
        if block.marked < len(block.status):
            records.delete_import_blocks(import_id, after=block.last - 1)
            if block.marked:
                records.add_import_blocks(import_id, [only(block, KEPT)])
        return block.last

    while last := await store.write(work):
        after = last


async def cancel_import(*, store: Store, import_id: int, clock: Clock, who: str) -> LeadImport:
    """Give an import up and delete its rows. Leads that it has loaded stay; of one that is done, the report does."""

    def work(records: Records) -> LeadImport:
        one = records.lead_import(import_id, to_change=True)
        if one.stage in (ImportStage.DONE, ImportStage.CANCELLED):
            return one
        done = replace(one, stage=ImportStage.CANCELLED, revision=one.revision + 1)
        records.set_import(done)
        change = {
            "before": {"stage": one.stage.value, "counts": dict(one.counts)},
            "after": {"stage": done.stage.value},
        }
        details = {"import": import_id, "list": one.list_name, **change}
        records.add_audit(clock.now(), who, "lead.import.cancel", details)
        return done

    done = await store.write(work)
    await delete_rows(store, import_id)
    return done


def _begin(records: Records, import_id: int, clock: Clock, who: str) -> LeadImport:
    one = expected(records, import_id, ImportStage.RUN, ImportStage.DONE)
    if one.stage is ImportStage.DONE or one.options.get("begun"):
        return one
    assert one.review is not None
    if not is_unattended(one):
        reviewed: Any = one.review["fingerprint"]
        if changed := differences(reviewed, fingerprint(records, one)):
            raise Conflict(f"import {import_id} is not what was reviewed: {'; '.join(changed)}. Review it again")
    elif one.list_id is not None:
        records.lead_list(one.list_id)  # Raises NotFound.
    now = clock.now()
    if one.list_id is None:
        made = records.add_list(one.campaign_id, one.list_name, now, to_dial=False)
        after = {"to_dial": False}
        details = {"campaign": one.review["campaign"], "list": made.name, "import": import_id, "after": after}
        records.add_audit(now, who, "list.create", details)
        one = replace(one, list_id=made.list_id)
    begun = {"begun": True, "begun_at": now.isoformat(), "begun_by": who}
    one = replace(one, cursor=0, options={**one.options, **begun})
    records.set_import(one)
    return one


def _load(records: Records, import_id: int, clock: Clock, read: LeadsRead) -> int | None:
    """Load the next block; return how many rows have met their fate in all, None if there is no block any more."""
    one = expected(records, import_id, ImportStage.RUN, ImportStage.DONE)
    if one.stage is ImportStage.DONE:
        return None
    blocks = records.import_blocks(import_id, after=one.cursor, cells=False)
    if not blocks:
        return None
    (block,) = blocks
    batch = _Batch(records, one, clock, block, read)
    new = batch.loaded()
    records.set_import_block(import_id, new)
    counts = recounted(one, block, new)
    records.set_import(replace(one, cursor=block.last, counts=counts))
    return sum(counts.get(status, 0) for status in ("imported", "updated", "rejected", "skipped"))


class _Batch:
    """The rows of one block, in one transaction."""

    def __init__(self, records: Records, one: LeadImport, clock: Clock, block: ImportBlock, read: LeadsRead) -> None:
        assert one.list_id is not None
        self._records = records
        self._list_id = one.list_id
        self._import_new = bool(one.options["import_new"])
        self._update = bool(one.options["update_existing"])
        self._as_reviewed = not is_unattended(one)
        self._now = clock.now()
        self._block = block
        self._read = read
        self._import_id, self._by = one.import_id, str(one.options.get("begun_by", one.created_by))
        self._new: list[NewLead] = []
        self._new_keys: set[str] = set()
        self._changed: dict[str, Lead] = {}
        self._there: dict[str, Lead] = {}
        self._status = list(block.status.replace(LETTERS[RowStatus.INVALID], LETTERS[RowStatus.REJECTED]))
        self._problems = dict(block.problems)

    def loaded(self) -> ImportBlock:
        """Write the block's leads; return it with what became of its rows."""
        leads = orjson.loads(self._block.leads)
        valid = [place for place, letter in enumerate(self._block.status) if letter == LETTERS[RowStatus.VALID]]
        if not self._load_all(leads, valid):
            keys = [leads[place][CUSTOMER_KEY] for place in valid]
            self._there = existing_leads(self._records, self._list_id, keys, to_change=True)
            for place in valid:
                self._take(place, leads[place])
            self._write_new()
            write_updates(
                self._records,
                list(self._changed.values()),
                now=self._now,
                by=self._by,
                said={"import": self._import_id},
            )
        return replace(self._block, status="".join(self._status), problems=self._problems, leads=b"")

    def _load_all(self, leads: Sequence[PlainLead], valid: Sequence[int]) -> bool:
        """Load a block in which all is new, as most are; return False if it is none, or if one has come meanwhile."""
        if not self._import_new or any(self._block.plan[place] != "n" for place in valid):
            return False
        try:
            self._records.add_leads(self._list_id, [self._read.lead(leads[place]) for place in valid], self._now)
        except Conflict:  # a customer key; nothing was added
            return False
        for place in valid:
            self._status[place] = LETTERS[RowStatus.IMPORTED]
        return True

    def _take(self, place: int, lead: PlainLead) -> None:
        """Decide what becomes of a valid row."""
        key = lead[CUSTOMER_KEY]
        if key is not None and key in self._new_keys:
            self._write_new()
            self._there.update(self._records.leads_by_key(self._list_id, list(self._new_keys), to_change=True))
            self._new_keys = set()
        existing = self._there.get(key) if key is not None else None
        plan = PLANS[self._block.plan[place]]
        if self._as_reviewed and plan in ("new", "existing") and (existing is None) != (plan == "new"):
            self._skip(place, "changed")
        elif existing is None:
            if self._import_new:
                self._new.append(self._read.lead(lead))
                if key is not None:
                    self._new_keys.add(key)
                self._status[place] = LETTERS[RowStatus.IMPORTED]
            else:
                self._skip(place, "new")
        elif self._update:
            self._there[key] = self._changed[key] = updated(existing, self._read.checked(0, lead))
            self._status[place] = LETTERS[RowStatus.UPDATED]
        else:
            self._skip(place, "existing")

    def _write_new(self) -> None:
        if self._new:
            self._records.add_leads(self._list_id, self._new, self._now)
        self._new = []

    def _skip(self, place: int, why: str) -> None:
        self._problems[place] = [*self._problems.get(place, ()), (f"skipped_{why}", _SKIPPED[why])]
        self._status[place] = LETTERS[RowStatus.SKIPPED]


def _end(records: Records, import_id: int, clock: Clock, who: str, examples: list[str]) -> tuple[LeadImport, bool]:
    one = expected(records, import_id, ImportStage.RUN, ImportStage.DONE)
    if one.stage is ImportStage.DONE:
        return one, False
    now = clock.now()
    done = replace(one, stage=ImportStage.DONE, report=kept_report(one, at=now, who=who, examples=examples))
    records.set_import(done)
    kept: Any = done.report
    where = {key: kept[key] for key in ("campaign", "list", "file", "sha256")}
    after = {key: kept[key] for key in ("rows", "imported", "updated", "rejected", "skipped", "dropped", "duplicates")}
    records.add_audit(now, who, "lead.import", {"import": import_id, **where, "after": after})
    return done, True
