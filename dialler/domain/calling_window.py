"""When a lead's window is open: calling hours read on the wall clocks of all its zones."""

from collections.abc import Callable, Set
from dataclasses import dataclass
from datetime import date, datetime

from dialler.domain.calling_hours import CallingHours

Holidays = Callable[[int], Set[date]]
"""The holidays (local dates) of a year. A lookup, so that a calendar is expanded only for years that are asked for."""


def no_holidays(year: int) -> Set[date]:
    """Know no holidays."""
    return frozenset()


@dataclass(frozen=True, slots=True)
class CallingWindow:
    """Calling hours on the wall clocks of `zones`, all of which must be open."""

    hours: CallingHours
    zones: tuple[str, ...]
    holidays: Holidays = no_holidays

    def is_open(self, at: datetime) -> bool:
        """Tell whether the window is open at `at` (aware, any zone)."""
        raise NotImplementedError

    def next_open(self, at: datetime) -> datetime | None:
        """Return the earliest instant (UTC, exact to the second) at or after `at` when the window is open.

        None if there is none within 370 days.
        """
        raise NotImplementedError

    def next_close(self, at: datetime) -> datetime | None:
        """Return the earliest instant (UTC) at or after `at` when the window is shut; None as for `next_open`."""
        raise NotImplementedError
