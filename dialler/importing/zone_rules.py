"""Zones from another column: which states have which zones, as a file says that anyone can read and change."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from dialler.domain.zones import canonical_zone
from dialler.errors import Mistake, SettingsError
from dialler.shipped import shipped_config


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneRules:
    """The zones that each value of one field stands for.

    Where a value has several zones nobody can say which is the lead's: it holds all of them.
    """

    file: str
    field: str
    """A field or data field of the lead, such as `region`."""

    country: str
    """ISO 3166-1, two capitals."""

    zones: Mapping[str, tuple[str, ...]]
    """By value; canonical names, sorted."""

    names: Mapping[str, str]
    """Other spellings of a value, case-folded, and the values themselves: "texas" and "tx" are "TX"."""

    def value(self, given: str) -> str | None:
        """Return the value that is meant, whatever its case and the blanks in it; None if it is not known."""
        return self.names.get(" ".join(given.casefold().split()))


def load_zone_rules(text: str, file: str) -> ZoneRules:
    """Return the rules in a TOML text; `file` is what its mistakes call it.

    Raises SettingsError with every mistake.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError([Mistake(file, "(the file)", "text", f"TOML: {error}")]) from error
    mistakes = [
        Mistake(file, key, repr(value), "field, country, [zones] or [names]")
        for key, value in content.items()
        if key not in ("field", "country", "zones", "names")
    ]
    field, country = content.get("field"), content.get("country")
    if not isinstance(field, str) or not field.strip():
        mistakes.append(Mistake(file, "field", repr(field), 'the field that decides, such as "region"'))
    if not isinstance(country, str) or len(country) != 2 or not country.isalpha():
        mistakes.append(Mistake(file, "country", repr(country), 'two letters, such as "US"'))
    zones = _zones(content.get("zones"), file, mistakes)
    names = {_folded(value): value for value in zones}
    given_names = content.get("names", {})
    if not isinstance(given_names, dict):
        mistakes.append(Mistake(file, "names", repr(given_names), "a table of names and values of [zones]"))
        given_names = {}
    for name, value in given_names.items():
        if value not in zones:
            mistakes.append(Mistake(file, f"names.{name}", repr(value), "a value that [zones] has"))
        elif names.setdefault(_folded(name), value) != value:
            mistakes.append(Mistake(file, f"names.{name}", repr(value), "a name that stands for one value only"))
    if mistakes:
        raise SettingsError(mistakes)
    return ZoneRules(file=file, field=str(field).strip(), country=str(country).upper(), zones=zones, names=names)


def _zones(given: object, file: str, mistakes: list[Mistake]) -> dict[str, tuple[str, ...]]:
    if not isinstance(given, dict) or not given:
        mistakes.append(Mistake(file, "zones", repr(given), "a table of values and their zones"))
        return {}
    zones: dict[str, tuple[str, ...]] = {}
    for value, names in given.items():
        listed = [names] if isinstance(names, str) else names
        if not isinstance(listed, list) or not listed or not all(isinstance(name, str) for name in listed):
            mistakes.append(Mistake(file, f"zones.{value}", repr(names), "the names of one or more zones"))
            continue
        try:
            zones[value] = tuple(sorted({canonical_zone(name).name for name in listed}))
        except ValueError as error:
            mistakes.append(Mistake(file, f"zones.{value}", repr(names), f"IANA zones: {error}"))
    return zones


def _folded(name: str) -> str:
    return " ".join(name.casefold().split())


@lru_cache(maxsize=64)
def shipped_zone_rules(country: str) -> ZoneRules | None:
    """Return the rules that come with the engine for a country (two letters), None if it has none."""
    name = f"timezones/{country.lower()}.toml"
    file = shipped_config(name)
    return load_zone_rules(file.read_text("utf-8"), f"config/{name}") if file.is_file() else None
