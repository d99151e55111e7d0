"""UUIDv7 (RFC 9562, 5.7): ids that sort by the millisecond in which they were made."""

from datetime import UTC, datetime, timedelta
from typing import Protocol

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MS_MAX = 1 << 48  # the field has 48 bits: enough until the year 10889


class Chance(Protocol):
    """Where random bits come from: `random.Random(seed)`, or `random.SystemRandom()`."""

    def getrandbits(self, k: int, /) -> int:
        """Return a whole number of `k` random bits."""


def uuid7(at: datetime, chance: Chance) -> str:
    """Return a new UUIDv7 of the millisecond of `at` (aware, 1970 or later); the other 74 bits are by chance.

    Ids of different milliseconds sort by time, as text too; those of one millisecond in no special order.
    """
    ms = (at - EPOCH) // timedelta(milliseconds=1)
    if not 0 <= ms < MS_MAX:
        raise ValueError(f"a UUIDv7 needs a moment from 1970 on, got {at}")
    bits = ms << 80 | 7 << 76 | chance.getrandbits(12) << 64 | 0b10 << 62 | chance.getrandbits(62)
    digits = f"{bits:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def made_at(uuid: str) -> datetime:
    """Return the millisecond (UTC) in which a UUIDv7 was made. Raises ValueError for any other text."""
    digits = uuid.replace("-", "")
    if len(digits) != 32 or digits[12] != "7":
        raise ValueError(f"not a UUIDv7: {uuid!r}")
    return EPOCH + timedelta(milliseconds=int(digits[:12], 16))
