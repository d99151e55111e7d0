"""Copies of frozen values with changes, cheaply: a live call makes a dozen of them."""

from typing import Any, TypeVar

T = TypeVar("T")


def evolve(value: T, **changes: Any) -> T:
    """Return what `dataclasses.replace` would, at a tenth of its cost.

    For frozen dataclasses without slots that check nothing at birth: the fields are copied as they are, and the
    changed ones are put in. Raises TypeError for a name that is no field, as `replace` does.
    """
    before: dict[str, Any] = value.__dict__
    new = object.__new__(type(value))
    after = new.__dict__
    after.update(before)
    after.update(changes)
    if len(after) != len(before):
        raise TypeError(f"{type(value).__name__} has no field {', '.join(changes.keys() - before.keys())}")
    return new
