"""Which numbers of a pool suit a call, the best first: found by the areas that are theirs, not by a look at each.

An area suits the better the longer the beginning of the called number that it names; a region, such as US-IL, lies
between a country's code and a town's. Numbers that are local to nothing come last.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from dialler.domain.caller_id import CallerId

_TOWN_MIN: Final = 5  # characters of +1312; the longest country code with its plus has 4


class Areas:
    """The numbers of a pool by their areas."""

    def __init__(self, numbers: Iterable[CallerId]) -> None:
        self._by_area: dict[str, list[CallerId]] = {}
        self._elsewhere: list[CallerId] = []
        for each in numbers:
            for area in dict.fromkeys(each.areas):
                self._by_area.setdefault(area, []).append(each)
            if not each.areas:
                self._elsewhere.append(each)
        lengths = sorted({len(area) for area in self._by_area if area.startswith("+")}, reverse=True)
        self._towns = [length for length in lengths if length >= _TOWN_MIN]
        self._countries = [length for length in lengths if length < _TOWN_MIN]

    def of(self, called: str, region: str) -> tuple[str, ...]:
        """Return the areas that a call is in, the best first. Calls of the same areas have the same choice."""
        found = list(self._beginnings(called, self._towns))
        if region in self._by_area:
            found.append(region)
        return (*found, *self._beginnings(called, self._countries))

    def _beginnings(self, called: str, lengths: Iterable[int]) -> Iterator[str]:
        for length in lengths:
            if length <= len(called) and (area := called[:length]) in self._by_area:
                yield area

    def ranked(self, areas: Iterable[str]) -> Sequence[tuple[str, Sequence[CallerId]]]:
        """Return the numbers that suit calls of some areas: area and numbers, those that are local to nothing last,
        with area "". Each number stands where it suits best."""
        seen: set[str] = set()
        ranks: list[tuple[str, Sequence[CallerId]]] = []
        for area in areas:
            if own := [each for each in self._by_area[area] if each.number not in seen]:
                ranks.append((area, own))
                seen.update(each.number for each in own)
        return [*ranks, ("", self._elsewhere)] if self._elsewhere else ranks

    def alike(self, called: str) -> str:
        """Return how numbers begin that are in the same areas as `called`, but for its region: nothing tells them
        apart."""
        return called[: max((_told_apart_by(area, called) for area in self._by_area if area[0] == "+"), default=0)]


def _told_apart_by(area: str, called: str) -> int:
    """Return how many characters of a number say whether it is in an area."""
    differs = next((at for at, (one, other) in enumerate(zip(area, called, strict=False)) if one != other), None)
    return len(area) if differs is None else differs + 1
