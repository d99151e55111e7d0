"""Numbers under a keyed hash: they can be counted and recognised, and after an erasure nobody can read them.

The key is drawn once for each installation and kept with the records, so whoever has all of them could still try
numbers one by one; whoever has an export or a single table can't.
"""

import hashlib
import secrets
from collections.abc import Sequence
from typing import Final

from dialler.stores.transaction import Transaction

_KEYS: Final = ("number_key_0", "number_key_1")
MARK: Final = "#"
"""Begins a hash: no number does."""


def hashed(transaction: Transaction, numbers: Sequence[str]) -> dict[str, str]:
    """Return the hash of each number; one that is a hash already stays. Draws the key where there is none yet."""
    key = _key(transaction)
    if key is None:
        halves = [(name, secrets.randbits(63)) for name in _KEYS]
        transaction.run_many("INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT DO NOTHING", halves)
        key = _key(transaction)
        assert key is not None
    return {number: _hash(number, key) for number in numbers}


def hashed_if_any(transaction: Transaction, numbers: Sequence[str]) -> dict[str, str]:
    """As `hashed`, for reading: nothing where no key was drawn yet, since then nothing is stored under a hash."""
    key = _key(transaction)
    return {} if key is None else {number: _hash(number, key) for number in numbers}


def _hash(number: str, key: bytes) -> str:
    if number.startswith(MARK):
        return number
    return MARK + hashlib.blake2b(number.encode(), key=key, digest_size=16).hexdigest()


def _key(transaction: Transaction) -> bytes | None:
    if transaction.number_key is None:
        rows = transaction.rows("SELECT value FROM meta WHERE key IN (?, ?) ORDER BY key", _KEYS)
        if len(rows) == len(_KEYS):
            transaction.number_key = b"".join(row[0].to_bytes(8, "big") for row in rows)
    return transaction.number_key
