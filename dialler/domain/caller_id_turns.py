"""Caller ids of equal rank in their turn: whose it is costs the same however many there are.

A number becomes free by the clock alone, and stays so until it is used. So those that are not wait in a heap by the
moment at which they are, and the others stand in one by their turn.
"""

import heapq
from collections.abc import Iterable
from datetime import UTC, datetime

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Turns:
    """The numbers that suit the same calls, on one trunk or on any."""

    def __init__(self, numbers: Iterable[tuple[str, int, datetime | None]]) -> None:
        """`numbers` are number, turn - the lower the sooner - and from when on it is free; None: not by itself."""
        self._now = _LONG_AGO
        self._of: dict[str, tuple[int, datetime | None]] = {}
        self._later: list[tuple[datetime, str]] = []
        self._free: set[str] = set()
        self._queue: list[tuple[int, str]] = []
        """By turn: those that are free, and some entries of before their last use, which are passed over."""

        for number, turn, free_at in numbers:
            self.put(number, turn, free_at)

    def put(self, number: str, turn: int, free_at: datetime | None) -> None:
        """Note that a number was used, what its turn is now, and from when on it is free again."""
        self._of[number] = turn, free_at
        if free_at is not None and free_at <= self._now:
            self._free.add(number)
            heapq.heappush(self._queue, (turn, number))
            return
        self._free.discard(number)
        if free_at is not None:
            heapq.heappush(self._later, (free_at, number))

    def first(self, now: datetime) -> tuple[str | None, int]:
        """Return the free number whose turn is longest ago, of those the lowest, and how many are free."""
        is_set_back, self._now = now < self._now, now
        if is_set_back:
            for number in [each for each in self._free if self._of[each][1] > now]:  # type: ignore[operator]
                self.put(number, *self._of[number])
        while self._later and self._later[0][0] <= now:
            free_at, number = heapq.heappop(self._later)
            turn, last = self._of[number]
            if last == free_at and number not in self._free:
                self._free.add(number)
                heapq.heappush(self._queue, (turn, number))
        while self._queue and not self._is_current(*self._queue[0]):
            heapq.heappop(self._queue)
        return (self._queue[0][1] if self._queue else None), len(self._free)

    def _is_current(self, turn: int, number: str) -> bool:
        return number in self._free and self._of[number][0] == turn
