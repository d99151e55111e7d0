"""Which numbers and customer keys a file had so far: a million of them, looked at some hundred at a time."""

from collections.abc import Sequence
from typing import Final

_PART_MAX: Final = 50_000


class Seen:
    """Texts by their hashes. Two with one hash are as rare as 1 in 10 million files of a million rows."""

    def __init__(self) -> None:
        # Several sets: one that grows to millions is copied all at once, and the event loop waits.
        self._parts: list[set[int]] = [set()]

    def are_new(self, texts: Sequence[str]) -> bool:
        """Tell whether none of them was there before, nor is there twice."""
        hashes = set(map(hash, texts))
        return len(hashes) == len(texts) and all(map(hashes.isdisjoint, self._parts))

    def __contains__(self, text: str) -> bool:
        hashed = hash(text)
        return any(hashed in part for part in self._parts)

    def add(self, texts: Sequence[str]) -> None:
        """Keep them."""
        if len(self._parts[-1]) >= _PART_MAX:
            self._parts.append(set())
        self._parts[-1].update(map(hash, texts))
