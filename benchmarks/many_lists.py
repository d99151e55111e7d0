"""How the number of lists, and of campaigns on one trunk, tells on the dialling rate.

The engine runs whole, on SQLite, against an exchange at which every number is busy at once. Each turn dials the same
number of leads once, spread over more lists or more campaigns.
"""

import random
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import anyio

from benchmarks.figure import Figure, Part, Spread
from benchmarks.instant import InstantNetwork
from benchmarks.records import Plan, make_records, sqlite_url
from benchmarks.scale import Scale
from dialler.clock import SystemClock
from dialler.domain.campaign import Desired
from dialler.engine.engine import Engine
from dialler.events import Journal
from dialler.ports import Records
from dialler.stores.open import open_store

TIMEOUT_S = 120.0


def run(scale: Scale) -> Iterator[Figure]:
    """Yield the rates with 30 and 300 lists against 3, and with 10 and 100 campaigns against one."""
    calls = scale.of(1_200, 6_000)
    yield from _figures(scale, "lists", (3, 30, 300), lambda n: [Plan(name="spring", leads=[calls // n] * n)])
    yield from _figures(
        scale,
        "campaigns",
        (1, 10, 100),
        lambda n: [Plan(name=f"campaign {nth}", leads=[calls // n]) for nth in range(n)],
    )


def _figures(scale: Scale, noun: str, counts: Sequence[int], plans: Callable[[int], list[Plan]]) -> Iterator[Figure]:
    rates: dict[int, list[float]] = {count: [] for count in counts}
    for turn in range(scale.turns + 1):
        for count, found in rates.items():
            rate = _turn(plans(count))
            if turn:
                found.append(rate)
    few = Spread.of(rates[counts[0]])
    for count in counts[1:]:
        many = Spread.of(rates[count])
        yield Figure(
            name=f"{noun}-{count}",
            what=f"calls/s with {count} {noun} against {counts[0]}, one trunk",
            spread=many.over(few),
            parts=(Part(f"{count} {noun}", "calls/s", many), Part(f"{counts[0]}", "calls/s", few)),
        )


def _turn(plans: Sequence[Plan]) -> float:
    with tempfile.TemporaryDirectory(prefix="bench-") as made:
        folder = Path(made)
        make_records(sqlite_url(folder), plans)
        anyio.run(dial_all, folder, sum(sum(plan.leads) for plan in plans))
        return rate_of(folder)


async def dial_all(folder: Path, calls: int) -> None:
    """Start all campaigns of the folder's records, and return once all their leads have been called."""
    async with open_store(sqlite_url(folder), write=True) as store:
        journal, clock = Journal(), SystemClock()
        engine = Engine(store=store, telephony=InstantNetwork(), clock=clock, journal=journal, chance=random.Random(1))
        await store.write(_start_all)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(engine.run)
            deadline = time.monotonic() + TIMEOUT_S
            while await store.read(_closed) < calls:
                if time.monotonic() > deadline:
                    raise RuntimeError(f"{await store.read(_closed)} of {calls} calls in {TIMEOUT_S:g} s")
                await anyio.sleep(0.1)
            tasks.cancel_scope.cancel()


def rate_of(folder: Path) -> float:
    """Return calls a second, from the first intent to the last end."""
    with sqlite3.connect(folder / "records.db") as records:
        count, first, last = records.execute("SELECT count(*), min(created_at), max(ended_at) FROM sessions").fetchone()
    return float(count / ((last - first) / 1e6))


def _start_all(records: Records) -> None:
    for campaign in records.campaigns():
        records.set_campaign(replace(campaign, desired=Desired.RUNNING))


def _closed(records: Records) -> int:
    return sum(n for (_, status, _), n in records.session_counts().items() if not status.is_open)
