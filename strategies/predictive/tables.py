"""From hazards to what is to come: for each cell and horizon, the chance of an answer or of an agent coming free.

All of it is survival and convolution on a grid of half seconds. A call passes set-up, ringing and detection; an agent
passes the talk and a fresh wrap-up, and part of the wrap-ups ends in a break.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from strategies.predictive.cells import (
    CALL_CELLS,
    CELLS,
    DETECT,
    DETECT_EDGES,
    RANG_EDGES,
    RING,
    RING_EDGES,
    SET_UP,
    SET_UP_EDGES,
    STEP_S,
    TALK,
    TALK_EDGES,
    WRAP,
    WRAP_EDGES,
)
from strategies.predictive.hazards import Hazards

HORIZONS: Final = 9
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Tables:
    """What is expected of each cell, and of a call launched now."""

    chance: Floats
    """float64[CELLS, HORIZONS]: that a call has been answered by a person by a horizon, or that an agent will be free
    for one who waits from then on as long as the patience allows."""

    fresh: Floats
    """float64[HORIZONS]: the same for a call launched now."""

    weights: Floats
    """float64[HORIZONS]: how likely its answer belongs to each horizon; together 1."""

    horizons_s: Floats
    """float64[HORIZONS]."""

    answer_rate: float
    """What part of the calls launched now will reach a person."""

    answers_a_second: float
    """Persons a call launched now reaches for each second it has a channel before somebody answers."""


def tables_of(hazards: Hazards, *, level: float, patience_s: float, ring_timeout_s: float) -> Tables:
    """Return the tables for people who answer at `level` times what the hazards say."""
    steps = int((ring_timeout_s + 14.0) / STEP_S)
    late = round(patience_s / STEP_S)
    grid = steps + late
    detect = _detect_cdf(hazards.durations()[0], grid)
    ring_onward, ring_away = hazards.lasting(RING)
    ring_away = _until(RING_EDGES, ring_away, ring_timeout_s)
    ring = _flow(RING_EDGES, ring_onward * level, ring_away, grid)
    set_up_onward, set_up_away = hazards.lasting(SET_UP)
    set_up = _flow(SET_UP_EDGES, set_up_onward, set_up_away, grid)
    ring_s = _mean_s(RING_EDGES, ring_onward * level + ring_away, grid)
    set_up_s = _mean_s(SET_UP_EDGES, set_up_onward + set_up_away, grid)
    after_ring = _spread(ring[0], detect)
    fresh = _spread(set_up[0], after_ring)
    answer_rate = float(fresh[steps])
    ks = _horizons(fresh[: steps + 1])
    chance = np.zeros((CELLS, HORIZONS))
    chance[SET_UP] = set_up[1:] @ _turned(after_ring, grid, ks)
    chance[RING] = ring[1:] @ _turned(detect, grid, ks)
    chance[DETECT] = _detecting(hazards, ks)
    wrap = _flow(WRAP_EDGES, *hazards.lasting(WRAP), grid)
    talk = _flow(TALK_EDGES, *hazards.lasting(TALK), grid)
    free = ks + late
    chance[WRAP] = np.cumsum(wrap[1:], axis=1)[:, free - 1]
    chance[TALK] = talk[1:] @ _turned(np.concatenate(([0.0], np.cumsum(wrap[0])))[: grid + 1], grid, free)
    np.clip(chance, 0.0, 1.0 - 1e-9, out=chance)
    reached = fresh[ks]
    weights = np.diff(np.concatenate(([0.0], reached)))
    total = float(weights.sum())
    weights = weights / total if total > 0 else np.full(HORIZONS, 1.0 / HORIZONS)
    return Tables(
        chance=chance,
        fresh=np.minimum(reached, 1.0 - 1e-9),
        weights=weights,
        horizons_s=(ks * STEP_S).astype(np.float64),
        answer_rate=answer_rate,
        answers_a_second=answer_rate / (set_up_s + float(set_up[0].sum()) * ring_s),
    )


def _until(edges: tuple[float, ...], away: Floats, timeout_s: float) -> Floats:
    """Return the hazards with an end at the ring time-out."""
    late = np.asarray(edges) >= timeout_s + 1.0
    return np.where(late, np.maximum(away, 3.0), away)


def _flow(edges: tuple[float, ...], onward: Floats, away: Floats, grid: int) -> Floats:
    """Return the mass that goes onward in each step from now: float64[1 + cells, grid], the first row for age 0."""
    fine, starts = _fine(edges, grid)
    total = (onward + away)[fine] * STEP_S
    survived = np.exp(-np.concatenate(([0.0], np.cumsum(total))))
    share = (onward / np.maximum(onward + away, 1e-12))[fine]
    leaving = (survived[:-1] - survived[1:]) * share
    flow: Floats = leaving[starts] / np.maximum(survived[starts[:, :1]], 1e-300)
    return flow


def _mean_s(edges: tuple[float, ...], hazards: Floats, grid: int) -> float:
    """Return how long a state with these hazards lasts in the mean, from its beginning to the end of the grid."""
    fine, _ = _fine(edges, grid)
    return float(np.exp(-np.cumsum(hazards[fine[:grid]] * STEP_S)).sum() + 0.5) * STEP_S


@lru_cache(maxsize=32)
def _fine(edges: tuple[float, ...], grid: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the cell of each step of age, and for each row of `_flow` the steps it passes."""
    widths = np.diff(np.asarray((*edges, edges[-1] * 1.5 + 2.0)))
    # Whoever is in a wide bin is, on the whole, in its first half: fewer things live long.
    ages = np.asarray(edges) + np.where(widths > 4.0, widths * 0.4, widths / 2 - STEP_S / 2)
    first = np.concatenate(([0.0], ages))
    starts = (first / STEP_S + 0.5).astype(np.intp)[:, None] + np.arange(grid)[None, :]
    fine = np.searchsorted(np.asarray(edges), np.arange(int(starts.max()) + 1) * STEP_S, side="right") - 1
    return fine, starts


def _detect_cdf(durations: Floats, grid: int) -> Floats:
    """Return the chance that detecting a person has taken no longer than each step: float64[grid + 1]."""
    cdf = np.ones(grid + 1)
    cdf[0] = 0.0
    cdf[1 : len(durations) + 1] = np.cumsum(durations)
    return cdf


def _spread(flow: Floats, after: Floats) -> Floats:
    """Return the cdf of what flows (float64[grid]) and then takes as long as `after` (a cdf, float64[grid + 1])."""
    middle = 0.5 * (after[1:] + after[:-1])
    return np.concatenate(([0.0], np.convolve(flow, middle)[: len(flow)]))


def _turned(after: Floats, grid: int, ks: NDArray[np.intp]) -> Floats:
    """Return what takes a flow to its cdf at the steps `ks` once `after` is passed: float64[grid, len(ks)]."""
    middle = np.concatenate(([0.0], 0.5 * (after[1:] + after[:-1])))
    lags = ks[None, :] - np.arange(grid)[:, None]
    turned: Floats = middle[np.maximum(lags, 0)]
    return turned


def _horizons(fresh: Floats) -> NDArray[np.intp]:
    """Return the steps at which a new call's answer is looked at: spread evenly over when it comes."""
    shares = (np.arange(HORIZONS) + 1.0) / (HORIZONS + 0.15)
    ks = np.searchsorted(fresh, shares * fresh[-1])
    ks = np.maximum.accumulate(np.maximum(ks, np.arange(1, HORIZONS + 1)))
    limit = np.arange(len(fresh) - HORIZONS, len(fresh))
    return np.minimum(ks, limit)


def _detecting(hazards: Hazards, ks: NDArray[np.intp]) -> Floats:
    """Return for calls in detection the chance that they turn out to be a person by each step."""
    persons, machines = hazards.durations()
    steps = len(persons)
    person = np.concatenate((np.cumsum(persons), np.ones(400)))
    machine = np.concatenate((np.cumsum(machines), np.ones(400)))
    ages = (np.asarray(DETECT_EDGES) / STEP_S).astype(np.intp)
    gone = np.where(ages > 0, person[np.maximum(ages - 1, 0)], 0.0)
    left_person = np.maximum(1.0 - gone, 1e-6)
    left_machine = np.maximum(1.0 - np.where(ages > 0, machine[np.maximum(ages - 1, 0)], 0.0), 1e-6)
    by = (person[np.minimum(ages[:, None] + ks[None, :], steps + 399)] - gone[:, None]) / left_person[:, None]
    rows = []
    for ratio in hazards.odds():
        odds = ratio * left_person / left_machine
        rows.append((odds / (1 + odds))[:, None] * np.clip(by, 0.0, 1.0))
    return np.concatenate(rows)


assert DETECT.stop == CALL_CELLS and len(DETECT_EDGES) * len(RANG_EDGES) == DETECT.stop - DETECT.start
