"""When a lead's window is open: calling hours read on the wall clocks of all its zones.

The wall clock decides, and nothing else: of a repeated hour both halves are open, of a skipped one there is nothing,
and a day that never was (Apia, 30 December 2011) has no instants to be open at. A holiday shuts the intervals that
start on it, with their part after midnight; the part after midnight of the day before is shut by it as well.
"""

from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from dialler.domain.calling_hours import CallingHours, Interval, describe_day
from dialler.domain.zone_offsets import DAY_S, EPOCH, offset_at, stretches, zone_info

Holidays = Callable[[int], Set[date]]
"""The holidays (local dates) of a year. A lookup, so that a calendar is expanded only for years that are asked for."""

SEARCH_DAYS_MAX = 370  # a year, leap day and longest holiday included

_EPOCH_ORDINAL = EPOCH.toordinal()
_SECOND = timedelta(seconds=1)


def no_holidays(year: int) -> Set[date]:
    """Know no holidays."""
    return frozenset()


@dataclass(frozen=True, slots=True)
class CallingWindow:
    """Calling hours on the wall clocks of `zones`, all of which must be open.

    Raises ValueError for a zone that does not exist, and for none at all. Instants are aware, in any zone (else
    ValueError).
    """

    hours: CallingHours
    zones: tuple[str, ...]
    holidays: Holidays = no_holidays

    def __post_init__(self) -> None:
        if not self.zones:
            raise ValueError("a calling window needs a zone")
        for zone in self.zones:
            zone_info(zone)

    def is_open(self, at: datetime) -> bool:
        """Tell whether the window is open at `at` (aware, any zone)."""
        return self._is_open(_whole_seconds(at))

    def next_open(self, at: datetime) -> datetime | None:
        """Return the earliest instant (UTC, exact to the second) at or after `at` when the window is open.

        None if there is none within 370 days.
        """
        start = _whole_seconds(at)
        if self._is_open(start):
            return _to_utc(at)
        pieces = [self._open_pieces(zone, start) for zone in self.zones]
        shuts = [start] * len(pieces)
        instant, index, agreed = start, 0, 0
        while agreed < len(pieces):
            if shuts[index] <= instant:
                piece = next((piece for piece in pieces[index] if piece[1] > instant), None)
                if piece is None:
                    return None
                opens, shuts[index] = piece
                if opens > instant:
                    instant, agreed = opens, 0  # the others have to agree to the later instant
            agreed += 1
            index = (index + 1) % len(pieces)
        return _to_datetime(instant)

    def next_close(self, at: datetime) -> datetime | None:
        """Return the earliest instant (UTC) at or after `at` when the window is shut; None as for `next_open`."""
        start = _whole_seconds(at)
        if not self._is_open(start):
            return _to_utc(at)
        earliest = min(self._open_until(zone, start) for zone in self.zones)
        return _to_datetime(earliest) if earliest <= _limit(start) else None

    def local_times(self, at: datetime) -> tuple[tuple[str, datetime], ...]:
        """Return `at` on the wall clock of each zone, as (zone, local time)."""
        return tuple((zone, at.astimezone(zone_info(zone))) for zone in self.zones)

    def describe(self, at: datetime) -> str:
        """Say which rule holds at `at`, for people: "sat 08:00-21:00", "fri (holiday) shut".

        Where the zones disagree on the day, each rule is given, joined by "; ". Within the part after midnight of
        the day before, it is that day's rule.
        """
        said: dict[str, None] = {}
        for zone in self.zones:
            day, second = self._local(zone, _whole_seconds(at))
            spill = any(second < interval.end * 60 for interval in self._spill(day))
            ruling = day - 1 if spill else day
            said[describe_day(self.hours, _weekday(ruling), holiday=self._is_holiday(ruling))] = None
        return "; ".join(said)

    def _is_open(self, instant: int) -> bool:
        for zone in self.zones:
            day, second = self._local(zone, instant)
            if not any(start <= second < end for start, end in self._day(day)):
                return False
        return True

    @staticmethod
    def _local(zone: str, instant: int) -> tuple[int, int]:
        """Return the local day (days since 1970) and the second of its wall clock."""
        return divmod(instant + offset_at(zone, instant), DAY_S)

    def _open_until(self, zone: str, instant: int) -> int:
        """Return when a zone that is open at `instant` shuts; beyond the limit if it does not within it."""
        for opens, shuts in self._open_pieces(zone, instant):
            if opens > instant:
                break
            instant = shuts
        return instant

    def _open_pieces(self, zone: str, start: int) -> Iterator[tuple[int, int]]:
        """Yield, in order, half-open pieces of the time from `start` to the limit when a zone is open.

        They do not overlap but may touch. An open limit ends its piece one second later.
        """
        limit = _limit(start)
        for first, last, offset in stretches(zone, start):
            if first > limit:
                return
            end = min(last, limit + 1)
            for day in range((first + offset) // DAY_S, (end - 1 + offset) // DAY_S + 1):
                midnight = day * DAY_S - offset
                for opens, shuts in self._day(day):
                    piece = max(midnight + opens, first), min(midnight + shuts, end)
                    if piece[0] < piece[1]:
                        yield piece

    def _day(self, day: int) -> tuple[tuple[int, int], ...]:
        """Return when the wall clock shows open times on a local day, in seconds after midnight."""
        return _open_times(self.hours, _weekday(day), self._is_holiday(day), self._is_holiday(day - 1))

    def _intervals(self, day: int) -> tuple[Interval, ...]:
        return self.hours.holiday_intervals if self._is_holiday(day) else self.hours.week[_weekday(day)]

    def _spill(self, day: int) -> tuple[Interval, ...]:
        """Return the intervals of the day before that run into this one."""
        if self._is_holiday(day):
            return ()
        return tuple(interval for interval in self._intervals(day - 1) if interval.crosses_midnight)

    def _is_holiday(self, day: int) -> bool:
        if self.holidays is no_holidays:
            return False
        try:
            on = date.fromordinal(day + _EPOCH_ORDINAL)
        except (ValueError, OverflowError):  # before year 1, after 9999
            return False
        return on in self.holidays(on.year)


@lru_cache(maxsize=4096)  # there are seven a calendar, and some for holidays
def _open_times(hours: CallingHours, weekday: int, holiday: bool, after_holiday: bool) -> tuple[tuple[int, int], ...]:
    """Return the open times of a day, in seconds after midnight; `after_holiday` is about the day before."""
    own = hours.holiday_intervals if holiday else hours.week[weekday]
    before = hours.holiday_intervals if after_holiday else hours.week[weekday - 1]
    spans = [(interval.start, 24 * 60 if interval.crosses_midnight else interval.end) for interval in own]
    if not holiday:
        spans += [(0, interval.end) for interval in before if interval.crosses_midnight]
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return tuple((start * 60, end * 60) for start, end in merged)


def _weekday(day: int) -> int:
    return (day + 3) % 7  # 1970-01-01 was a Thursday


def _limit(start: int) -> int:
    return start + SEARCH_DAYS_MAX * DAY_S


def _whole_seconds(at: datetime) -> int:
    """Return the whole seconds from 1970 to `at`; by subtraction, which can't overflow as `astimezone` does."""
    if at.tzinfo is UTC:  # nearly always
        return (at - EPOCH) // _SECOND
    offset = at.utcoffset()
    if offset is None:
        raise ValueError(f"an instant needs its offset, got {at!r}")
    return (at.replace(tzinfo=None) - EPOCH.replace(tzinfo=None) - offset) // _SECOND


def _to_utc(at: datetime) -> datetime | None:
    try:
        return at.astimezone(UTC)
    except OverflowError:  # a local time on the first or the last day of the calendar
        return None


def _to_datetime(instant: int) -> datetime | None:
    try:
        return EPOCH + timedelta(seconds=instant)
    except OverflowError:  # past year 9999
        return None
