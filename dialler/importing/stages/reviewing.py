"""The review: what a run would do, and who of it would not be called now, and why."""

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

import orjson

from dialler.clock import Clock
from dialler.domain.campaign import Campaign, LeadList
from dialler.domain.import_block import LETTERS, PLANS, ImportBlock
from dialler.domain.lead import Lead, NewLead
from dialler.domain.lead_import import ImportStage, LeadImport, RowStatus
from dialler.domain.verdict import Facts, dialable
from dialler.domain.zones import canonical_zone
from dialler.engine.facts import numbers_in_call
from dialler.engine.windows import Windows
from dialler.errors import Conflict, UsageError
from dialler.importing.stages.plain_lead import CUSTOMER_KEY, NUMBERS, LeadsRead, PlainLead, key_name
from dialler.importing.stages.seen import Seen
from dialler.importing.stages.staged import Tell, expected, rows_of, tell_nobody
from dialler.importing.stages.write_behind import write_behind
from dialler.importing.updating import updated
from dialler.ports import Records, Store


async def review_import(
    *,
    store: Store,
    import_id: int,
    clock: Clock,
    import_new: bool,
    update_existing: bool,
    unattended: bool = False,
    tell: Tell = tell_nobody,
) -> LeadImport:
    """Look at every valid row as the run would; return the import at stage run, with what was seen in `review`.

    `unattended` says that nobody looks at it: the run need not find the records as they are now.
    Raises UsageError if nothing is wanted, Conflict if the rows are not checked, or change meanwhile.
    """
    if not (import_new or update_existing):
        raise UsageError("expected import_new or update_existing: with neither nothing would be loaded")

    def begin(records: Records) -> LeadImport:
        one = expected(records, import_id, ImportStage.REVIEW, ImportStage.RUN)
        if one.stage is ImportStage.RUN and one.options.get("begun"):
            raise Conflict(f"import {import_id} is being run: go on with it, or cancel it")
        # What was reviewed before holds no more.
        new = replace(one, stage=ImportStage.REVIEW, cursor=0, review=None, revision=one.revision + 1)
        records.set_import(new)
        return new

    one = await store.write(begin)
    looking = _Looking(one, clock.now(), import_new=import_new, update_existing=update_existing)
    of = rows_of(one)
    async with write_behind(store) as behind:
        while block := await store.read(looking.look):
            await behind.write(partial(_write_plan, one, block))
            await tell({"stage": "review", "rows": min(looking.looked_at, of), "of": of})

    def end(records: Records) -> LeadImport:
        now = expected(records, import_id, ImportStage.REVIEW, revision=one.revision)
        done = replace(
            now,
            stage=ImportStage.RUN,
            cursor=0,
            options={"import_new": import_new, "update_existing": update_existing, "unattended": unattended},
            review=looking.result(records, now),
        )
        records.set_import(done)
        return done

    return await store.write(end)


def _write_plan(one: LeadImport, block: ImportBlock, records: Records) -> None:
    expected(records, one.import_id, ImportStage.REVIEW, revision=one.revision)
    records.set_import_block(one.import_id, block)


def fingerprint(records: Records, one: LeadImport) -> dict[str, object]:
    """Return what a review rests on beside the rows themselves: if it changes, the review holds no more."""
    campaign = records.campaign(one.campaign_id)
    totals = records.lead_totals()
    lists = {lead_list.list_id: lead_list.name for lead_list in records.lists(one.campaign_id)}
    return {
        "revision": one.revision,
        "campaign_version": campaign.version,
        "list": lists.get(one.list_id) if one.list_id is not None else None,
        "name_taken": one.list_id is None and one.list_name in lists.values(),
        "list_leads": sum(n for (list_id, _), n in totals.items() if list_id == one.list_id),
    }


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return in words what has changed since a review."""
    words = {
        "revision": "rows or options of the import were changed",
        "campaign_version": "the campaign's settings were changed",
        "list": "the list was renamed or deleted",
        "name_taken": "a list of that name was made",
        "list_leads": f"the list had {before['list_leads']} leads, and has {now['list_leads']}",
    }
    return [text for key, text in words.items() if before[key] != now[key]]


class _Looking:
    """One pass of the review over the valid rows."""

    def __init__(self, one: LeadImport, now: datetime, *, import_new: bool, update_existing: bool) -> None:
        self._one = one
        self._now = now
        self._wanted = {"new": import_new, "existing": update_existing, "again": update_existing}
        self._cursor = 0
        self._read = LeadsRead()
        self._new_keys = Seen()
        self._plans: Counter[str] = Counter()
        self._because: Counter[str] = Counter()
        self._shut = 0
        self._loaded = 0
        self._verdicts: dict[tuple[tuple[str, str, str], bool, bool], tuple[str, ...]] = {}
        self._windows = Windows()
        self._in_call: Set[str] | None = None
        self.looked_at = 0

    def look(self, records: Records) -> ImportBlock | None:
        """Look at the next block; return it with its plan, None if there is none."""
        one = expected(records, self._one.import_id, ImportStage.REVIEW, revision=self._one.revision, to_change=False)
        blocks = records.import_blocks(one.import_id, after=self._cursor, cells=False)
        if not blocks:
            return None
        (block,) = blocks
        self._cursor = block.last
        self.looked_at += len(block.status)
        valid = LETTERS[RowStatus.VALID]
        leads = orjson.loads(block.leads)
        rows = [(place, leads[place]) for place, letter in enumerate(block.status) if letter == valid]
        keys = [lead[CUSTOMER_KEY] for _, lead in rows]
        there = existing_leads(records, one.list_id, keys)
        before = set(self._new_keys.those_of([key for key in keys if key is not None]))
        plan = ["-"] * len(leads)
        to_judge: list[tuple[PlainLead, Lead | None]] = []
        here: list[str] = []
        for place, lead in rows:
            key = lead[CUSTOMER_KEY]
            letter = "n"
            if key is not None:
                if key in there:
                    letter = "e"
                elif key in before:
                    letter = "a"
                before.add(key)
                here.append(key)
            plan[place] = letter
            if self._wanted[PLANS[letter]]:
                to_judge.append((lead, there.get(key) if key is not None else None))
        self._new_keys.add(here)
        planned = "".join(plan)
        self._plans.update({PLANS[letter]: planned.count(letter) for letter in "nea"})
        self._judge(records, to_judge)
        return replace(block, plan=planned, leads=b"")

    def _judge(self, records: Records, rows: Sequence[tuple[PlainLead, Lead | None]]) -> None:
        campaign = records.campaign(self._one.campaign_id)
        lead_list = list_or_draft(records, self._one, self._now)
        numbers = list(dict.fromkeys(number for lead, _ in rows for number, _, _ in lead[NUMBERS]))
        dnc = records.dnc_hits(campaign.campaign_id, numbers) if numbers else frozenset()
        if self._in_call is None:  # once will do: calls come and go while a million rows are looked at
            self._in_call = numbers_in_call(records)
        in_call = self._in_call
        becauses: list[tuple[str, ...]] = []
        for plain, existing in rows:
            if existing is not None:
                lead = updated(existing, self._read.checked(0, plain))
                gates = self._gates(campaign, lead_list, lead, dnc, in_call)
            else:
                free = _first_free(plain, dnc)
                kind = (key_name(plain), free is not None, free in in_call)
                # New leads differ in nothing else, so one of each kind is judged for all.
                if (known := self._verdicts.get(kind)) is None:
                    lead = _as_lead(self._read.lead(plain), lead_list, self._now)
                    known = self._verdicts[kind] = self._gates(campaign, lead_list, lead, dnc, in_call)
                gates = known
            becauses.append(gates)
        for gates, n in Counter(becauses).items():
            self._loaded += n
            self._shut += n if gates else 0
            self._because.update(dict.fromkeys(gates, n))

    def _gates(
        self, campaign: Campaign, lead_list: LeadList, lead: Lead, dnc: frozenset[str], in_call: Set[str]
    ) -> tuple[str, ...]:
        window = self._windows.window(campaign.settings.hours, lead.window_key)
        facts = Facts(campaign=campaign, lead_list=lead_list, window=window, dnc=dnc, in_call=in_call)
        return tuple(gate.name for gate in dialable(lead, facts, self._now).gates if not gate.passed)

    def result(self, records: Records, one: LeadImport) -> dict[str, object]:
        campaign = records.campaign(one.campaign_id)
        return {
            "at": self._now.isoformat(),
            "campaign": campaign.name,
            "list": one.list_name,
            "list_is_new": one.list_id is None,
            "default_zone": canonical_zone(campaign.settings.timezone).name,
            "file": one.file["name"],
            "rows": rows_of(one),
            "valid": one.counts.get("valid", 0),
            "invalid": one.counts.get("invalid", 0),
            "dropped": one.counts.get("dropped", 0),
            "new": self._plans["new"],
            "existing": self._plans["existing"],
            "repeated_keys": self._plans["again"],
            "import_new": self._wanted["new"],
            "update_existing": self._wanted["existing"],
            "loaded": self._loaded,
            "not_dialled_now": self._shut,
            "because": dict(self._because.most_common()),
            "fingerprint": fingerprint(records, one),
        }


def _first_free(plain: PlainLead, dnc: Set[str]) -> str | None:
    """Return the first number of a lead that is on no do-not-call list."""
    numbers = plain[NUMBERS]
    if not dnc:
        return numbers[0][0] if numbers else None
    return next((number for number, _, _ in numbers if number not in dnc), None)


def existing_leads(
    records: Records, list_id: int | None, keys: Sequence[str | None], *, to_change: bool = False
) -> dict[str, Lead]:
    """Return the list's leads that have one of the customer keys, by it."""
    given = [key for key in keys if key is not None]
    if list_id is None or not given:
        return {}
    return dict(records.leads_by_key(list_id, given, to_change=to_change))


def list_or_draft(records: Records, one: LeadImport, now: datetime) -> LeadList:
    """Return an import's list; one that is not made yet as it will be: not to dial, until somebody says so."""
    if one.list_id is not None:
        return records.lead_list(one.list_id)
    return LeadList(list_id=0, campaign_id=one.campaign_id, name=one.list_name, created_at=now, to_dial=False)


def _as_lead(new: NewLead, lead_list: LeadList, now: datetime) -> Lead:
    return Lead(
        lead_id=0,
        list_id=lead_list.list_id,
        campaign_id=lead_list.campaign_id,
        created_at=now,
        numbers=new.numbers,
        window_key=new.window_key,
    )
