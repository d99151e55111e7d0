"""Where the time of a dialled call goes: py-spy on a daemon that dials through a real Asterisk as fast as it can.

Only samples of threads that hold the interpreter's lock count: that lock is what runs out first. Each sample belongs
to the group of its innermost frame that has one; the standard library's frames belong to whoever called them.
"""

import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from benchmarks.daemon import bench_daemon
from benchmarks.figure import Figure, Part, Spread, Unavailable
from benchmarks.records import Plan, make_records, sqlite_url
from benchmarks.scale import Scale
from benchmarks.through_asterisk import BenchAsterisk, daemon_settings, dial
from tests.support.exchanges import ExchangeUnavailable

RATE: Final = 200
TOP: Final = 12

GROUPS: Final = (
    ("do_execute", "SQLite itself, and its driver"),
    ("do_commit", "SQLite itself, and its driver"),
    ("sqlalchemy/", "SQLAlchemy around it"),
    ("dialler/stores/", "records: rows to values and back"),
    ("dialler/domain/", "domain: gates, windows, call states, redial"),
    ("dialler/engine/", "engine: loops"),
    ("dialler/logs", "logs"),
    ("structlog/", "logs"),
    ("dialler/metrics", "metrics"),
    ("dialler/events", "journal"),
    ("strategies/", "strategies"),
    ("telephony/", "AMI: reading, writing, calls"),
    ("panoramisk/", "AMI: reading, writing, calls"),
    ("anyio/", "anyio: tasks, deadlines, streams"),
    ("asyncio/", "asyncio: the loop"),
)
"""What a frame's text holds, and the group it tells."""


def run(scale: Scale) -> Iterator[Figure]:
    """Yield the share of the dialling loop's thread, with the groups and the costliest functions."""
    spy = shutil.which("py-spy") or shutil.which("py-spy", path=str(Path(sys.executable).parent))
    if spy is None:
        raise Unavailable("no py-spy here: `pip install py-spy`")
    try:
        asterisk = BenchAsterisk()
    except ExchangeUnavailable as error:
        raise Unavailable(str(error)) from error
    calls = scale.of(6_000, 20_000)
    with asterisk, tempfile.TemporaryDirectory(prefix="bench-") as made:
        folder = Path(made)
        make_records(sqlite_url(folder), [Plan(name=name, leads=[calls]) for name in ("warm-up", "profiled")])
        with bench_daemon(folder, daemon_settings(asterisk, "busy")) as daemon:
            plain = dial(daemon, asterisk, folder, "warm-up", calls)
            # As long as the first took, and a little less: the end of the run is not the dial path.
            command = [spy, "record", "--pid", str(daemon.pid), "--duration", str(max(2, int(plain.seconds) - 1))]
            command += ["--rate", str(RATE), "--gil", "--threads", "--format", "raw", "--output", str(folder / "raw")]
            with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as profiler:
                profiled = dial(daemon, asterisk, folder, "profiled", calls)
                _, said = profiler.communicate(timeout=60)
            if profiler.returncode:
                raise Unavailable(f"py-spy failed: {said.decode()[-300:]}")
        yield from _figures((folder / "raw").read_text(encoding="utf-8").splitlines(), profiled.rate)


def _figures(lines: Iterable[str], rate: float) -> Iterator[Figure]:
    threads: Counter[str] = Counter()
    groups: Counter[str] = Counter()
    functions: Counter[str] = Counter()
    for thread, frames, count in samples(lines):
        threads[thread] += count
        groups[group_of(frames)] += count
        functions.update(dict.fromkeys({frame for frame in frames if _is_ours(frame)}, count))
    whole = sum(threads.values())

    def parts(counts: Counter[str], most: int) -> list[Part]:
        return [Part(what, "%", Spread((count * 100 / whole,))) for what, count in counts.most_common(most)]

    yield Figure(
        name="profile",
        what="share of the interpreter's lock held by the loop's thread (the rest: the records' thread)",
        unit="%",
        spread=Spread((threads["MainThread"] * 100 / whole,)),
        parts=parts(groups, len(GROUPS)),
        notes=(f"{whole} samples at {RATE}/s while {rate:.0f} calls/s were dialled",),
    )
    yield Figure(
        name="functions",
        what="share of the costliest function of ours, with all that it calls",
        unit="%",
        spread=Spread((functions.most_common(1)[0][1] * 100 / whole,)),
        parts=parts(functions, TOP if whole else 0),
    )


def samples(lines: Iterable[str]) -> Iterator[tuple[str, list[str], int]]:
    """Yield thread, frames (outermost first, without line numbers) and count of py-spy's raw lines."""
    for line in lines:
        stack, _, count = line.rpartition(" ")
        thread, *frames = stack.split(";")
        yield thread.partition(": ")[2], [_without_line(frame) for frame in frames], int(count)


def group_of(frames: list[str]) -> str:
    """Return the group of the innermost frame that has one."""
    for frame in reversed(frames):
        for mark, group in GROUPS:
            if mark in frame:
                return group
    return "everything else"


def _without_line(frame: str) -> str:
    name, bracket, place = frame.rpartition(" (")
    return f"{name}{bracket}{place.rpartition(':')[0]})" if bracket else frame


def _is_ours(frame: str) -> bool:
    # What starts the program is around everything.
    return any(f"({place}/" in frame for place in ("dialler/engine", "dialler/domain", "dialler/stores", "telephony"))
