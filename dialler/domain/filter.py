"""A filter: what leads or sessions have to be like to be found. The value, its text, and whether something matches.

`filter_text` reads the language; `print_filter` writes it, so that reading what was written gives the same filter.
Conditions on what is empty do not hold, and their negations do. Text is compared without regard to case, keys and
codes (EXACT) as they are.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from operator import ge, gt, le, lt
from typing import Any, Final

EXACT: Final = frozenset(
    "id number customer_key external_lead_id wrap_code agent session trunk server caller_id workflow".split()
)
"""The fields in which case makes a difference to `=` and `in`."""

Value = str | int | datetime


class Op(StrEnum):
    """How a condition compares a field."""

    EQ = "="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="
    CONTAINS = "contains"
    IN = "in"
    EMPTY = "is empty"
    TRUE = ""
    """The field is a yes or no, and it is yes."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison; `values` holds one value, several with IN, none with EMPTY and TRUE."""

    field: str
    op: Op
    values: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    item: "Filter"


@dataclass(frozen=True, slots=True)
class All:
    """All of at least two hold; empty, everything matches."""

    items: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Any_:
    """At least one of at least two holds."""

    items: tuple["Filter", ...]


Filter = Condition | Not | All | Any_

EVERYTHING: Final = All(())


def all_of(items: Sequence[Filter]) -> Filter:
    """Return the filter that asks for all of `items`, without needless nesting."""
    flat = [inner for item in items for inner in (item.items if isinstance(item, All) else (item,))]
    return flat[0] if len(flat) == 1 else All(tuple(flat))


def any_of(items: Sequence[Filter]) -> Filter:
    """Return the filter that asks for one of `items` (at least one), without needless nesting."""
    flat = [inner for item in items for inner in (item.items if isinstance(item, Any_) else (item,))]
    return flat[0] if len(flat) == 1 else Any_(tuple(flat))


def conditions_of(wanted: Filter) -> Sequence[Condition]:
    """Return all conditions in a filter, in their order."""
    if isinstance(wanted, Condition):
        return [wanted]
    if isinstance(wanted, Not):
        return conditions_of(wanted.item)
    return [each for item in wanted.items for each in conditions_of(item)]


def print_filter(wanted: Filter) -> str:
    """Return the text of a filter; empty for the one that everything matches."""
    match wanted:
        case Condition(field, op, values):
            name = print_field(field)
            if op is Op.IN:
                return f"{name} in ({', '.join(map(_print_value, values))})"
            return " ".join(part for part in (name, op.value, *map(_print_value, values)) if part)
        case Not(item):
            return f"not {_grouped(item, All, Any_)}"
        case All(items):
            return " and ".join(_grouped(item, Any_) for item in items)
        case Any_(items):
            return " or ".join(print_filter(item) for item in items)


def _grouped(item: Filter, *kinds: type) -> str:
    return f"({print_filter(item)})" if isinstance(item, kinds) else print_filter(item)


def print_field(field: str) -> str:
    """Return a field's name as it is written in a filter; a data field's own name may be any text."""
    head, dot, own = field.partition(".")
    return f"{head}.{quoted(own)}" if dot and not own.replace("_", "").isalnum() else field


def quoted(text: str) -> str:
    """Return text in quotes."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _print_value(value: Value) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, int) else quoted(value)


_COMPARED: Final[Mapping[Op, Callable[[Any, Any], bool]]] = {Op.LT: lt, Op.LE: le, Op.GT: gt, Op.GE: ge}


def matches(wanted: Filter, value_of: Callable[[str], object]) -> bool:
    """Return whether something matches; `value_of` gives a field's value: one, several (a tuple), or None."""
    match wanted:
        case Condition(field, op, values):
            return holds(op, values, value_of(field), exact=field in EXACT)
        case Not(item):
            return not matches(item, value_of)
        case All(items):
            return all(matches(item, value_of) for item in items)
        case Any_(items):
            return any(matches(item, value_of) for item in items)


def holds(op: Op, values: Sequence[Value], found: object, *, exact: bool = False) -> bool:
    """Return whether a field's value, or one of its values, compares so."""
    there = [one for one in (found if isinstance(found, tuple) else (found,)) if one is not None and one != ""]
    if op is Op.EMPTY:
        return not there
    if op is Op.TRUE:
        return True in there
    if op is Op.CONTAINS:
        part = folded(values[0])
        return any(part in folded(one) for one in there)
    if op in _COMPARED:
        compare = _COMPARED[op]
        return any(compare(one, values[0]) for one in there)
    if exact:
        return any(one in values for one in there)
    asked = {_folded(value) for value in values}
    return any(_folded(one) in asked for one in there)


def folded(value: object) -> str:
    """Return text as it is compared: in one case."""
    return str(value).casefold()


def _folded(value: object) -> object:
    return value.casefold() if isinstance(value, str) else value
