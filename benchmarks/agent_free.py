"""From an agent getting free to the Originate of the next call, both as seen on the wire.

A whole `dialler run` on SQLite, linked to a stand-in for Asterisk: between the two moments lie the AMI event, the
pacing, the pick with all its gates, its durable commit, and the Originate. Compared with the same for one agent alone.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import anyio
import anyio.to_thread

from benchmarks.busy_floor import QUEUE, BusyFloor
from benchmarks.daemon import BenchDaemon, bench_daemon
from benchmarks.figure import AT_MOST, Figure, Goal, Part, Spread, percentile
from benchmarks.records import Plan, make_records, settings, sqlite_url
from benchmarks.scale import Scale

AGENTS: Final = 100
RINGING: Final = 100
"""Calls of the campaign without agents."""

WARM_UP_S: Final = 3.0


@dataclass(frozen=True, slots=True)
class Turn:
    """What one turn saw."""

    waits_s: list[float]
    calls_up: int


def run(scale: Scale) -> Iterator[Figure]:
    """Yield the 99th percentile, with the median and what it is in a quiet engine."""
    seconds = scale.of(7, 30)
    busy, quiet = [], []
    for nth in range(scale.turns):
        busy.append(anyio.run(_turn, AGENTS, RINGING, seconds, nth))
        quiet.append(anyio.run(_turn, 1, 0, seconds // 2, nth))
    p50, p99, most = (_ms(busy, share) for share in (0.5, 0.99, 1.0))
    yield Figure(
        name="agent",
        what=f"agent free to Originate, p99, {AGENTS} agents, {round(sum(t.calls_up for t in busy) / len(busy))} calls",
        unit="ms",
        spread=p99,
        goal=Goal(AT_MOST, 20.0),
        parts=(
            Part("p50", "ms", p50),
            Part("worst", "ms", most),
            Part("agents freed a second", "1/s", Spread.of(len(turn.waits_s) / seconds for turn in busy)),
            Part("one agent alone, p50", "ms", _ms(quiet, 0.5)),
            Part("p50 against one agent alone", "x", p50.over(_ms(quiet, 0.5))),
        ),
    )


def _ms(turns: list[Turn], share: float) -> Spread:
    return Spread.of(percentile(turn.waits_s, share) * 1000 for turn in turns)


async def _turn(agents: int, ringing: int, seconds: int, seed: int) -> Turn:
    talk_s = (0.6, 1.6) if agents > 1 else (0.05, 0.1)
    floor = BusyFloor(agents, ring_s=(0.3, 1.0) if agents > 1 else (0.05, 0.1), talk_s=talk_s, seed=seed)
    with tempfile.TemporaryDirectory(prefix="bench-") as made:
        folder = Path(made)
        async with floor.peer:
            await anyio.to_thread.run_sync(_make, folder)
            daemon = bench_daemon(folder, _settings(floor.peer.port, floor.peer.secret, max(ringing, 1)))
            running: BenchDaemon = await anyio.to_thread.run_sync(daemon.__enter__)
            try:
                for campaign in ("agents", "ringing")[: 2 if ringing else 1]:
                    await anyio.to_thread.run_sync(running.control, campaign, "start")
                await anyio.sleep(WARM_UP_S)
                floor.waits_s.clear()
                ups = []
                until = time.monotonic() + seconds
                while time.monotonic() < until:
                    await anyio.sleep(0.5)
                    ups.append(floor.calls_up)
                return Turn(list(floor.waits_s), round(sum(ups) / len(ups)))
            finally:
                leave: Callable[[], object] = lambda: daemon.__exit__(None, None, None)  # noqa: E731
                await anyio.to_thread.run_sync(leave)


def _make(folder: Path) -> None:
    make_records(
        sqlite_url(folder),
        [
            Plan(name="agents", leads=[10_000], settings=settings(pacing="progressive", queue=QUEUE, trunks=("a",))),
            Plan(name="ringing", leads=[10_000], settings=settings(trunks=("b",))),
        ],
    )


def _settings(port: int, secret: str, ringing: int) -> str:
    return f"""
[engine]
drain_timeout_s = 0
[[asterisk]]
name = "main"
port = {port}
secret = "{secret}"
[[asterisk.trunks]]
name = "a"
dial = "PJSIP/{{number}}@a"
calls_per_second = 1000
channels = 1000
[[asterisk.trunks]]
name = "b"
dial = "PJSIP/{{number}}@b"
calls_per_second = 1000
channels = {ringing}
"""
