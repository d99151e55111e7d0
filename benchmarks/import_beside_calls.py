"""An import through a running daemon, over its API, while it dials: how late its dial loop runs meanwhile."""

import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.daemon import BenchDaemon, bench_daemon
from benchmarks.figure import AT_LEAST, AT_MOST, Figure, Goal, Part, Spread
from benchmarks.lead_import import lines
from benchmarks.records import Plan, make_records, settings, sqlite_url
from benchmarks.scale import Scale
from tests.support.asterisk import free_port

CALLS_PER_S: Final = 20
_SETTINGS: Final = """
[telephony]
kind = "simulated"
[simulated]
answer_rate = 0.35
talk_s = {{ median_s = 5, sigma = 0.5, max_s = 20 }}
[[simulated.trunks]]
name = "carrier"
server = "simulated"
calls_per_second = {calls}
channels = 400
[metrics]
listen = "127.0.0.1:{port}"
[web]
port_fallback = true
"""
_TIMEOUT_S: Final = 900.0


def run(scale: Scale) -> Iterator[Figure]:
    """Yield the lateness of the dial loop, and how many of the calls that were due were placed meanwhile."""
    rows = scale.of(50_000, 1_000_000)
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="bench-") as made:
        folder = Path(made)
        file = folder / "rows.csv"
        file.write_bytes(b"".join(lines(rows)))
        calls = Plan(name="calls", leads=[50_000 if not scale.is_full else 200_000], settings=settings())
        make_records(sqlite_url(folder), [calls, Plan(name="spring", leads=[0])])
        with bench_daemon(folder, _SETTINGS.format(calls=CALLS_PER_S, port=port)) as daemon:
            daemon.control("calls", "start")
            time.sleep(5)  # so that calls are up, and the engine is past its start
            before, began = _Seen(port), time.perf_counter()
            _import(daemon, file, rows)
            after, seconds = _Seen(port), time.perf_counter() - began
    late = after.late_since(before)
    placed = (after.calls - before.calls) / seconds
    yield Figure(
        name="import-dialling",
        what=f"lateness of a daemon's dial loop while it imports {rows:,} rows, p99",
        spread=Spread.of([late * 1000]),
        unit="ms",
        goal=Goal(AT_MOST, 20),
        parts=(
            Part("the import, over the API", "rows/s", Spread.of([rows / seconds])),
            Part("calls placed meanwhile", "calls/s", Spread.of([placed])),
        ),
    )
    yield Figure(
        name="import-calls",
        what=f"calls placed meanwhile, of {CALLS_PER_S} a second that the trunk takes",
        spread=Spread.of([placed / CALLS_PER_S]),
        goal=Goal(AT_LEAST, 0.95),
    )


class _Seen:
    """What the daemon has counted."""

    def __init__(self, port: int) -> None:
        self.buckets: dict[float, float] = {}
        self.calls = 0.0
        text = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=_TIMEOUT_S).text
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == "dialler_loop_late_seconds_bucket":
                    self.buckets[float(sample.labels["le"])] = sample.value
                elif sample.name == "dialler_sessions_opened_total":
                    self.calls += sample.value

    def late_since(self, before: "_Seen") -> float:
        """Return the 99th percentile in seconds, within its bucket as Prometheus' `histogram_quantile` has it."""
        counts = {bound: n - before.buckets[bound] for bound, n in sorted(self.buckets.items())}
        wanted = 0.99 * max(counts.values())
        lower, below = 0.0, 0.0
        for bound, n in counts.items():
            if n >= wanted:
                return lower if bound == float("inf") else lower + (bound - lower) * (wanted - below) / (n - below)
            lower, below = bound, n
        raise AssertionError("the last bucket holds all")


def _import(daemon: BenchDaemon, file: Path, rows: int) -> None:
    def post(path: str, **more: Any) -> Any:
        answer = daemon.http.post(path, timeout=_TIMEOUT_S, **more)
        answer.raise_for_status()
        return json.loads(answer.text.strip().rpartition("\n")[2])

    one = post("/imports", json={"campaign": "spring", "list": "list 0"})["import_id"]
    with file.open("rb") as body:
        post(f"/imports/{one}/file", params={"name": file.name}, content=body)
    fields = {"number": "Phone", "name": "Name", "region": "State", "customer_key": "Key"}
    post(f"/imports/{one}/mapping", json={"fields": fields, "region": "US"})
    for step in ("check", "review", "run"):
        done = post(f"/imports/{one}/{step}")
    assert done["import"]["report"]["imported"] == rows, done
