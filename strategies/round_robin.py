"""Whose turn it is: deficit round robin in integers, with exact shares.

Members (lists of a campaign, campaigns on a trunk) are visited in a fixed cyclic order, by id. At each visit
a member's deficit grows by its weight; when it reaches M, the largest weight in the round, it is that
member's turn and its deficit falls by M. So deficits stay in [0, M), and after k visits a member of weight w
has had floor((d0 + k * w) / M) turns. Any two members' visits differ by one at most, which gives, at every
prefix, `|Na/wa - Nb/wb| <= 1/wa + 1/wb` from a fresh start (all deficits 0), and 1/M more from any other.

The heaviest member has a turn at each of its visits, so `next` ends within one time round.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from typing import Final

WEIGHT_MIN, WEIGHT_MAX = 1, 10_000

CURSOR: Final = "cursor"
"""In a state: the member visited last. Beside it stand the deficits, under their members' ids."""

LARGEST: Final = "largest"
"""In a state: M, which the deficits are measured against."""


class RoundRobin:
    """A round of members that take turns in proportion to their weights."""

    def __init__(self, weights: Mapping[int, int], state: Mapping[str, int] | None = None) -> None:
        """Start a round, or go on with one from its `state()`.

        A state of other weights or members is accepted: who is new starts at 0, who is gone is forgotten, and
        deficits are scaled to the new M. Raises ValueError for weights out of 1..10,000 and for a state that no
        round can have had.
        """
        self._weights: dict[int, int] = {}
        self._deficits: dict[int, int] = {}
        self._order: list[int] = []
        self._largest = 0
        self._visited: int | None = None
        if state:
            self._deficits, self._largest, self._visited = _read(state)
        self.set_weights(weights)

    @property
    def members(self) -> tuple[int, ...]:
        """Who is in the round, in the order of visits."""
        return tuple(self._order)

    @property
    def weights(self) -> Mapping[int, int]:
        """The weights of those in the round."""
        return dict(self._weights)

    def __contains__(self, member: object) -> bool:
        return member in self._weights

    def __len__(self) -> int:
        return len(self._order)

    def next(self) -> int | None:
        """Take the next turn and return whose it is; None in an empty round."""
        order, weights, deficits, largest = self._order, self._weights, self._deficits, self._largest
        if not order:
            return None
        place = 0 if self._visited is None else bisect_right(order, self._visited)
        while True:
            if place >= len(order):
                place = 0
            member = order[place]
            deficit = deficits[member] + weights[member]
            if deficit >= largest:
                deficits[member] = deficit - largest
                self._visited = member
                return member
            deficits[member] = deficit
            place += 1

    def leave(self, member: int) -> None:
        """Take out a member that has nobody to call; it will come back without a debt or a burst.

        Raises ValueError if it is not in the round.
        """
        if member not in self._weights:
            raise ValueError(f"{member} is not in the round of {self._order}")
        del self._weights[member], self._deficits[member]
        del self._order[bisect_left(self._order, member)]
        self._measure_anew()

    def join(self, member: int, weight: int) -> None:
        """Put in a member, with a deficit of 0. Raises ValueError if it is there already, or for its weight."""
        if member in self._weights:
            raise ValueError(f"{member} is in the round already")
        _check(member, weight)
        self._weights[member] = weight
        self._deficits[member] = 0
        self._order.insert(bisect_left(self._order, member), member)
        self._measure_anew()

    def set_weights(self, weights: Mapping[int, int]) -> None:
        """Make the round that of `weights`: who is missing there leaves, who is new joins, the others go on."""
        for member, weight in weights.items():
            _check(member, weight)
        self._weights = dict(weights)
        self._order = sorted(weights)
        self._deficits = {member: self._deficits.get(member, 0) for member in self._order}
        self._measure_anew()

    def state(self) -> dict[str, int]:
        """Return deficits and cursor, to go on from exactly here after a restart."""
        state = {str(member): deficit for member, deficit in self._deficits.items()}
        state[LARGEST] = self._largest
        if self._visited is not None:
            state[CURSOR] = self._visited
        return state

    def copy(self) -> "RoundRobin":
        """Return a round that goes on from here by itself."""
        return RoundRobin(self._weights, self.state())

    def _measure_anew(self) -> None:
        """Scale the deficits if M has changed."""
        largest = max(self._weights.values(), default=0)
        if self._largest not in (0, largest):
            for member, deficit in self._deficits.items():
                self._deficits[member] = deficit * largest // self._largest
        self._largest = largest


def _check(member: int, weight: int) -> None:
    if not WEIGHT_MIN <= weight <= WEIGHT_MAX:
        raise ValueError(f"the weight of {member} must be {WEIGHT_MIN} to {WEIGHT_MAX}, got {weight}")


def _read(state: Mapping[str, int]) -> tuple[dict[int, int], int, int | None]:
    """Return deficits, M and the member visited last. Raises ValueError."""
    largest = state.get(LARGEST)
    if largest is None or not 0 <= largest <= WEIGHT_MAX:
        raise ValueError(f"a round's state needs {LARGEST!r} of 0 to {WEIGHT_MAX}, got {largest}")
    deficits = {int(member): deficit for member, deficit in state.items() if member not in (CURSOR, LARGEST)}
    for member, deficit in deficits.items():
        if not 0 <= deficit < largest:
            raise ValueError(f"the deficit of {member} must be 0 to {largest - 1}, got {deficit}")
    return deficits, largest, state.get(CURSOR)
