"""Calls through a real Asterisk with every session durable, against a bare Originate loop on the same Asterisk."""

import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.daemon import BenchDaemon, bench_daemon
from benchmarks.figure import AT_LEAST, AT_MOST, Figure, Goal, Part, Spread, Unavailable
from benchmarks.processes import cpu_s
from benchmarks.records import Plan, make_records, sqlite_url
from benchmarks.scale import Scale
from tests.support.asterisk import RealAsterisk
from tests.support.exchanges import ExchangeUnavailable

CARRIER: Final = """
[bench-busy]
exten => _+X.,1,Hangup(17)
[bench-answer]
exten => _+X.,1,Answer()
 same => n,Wait(0.05)
"""
"""Carriers without a ring time: what is measured is our work and Asterisk's, not patience."""

WINDOW: Final = 200
"""Channels of a trunk, and calls that the bare loop keeps up."""

TRUNKS: Final = 4
"""The settings allow 1,000 calls a second on one; these together are no limit."""

TIMEOUT_S: Final = 60.0


class BenchAsterisk(RealAsterisk):
    """The tests' Asterisk, with the carriers above."""

    def _write(self) -> None:
        super()._write()
        with (self._home / "etc/extensions.conf").open("a", encoding="utf-8") as file:
            file.write(CARRIER)

    @property
    def pid(self) -> int:
        """Of Asterisk itself: chroot becomes it."""
        assert self._process is not None
        return self._process.pid


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One turn of one side."""

    calls: int
    seconds: float
    client_cpu_s: float
    asterisk_cpu_s: float

    @property
    def rate(self) -> float:
        return self.calls / self.seconds

    @property
    def cpu_per_1000(self) -> float:
        return (self.client_cpu_s + self.asterisk_cpu_s) * 1000 / self.calls


def run(scale: Scale) -> Iterator[Figure]:
    """Yield calls a second and CPU for 1,000 calls, for a carrier that is busy and one that answers."""
    yield from _figures(scale, "busy", calls=scale.of(4_000, 20_000))
    if scale.is_full:
        yield from _figures(scale, "answer", calls=8_000)


def _figures(scale: Scale, carrier: str, *, calls: int) -> Iterator[Figure]:
    bare, ours = [], []
    try:
        asterisk = BenchAsterisk()
    except ExchangeUnavailable as error:
        raise Unavailable(str(error)) from error
    with asterisk, tempfile.TemporaryDirectory(prefix="bench-") as made:
        folder = Path(made)
        turns = scale.turns
        make_records(sqlite_url(folder), [Plan(name=f"turn-{nth}", leads=[calls]) for nth in range(turns + 1)])
        with bench_daemon(folder, daemon_settings(asterisk, carrier)) as daemon:
            for nth in range(turns + 1):
                theirs = _bare(asterisk, carrier, calls)
                mine = dial(daemon, asterisk, folder, f"turn-{nth}", calls)
                if nth:  # the first turn warms both up
                    bare.append(theirs)
                    ours.append(mine)
    rate, bare_rate = Spread.of(one.rate for one in ours), Spread.of(one.rate for one in bare)
    cpu, bare_cpu = Spread.of(one.cpu_per_1000 for one in ours), Spread.of(one.cpu_per_1000 for one in bare)
    suffix = "" if carrier == "busy" else f"-{carrier}"
    yield Figure(
        name=f"calls{suffix}",
        what=f"calls/s, every session durable, against a bare Originate loop ({carrier})",
        spread=rate.over(bare_rate),
        goal=Goal(AT_LEAST, 0.5),
        parts=(Part("the dialler", "calls/s", rate), Part("bare loop", "calls/s", bare_rate)),
        notes=(f"{calls:,} calls a turn over one AMI connection, {WINDOW} channels a trunk; sessions in SQLite",),
    )
    yield Figure(
        name=f"cpu{suffix}",
        what=f"CPU of everything for 1,000 calls, against the bare loop ({carrier})",
        spread=cpu.over(bare_cpu),
        goal=Goal(AT_MOST, 2.0),
        parts=(
            Part("the dialler and Asterisk", "CPU-s", cpu),
            Part("the dialler: engine and records", "CPU-s", Spread.of(r.client_cpu_s * 1000 / r.calls for r in ours)),
            Part("Asterisk under it", "CPU-s", Spread.of(r.asterisk_cpu_s * 1000 / r.calls for r in ours)),
            Part("bare loop and Asterisk", "CPU-s", bare_cpu),
            Part("Asterisk under it", "CPU-s", Spread.of(r.asterisk_cpu_s * 1000 / r.calls for r in bare)),
        ),
    )


def daemon_settings(asterisk: RealAsterisk, carrier: str) -> str:
    """Return settings whose trunks are no limit."""
    trunks = "".join(
        f"""
[[asterisk.trunks]]
name = "carrier-{nth}"
dial = "Local/{{number}}@bench-{carrier}/n"
calls_per_second = 1000
channels = {WINDOW}
"""
        for nth in range(TRUNKS)
    )
    return f"""
[engine]
drain_timeout_s = 1
[[asterisk]]
name = "main"
port = {asterisk.port}
username = "{asterisk.username}"
secret = "{asterisk.secret}"
{trunks}"""


def dial(daemon: BenchDaemon, asterisk: BenchAsterisk, folder: Path, campaign: str, calls: int) -> Run:
    """Let the daemon dial a campaign's leads, once each; return what it took."""
    engine_before, asterisk_before = cpu_s(daemon.pid), cpu_s(asterisk.pid)
    daemon.control(campaign, "start")
    with sqlite3.connect(f"file:{folder / 'records.db'}?mode=ro", uri=True) as records:
        (campaign_id,) = records.execute("SELECT campaign_id FROM campaigns WHERE name = ?", (campaign,)).fetchone()
        _await_sessions(records, campaign_id, calls)
        engine_cpu, asterisk_cpu = cpu_s(daemon.pid) - engine_before, cpu_s(asterisk.pid) - asterisk_before
        count, first, last, outcomes = records.execute(
            "SELECT count(*), min(created_at), max(ended_at), group_concat(DISTINCT outcome) FROM sessions"
            " WHERE campaign_id = ?",
            (campaign_id,),
        ).fetchone()
    if count != calls or outcomes not in ("BUSY", "PLAYED"):
        raise RuntimeError(f"{count} sessions with {outcomes}, expected {calls} of one kind")
    daemon.control(campaign, "stop")
    return Run(calls=calls, seconds=(last - first) / 1e6, client_cpu_s=engine_cpu, asterisk_cpu_s=asterisk_cpu)


def _await_sessions(records: sqlite3.Connection, campaign_id: int, calls: int) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while True:
        (closed,) = records.execute(
            "SELECT coalesce(sum(n), 0) FROM session_counts WHERE campaign_id = ?"
            " AND status NOT IN ('new', 'processing')",
            (campaign_id,),
        ).fetchone()
        if closed >= calls:
            return
        if time.monotonic() > deadline:
            raise RuntimeError(f"only {closed} of {calls} calls in {TIMEOUT_S:g} s")
        time.sleep(0.05)


def _bare(asterisk: BenchAsterisk, carrier: str, calls: int) -> Run:
    before = cpu_s(asterisk.pid)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.bare_originate"),
            *("--port", str(asterisk.port), "--username", asterisk.username, "--secret", asterisk.secret),
            *("--calls", str(calls), "--window", str(WINDOW)),
            *("--channel", f"Local/{{number}}@bench-{carrier}/n", "--context", "dlr-answered"),
        ],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
        cwd=Path(__file__).parents[1],
    )
    if done.returncode:
        raise RuntimeError(f"the bare loop failed: {done.stderr}")
    facts = json.loads(done.stdout)
    if facts["refused"]:
        raise RuntimeError(f"Asterisk refused {facts['refused']:g} calls of the bare loop")
    return Run(
        calls=calls, seconds=facts["seconds"], client_cpu_s=facts["cpu_s"], asterisk_cpu_s=cpu_s(asterisk.pid) - before
    )
