"""What is learnt about how long things last: for each cell the time spent in it, and how it was left.

A hazard is exits over time spent. Calls that still ring and talks that still go on have spent their time without an
exit, so they count for what they are: averaging only what is finished would be too low after a start or a jump, and a
dialler that believed it would dial too much.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from strategies.predictive.cells import (
    CELLS,
    RANG_EDGES,
    RING,
    RING_EDGES,
    SET_UP,
    SET_UP_EDGES,
    STEP_S,
    TALK,
    WRAP,
    cell_of_agent,
    cell_of_call,
    rang_class,
)
from strategies.roster import GONE, AgentAt, CallAt, Move

DURATIONS: Final = 20
"""Grid steps kept of how long detection takes."""

Floats = NDArray[np.float64]
_SET_UP, _RINGING, _DETECTING, _ENDED = (
    int(state) for state in (CallAt.SET_UP, CallAt.RINGING, CallAt.DETECTING, CallAt.ENDED)
)
_TALKING, _WRAP_UP, _READY = (int(state) for state in (AgentAt.TALKING, AgentAt.WRAP_UP, AgentAt.READY))
"""Plain numbers: to compare with members of an enumeration is half of what learning costs."""

_AS_PERSON: Final = (int(CallAt.WAITING), int(CallAt.CONNECTED))
_WIDTHS: Final = np.diff(np.asarray((*RING_EDGES, RING_EDGES[-1] + 2.0)))
_TALK_WEIGHT_S, _WRAP_WEIGHT_S = 60.0, 8.0


class Hazards:
    """Exposure and exits by cell, slowly forgotten."""

    def __init__(self, *, answer_rate: float, talk_s: float, wrap_s: float, half_life_s: float) -> None:
        """What is told here is a rough expectation; a few minutes of calls outweigh it."""
        self._half_life_s = half_life_s
        self._talk_s, self._wrap_s = talk_s, wrap_s
        exposure_s = np.zeros(CELLS)
        """Seconds spent in each cell."""

        onward = np.zeros(CELLS)
        """Exits of calls towards a person, of talks to the wrap-up, of wrap-ups to ready."""

        away = np.zeros(CELLS)
        """All other exits."""

        durations = np.zeros((2, DURATIONS))
        """How long it took to detect persons, and machines, in grid steps."""

        detected = np.zeros((2, len(RANG_EDGES)))
        """Persons, and machines, by how long it had rung."""

        self._learnt = (exposure_s, onward, away, durations, detected)
        self._usual = _usual(answer_rate)
        self.persons_seen = 0
        """Persons who answered since the last look at this; whoever looks sets it back."""

    def spend(self, counts: Floats, seconds: float) -> None:
        """Let what was in the cells (float64[CELLS]) have been there for `seconds` more."""
        self._learnt[0][:] += counts * seconds

    def forget(self, seconds: float) -> None:
        """Let everything learnt weigh a little less; what is usual weighs the same for ever."""
        keep = 0.5 ** (seconds / self._half_life_s)
        for learnt in self._learnt:
            learnt *= keep

    def learn(self, moves: Sequence[Move]) -> None:
        """Take in what changed."""
        _, onward, away, _, _ = self._learnt
        for is_call, was, age_s, before_s, now in moves:
            if not is_call:
                self._learn_agent(was, age_s, now)
            elif now == GONE:
                continue  # Cut short by us: it has spent its time, and nobody knows how it would have ended.
            elif was == _SET_UP:
                (away if now == _ENDED else onward)[cell_of_call(was, age_s)] += 1
            elif was == _RINGING:
                if now == _ENDED:
                    away[cell_of_call(was, age_s)] += 1
                elif now in _AS_PERSON:
                    self._person(age_s, 0.0)
            elif was == _DETECTING:
                # Who answered is known only now; the ring that ended then is counted then.
                if now == _ENDED:
                    self._machine(before_s, age_s)
                else:
                    self._person(before_s, age_s)

    def _machine(self, rang_s: float, detected_s: float) -> None:
        _, _, away, durations, detected = self._learnt
        away[cell_of_call(_RINGING, rang_s)] += 1
        durations[1, _duration(detected_s)] += 1
        detected[1, rang_class(rang_s)] += 1

    def _person(self, rang_s: float, detected_s: float) -> None:
        _, onward, _, durations, detected = self._learnt
        onward[cell_of_call(_RINGING, rang_s)] += 1
        durations[0, _duration(detected_s)] += 1
        detected[0, rang_class(rang_s)] += 1
        self.persons_seen += 1

    def _learn_agent(self, was: int, age_s: float, now: int) -> None:
        _, onward, away, _, _ = self._learnt
        if was == _TALKING:
            (onward if now in (_WRAP_UP, _READY) else away)[cell_of_agent(was, age_s)] += 1
            if now == _READY:
                onward[WRAP.start] += 1
        elif was == _WRAP_UP:
            (onward if now == _READY else away)[cell_of_agent(was, age_s)] += 1

    def lasting(self, cells: slice) -> tuple[Floats, Floats]:
        """Return exits a second onward and away, by cell of one state.

        Talks and wraps are drawn towards the mean over all their cells, as far as little is known of a cell.
        """
        exposure_s, onward, away = (learnt[cells] for learnt in self._learnt[:3])
        if cells == TALK:
            return _drawn(exposure_s, onward, away, self._talk_s, _TALK_WEIGHT_S)
        if cells == WRAP:
            return _drawn(exposure_s, onward, away, self._wrap_s, _WRAP_WEIGHT_S)
        usual_s, usual_onward, usual_away = (usual[cells] for usual in self._usual[:3])
        spent_s = exposure_s + usual_s
        return (onward + usual_onward) / spent_s, (away + usual_away) / spent_s

    def durations(self) -> tuple[Floats, Floats]:
        """Return how long it takes to detect a person, and a machine: shares by grid step, float64[DURATIONS] each."""
        persons, machines = self._learnt[3] + self._usual[3]
        return persons / persons.sum(), machines / machines.sum()

    def odds(self) -> Floats:
        """Return persons for each machine, by how long it had rung: float64[len(RANG_EDGES)]."""
        persons, machines = self._learnt[4] + self._usual[4]
        odds: Floats = persons / machines
        return odds


def _usual(answer_rate: float) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Return what one expects of a telephone: a set-up of two seconds, people who answer after about nine."""
    exposure_s, onward, away = np.zeros(CELLS), np.zeros(CELLS), np.zeros(CELLS)
    ages = np.asarray(SET_UP_EDGES) + 0.25
    exposure_s[SET_UP] = 3.0
    onward[SET_UP] = 3.0 * np.minimum(ages / 3.0, 1.0) * 0.9
    away[SET_UP] = 3.0 * 0.05
    mids = np.asarray(RING_EDGES) + _WIDTHS / 2
    density = np.exp(-0.5 * (np.log(mids / 9.0) / 0.6) ** 2) / mids
    density /= (density * _WIDTHS).sum()
    exposure_s[RING] = 6.0 * _WIDTHS
    onward[RING] = 6.0 * _WIDTHS * answer_rate * density
    away[RING] = 6.0 * _WIDTHS * 0.02
    durations = np.zeros((2, DURATIONS))
    durations[0, 2:4] = 0.5
    durations[1, 4:8] = 0.25
    detected = np.asarray([[1.5, 1.5, 1.0, 0.5], [0.5, 0.5, 1.0, 1.0]])
    return exposure_s, onward, away, durations, detected


def _drawn(
    exposure_s: Floats,
    onward: Floats,
    away: Floats,
    mean_s: float,
    weight_s: float,
) -> tuple[Floats, Floats]:
    total_s = exposure_s.sum() + 2 * mean_s
    spent_s = exposure_s + weight_s
    return (
        (onward + weight_s * (onward.sum() + 2) / total_s) / spent_s,
        (away + weight_s * away.sum() / total_s) / spent_s,
    )


def _duration(seconds: float) -> int:
    return min(int(seconds / STEP_S), DURATIONS - 1)
