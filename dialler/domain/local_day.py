"""Days as people live them: local dates and times, and when the next day begins."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from dialler.domain.zone_offsets import zone_info


@lru_cache(maxsize=4096)  # all leads of a zone ask for the same instant, several times in a pass
def local_date(at: datetime, zone: str) -> date:
    """Return the date at `at` (aware) on the wall calendar of `zone` (IANA)."""
    return at.astimezone(zone_info(zone)).date()


@lru_cache(maxsize=4096)
def local_time(at: datetime, zone: str) -> str:
    """Return `at` (aware) on the wall clock of `zone`, to the second: ISO 8601 with offset."""
    return at.astimezone(zone_info(zone)).isoformat(timespec="seconds")


@lru_cache(maxsize=4096)
def day_after(day: date, zone: str) -> datetime:
    """Return the instant (UTC) from which it is no longer `day` in `zone`: the next local midnight.

    Where clocks skip midnight, or the whole next day, it is the instant of the leap; where midnight comes twice, the
    second one.
    """
    midnight = datetime.combine(day + timedelta(days=1), time(), tzinfo=zone_info(zone))
    # Of a skipped midnight the later reading is the leap, of a repeated one the second.
    return max(midnight.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
