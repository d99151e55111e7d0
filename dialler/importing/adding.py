"""Leads given one by one, by a program: checked by the rules of a file's rows, added or updated by customer key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Literal

from dialler.domain.by_hand import local_moment, revived
from dialler.domain.campaign import Campaign, LeadList
from dialler.domain.evolve import evolve
from dialler.domain.lead import RANK_STEP, Lead, LeadState, NewLead, Rank
from dialler.domain.zones import canonical_zone
from dialler.errors import ImportRefused
from dialler.importing.checking import Checked, Rejected, RowChecker
from dialler.importing.mapping import Columns
from dialler.importing.options import ImportOptions
from dialler.importing.phones import read_numbers
from dialler.importing.rows import Row
from dialler.importing.updating import updated
from dialler.ports import Records
from telephony.presentation import check_region

ADDED_AT_ONCE_MAX: Final = 1_000
"""Leads in one transaction: 20 ms or so, in which the engine's own writes wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenLead:
    """A lead as a program says it; "" where it says nothing."""

    numbers: Sequence[str]
    name: str = ""
    customer_key: str = ""
    external_lead_id: str = ""
    timezone: str = ""
    country: str = ""
    """Two letters; also of its numbers that do not say theirs."""

    region: str = ""
    """The lead's own, such as TX."""

    postcode: str = ""
    priority: int | None = None
    urgent: bool = False
    """Its next call waits for nobody."""

    data: Mapping[str, str] = field(default_factory=dict)
    expires_at: datetime | None = None
    """Without an offset it is on the lead's wall clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """What became of one lead."""

    lead_id: int
    result: Literal["added", "updated"]
    repeats: str | None
    """A number that another lead of the campaign has already."""

    warnings: Sequence[tuple[str, str]]
    before: Lead | None
    """As it was; None for one that is new."""

    after: NewLead


@dataclass(frozen=True, slots=True)
class Checking:
    """A lead that passed, and what the rows of a file do not have."""

    checked: Checked
    given: GivenLead


async def check_leads(
    given: Sequence[GivenLead], *, campaign: Campaign, region: str | None
) -> Sequence[Checking | Rejected]:
    """Return what each lead is, or why it is none.

    `region` is the country of numbers that do not say theirs; it also chooses the zone rules. Raises ImportMisused
    for one that there is not.
    """
    options = ImportOptions(region=region)
    dialled = await _dialled(given, options.region)
    try:
        default_zone = canonical_zone(campaign.settings.timezone).name
    except ValueError as error:
        raise ImportRefused(f"campaign {campaign.name}: timezone: {error}") from error
    found: list[Checking | Rejected] = []
    keys: set[str] = set()
    for at, lead in enumerate(given):
        checked = _check(at, lead, dialled[at], options, default_zone)
        if isinstance(checked, Rejected):
            found.append(checked)
            continue
        key = checked.lead.customer_key
        if key is not None and key in keys:
            found.append(Rejected("key_repeated", f"customer_key: {key!r} is given to a lead before it, too"))
            continue
        keys.update([] if key is None else [key])
        found.append(Checking(checked, lead))
    return found


async def _dialled(given: Sequence[GivenLead], region: str | None) -> Sequence[Sequence[str]]:
    """Return each lead's numbers as they are dialled, read as in its own country or else in `region`."""
    found: list[Sequence[str]] = [()] * len(given)
    for country in dict.fromkeys(lead.country for lead in given):
        try:
            numbers_from = check_region(country) if country.strip() else region
        except ValueError:  # the lead's check will say so
            numbers_from = None
        places = [at for at, lead in enumerate(given) if lead.country == country]
        numbers = iter(await read_numbers([raw for at in places for raw in given[at].numbers], numbers_from))
        for at in places:
            found[at] = [next(numbers) for _ in given[at].numbers]
    return found


def _check(
    at: int, lead: GivenLead, dialled: Sequence[str], options: ImportOptions, default_zone: str
) -> Checked | Rejected:
    single = {
        "name": lead.name,
        "customer_key": lead.customer_key,
        "external_lead_id": lead.external_lead_id,
        "timezone": lead.timezone,
        "country": lead.country,
        "region": lead.region,
        "postcode": lead.postcode,
        "priority": "" if lead.priority is None else str(lead.priority),
    }
    cells = [*lead.numbers, *single.values(), *lead.data.values()]
    first_data = len(lead.numbers) + len(single)
    header = (*(f"number {n}" for n in range(len(lead.numbers))), *single, *lead.data)
    columns = Columns(
        header=header,
        numbers=tuple(range(len(lead.numbers))),
        single={name: n for n, name in enumerate(single, len(lead.numbers))},
        data=tuple((name, n) for n, name in enumerate(lead.data, first_data)),
    )
    checker = RowChecker(
        columns,
        country=options.country(),
        default_zone=default_zone,
        rules=options.rules(),
        numbers_from=options.region,
    )
    return checker.check(Row(at, cells), dialled)


def add_leads(
    records: Records, leads: Sequence[Checking], *, campaign: Campaign, lead_list: LeadList, now: datetime
) -> Sequence[Added | Rejected]:
    """Add leads, or update those of the list with their customer key; return what became of each, in order.

    One that is in a call is not given other numbers or another zone: it is rejected.
    """
    keys = [each.checked.lead.customer_key for each in leads]
    there = records.leads_by_key(lead_list.list_id, [key for key in keys if key is not None], to_change=True)
    every = [phone.number for each in leads for phone in each.checked.lead.numbers]
    known = records.numbers_known(campaign.campaign_id, list(dict.fromkeys(every)))
    new = [_new_lead(each) for each, key in zip(leads, keys, strict=True) if key is None or key not in there]
    made = iter(zip(records.add_leads(lead_list.list_id, new, now) if new else (), new, strict=True))
    changed: list[Lead] = []
    results: list[Added | Rejected] = []
    seen: set[str] = set()
    for each, key in zip(leads, keys, strict=True):
        existing = None if key is None else there.get(key)
        numbers = [phone.number for phone in each.checked.lead.numbers]
        own = frozenset[str]() if existing is None else {phone.number for phone in existing.numbers}
        repeats = next((one for one in numbers if one in seen or (one in known and one not in own)), None)
        seen.update(numbers)
        if existing is None:
            lead_id, lead = next(made)
            result = Added(
                lead_id=lead_id,
                result="added",
                repeats=repeats,
                warnings=each.checked.warnings,
                before=None,
                after=lead,
            )
        else:
            after = _updated(existing, each, now)
            if existing.state is LeadState.IN_CALL and calls_differ(existing, after):
                results.append(Rejected("in_call", f"lead {existing.lead_id} is in a call: its number and zone stay"))
                continue
            changed.append(after)
            result = Added(
                lead_id=existing.lead_id,
                result="updated",
                repeats=repeats,
                warnings=each.checked.warnings,
                before=existing,
                after=after,
            )
        results.append(result)
    records.set_leads(changed)
    return results


def calls_differ(before: Lead, after: Lead) -> bool:
    """Tell whether a lead was given what must not change during its call: numbers, or what decides its window."""
    return [one.number for one in before.numbers] != [one.number for one in after.numbers] or (
        before.window_key != after.window_key
    )


def _new_lead(each: Checking) -> NewLead:
    lead = each.checked.lead
    rank = Rank.URGENT if each.given.urgent else Rank.ORDINARY
    expires_at = each.given.expires_at
    return replace(
        lead,
        priority=lead.priority + rank * RANK_STEP,
        expires_at=None if expires_at is None else local_moment(expires_at, lead.window_key.zones[0]),
    )


def _updated(lead: Lead, each: Checking, now: datetime) -> Lead:
    after = updated(lead, each.checked)
    if each.given.urgent:
        after = evolve(after, priority=after.ranked(Rank.URGENT))
    if each.given.expires_at is not None:
        after = evolve(after, expires_at=local_moment(each.given.expires_at, after.window_key.zones[0]))
    return revived(after, now)
