"""Frozen values and copies of them with changes, cheaply: a live call makes a dozen of them."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final, TypeVar

T = TypeVar("T")

_known: Final[set[type]] = set()
"""Classes that were found fit for it."""


def evolve(value: T, **changes: Any) -> T:
    """Return what `dataclasses.replace` would, at a tenth of its cost.

    For frozen dataclasses without slots that check nothing at birth: the fields are copied as they are, and the
    changed ones are put in. Raises TypeError for any other class, and for a name that is no field, as `replace` does.
    """
    kind = type(value)
    if kind not in _known:
        _know(kind)
    before: dict[str, Any] = value.__dict__
    new = object.__new__(kind)
    after = new.__dict__
    after.update(before)
    after.update(changes)
    if len(after) != len(before):
        raise TypeError(f"{kind.__name__} has no field {', '.join(changes.keys() - before.keys())}")
    return new


def made(kind: type[T], values: Mapping[str, Any]) -> T:
    """Return what `kind(**values)` would, at a third of its cost: for classes that `evolve` takes, all fields given.

    For values that come from our own records by the thousand.
    """
    new = object.__new__(kind)
    new.__dict__.update(values)
    return new


def _know(kind: Any) -> None:
    slots = {name for base in kind.__mro__ for name in vars(base).get("__slots__", ())}
    if slots & {field.name for field in fields(kind)} or hasattr(kind, "__post_init__"):
        raise TypeError(f"{kind.__name__} has slots, or checks itself at birth")
    _known.add(kind)
