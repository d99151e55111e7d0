"""Which column is what: a mapping that someone wrote, filled up by what column names say."""

import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from dialler.errors import ImportMisused, ImportRefused, Mistake, SettingsError
from dialler.importing.column_names import guessed_fields

FIELDS: Final = (
    "number",
    "name",
    "customer_key",
    "external_lead_id",
    "timezone",
    "country",
    "region",
    "postcode",
    "priority",
)
"""What the engine knows of a lead; only `number` may have several columns. All others are data fields."""

REASON_COLUMN: Final = "reason"
"""The last column of a file of rejected rows; fed in again, it is no data of the lead."""

_DECIDE_THE_HOURS = frozenset({"timezone", "region"})
_NAME_CHARS_MAX = 100
_COLUMNS_SHOWN = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """Which columns go where.

    With no `fields` at all, each field is looked for by the usual names of its column.
    """

    fields: tuple[tuple[str, str], ...] = ()
    """Pairs of field and column; the order of the columns of `number` is the order of preference."""

    guess: bool = True
    """Whether a column that is called like a zone, state or region counts as one even though it is not mapped: to
    forget it would mean calling at the wrong hour."""

    keep_rest: bool = True
    """Whether each column that is not mapped becomes a data field of its own name."""

    def __post_init__(self) -> None:
        for name, column in self.fields:
            if not name.strip() or not column.strip() or len(name) > _NAME_CHARS_MAX:
                raise ImportMisused(f"mapping {name!r} = {column!r}: expected a field and a column of the file")
        for name, count in Counter(name for name, _ in self.fields).items():
            if count > 1 and name != "number":
                raise ImportMisused(f"mapping: {name} is given {count} times; only number may have several columns")


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """A mapping found in the header of one file; positions count from 0."""

    header: tuple[str, ...]
    numbers: tuple[int, ...]
    single: dict[str, int]
    """By field, `number` not among them."""

    data: tuple[tuple[str, int], ...]

    def position(self, name: str) -> int | None:
        """Return where a field or data field stands, None if the file has none."""
        return self.single.get(name, dict(self.data).get(name))

    def used(self) -> dict[str, list[str]]:
        """Return the columns of each field, to be shown."""
        found = {"number": [self.header[at] for at in self.numbers]}
        found.update({name: [self.header[at]] for name, at in (*self.single.items(), *self.data)})
        return found


def parse_map_option(text: str) -> tuple[str, str]:
    """Return field and column of "FIELD=COLUMN". Raises ImportMisused."""
    name, equals, column = text.partition("=")
    if not equals or not name.strip() or not column.strip():
        raise ImportMisused(f"--map {text!r}: expected FIELD=COLUMN, such as number=Phone")
    return _field_name(name), column.strip()


def mapping_from_options(options: Iterable[str]) -> Mapping:
    """Return the mapping of several "FIELD=COLUMN". Raises ImportMisused."""
    return Mapping(fields=tuple(parse_map_option(option) for option in options))


def load_mapping(text: str, file: str) -> Mapping:
    """Return the mapping in a TOML text; `file` is what its mistakes call it.

    Raises SettingsError with every mistake.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError([Mistake(file, "(the file)", "text", f"TOML: {error}")]) from error
    mistakes: list[Mistake] = []
    fields: list[tuple[str, str]] = []
    options: dict[str, bool] = {}
    for key, value in content.items():
        if key in ("fields", "data") and isinstance(value, dict):
            for name, columns in value.items():
                listed = columns if isinstance(columns, list) else [columns]
                if not listed or not all(isinstance(column, str) and column.strip() for column in listed):
                    mistakes.append(Mistake(file, f"{key}.{name}", repr(columns), "the name of a column"))
                elif len(listed) > 1 and (key == "data" or _field_name(name) != "number"):
                    mistakes.append(Mistake(file, f"{key}.{name}", repr(columns), "one column"))
                elif key == "data" and _field_name(name) in FIELDS:
                    mistakes.append(Mistake(file, f"data.{name}", repr(columns), "this field under [fields]"))
                elif key == "fields" and _field_name(name) not in FIELDS:
                    mistakes.append(Mistake(file, f"fields.{name}", repr(columns), f"one of {', '.join(FIELDS)}"))
                else:
                    fields.extend((_field_name(name), column.strip()) for column in listed)
        elif key in ("guess", "keep_rest") and isinstance(value, bool):
            options[key] = value
        else:
            expected = "[fields], [data], guess = true|false or keep_rest = true|false"
            mistakes.append(Mistake(file, key, repr(value), expected))
    if mistakes:
        raise SettingsError(mistakes)
    return Mapping(fields=tuple(fields), **options)


def resolve(mapping: Mapping, header: Sequence[str], *, source: str = "the file") -> Columns:
    """Find the mapping's columns in a header.

    Names match as they stand but for blanks around them; failing that, whatever their case. Raises ImportRefused,
    naming what is missing, the columns that there are, and the closest one; `source` is what it calls the file.
    """
    names = tuple(name.strip() for name in header)
    wanted = list(mapping.fields)
    guesses = guessed_fields(names) if mapping.guess or not mapping.fields else ()
    mapped = {name for name, _ in wanted}
    taken = {_find(column, names) for _, column in wanted}
    found: list[tuple[str, int]] = []
    problems: list[str] = []
    for name, column in wanted:
        at = _find(column, names)
        if isinstance(at, int):
            found.append((name, at))
        else:
            problems.append(f"column {column!r}, mapped to {name}, {at}")
    for name, at in guesses:
        if not wanted or (name in _DECIDE_THE_HOURS and name not in mapped and at not in taken):
            found.append((name, at))
    numbers = tuple(dict.fromkeys(at for name, at in found if name == "number"))
    if not problems and not numbers:
        near = get_close_matches("number", [name.casefold() for name, _ in wanted], n=1, cutoff=0.75)
        meant = f" (did you mean number where you said {near[0]}?)" if near else ""
        problems.append(f'no column is mapped to number{meant}; say which, as in --map "number=COLUMN"')
    if problems:
        shown = ", ".join(map(repr, names[:_COLUMNS_SHOWN])) + (", ..." if len(names) > _COLUMNS_SHOWN else "")
        raise ImportRefused(f"{source}: {'; '.join(problems)}. Its columns are {shown}")
    single = {name: at for name, at in found if name in FIELDS and name != "number"}
    data = [(name, at) for name, at in found if name not in FIELDS]
    if mapping.keep_rest:
        data.extend(_rest(names, {at for _, at in found}, {name for name, _ in data}))
    return Columns(header=names, numbers=numbers, single=single, data=tuple(data))


def _find(column: str, names: Sequence[str]) -> int | str:
    """Return the position of a column, or what is wrong with it."""
    matches = [at for at, name in enumerate(names) if name == column]
    matches = matches or [at for at, name in enumerate(names) if name.casefold() == column.casefold()]
    if len(matches) == 1:
        return matches[0]
    if matches:
        return f"is there {len(matches)} times; give each column its own name"
    folded = {name.casefold(): name for name in names}
    closest = get_close_matches(column.casefold(), folded, n=1, cutoff=0.5)
    return "is not there" + (f" (did you mean {folded[closest[0]]!r}?)" if closest else "")


def _rest(names: Sequence[str], used: set[int], taken: set[str]) -> Iterable[tuple[str, int]]:
    """Return a data field for each column without a use; of two columns of one name the second is "Name (2)"."""
    for at, name in enumerate(names):
        if at in used or not name or (at == len(names) - 1 and name == REASON_COLUMN):
            continue
        field, count = name[:_NAME_CHARS_MAX], 1
        while field in taken:
            count += 1
            field = f"{name[:_NAME_CHARS_MAX]} ({count})"
        taken.add(field)
        yield field, at


def _field_name(given: str) -> str:
    """Return a field's own name for "Customer Key" or "customer-key", a data field's as it stands."""
    name = given.strip()
    known = name.casefold().replace("-", "_").replace(" ", "_")
    return known if known in FIELDS else name
