"""Which numbers and customer keys a file had so far: a million of them, looked at some hundred at a time.

Eight bytes for each, in sorted arrays; only the last ones are still in a set, which takes nine times as much.
"""

from collections.abc import Collection, Sequence
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

_FRESH_MAX: Final = 50_000
_PART_MAX: Final = 400_000
"""Larger arrays are not made: it would take the event loop more than a few milliseconds."""

_Hashes: TypeAlias = npt.NDArray[np.int64]


class Seen:
    """Texts by their hashes. Two with one hash are as rare as 1 in 10 million files of a million rows."""

    def __init__(self) -> None:
        self._fresh: set[int] = set()
        self._parts: list[_Hashes] = []
        """Each sorted."""

    def are_new(self, texts: Sequence[str]) -> bool:
        """Tell whether none of them was there before, nor is there twice."""
        hashes = set(map(hash, texts))
        return len(hashes) == len(texts) and not self._known(hashes)

    def those_of(self, texts: Collection[str]) -> frozenset[str]:
        """Return those that were there before."""
        known = self._known(set(map(hash, texts)))
        return frozenset(text for text in texts if hash(text) in known) if known else frozenset()

    def add(self, texts: Sequence[str]) -> None:
        """Keep them."""
        self._fresh.update(map(hash, texts))
        if len(self._fresh) >= _FRESH_MAX:
            part = _sorted(self._fresh)
            self._fresh = set()
            while self._parts and len(self._parts[-1]) < 2 * len(part) and len(part) < _PART_MAX:
                part = np.concatenate([self._parts.pop(), part])
                part.sort(kind="stable")  # which makes one of two sorted runs
            self._parts.append(part)

    def _known(self, hashes: set[int]) -> set[int]:
        known = hashes & self._fresh
        if self._parts and hashes:
            asked = _sorted(hashes)
            for part in self._parts:
                places = np.searchsorted(part, asked)
                places[places == len(part)] = 0
                known.update(asked[part[places] == asked].tolist())
        return known


def _sorted(hashes: set[int]) -> _Hashes:
    found = np.fromiter(hashes, np.int64, len(hashes))
    found.sort()
    return found
