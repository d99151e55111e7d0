"""The next lead out of very many against out of few; waking very many; the memory and start-up of an engine on them.

An intent is picked, judged and committed as the dial loop does it, fifty to a transaction: out of a list of ready
leads, and out of one whose leads all rest and are all due, as if the window of everybody opened at this moment.
"""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from _pytest.outcomes import Skipped

from benchmarks.bulk import multiply_leads
from benchmarks.daemon import bench_daemon
from benchmarks.figure import AT_MOST, Figure, Goal, Part, Spread, Unavailable
from benchmarks.intents import Picking
from benchmarks.processes import resident_mib
from benchmarks.records import KEYS, Plan, make_records, sqlite_url
from benchmarks.scale import Scale
from dialler.stores.open import open_store
from tests.support.postgres import database

FEW: Final = 10_000
FEW_RESTED: Final = 20_000
ORDER: Final = 50
READY, RESTED = 1, 2
"""The campaigns, and their lists: one is ready, the other has rested."""

ORDERS: Final = {READY: 20, RESTED: 5}
"""In one turn: the small lists have to last for all turns, and each refill of the hopper wakes a few hundred leads."""

SIMULATED: Final = """
[engine]
drain_timeout_s = 1
[simulated]
answer_rate = 0.2
[[simulated.trunks]]
name = "a"
server = "sim"
calls_per_second = 200
channels = 400
"""


def run(scale: Scale) -> Iterator[Figure]:
    """Yield the figures on SQLite, those of a daemon on it, and the figures on PostgreSQL."""
    many, rested = scale.of(1_000_000, 10_000_000), scale.of(100_000, 1_000_000)
    with tempfile.TemporaryDirectory(prefix="bench-") as made:
        for name in ("few", "many"):
            (Path(made) / name).mkdir()
        urls = {name: sqlite_url(Path(made) / name) for name in ("few", "many")}
        _make(urls["few"], FEW, FEW_RESTED)
        _make(urls["many"], many, rested)
        yield from _daemon(scale, Path(made), many + rested)
        yield from _picking(scale, "sqlite", urls, many, rested)
    with ExitStack() as stack:
        try:
            urls = {name: stack.enter_context(database()) for name in ("few", "many")}
        except Skipped as error:
            raise Unavailable(str(error)) from error
        _make(urls["few"], FEW, FEW_RESTED)
        many = scale.of(200_000, 10_000_000)
        rested = scale.of(50_000, 1_000_000)
        _make(urls["many"], many, rested)
        yield from _picking(scale, "postgres", urls, many, rested)


def _make(url: str, ready: int, rested: int) -> None:
    make_records(url, [Plan(name=name, leads=[len(KEYS)]) for name in ("ready", "rested")])
    multiply_leads(url, READY, ready)
    multiply_leads(url, RESTED, rested, resting=True)


def _picking(scale: Scale, kind: str, urls: dict[str, str], many: int, rested: int) -> Iterator[Figure]:
    ready_ms, rested_ms = asyncio.run(_turns(scale, urls))
    for name, what, count, few, ms in (
        ("leads", "the next of {} leads, against the next of {}", many, FEW, ready_ms),
        ("wake", "the next of {} resting leads that are all due, against {}", rested, FEW_RESTED, rested_ms),
    ):
        yield Figure(
            name=f"{name}-{kind}",
            what=what.format(f"{count:,}", f"{few:,}"),
            spread=ms["many"].over(ms["few"]),
            goal=Goal(AT_MOST, 1.2),
            parts=(Part(f"of {count:,}", "ms/intent", ms["many"]), Part(f"of {few:,}", "ms/intent", ms["few"])),
        )


async def _turns(scale: Scale, urls: dict[str, str]) -> tuple[dict[str, Spread], dict[str, Spread]]:
    times: dict[tuple[str, int], list[float]] = {}
    stores = {name: open_store(url, write=True) for name, url in urls.items()}
    pickings = {(name, campaign): Picking(campaign) for name in urls for campaign in (READY, RESTED)}
    for (name, _), picking in pickings.items():
        await stores[name].write(picking.start)
    for turn in range(scale.turns + 1):
        # In small steps, so that what disturbs the machine falls on both.
        spent = dict.fromkeys(pickings, 0.0)
        for nth in range(max(ORDERS.values())):
            for key, picking in pickings.items():
                if nth >= ORDERS[key[1]]:
                    continue
                began = time.perf_counter()
                written = await stores[key[0]].write(picking.work(ORDER))
                spent[key] += time.perf_counter() - began
                if written != ORDER:
                    raise RuntimeError(f"{key}: {written} intents of {ORDER}")
        if turn:  # the first fills the caches
            for key, seconds in spent.items():
                times.setdefault(key, []).append(seconds * 1000 / (ORDERS[key[1]] * ORDER))
    for store in stores.values():
        await store.aclose()
    ready, rested = ({name: Spread.of(times[name, campaign]) for name in urls} for campaign in (READY, RESTED))
    return ready, rested


def _daemon(scale: Scale, made: Path, count: int) -> Iterator[Figure]:
    dialling_s = scale.of(8, 60)
    starts: dict[str, list[float]] = {"few": [], "many": []}
    memory: dict[str, list[float]] = {"few": [], "many": []}
    idle: list[float] = []
    for turn in range(scale.turns):
        for name in ("few", "many"):
            with bench_daemon(made / name, SIMULATED) as daemon:
                starts[name].append(daemon.started_in_s)
                if turn == scale.turns - 1:
                    idle.append(resident_mib(daemon.pid))
                    daemon.control("ready", "start")
                    daemon.control("rested", "start")
                    most = 0.0
                    for _ in range(dialling_s):
                        time.sleep(1)
                        most = max(most, resident_mib(daemon.pid))
                    memory[name].append(most)
                    daemon.control("ready", "stop")
                    daemon.control("rested", "stop")
    yield Figure(
        name="start-up",
        what=f"`dialler run` ready on {count:,} leads",
        unit="s",
        spread=Spread.of(starts["many"]),
        goal=Goal(AT_MOST, 3.0),
        parts=(Part(f"on {FEW + FEW_RESTED:,} leads", "s", Spread.of(starts["few"])),),
    )
    yield Figure(
        name="memory",
        what=f"resident memory of the engine on {count:,} leads, dialling 200 calls/s for {dialling_s} s",
        unit="MiB",
        spread=Spread.of(memory["many"]),
        goal=Goal(AT_MOST, 300),
        parts=(
            Part(f"on {FEW + FEW_RESTED:,} leads", "MiB", Spread.of(memory["few"])),
            Part("before its first call", "MiB", Spread.of(idle)),
        ),
    )
