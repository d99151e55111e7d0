"""What a pool of caller ids costs: a campaign with one beside a campaign without, in the same run.

First the transaction that writes intents, in the dial loop's orders of 50; then the whole engine, as in `many_lists`.
The numbers of a pool lie in the leads' four regions; caps are there, and never reached.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import anyio

from benchmarks.figure import AT_LEAST, Figure, Goal, Part, Spread
from benchmarks.intents import Picking
from benchmarks.many_lists import dial_all, rate_of
from benchmarks.records import KEYS, Plan, make_records, settings, sqlite_url
from benchmarks.scale import Scale
from dialler.domain.caller_id import CALLS_PER_DAY_MAX, CallerId, PoolSettings
from dialler.ports import Records
from dialler.stores.open import open_store

POOL: Final = "numbers"
SIZES: Final = (0, 100, 1_000)
ORDER: Final = 50


def run(scale: Scale) -> Iterator[Figure]:
    """Yield the rates with 100 and 1,000 numbers against none: of intents alone, and of calls."""
    yield from _figures(scale, "intents", scale.of(2_000, 10_000), _intents)
    yield from _figures(scale, "calls", scale.of(1_200, 6_000), _calls)


def _figures(scale: Scale, noun: str, count: int, measure: Callable[[Path, int], float]) -> Iterator[Figure]:
    rates: dict[int, list[float]] = {size: [] for size in SIZES}
    for turn in range(scale.turns + 1):
        for size, found in rates.items():
            with tempfile.TemporaryDirectory(prefix="bench-") as made:
                folder = Path(made)
                pool = POOL if size else None
                plan = Plan(name="spring", leads=[count], settings=settings(caller_id_pool=pool))
                make_records(sqlite_url(folder), [plan])
                anyio.run(_fill, folder, size)
                rate = measure(folder, count)
            if turn:
                found.append(rate)
    without = Spread.of(rates[0])
    for size in SIZES[1:]:
        pooled = Spread.of(rates[size])
        yield Figure(
            name=f"pool-{size}-{noun}",
            what=f"{noun}/s with a pool of {size:,} caller ids, against none",
            spread=pooled.over(without),
            goal=Goal(AT_LEAST, 0.8),
            parts=(Part(f"{size} numbers", f"{noun}/s", pooled), Part("none", f"{noun}/s", without)),
        )


def _intents(folder: Path, count: int) -> float:
    return anyio.run(_write_intents, folder, count)


async def _write_intents(folder: Path, count: int) -> float:
    async with open_store(sqlite_url(folder), write=True) as store:
        picking = Picking()
        await store.write(picking.start)
        work = picking.work(ORDER)
        began = time.perf_counter()
        for _ in range(count // ORDER):
            if await store.write(work) != ORDER:
                raise RuntimeError("an intent was not written")
        return count / (time.perf_counter() - began)


def _calls(folder: Path, count: int) -> float:
    anyio.run(dial_all, folder, count)
    return rate_of(folder)


async def _fill(folder: Path, size: int) -> None:
    def add(records: Records) -> None:
        pool = records.add_caller_id_pool(POOL, PoolSettings(calls_per_day_max=CALLS_PER_DAY_MAX), datetime.now(UTC))
        numbers = [CallerId(number=f"+1990{at:07}", areas=(f"US-{KEYS[at % len(KEYS)].region}",)) for at in range(size)]
        records.add_caller_ids(pool.pool_id, numbers)

    async with open_store(sqlite_url(folder), write=True) as store:
        await store.write(add)
