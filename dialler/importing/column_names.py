"""What columns are usually called."""

import re
from collections.abc import Sequence
from typing import Final

_NUMBER = re.compile(
    r"(customer|contact|home|work|business|office|daytime|evening|main|primary|secondary|alt|alternative|other)?"
    r"(phone|telephone|tel|mobile|cell|cellphone|mobilephone|number)(number|no|nr)?[0-9]?"
)

_SINGLE: Final = {
    "name": {"name", "fullname", "customername", "contactname", "leadname"},
    "customer_key": {"customerkey"},
    "external_lead_id": {"externalleadid"},
    "timezone": {"timezone", "tz"},
    "region": {"state", "region", "province", "statecode", "stateprovince"},
    "postcode": {"zip", "zipcode", "postcode", "postalcode", "zippostalcode"},
    "priority": {"priority"},
}


def guessed_fields(header: Sequence[str]) -> tuple[tuple[str, int], ...]:
    """Return the fields that column names give away, with their positions.

    All columns that are called like a phone number are numbers, in their order. Any other field is left out if two
    columns are called like it.
    """
    plain = [re.sub(r"[^a-z0-9]", "", name.casefold()) for name in header]
    found = [("number", at) for at, name in enumerate(plain) if _NUMBER.fullmatch(name)]
    for field, names in _SINGLE.items():
        matches = [at for at, name in enumerate(plain) if name in names]
        if len(matches) == 1:
            found.append((field, matches[0]))
    return tuple(found)
