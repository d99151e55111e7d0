"""A zone's offset from UTC, as the stretches of time over which it stands still.

Instants are whole seconds since 1970-01-01T00:00Z; offsets are seconds east of UTC. `zoneinfo` tells the offset at
an instant but not when it changes, so changes are found by halving.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY_S = 86_400

# No two changes of one zone are closer than 6.9 days in all of tzdata (a Ramadan, or a law taken back); a test
# reads them all. So within 3 days there is one at most, and the two ends tell whether there is.
_STEP_S = 3 * DAY_S
_BLOCK_S = 122 * _STEP_S

# Local time must be within what datetime can hold; beyond, the offset is that of the last days it can.
_FIRST_S = int((datetime(1, 1, 3, tzinfo=UTC) - EPOCH).total_seconds())
_LAST_S = int((datetime(9999, 12, 29, tzinfo=UTC) - EPOCH).total_seconds())


@lru_cache(maxsize=1024)  # zoneinfo itself keeps only the last 8 loaded
def zone_info(name: str) -> ZoneInfo:
    """Return the zone of that name. Raises ValueError if there is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"unknown time zone {name!r}") from error


@lru_cache(maxsize=4096)  # many leads of a zone are looked at, and due again, in the same second
def offset_at(name: str, instant: int) -> int:
    """Return a zone's offset at an instant."""
    moment = EPOCH + timedelta(seconds=min(max(instant, _FIRST_S), _LAST_S))
    offset = moment.astimezone(zone_info(name)).utcoffset()
    assert offset is not None, name
    return offset.days * DAY_S + offset.seconds


def stretches(name: str, start: int) -> Iterator[tuple[int, int, int]]:
    """Yield `(start, end, offset)` of the half-open stretches on end from `start`, without limit.

    Neighbours may have the same offset.
    """
    block = start // _BLOCK_S
    while True:
        for first, end, offset in _block(name, block):
            if end > start:
                yield max(first, start), end, offset
        block += 1


@lru_cache(maxsize=4096)
def _block(name: str, number: int) -> tuple[tuple[int, int, int], ...]:
    first, end = number * _BLOCK_S, (number + 1) * _BLOCK_S
    offset = offset_at(name, first)
    found: list[tuple[int, int, int]] = []
    for instant in range(first, end, _STEP_S):
        # The last step ends one second short of the block, so that a change on its end falls to the next one.
        after = offset_at(name, min(instant + _STEP_S, end - 1))
        if after != offset:
            change = _change(name, instant, min(instant + _STEP_S, end - 1), offset)
            found.append((first, change, offset))
            first, offset = change, after
    return (*found, (first, end, offset))


def _change(name: str, before: int, after: int, offset: int) -> int:
    """Return the first second in `(before, after]` at which the zone has left `offset`."""
    while after - before > 1:
        middle = (before + after) // 2
        if offset_at(name, middle) == offset:
            before = middle
        else:
            after = middle
    return after
