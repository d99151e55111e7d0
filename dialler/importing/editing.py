"""What may be changed of a lead by hand, checked by the rules of an import."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from dialler.domain.by_hand import local_moment, revived
from dialler.domain.evolve import evolve
from dialler.domain.lead import PRIORITY_MAX, Lead, LeadState, PhoneNumber, Rank, WindowKey
from dialler.domain.zones import canonical_zone
from dialler.errors import Conflict, UsageError
from dialler.importing.adding import calls_differ
from dialler.importing.checking import CHARS_MAX, DATA_CHARS_MAX, KEY_CHARS_MAX
from dialler.importing.phones import WITH_EXTENSION, read_numbers
from dialler.importing.zone_rules import shipped_zone_rules
from telephony.presentation import check_region

_TEXTS: Final = {"name": CHARS_MAX["name"], "postcode": CHARS_MAX["postcode"]}
_KEYS: Final = ("customer_key", "external_lead_id")
_DATA_FIELDS_MAX: Final = 200


async def checked_numbers(raw: Sequence[str], region: str | None, country: str) -> tuple[PhoneNumber, ...]:
    """Return numbers in the order given, each once.

    `region` is the country of those that do not say theirs, `country` the lead's, taken where no region is given.
    Raises UsageError for any that is not valid.
    """
    try:
        numbers_from = check_region(region) if region else country or None
    except ValueError as error:
        raise UsageError(f"region: {error}") from error
    found: dict[str, PhoneNumber] = {}
    wrong: list[str] = []
    for text, number in zip(raw, await read_numbers(raw, numbers_from), strict=True):
        dialled = number.removesuffix(WITH_EXTENSION)
        if dialled:
            found.setdefault(dialled, PhoneNumber(dialled, text[: CHARS_MAX["raw"]]))
        else:
            wrong.append(repr(text[: CHARS_MAX["raw"]]))
    if wrong or not found:
        meant = f"a valid number of {numbers_from}" if numbers_from else "a number with its country (+...), or a region"
        raise UsageError(f"numbers: {', '.join(wrong) or 'none'}: expected {meant}")
    return tuple(found.values())


def edited(lead: Lead, changes: Mapping[str, Any], numbers: tuple[PhoneNumber, ...] | None, now: datetime) -> Lead:
    """Return the lead with `changes`, by the keys of the API; `numbers` are the checked ones, None if they stay.

    A number that stays keeps its status. A time zone given by name holds; a new region (`state`) without one gives
    the zones of its rules, where its country has them. A data field of None goes. One that was completed because no
    number was left, or because it had expired, is ready again once that is mended.

    Raises UsageError for a value that can't be, Conflict for numbers or zone of a lead in a call.
    """
    for key, value in changes.items():
        _check_text(key, value)
    after = evolve(lead, **{key: changes[key] for key in (*_TEXTS, *_KEYS) if key in changes})
    after = evolve(after, **{key: getattr(after, key) or None for key in _KEYS})
    if numbers is not None:
        before = {one.number: one for one in lead.numbers}
        kept = tuple(replace(one, status=before.get(one.number, one).status) for one in numbers)
        after = evolve(after, numbers=kept)
    after = _placed(after, changes)
    if "priority" in changes:
        after = evolve(after, priority=after.ranked(after.rank, priority=changes["priority"]))
    if "urgent" in changes:
        rank = Rank.URGENT if changes["urgent"] else Rank.CALLBACK if after.callback_at else Rank.ORDINARY
        after = evolve(after, priority=after.ranked(rank))
    if "data" in changes:
        data = {**after.data, **changes["data"]}
        after = evolve(after, data={key: value for key, value in data.items() if value is not None})
        if len(after.data) > _DATA_FIELDS_MAX:
            raise UsageError(f"data: the lead would have {len(after.data)} fields, at most {_DATA_FIELDS_MAX}")
    if "expires_at" in changes:
        at = changes["expires_at"]
        after = evolve(after, expires_at=None if at is None else local_moment(at, after.window_key.zones[0]))
    if lead.state is LeadState.IN_CALL and calls_differ(lead, after):
        raise Conflict(f"lead {lead.lead_id} is in a call: its numbers and its zone can be changed once that has ended")
    return revived(after, now)


def _placed(lead: Lead, changes: Mapping[str, Any]) -> Lead:
    """Return the lead with the zone and region that were given."""
    key = lead.window_key
    region = key.region
    if "state" in changes:
        region = changes["state"].strip().upper()
        rules = shipped_zone_rules(key.country) if key.country else None
        value = rules.value(region) if rules is not None and rules.field == "region" else None
        if rules is not None and value is not None and "timezone" not in changes:
            region = value
            key = WindowKey(rules.zones[value], key.country, value)
            lead = evolve(lead, timezone_source="rule", timezone_given="")
    if "timezone" in changes:
        try:
            zone = canonical_zone(changes["timezone"])
        except ValueError as error:
            raise UsageError(f"timezone: {error}") from error
        key = WindowKey((zone.name,), key.country, region)
        lead = evolve(lead, timezone_source="field", timezone_given=changes["timezone"])
    return evolve(lead, window_key=WindowKey(key.zones, key.country, region))


def _check_text(key: str, value: object) -> None:
    """Raise UsageError for a text, or a priority, that no lead may have."""
    if key == "priority" and isinstance(value, int) and abs(value) > PRIORITY_MAX:
        raise UsageError(f"priority: {value} is not a whole number from -{PRIORITY_MAX} to {PRIORITY_MAX}")
    pairs = value.items() if isinstance(value, Mapping) else [(key, value)]
    for name, text in pairs:
        most = DATA_CHARS_MAX if key == "data" else {**_TEXTS, "state": CHARS_MAX["region"]}.get(key, KEY_CHARS_MAX)
        if isinstance(text, str) and len(text) > most:
            raise UsageError(f"{name}: it has {len(text)} characters, at most {most}")
