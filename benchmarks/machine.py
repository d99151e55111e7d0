"""The machine that a figure was taken on, in the words that make it comparable."""

import os
import platform
import sqlite3
import statistics
import tempfile
import time
from pathlib import Path


def machine() -> dict[str, str | float | int]:
    """Return what one has to know of this machine to read its figures."""
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "fsync_us": round(fsync_us()),
        "load_1min": round(os.getloadavg()[0], 2),
    }


def fsync_us(folder: Path | None = None, *, tries: int = 101) -> float:
    """Return the median time of a write of 4 KiB with its fsync, in microseconds, where databases are made here."""
    times: list[float] = []
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        for _ in range(tries):
            started = time.perf_counter()
            os.pwrite(file.fileno(), b"x" * 4096, 0)
            os.fsync(file.fileno())
            times.append(time.perf_counter() - started)
    return statistics.median(times) * 1e6


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
