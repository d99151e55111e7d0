"""A lead's rank: the place that its list's strategy gives it, as one integer. Lower goes first, priority before it.

Ranks are written down with the leads and are kept in an index, so that the next lead costs the same however many
there are, whatever the order.
"""

import struct
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from math import isfinite

from dialler.domain.strategy import LeadOrder, StrategySettings

RANK_MIN, RANK_MAX = -(2**63), 2**63 - 1
_NUMBERS = 2**62
_TEXTS = 2**56
_TEXT_BYTES = 7
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def rank_of(settings: StrategySettings, *, lead_id: int, attempts: int, data: Mapping[str, str]) -> int:
    """Return the rank of a lead: RANK_MIN to RANK_MAX. Among leads of equal rank the lower id goes first."""
    match settings.order:
        case LeadOrder.OLDEST:
            return lead_id
        case LeadOrder.NEWEST:
            return -lead_id
        case LeadOrder.RANDOM:
            digest = blake2b(b"%d:%d" % (settings.seed, lead_id), digest_size=8).digest()
            return int.from_bytes(digest, signed=True)
        case LeadOrder.FEWEST_ATTEMPTS:
            return attempts
        case LeadOrder.FIELD:
            return field_rank(data.get(settings.field, ""), descending=settings.descending)


def field_rank(text: str, *, descending: bool = False) -> int:
    """Return the rank of a field's value: numbers and ISO 8601 dates by size, then texts, then empty ones.

    Of texts the first 7 bytes of UTF-8 count, in either case; of numbers the first 50 bits. A date counts as its
    seconds since 1970, UTC where it has no offset. `descending` turns numbers and texts round, each among themselves.
    """
    text = text.strip()
    if not text:
        return RANK_MAX
    if (number := _number(text)) is not None:
        place = _place_of(number)
        return RANK_MIN + (_NUMBERS - 1 - place if descending else place)
    start = text.casefold().encode("utf-8", "replace")[:_TEXT_BYTES].ljust(_TEXT_BYTES, b"\0")
    place = int.from_bytes(start)
    return _TEXTS - 1 - place if descending else place


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            return None
        # Not astimezone: near the ends of the calendar it may overflow.
        return (at.replace(tzinfo=UTC) - _EPOCH - (at.utcoffset() or timedelta(0))).total_seconds()
    return number if isfinite(number) else None


def _place_of(number: float) -> int:
    """Return a place, 0 to 2**62 - 1, that rises with the number: the bits of a double, put in order."""
    bits: int = struct.unpack(">Q", struct.pack(">d", number + 0.0))[0]  # + 0.0: there is one zero
    ordered = bits ^ (2**64 - 1) if bits >> 63 else bits | 1 << 63
    return ordered >> 2
