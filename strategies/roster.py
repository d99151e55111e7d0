"""Who is in which state since when: agents, and calls under way, packed for arithmetic.

A `Roster` is fed by events one at a time and read as arrays. Of each change it keeps a `Move` until somebody takes
them: how long the state lasted that ended, and what came after it. That is all that pacing learns from.
"""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray


class AgentAt(IntEnum):
    """What an agent is doing."""

    READY = 0
    RESERVED = 1
    """A call is on its way to them."""

    TALKING = 2
    WRAP_UP = 3
    AWAY = 4
    """On a break, paused or logged out."""


class CallAt(IntEnum):
    """How far a call is."""

    SET_UP = 0
    RINGING = 1
    DETECTING = 2
    """Answered; whether by a person or a machine is being found out."""

    WAITING = 3
    """Answered by a person, as far as one knows, who has no agent yet."""

    CONNECTED = 4
    ENDED = 5


GONE: Final = -1
"""Left the roster without a state: an agent who logged out, a call nobody knows the end of."""


class Move(NamedTuple):
    """One thing left one state."""

    is_call: bool
    was: int
    """The state it left: `CallAt` or `AgentAt`."""

    age_s: float
    """How long it had been in that state."""

    before_s: float
    """How long it had been in the state before that."""

    now: int
    """The state it entered, or GONE."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A roster at one moment; views that hold until its next change. All arrays are of the same length n."""

    states: NDArray[np.int8]
    """int8[n]."""

    since_s: NDArray[np.float64]
    """float64[n]: when each entered its state."""

    before_s: NDArray[np.float64]
    """float64[n]: how long each had been in the state before it; 0 where there was none."""


class Roster:
    """Things by key, each in one state. Every operation costs the same however many there are."""

    def __init__(self, *, is_calls: bool, moves: list[Move]) -> None:
        """`moves` is where changes are told; the rosters of one campaign share it."""
        self._is_calls = is_calls
        self._moves = moves
        self._places: dict[Hashable, int] = {}
        self._keys: list[Hashable] = []
        self._states = np.zeros(64, np.int8)
        self._since_s = np.zeros(64)
        self._before_s = np.zeros(64)

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[Hashable]:
        """Iterate over the keys, in the order of the arrays."""
        return iter(self._keys)

    def state_of(self, key: Hashable) -> int | None:
        """Return the state of one; None: it is not here."""
        place = self._places.get(key)
        return None if place is None else int(self._states[place])

    def since_s(self, key: Hashable) -> float:
        """Return when one entered its state. Raises KeyError."""
        return float(self._since_s[self._places[key]])

    def key(self, place: int) -> Hashable:
        """Return whose entry is at `place` of the arrays."""
        return self._keys[place]

    def put(self, key: Hashable, state: int, at_s: float, *, before_s: float = 0.0) -> None:
        """Let something be in `state` from `at_s` on; nothing changes if it is in it already.

        `before_s` is how long something that was not here had been in the state before that.
        """
        place = self._places.get(key)
        if place is None:
            place = len(self._keys)
            if place == len(self._states):
                self._grow()
            self._places[key] = place
            self._keys.append(key)
            self._before_s[place] = before_s
        else:
            was = int(self._states[place])
            if was == state:
                return
            age_s = at_s - float(self._since_s[place])
            self._moves.append(Move(self._is_calls, was, age_s, float(self._before_s[place]), state))
            self._before_s[place] = age_s
        self._states[place] = state
        self._since_s[place] = at_s

    def drop(self, key: Hashable, at_s: float, now: int = GONE) -> None:
        """Let something leave, for the state `now` that the roster does not keep; unknown keys are none."""
        place = self._places.get(key)
        if place is None:
            return
        age_s = at_s - float(self._since_s[place])
        self._moves.append(Move(self._is_calls, int(self._states[place]), age_s, float(self._before_s[place]), now))
        self._take_out(key, place)

    def forget(self, key: Hashable) -> None:
        """Let something leave of which nobody saw what became of it: it makes no move. Unknown keys are none."""
        place = self._places.get(key)
        if place is not None:
            self._take_out(key, place)

    def _take_out(self, key: Hashable, place: int) -> None:
        del self._places[key]
        last = len(self._keys) - 1
        if place != last:
            moved = self._keys[last]
            self._keys[place] = moved
            self._places[moved] = place
            for column in (self._states, self._since_s, self._before_s):
                column[place] = column[last]
        self._keys.pop()

    def standing(self) -> Standing:
        """Return views on the arrays as they are now."""
        n = len(self._keys)
        return Standing(self._states[:n], self._since_s[:n], self._before_s[:n])

    def _grow(self) -> None:
        room = 2 * len(self._states)
        self._states = np.resize(self._states, room)
        self._since_s = np.resize(self._since_s, room)
        self._before_s = np.resize(self._before_s, room)
