"""Start and end of a list, as people write them: a local date, or a moment."""

from datetime import UTC, date, datetime, timedelta

from dialler.domain.local_day import day_after
from dialler.domain.zone_offsets import zone_info


def start_of(text: str, zone: str) -> datetime:
    """Return the moment (UTC) from which a list is dialled: of a date, its first instant in `zone` (IANA).

    `text` is ISO 8601: "2026-12-01", "2026-12-01T09:00" in `zone`, or a moment with its offset. Raises ValueError.
    """
    day = _date(text)
    return _moment(text, zone) if day is None else day_after(day - timedelta(days=1), zone)


def end_of(text: str, zone: str) -> datetime:
    """Return the moment (UTC) from which a list is not dialled any more: of a date, the end of that day in `zone`.

    `text` as for `start_of`. Raises ValueError.
    """
    day = _date(text)
    return _moment(text, zone) if day is None else day_after(day, zone)


def _date(text: str) -> date | None:
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        return None
    if not date(1971, 1, 1) <= day <= date(9998, 1, 1):
        raise ValueError(f"expected a date from 1971 to 9997, got {text!r}")
    return day


def _moment(text: str, zone: str) -> datetime:
    try:
        at = datetime.fromisoformat(text.strip())
        at = at.replace(tzinfo=zone_info(zone)) if at.tzinfo is None else at
        at = at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(
            f'expected a date like "2026-12-01", or a moment like "2026-12-01T09:00", got {text!r}'
        ) from None
    if not 1971 <= at.year <= 9997:
        raise ValueError(f"expected a year from 1971 to 9997, got {text!r}")
    return at
