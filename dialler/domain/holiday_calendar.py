"""Holidays of countries and their subdivisions, by the `holidays` package. Local dates.

Public holidays only, and where a country moves one that falls on a weekend, both the day and the observed day. The
package is loaded when the first calendar is asked for: it takes a third of a second.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from functools import lru_cache

from dialler.domain.calling_window import Holidays


@dataclass(frozen=True, slots=True)
class HolidayCalendar:
    """The holidays of a place: a `Holidays`, equal to any other of the same place."""

    country: str
    subdivision: str | None = None

    def __call__(self, year: int) -> Set[date]:
        """Return the holidays of a year; none for years that the package does not know."""
        return _dates(self.country, self.subdivision, year)


@lru_cache(maxsize=4096)
def _dates(country: str, subdivision: str | None, year: int) -> frozenset[date]:
    import holidays

    return frozenset(on for on in holidays.country_holidays(country, subdiv=subdivision, years=year) if on.year == year)


@lru_cache(maxsize=1)
def _countries() -> frozenset[str]:
    import holidays

    return frozenset(holidays.list_supported_countries(include_aliases=True))


@lru_cache(maxsize=512)
def _subdivisions(country: str) -> Mapping[str, str]:
    """Return a country's subdivisions: code by folded code and by folded name ("texas")."""
    import holidays

    calendar = holidays.country_holidays(country)
    names = {name: code for code, names in calendar.get_subdivision_aliases().items() for name in names}
    return {name.casefold(): code for name, code in (names | {code: code for code in calendar.subdivisions}).items()}


def calendar_for(code: str) -> Holidays:
    """Return the holidays of "US", or of a subdivision, "US-TX". Raises ValueError for an unknown code."""
    country, _, region = (part.strip() for part in code.partition("-"))
    country = country.upper()
    if country not in _countries():
        raise ValueError(f"unknown holiday calendar {code!r}: {_advice(country, _countries())}")
    if not region:
        return HolidayCalendar(country)
    subdivisions = _subdivisions(country)
    if region.casefold() not in subdivisions:
        known = {f"{country}-{subdivision}" for subdivision in subdivisions.values()}
        raise ValueError(f"unknown holiday calendar {code!r}: {_advice(f'{country}-{region.upper()}', known)}")
    return HolidayCalendar(country, subdivisions[region.casefold()])


def check_calendar(code: str) -> None:
    """Raise ValueError unless `code` is what `CallingHours.holidays` may be: "US", "US-TX" or "lead"."""
    if code != "lead":
        calendar_for(code)


@lru_cache(maxsize=4096)
def calendar_of_lead(country: str, region: str) -> Holidays | None:
    """Return the holidays of a lead's place: of the country alone if the region is unknown, else None.

    The region may be given with its country: "TX", "Texas" or "US-TX".
    """
    region = region.strip().upper().removeprefix(f"{country.strip().upper()}-")
    for code in (f"{country}-{region}", country):
        try:
            return calendar_for(code)
        except ValueError:
            continue
    return None


def _advice(wanted: str, known: Set[str]) -> str:
    closest = get_close_matches(wanted, sorted(known), n=3, cutoff=0.5)
    if closest:
        return f"did you mean {' or '.join(closest)}?"
    return 'expected an ISO country such as "US", a subdivision such as "US-TX", or "lead"'
