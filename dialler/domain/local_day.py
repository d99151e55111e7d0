"""Days as people live them: local dates, and when the next one begins."""

from datetime import UTC, date, datetime, time, timedelta

from dialler.domain.zone_offsets import zone_info


def local_date(at: datetime, zone: str) -> date:
    """Return the date at `at` (aware) on the wall calendar of `zone` (IANA)."""
    return at.astimezone(zone_info(zone)).date()


def day_after(day: date, zone: str) -> datetime:
    """Return the instant (UTC) from which it is no longer `day` in `zone`: the next local midnight.

    Where clocks skip midnight, or the whole next day, it is the instant of the leap; where midnight comes twice, the
    second one.
    """
    midnight = datetime.combine(day + timedelta(days=1), time(), tzinfo=zone_info(zone))
    # Of a skipped midnight the later reading is the leap, of a repeated one the second.
    return max(midnight.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
