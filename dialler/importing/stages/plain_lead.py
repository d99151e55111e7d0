"""A checked lead as a list of plain values, as it waits in a block; and back."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

from dialler.domain.evolve import made
from dialler.domain.lead import NewLead, PhoneNumber, WindowKey
from dialler.importing.checking import Checked

PlainLead: TypeAlias = Sequence[Any]
"""The values of FIELDS, in order."""

FIELDS: Final = (
    "numbers",  # triples: E.164, as it stood in the file, type
    "zones",
    "country",
    "region",
    "name",
    "customer_key",
    "external_lead_id",
    "timezone_source",
    "timezone_given",
    "zone_by",  # what gave the zone, for people
    "postcode",
    "priority",
    "has_priority",  # whether the row itself gives it
    "data",
)
NUMBERS: Final = FIELDS.index("numbers")
CUSTOMER_KEY: Final = FIELDS.index("customer_key")
_ZONES: Final = FIELDS.index("zones")
_HAS_PRIORITY: Final = FIELDS.index("has_priority")


def plain_lead(checked: Checked, kinds: Mapping[str, str], zone_by: str) -> PlainLead:
    """Return a checked lead as plain values; `kinds` are the types of its numbers."""
    lead = checked.lead
    key = lead.window_key
    return (
        [(phone.number, phone.raw, kinds.get(phone.number, "")) for phone in lead.numbers],
        key.zones,
        key.country,
        key.region,
        lead.name,
        lead.customer_key,
        lead.external_lead_id,
        lead.timezone_source,
        lead.timezone_given,
        zone_by,
        lead.postcode,
        lead.priority,
        checked.has_priority,
        lead.data,
    )


def key_name(plain: PlainLead) -> tuple[str, str, str]:
    """Return what stands for a lead's window key, and is faster to look up."""
    _, zones, country, region, *_ = plain
    return (zones[0] if len(zones) == 1 else " ".join(zones)), country, region


class LeadsRead:
    """Reads plain leads; those of one window key share it."""

    def __init__(self) -> None:
        self._keys: dict[tuple[str, str, str], WindowKey] = {}

    def key(self, plain: PlainLead) -> WindowKey:
        """Return the window key of a lead."""
        named = key_name(plain)
        if (key := self._keys.get(named)) is None:
            key = self._keys[named] = WindowKey(tuple(plain[_ZONES]), named[1], named[2])
        return key

    def lead(self, plain: PlainLead) -> NewLead:
        """Return the lead."""
        (numbers, _, _, _, name, customer_key, external_lead_id, source, given, _, postcode, priority, _, data) = plain
        return made(
            NewLead,
            {
                "numbers": tuple([PhoneNumber(number, raw) for number, raw, _ in numbers]),
                "window_key": self.key(plain),
                "name": name,
                "customer_key": customer_key,
                "external_lead_id": external_lead_id,
                "timezone_source": source,
                "timezone_given": given,
                "postcode": postcode,
                "priority": priority,
                "data": data,
                "expires_at": None,
            },
        )

    def checked(self, row: int, plain: PlainLead) -> Checked:
        """Return the lead of a row."""
        return Checked(row, self.lead(plain), plain[_HAS_PRIORITY])
