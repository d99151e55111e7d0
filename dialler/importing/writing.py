"""One transaction of an import."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from dialler.domain.changes import differences, lead_told
from dialler.domain.lead import Lead, NewLead, WindowKey
from dialler.importing.checking import Checked
from dialler.ports import Records


@dataclass(slots=True)
class Written:
    """What a transaction did."""

    imported: int = 0
    updated: int = 0
    repeats: list[tuple[int, str]] = field(default_factory=list)
    """Rows with a number that another lead of the campaign has, and the number."""


class NumbersSeen:
    """The numbers of earlier rows, for when the records alone can't tell: they are not written, or they are, but
    under the very lead that is being updated."""

    def __init__(self) -> None:
        # Many small sets: one that grows to millions is copied all at once, and the event loop waits.
        self._shards: list[set[int]] = [set() for _ in range(256)]

    def __contains__(self, number: str) -> bool:
        digits = int(number[1:])
        return digits in self._shards[digits % 251]

    def add(self, number: str) -> None:
        digits = int(number[1:])
        self._shards[digits % 251].add(digits)


def repeats(
    leads: Sequence[Checked], known: frozenset[str], owned: Sequence[frozenset[str]], seen: NumbersSeen
) -> list[tuple[int, str]]:
    """Return the rows with a number that another lead has; a row counts once.

    `known` are the campaign's numbers, `owned` those which a row's lead already has, `seen` those of earlier batches.
    """
    found: list[tuple[int, str]] = []
    here: set[str] = set()
    for row, own in zip(leads, owned, strict=True):
        numbers = [phone.number for phone in row.lead.numbers]
        for number in numbers:
            if number in here or number in seen or (number in known and number not in own):
                found.append((row.number, number))
                break
        here.update(numbers)
    return found


def write_batch(
    records: Records,
    leads: Sequence[Checked],
    *,
    list_id: int,
    campaign_id: int,
    seen: NumbersSeen,
    now: datetime,
    look_up: bool,
    by: str,
) -> Written:
    """Add or update leads; `by` is who has updated them, for the audit.

    With `look_up` each customer key is looked for first; without, Conflict is raised if one is there already.
    """
    known = records.numbers_known(campaign_id, _numbers(leads))
    owned: list[frozenset[str]] = []
    new: list[NewLead] = []
    new_keys: set[str] = set()
    changed: dict[str, Lead] = {}
    written = Written()
    there = dict(records.leads_by_key(list_id, _keys(leads), to_change=True)) if look_up else {}
    for row in leads:
        key = row.lead.customer_key
        if look_up and key is not None and key in new_keys:  # twice among these leads: the later row updates
            records.add_leads(list_id, new, now)
            there.update(records.leads_by_key(list_id, list(new_keys), to_change=True))
            new, new_keys = [], set()
        existing = None if key is None else there.get(key)
        if key is None or existing is None:
            new.append(row.lead)
            written.imported += 1
            owned.append(frozenset())
            if key is not None:
                new_keys.add(key)
        else:
            there[key] = changed[key] = updated(existing, row)
            written.updated += 1
            owned.append(frozenset(phone.number for phone in existing.numbers))
    if new:
        records.add_leads(list_id, new, now)
    write_updates(records, list(changed.values()), now=now, by=by)
    written.repeats = repeats(leads, known, owned, seen)
    return written


def write_updates(
    records: Records, leads: Sequence[Lead], *, now: datetime, by: str, said: Mapping[str, object] | None = None
) -> None:
    """Write leads that a file updates; those that it changes are noted in the audit, with what else is `said`."""
    before = records.leads_with([lead.lead_id for lead in leads])
    records.set_leads(leads)
    changed = {
        lead.lead_id: {**(said or {}), **differences(lead_told(before[lead.lead_id]), lead_told(lead))}
        for lead in leads
        if before[lead.lead_id] != lead
    }
    records.add_audits(now, by, "lead.import.update", changed)


def look_batch(
    records: Records,
    leads: Sequence[Checked],
    *,
    list_id: int,
    campaign_id: int,
    seen: NumbersSeen,
    keys_seen: set[int],
) -> Written:
    """Return what `write_batch` would do; `keys_seen` are the hashed keys of earlier rows, and takes these up."""
    known = records.numbers_known(campaign_id, _numbers(leads))
    owned: list[frozenset[str]] = []
    written = Written()
    there = records.leads_by_key(list_id, _keys(leads))
    for row in leads:
        key = row.lead.customer_key
        existing = None if key is None else there.get(key)
        owned.append(frozenset(phone.number for phone in existing.numbers) if existing else frozenset())
        if existing or (key is not None and hash(key) in keys_seen):
            written.updated += 1
        else:
            written.imported += 1
        if key is not None:
            keys_seen.add(hash(key))
    written.repeats = repeats(leads, known, owned, seen)
    return written


def updated(lead: Lead, row: Checked) -> Lead:
    """Return a lead with what its row says. A field without a column stays, and so does one whose cell is empty.

    A number that stays keeps its status. Zones that were given by name yield to those of the state only when the
    lead has moved to another one.
    """
    new = row.lead
    before = {phone.number: phone for phone in lead.numbers}
    old_key, new_key = lead.window_key, new.window_key
    moved = new_key.region not in ("", old_key.region)
    rezoned = (
        moved or new.timezone_source == "field" or (new.timezone_source == "rule" and lead.timezone_source != "field")
    )
    return replace(
        lead,
        numbers=tuple(replace(phone, status=before.get(phone.number, phone).status) for phone in new.numbers),
        name=new.name or lead.name,
        external_lead_id=new.external_lead_id or lead.external_lead_id,
        postcode=new.postcode or lead.postcode,
        priority=lead.ranked(lead.rank, priority=new.priority) if row.has_priority else lead.priority,
        data={**lead.data, **new.data},
        timezone_source=new.timezone_source if rezoned else lead.timezone_source,
        timezone_given=new.timezone_given if rezoned else lead.timezone_given,
        window_key=WindowKey(
            new_key.zones if rezoned else old_key.zones,
            new_key.country or old_key.country,
            new_key.region or old_key.region,
        ),
    )


def _keys(leads: Sequence[Checked]) -> list[str]:
    return [row.lead.customer_key for row in leads if row.lead.customer_key is not None]


def _numbers(leads: Sequence[Checked]) -> list[str]:
    return list(dict.fromkeys(phone.number for row in leads for phone in row.lead.numbers))
