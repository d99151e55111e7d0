"""From a row to a lead, or to the reason why not. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

from dialler.domain.evolve import made
from dialler.domain.lead import PRIORITY_MAX, NewLead, PhoneNumber, WindowKey
from dialler.domain.zones import canonical_zone
from dialler.importing.mapping import Columns
from dialler.importing.phones import WITH_EXTENSION
from dialler.importing.rows import Row
from dialler.importing.zone_rules import ZoneRules, shipped_zone_rules
from telephony.presentation import check_region

CHARS_MAX: Final = {"name": 200, "postcode": 20, "region": 32, "raw": 64}
"""Longer values are cut, data fields at DATA_CHARS_MAX."""

DATA_CHARS_MAX: Final = 2_000
KEY_CHARS_MAX: Final = 200
"""Longer keys reject their row: cut, two of them might become one."""

_KEYS_KEPT_MAX: Final = 10_000

_UNREADABLE: Final = {
    "nul": "it has a NUL character",
    "encoding": "it has bytes that mean nothing in the file's encoding",
    "unreadable": "a cell has no end; is a quote missing?",
}


@dataclass(frozen=True, slots=True)
class Rejected:
    """Why a row is no lead."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Checked:
    """A row that is a lead."""

    number: int
    """The row's, as a spreadsheet counts."""

    lead: NewLead
    has_priority: bool
    """Whether the row itself gives the priority."""

    warnings: tuple[tuple[str, str], ...] = ()
    """What was noticed: pairs of code and text."""


class _Refusal(Exception):
    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.rejected = Rejected(code, reason)


class RowChecker:
    """Checks the rows of one file."""

    def __init__(
        self,
        columns: Columns,
        *,
        country: str,
        default_zone: str,
        rules: ZoneRules | None,
        numbers_from: str | None,
    ) -> None:
        """`country` is that of the leads, "" if unknown; `numbers_from` that of numbers without one: of rows that do
        not give theirs.

        `default_zone` is the canonical name of the zone of leads for which nothing else gives one.
        """
        self._columns = columns
        self._width = len(columns.header)
        self._country_at = columns.single.get("country")
        self._default_zones = (default_zone,)
        self._home = _Home(country, numbers_from, rules, columns.position(rules.field) if rules else None)
        self._homes: dict[str, _Home] = {}
        self._keys: dict[tuple[tuple[str, ...], str, str], WindowKey] = {}

    def unreadable(self, row: Row) -> Rejected | None:
        """Return why nothing of a row can be trusted, None if its cells are what the header says."""
        if row.problem:
            return Rejected(row.problem, _UNREADABLE[row.problem])
        if len(row.cells) != self._width:
            return Rejected("columns", f"it has {len(row.cells)} columns, the header {self._width}")
        return None

    def numbers_from(self, cells: Sequence[str]) -> str | None:
        """Return the country of a row's numbers that do not say theirs: its own, else the file's."""
        try:
            return self._home_of(cells).numbers_from
        except _Refusal:  # its check will say so
            return None

    def check(self, row: Row, dialled: Sequence[str]) -> Checked | Rejected:
        """Return what a readable row is; `dialled` are its number columns' numbers as `read_numbers` gives them."""
        try:
            return self._check(row.number, row.cells, dialled)
        except _Refusal as refusal:
            return refusal.rejected

    def zone_by(self, lead: NewLead) -> str:
        """Return what gave a checked lead's zone, for people."""
        if lead.timezone_source == "field":
            return f"column {self._columns.header[self._columns.single['timezone']]}: {lead.timezone_given}"
        if lead.timezone_source == "rule":
            country = lead.window_key.country
            homes = (self._home, *self._homes.values())
            home = next(each for each in homes if each.country == country and each.rules is not None)
            assert home.rules is not None and home.rule_at is not None
            return f"{home.rules.file}, by column {self._columns.header[home.rule_at]}"
        return "the campaign's default"

    def _check(self, number: int, cells: list[str], dialled: Sequence[str]) -> Checked:
        warnings: list[tuple[str, str]] = []
        home = self._home_of(cells)
        raw = [cells[at].strip() for at in self._columns.numbers]
        numbers = self._numbers(raw, dialled, home.numbers_from, warnings)
        zones, source, given = self._zones(cells, home, warnings)
        region = self._cell(cells, "region")
        if home.rules and home.rules.field == "region":
            region = home.rules.value(region) or region
        region = self._cut(region.upper(), "region", CHARS_MAX["region"], warnings)
        data = {}
        for name, at in self._columns.data:
            value = cells[at].strip()
            if value:
                data[name] = self._cut(value, name, DATA_CHARS_MAX, warnings)
        # `made`: a million leads are born here, and checking one costs more than all else but its number.
        lead = made(
            NewLead,
            {
                "numbers": numbers,
                "window_key": self._key(zones, home.country, region),
                "name": self._cut(self._cell(cells, "name"), "name", CHARS_MAX["name"], warnings),
                "customer_key": self._identity(cells, "customer_key"),
                "external_lead_id": self._identity(cells, "external_lead_id"),
                "timezone_source": source,
                "timezone_given": given,
                "postcode": self._cut(self._cell(cells, "postcode"), "postcode", CHARS_MAX["postcode"], warnings),
                "priority": self._priority(cells),
                "data": data,
                "expires_at": None,
            },
        )
        return Checked(number, lead, bool(self._cell(cells, "priority")), tuple(warnings))

    def _home_of(self, cells: Sequence[str]) -> "_Home":
        """Return what a row's country decides; raise _Refusal for one that there is not."""
        given = cells[self._country_at].strip() if self._country_at is not None else ""
        if not given:
            return self._home
        if (home := self._homes.get(given)) is None:
            try:
                country = check_region(given)
            except ValueError as error:
                raise _Refusal("country_invalid", f"country: {error}") from error
            rules = self._home.rules if country == self._home.country else shipped_zone_rules(country)
            at = self._columns.position(rules.field) if rules else None
            home = self._homes[given] = _Home(country, country, rules, at)
        return home

    def _key(self, zones: tuple[str, ...], country: str, region: str) -> WindowKey:
        """Return the key; leads of one key share one object, since a file has a few hundred."""
        key = self._keys.get((zones, country, region))
        if key is None:
            if len(self._keys) >= _KEYS_KEPT_MAX:  # someone mapped a column to region that is none
                self._keys.clear()
            key = self._keys[zones, country, region] = WindowKey(zones, country, region)
        return key

    def _cell(self, cells: list[str], field: str) -> str:
        at = self._columns.single.get(field)
        return cells[at].strip() if at is not None else ""

    def _numbers(
        self, raw: list[str], dialled: Sequence[str], numbers_from: str | None, warnings: list[tuple[str, str]]
    ) -> tuple[PhoneNumber, ...]:
        found: dict[str, PhoneNumber] = {}
        invalid: list[str] = []
        for text, number in zip(raw, dialled, strict=True):
            if number.endswith(WITH_EXTENSION):
                number = number.removesuffix(WITH_EXTENSION)
                warnings.append(("extension", f"the extension of {text!r} will not be dialled"))
            if number:
                found.setdefault(number, PhoneNumber(number, text[: CHARS_MAX["raw"]]))
            elif text:
                invalid.append(text[: CHARS_MAX["raw"]])
        if found:
            warnings.extend(("number_invalid", f"number: {_invalid(text, numbers_from)}") for text in invalid)
            return tuple(found.values())
        if invalid:
            said = "; ".join(_invalid(text, numbers_from) for text in invalid)
            raise _Refusal("number_invalid", f"number: {said}")
        raise _Refusal("number_missing", "number: it has none")

    def _zones(
        self, cells: list[str], home: "_Home", warnings: list[tuple[str, str]]
    ) -> tuple[tuple[str, ...], str, str]:
        """Return the zones, what gave them, and the name that stood there."""
        given = self._cell(cells, "timezone")
        if given:
            name, problem, warning = _zone(given)
            if problem:
                raise _Refusal("timezone_invalid", f"timezone: {problem}")
            if warning:
                warnings.append(("timezone", f"timezone: {warning}"))
            return (name,), "field", given
        rules = home.rules
        if rules is not None and home.rule_at is not None:
            text = cells[home.rule_at].strip()
            value = rules.value(text)
            if value is not None:
                return rules.zones[value], "rule", ""
            if text:
                unknown = f"{rules.field} {text[:40]!r} is not in {rules.file}: the campaign's zone is taken"
                warnings.append(("zone_unknown", unknown))
        elif rules is None and home is not self._home:
            warnings.append(("zone_unknown", f"country {home.country} has no zone rules: the campaign's zone is taken"))
        return self._default_zones, "default", ""

    def _identity(self, cells: list[str], field: str) -> str | None:
        text = self._cell(cells, field)
        if len(text) > KEY_CHARS_MAX:
            raise _Refusal("key_too_long", f"{field}: {text[:20]!r}... has more than {KEY_CHARS_MAX} characters")
        return text or None

    def _priority(self, cells: list[str]) -> int:
        text = self._cell(cells, "priority")
        if not text:
            return 0
        try:
            # int() also takes "1_000", and digits of other scripts.
            priority = int(text) if len(text) < 20 and "_" not in text else None
        except ValueError:
            priority = None
        if priority is None or abs(priority) > PRIORITY_MAX:
            expected = f"a whole number from -{PRIORITY_MAX} to {PRIORITY_MAX}"
            raise _Refusal("priority_invalid", f"priority: {text[:40]!r} is not {expected}")
        return priority

    def _cut(self, text: str, field: str, chars: int, warnings: list[tuple[str, str]]) -> str:
        if len(text) > chars:
            warnings.append(("cut", f"{field} has {len(text)} characters and is cut to {chars}"))
            return text[:chars]
        return text


class _Home(NamedTuple):
    """What a country decides."""

    country: str
    numbers_from: str | None
    rules: ZoneRules | None
    rule_at: int | None
    """Where the column stands that the rules go by."""


def _invalid(text: str, numbers_from: str | None) -> str:
    if numbers_from is None:
        return f"{text!r} is not a valid number with its country (+...); without one it needs a region"
    return f"{text!r} is not a valid number in {numbers_from}"


@lru_cache(maxsize=4096)
def _zone(given: str) -> tuple[str, str, str]:
    """Return the canonical name, what is wrong with the name given, and what is odd about it."""
    try:
        zone = canonical_zone(given)
    except ValueError as error:
        return "", str(error), ""
    return zone.name, "", zone.warning or ""
