"""An import in stages, end to end, against reading its numbers with `phonenumbers` alone on two cores.

Both sides have two processes for the numbers. While the import runs, a task on its event loop notes how late it is
woken, as a dial loop beside it would be, and the memory of all processes is sampled.
"""

import csv
import io
import multiprocessing
import os
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Final

import anyio

from benchmarks.figure import AT_LEAST, AT_MOST, Figure, Goal, Part, Spread, percentile
from benchmarks.processes import resident_mib
from benchmarks.records import Plan, make_records, sqlite_url
from benchmarks.scale import Scale
from dialler.app.interpreter import spare_what_is_loaded, take_turns_often
from dialler.clock import SystemClock
from dialler.domain.lead_import import LeadImport
from dialler.importing.mapping import Mapping
from dialler.importing.phones import dialled_numbers
from dialler.importing.stages.checking import check_import, mapped
from dialler.importing.stages.filing import take_file
from dialler.importing.stages.reviewing import review_import
from dialler.importing.stages.running import run_import
from dialler.ports import Records, Store
from dialler.stores.open import open_store

PROCESSES: Final = 2
_CHUNK_ROWS: Final = 5_000
_PIECE: Final = 1 << 16
_PROBE_S: Final = 0.005
_AREA_CODES: Final = (("NY", 212), ("TX", 214), ("CO", 303), ("CA", 415), ("FL", 305), ("DC", 202))


def run(scale: Scale) -> Iterator[Figure]:
    """Yield the ratio, the memory and the lateness."""
    take_turns_often()  # as the daemon does
    spare_what_is_loaded()
    rows = scale.of(100_000, 1_000_000)
    ours, alone, stages, memory, late = [], [], dict[str, list[float]](), [], []
    for _ in range(1 if scale.is_full else 2):
        alone.append(rows / _alone(rows))
        with tempfile.TemporaryDirectory(prefix="bench-") as made:
            url = sqlite_url(Path(made))
            make_records(url, [Plan(name="spring", leads=[0])])
            file = Path(made) / "rows.csv"
            file.write_bytes(b"".join(lines(rows)))
            turn = anyio.run(_import, url, file, rows)
        ours.append(rows / sum(turn.seconds.values()))
        for name, seconds in turn.seconds.items():
            stages.setdefault(name, []).append(seconds)
        memory.append(turn.memory_mib)
        late.append(percentile(turn.late_ms, 0.99))
    ratio = Spread.of(ours).over(Spread.of(alone))
    yield Figure(
        name="import",
        what=f"{rows:,} rows/s through all stages against phonenumbers alone",
        spread=ratio,
        goal=Goal(AT_LEAST, 0.7),
        parts=(
            Part("all stages", "rows/s", Spread.of(ours)),
            Part("phonenumbers alone, two processes", "rows/s", Spread.of(alone)),
            *(Part(name, "s", Spread.of(seconds)) for name, seconds in stages.items()),
        ),
    )
    yield Figure(
        name="import-memory",
        what="memory of all processes at its most",
        spread=Spread.of(memory),
        unit="MiB",
        goal=Goal(AT_MOST, 400),
    )
    yield Figure(
        name="import-late",
        what="lateness of the event loop meanwhile, p99",
        spread=Spread.of(late),
        unit="ms",
        goal=Goal(AT_MOST, 20),
    )


def lines(rows: int) -> Iterator[bytes]:
    """Yield a lead file in pieces: key, name, number, state, postcode."""
    yield b"Key,Name,Phone,State,ZIP\n"
    for first in range(0, rows, _CHUNK_ROWS):
        text = io.StringIO()
        write = csv.writer(text, lineterminator="\n").writerow
        for row in range(first, min(first + _CHUNK_ROWS, rows)):
            state, _ = _AREA_CODES[row % len(_AREA_CODES)]
            write((f"K{row:07}", f"Person {row}, Jr.", number(row), state, f"{row % 100_000:05}"))
        yield text.getvalue().encode()


def number(row: int) -> str:
    """Return a row's number, valid and as people write it; no two rows have one."""
    area = _AREA_CODES[row % len(_AREA_CODES)][1]
    line = row // len(_AREA_CODES)
    return f"({area}) {200 + line // 10_000 % 700}-{line % 10_000:04}"


def _alone(rows: int) -> float:
    """Return how many seconds the numbers alone take."""
    chunks = [
        [number(row) for row in range(first, min(first + _CHUNK_ROWS, rows))] for first in range(0, rows, _CHUNK_ROWS)
    ]
    with ProcessPoolExecutor(PROCESSES, mp_context=multiprocessing.get_context("spawn")) as pool:
        list(pool.map(dialled_numbers, [["+1 212 555 0101"]] * PROCESSES, ["US"] * PROCESSES))  # they are there now
        began = time.perf_counter()
        list(pool.map(dialled_numbers, chunks, ["US"] * len(chunks)))
        return time.perf_counter() - began


class _Turn:
    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.late_ms: list[float] = []
        self.memory_mib = 0.0

    async def watch(self) -> None:
        """Note how late this task is woken, and the memory of this process and its children."""
        looked_at = 0.0
        while True:
            due = time.perf_counter() + _PROBE_S
            await anyio.sleep(_PROBE_S)
            now = time.perf_counter()
            self.late_ms.append(max(0.0, now - due) * 1000)
            if now - looked_at > 0.5:
                looked_at = now
                self.memory_mib = max(self.memory_mib, _memory_mib())


def _memory_mib() -> float:
    pids = [os.getpid(), *(child.pid for child in multiprocessing.active_children() if child.pid is not None)]
    total = 0.0
    for pid in pids:
        with suppress(OSError, ValueError):  # it has ended meanwhile
            total += resident_mib(pid)
    return total


async def _import(url: str, file: Path, rows: int) -> _Turn:
    turn, clock = _Turn(), SystemClock()
    async with open_store(url, write=True) as store, anyio.create_task_group() as tasks:
        import_id = await store.write(_start)
        tasks.start_soon(turn.watch)
        mapping = Mapping(
            fields=(("number", "Phone"), ("name", "Name"), ("region", "State"), ("customer_key", "Key")),
            keep_rest=False,
        )
        began = time.perf_counter()

        def ended(stage: str) -> None:
            nonlocal began
            turn.seconds[stage], began = time.perf_counter() - began, time.perf_counter()

        await take_file(_chunks(file), store=store, import_id=import_id, name="rows.csv")
        ended("file")
        await store.write(lambda records: mapped(records, import_id, mapping, region="US", header=None))
        await check_import(store=store, import_id=import_id)
        ended("check")
        await review_import(store=store, import_id=import_id, clock=clock, import_new=True, update_existing=False)
        ended("review")
        done, _ = await run_import(store=store, import_id=import_id, clock=clock, who="bench")
        ended("run")
        assert done.report is not None and done.report["imported"] == rows, done.report
        await _checked(store)
        tasks.cancel_scope.cancel()
    return turn


async def _checked(store: Store) -> None:
    totals = await store.read(lambda records: records.lead_totals())
    assert sum(totals.values()) > 0


async def _chunks(file: Path) -> AsyncIterator[bytes]:
    async with await anyio.open_file(file, "rb") as stream:
        while piece := await stream.read(_PIECE):
            yield piece


def _start(records: Records) -> int:
    (lead_list,) = records.lists()
    new = LeadImport(
        import_id=0,
        campaign_id=lead_list.campaign_id,
        list_id=lead_list.list_id,
        list_name=lead_list.name,
        created_at=lead_list.created_at,
        created_by="bench",
    )
    return records.add_import(new).import_id
