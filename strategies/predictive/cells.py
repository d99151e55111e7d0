"""Cells: every live thing is in one, by its state and how long it has been in it.

What is learnt and what is expected belongs to cells, not to single calls and agents, so a decision costs the same
arithmetic with three agents and with five hundred. Bins are narrow where a second matters and wide where it does not.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from strategies.roster import AgentAt, CallAt, Standing

STEP_S: Final = 0.5
"""Grid of all ages and times."""

SET_UP_EDGES: Final = (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 11.0, 15.0, 20.0)
RING_EDGES: Final = (*(float(s) for s in range(30)), *(float(s) for s in range(30, 60, 2)))
DETECT_EDGES: Final = (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0)
TALK_EDGES: Final = (
    *(0.0, 2.0, 4.0, 6.0, 9.0, 13.0, 18.0, 25.0, 35.0, 50.0, 70.0, 100.0, 140.0, 200.0, 280.0, 400.0, 600.0, 1000.0),
)
WRAP_EDGES: Final = (
    *(0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 12.0, 14.0, 17.0, 20.0, 25.0, 30.0, 40.0, 55.0, 80.0, 120.0),
)
RANG_EDGES: Final = (0.0, 6.0, 12.0, 18.0)
"""People and machines answer after different times: calls in detection are kept apart by how long they rang."""

SET_UP: Final = slice(0, len(SET_UP_EDGES))
RING: Final = slice(SET_UP.stop, SET_UP.stop + len(RING_EDGES))
DETECT: Final = slice(RING.stop, RING.stop + len(DETECT_EDGES) * len(RANG_EDGES))
TALK: Final = slice(DETECT.stop, DETECT.stop + len(TALK_EDGES))
WRAP: Final = slice(TALK.stop, TALK.stop + len(WRAP_EDGES))
CELLS: Final = WRAP.stop
CALL_CELLS: Final = DETECT.stop

_AGES: Final = 2400
_NOWHERE: Final = CELLS
_DETECTING: Final = int(CallAt.DETECTING)


def _places(edges: tuple[float, ...], first: int) -> NDArray[np.intp]:
    """Return the cell of each age on the grid, for a state whose cells start at `first`."""
    return first + np.searchsorted(np.asarray(edges), np.arange(_AGES) * STEP_S, side="right") - 1


_CALL_PLACES: Final = np.full((max(CallAt) + 1, _AGES), _NOWHERE, dtype=np.intp)
_CALL_PLACES[CallAt.SET_UP] = _places(SET_UP_EDGES, SET_UP.start)
_CALL_PLACES[CallAt.RINGING] = _places(RING_EDGES, RING.start)
_CALL_PLACES[CallAt.DETECTING] = _places(DETECT_EDGES, DETECT.start)
_AGENT_PLACES: Final = np.full((max(AgentAt) + 1, _AGES), _NOWHERE, dtype=np.intp)
_AGENT_PLACES[AgentAt.RESERVED] = TALK.start
_AGENT_PLACES[AgentAt.TALKING] = _places(TALK_EDGES, TALK.start)
_AGENT_PLACES[AgentAt.WRAP_UP] = _places(WRAP_EDGES, WRAP.start)

_RINGING_PLACES: Final = _CALL_PLACES[CallAt.RINGING]
_CALLS_FLAT: Final = _CALL_PLACES.ravel()
_AGENTS_FLAT: Final = _AGENT_PLACES.ravel()
_CALLS_LISTS: Final = _CALL_PLACES.tolist()
_AGENTS_LISTS: Final = _AGENT_PLACES.tolist()
_RANG: Final = np.asarray(RANG_EDGES[1:])


def rang_class(rang_s: float) -> int:
    """Return the class of a call that rang so long before it was answered."""
    return sum(rang_s >= edge for edge in RANG_EDGES[1:])


def cell_of_call(state: int, age_s: float) -> int:
    """Return the cell; of DETECTING that of the first class; CELLS for states that have none."""
    return _cell(_CALLS_LISTS[state], age_s)


def cells_of_ringing(ages_s: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the cells of ringing calls, intp[n], by how long they ring: 0 or more."""
    grid = (ages_s * (1 / STEP_S)).astype(np.intp)
    cells: NDArray[np.intp] = _RINGING_PLACES[np.minimum(grid, _AGES - 1, out=grid)]
    return cells


def cell_of_agent(state: int, age_s: float) -> int:
    """Return the cell; CELLS for states that have none."""
    return _cell(_AGENTS_LISTS[state], age_s)


def _cell(places: Sequence[int], age_s: float) -> int:
    step = int(age_s / STEP_S)
    return places[0 if step < 0 else step if step < _AGES else -1]


def counts_of(agents: Standing, calls: Standing, at_s: float) -> NDArray[np.float64]:
    """Return how many things are in each cell at `at_s`: float64[CELLS]."""
    in_calls = _cells(calls, at_s, _CALLS_FLAT)
    detecting = (calls.states == _DETECTING).nonzero()[0]
    if len(detecting):
        classes = _RANG.searchsorted(calls.before_s[detecting], side="right")
        in_calls[detecting] += classes * len(DETECT_EDGES)
    counts = np.bincount(in_calls, minlength=CELLS + 1)
    counts = counts + np.bincount(_cells(agents, at_s, _AGENTS_FLAT), minlength=CELLS + 1)
    return counts[:CELLS].astype(np.float64)


def _cells(standing: Standing, at_s: float, flat: NDArray[np.intp]) -> NDArray[np.intp]:
    ages = ((at_s - standing.since_s) * (1 / STEP_S)).astype(np.intp)
    np.minimum(ages, _AGES - 1, out=ages)
    np.maximum(ages, 0, out=ages)
    ages += np.multiply(standing.states, _AGES, dtype=np.intp)
    cells: NDArray[np.intp] = flat.take(ages)
    return cells
