"""From a moment to the first key behind it, in a table whose keys are given out in the order of time."""

from datetime import timedelta
from typing import Final

from dialler.stores.transaction import Transaction

SKEW: Final = timedelta(hours=1)
"""Clocks of engines may differ by less than this: then later keys are of later moments, but for so much."""


def first_since(transaction: Transaction, table: str, key: str, column: str, at_us: int) -> int:
    """Return the first key whose `column` is `at_us` or later, as far as clocks agree: by bisection."""
    low, high = ends(transaction, table, key)
    while low < high:
        middle = (low + high) // 2
        row = transaction.row(f"SELECT {key}, {column} FROM {table} WHERE {key} >= ? ORDER BY {key} LIMIT 1", (middle,))
        if row is None or row[1] >= at_us:
            high = middle
        else:
            low = row[0] + 1
    return low


def ends(transaction: Transaction, table: str, key: str) -> tuple[int, int]:
    """Return the first key of a table, and the one behind its last; twice 0 where it is empty."""
    first = transaction.row(f"SELECT {key} FROM {table} ORDER BY {key} LIMIT 1")
    last = transaction.row(f"SELECT {key} FROM {table} ORDER BY {key} DESC LIMIT 1")
    return (first[0], last[0] + 1) if first and last else (0, 0)
