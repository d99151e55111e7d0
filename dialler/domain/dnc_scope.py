"""How far a person's wish not to be called again reaches."""

from enum import StrEnum


class DncScope(StrEnum):
    """For whose calls a number is put on a do-not-call list."""

    NONE = "none"
    CAMPAIGN = "campaign"
    MERCHANT = "merchant"
    """All campaigns of the campaign's merchant; only the campaign, if it has none."""

    ALL = "all"
