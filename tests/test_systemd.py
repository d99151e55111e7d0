"""What systemd is given, and what it hears: units, users, folders, and a watchdog that means something."""

import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import anyio
import pytest

from dialler import notify
from dialler.app.daemon import feed_watchdog
from dialler.app.virtual_time import VirtualLoop
from dialler.engine.floor import EngineOptions
from dialler.events import EngineStopping, SessionOpened, StoreFailed
from tests.support.asterisk import HOUR_SOUND
from tests.support.call_centre import CallCentre, call_centre
from tests.support.daemon import Line, asterisk_settings, installation, real_asterisk
from tests.support.tools import tool

ROOT = Path(__file__).resolve().parent.parent
SYSTEMD = ROOT / "systemd"


def settings_of(unit: str) -> dict[str, str]:
    text = (SYSTEMD / unit).read_text(encoding="utf-8")
    return dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))


def test_a_stuck_daemon_is_ended_soon_and_started_anew_but_not_one_with_wrong_settings() -> None:
    unit = settings_of("dialler.service")
    assert unit["WatchdogSec"] == "30"
    assert int(unit["TimeoutAbortSec"]) <= 10
    assert unit["Restart"] in ("on-failure", "on-abnormal", "always")  # the watchdog counts as a failure
    assert unit["RestartPreventExitStatus"] == "2"


def test_the_credential_lines_are_what_an_operator_would_uncomment(tmp_path: Path) -> None:
    text = (SYSTEMD / "dialler.service").read_text(encoding="utf-8")
    with_credentials = re.sub(r"^#(LoadCredential)", r"\1", text, flags=re.MULTILINE)
    assert with_credentials.count("\nLoadCredential") == 3
    unit = tmp_path / "dialler.service"
    unit.write_text(with_credentials.replace("/opt/dialler/bin/dialler", "/bin/true"))
    command = [tool("systemd-analyze", of="systemd"), "verify", "--recursive-errors=no", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A machine's root folder with the files of a new installation in their places."""
    for folder, kind in (("sysusers.d", "sysusers"), ("tmpfiles.d", "tmpfiles")):
        place = tmp_path / "etc" / folder
        place.mkdir(parents=True)
        shutil.copy(SYSTEMD / f"dialler.{kind}.conf", place / "dialler.conf")
    (tmp_path / "etc/dialler").mkdir()
    (tmp_path / "etc/dialler/dialler.toml").touch(mode=0o600)
    (tmp_path / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (tmp_path / "etc/group").write_text("root:x:0:\n")
    return tmp_path


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files to users")
def test_the_user_the_group_and_the_folders_are_made_as_the_unit_needs_them(machine: Path) -> None:
    for command in (["systemd-sysusers"], ["systemd-tmpfiles", "--create"]):
        done = subprocess.run(
            [tool(command[0], of="systemd"), *command[1:], f"--root={machine}", "dialler.conf"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "dialler.conf:" not in done.stderr  # how they begin what they say of a line
    name, _, uid, gid, _, home, shell = (machine / "etc/passwd").read_text().splitlines()[-1].split(":")
    assert (name, home) == ("dialler", "/var/lib/dialler")
    assert shell.endswith("nologin")
    expected = {
        "etc/dialler": (0o750, 0, int(gid)),
        "etc/dialler/credentials": (0o700, 0, 0),
        "etc/dialler/dialler.toml": (0o640, 0, int(gid)),
        "var/lib/dialler": (0o750, int(uid), int(gid)),
    }
    for path, (mode, owner, group) in expected.items():
        found = (machine / path).stat()
        assert (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid) == (mode, owner, group), path


def test_the_unit_and_the_folders_agree() -> None:
    unit = settings_of("dialler.service")
    tmpfiles = (SYSTEMD / "dialler.tmpfiles.conf").read_text(encoding="utf-8")
    state = f"d /var/lib/{unit['StateDirectory']} {unit['StateDirectoryMode']} {unit['User']} {unit['Group']}"
    assert state in re.sub(r" +", " ", tmpfiles)


# The watchdog


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Run async tests on virtual time."""
    return "asyncio", {"loop_factory": VirtualLoop}


@asynccontextmanager
async def watched(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[CallCentre, list[float]]]:
    """Give a contact centre whose engine runs under a watchdog of 30 s, and the moments of each feeding."""
    fed: list[float] = []
    monkeypatch.setenv("WATCHDOG_USEC", "30000000")
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    monkeypatch.setattr(notify, "watchdog", lambda: fed.append(anyio.current_time()))
    async with call_centre() as centre, anyio.create_task_group() as tasks:
        engine = await centre.start()
        tasks.start_soon(feed_watchdog, engine.dial_pass)
        yield centre, fed
        tasks.cancel_scope.cancel()


def longest_gap_s(fed: list[float]) -> float:
    return max(after - before for before, after in pairwise([*fed, anyio.current_time()]))


async def test_an_idle_engine_feeds_the_watchdog_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    async with watched(monkeypatch) as (_, fed):
        await anyio.sleep(300)
        assert longest_gap_s(fed) == 15


async def test_a_busy_engine_feeds_the_watchdog_in_time_and_so_does_one_whose_records_fail(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with watched(monkeypatch) as (centre, fed):
        await centre.campaign()
        await centre.engine.follow()
        await anyio.sleep(5)
        assert centre.told(SessionOpened)
        centre.store.failing = "disk full"
        await anyio.sleep(300)
        assert centre.told(StoreFailed)
        assert longest_gap_s(fed) < 20


async def test_a_dial_loop_that_is_stuck_in_the_records_starves_the_watchdog_though_the_event_loop_turns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with watched(monkeypatch) as (centre, fed):
        await centre.campaign()
        await anyio.sleep(60)
        centre.store.before_s = 3000
        await centre.engine.follow()
        last_fed = len(fed)
        await anyio.sleep(2000)
        assert len(fed) <= last_fed + 1  # one that was under way
        assert anyio.current_time() - fed[-1] > 1900
        centre.store.before_s = 0
        await anyio.sleep(2000)
        assert anyio.current_time() - fed[-1] <= 15


async def test_a_stopping_engine_that_waits_for_live_calls_feeds_the_watchdog(monkeypatch: pytest.MonkeyPatch) -> None:
    async with watched(monkeypatch) as (centre, fed):
        centre.engine.floor.options = EngineOptions(drain_timeout=timedelta(seconds=600))
        await centre.campaign()
        await centre.engine.follow()
        await centre.until(lambda: len(centre.engine.floor.board.calls) > 5)
        await centre.engine.stop()
        assert centre.told(EngineStopping)[0].live_calls > 0
        assert longest_gap_s(fed) <= 16


async def test_without_a_watchdog_nothing_is_fed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)

    async def never() -> None:
        raise AssertionError("asked the dial loop")

    await feed_watchdog(never)


class StandIn:
    """Does what systemd does with the unit: hears it, ends it when it is silent for too long, starts it anew."""

    WATCHDOG_S = 6.0

    def __init__(self, listener: socket.socket, address: str) -> None:
        self._listener = listener
        self.environ = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": str(round(self.WATCHDOG_S * 1e6))}

    def await_word(self, word: str, *, within_s: float) -> None:
        """Wait until the unit says a word. Raises TimeoutError."""
        deadline = time.monotonic() + within_s
        while True:
            self._listener.settimeout(max(deadline - time.monotonic(), 0.001))
            if word in self._listener.recv(4096).decode().splitlines():
                return

    def await_silence(self) -> None:
        """Wait until the unit has missed a feeding."""
        while True:
            try:
                self.await_word("WATCHDOG=1", within_s=self.WATCHDOG_S)
            except TimeoutError:
                return

    @staticmethod
    def abort(pid: int) -> None:
        """End it as systemd does: with WatchdogSignal, and SIGCONT behind it, since it may be stopped."""
        os.kill(pid, signal.SIGABRT)
        os.kill(pid, signal.SIGCONT)


def stands_still(pid: int) -> bool:
    """Return whether no thread of a process runs: all of them are stopped."""
    stats = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/stat")]
    return {stat.rpartition(")")[2].split()[0] for stat in stats} == {"T"}


@pytest.mark.asterisk
@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_daemon_that_stands_still_is_started_anew_and_its_calls_are_adopted() -> None:
    # Twenty calls fill the trunk, and talk for an hour; three leads wait behind them.
    numbers = [f"+1212555{place:03d}9" for place in range(23)]
    with (
        listening() as (address, listener),
        real_asterisk() as asterisk,
        installation(asterisk_settings(asterisk.port, secret=asterisk.secret, channels=20)) as installed,
    ):
        stand_in = StandIn(listener, address)
        first = installed.daemon()
        first.launch(environ=stand_in.environ)
        stand_in.await_word("READY=1", within_s=60)
        # They answer at once; a long ring time shows that nothing waits for its end.
        installed.campaign(numbers, ring_timeout_s=300, message=HOUR_SOUND)
        installed.start_campaign()
        installed.until(talking(20), within_s=60, what="20 calls")
        stand_in.await_word("WATCHDOG=1", within_s=stand_in.WATCHDOG_S)

        os.kill(first.pid, signal.SIGSTOP)
        stopped_at = time.monotonic()
        # What happens meanwhile nobody hears: three people hang up.
        up = asterisk.calls_up()
        gone = sorted(up)[:3]
        for session_id in gone:
            asterisk.cli(f"channel request hangup {up[session_id]}")
        stand_in.await_silence()
        assert stands_still(first.pid)
        assert time.monotonic() - stopped_at > stand_in.WATCHDOG_S
        stand_in.abort(first.pid)
        assert first.wait() == -signal.SIGABRT
        assert not first.events("session.closed")
        last_words = first.tail(200)
        assert "Fatal Python error: Aborted" in last_words
        assert "most recent call first" in last_words

        second = installed.daemon()
        second.launch(environ=stand_in.environ)
        try:
            stand_in.await_word("READY=1", within_s=60)
            adopted = second.await_event("session.adopted", count=17)
            assert {each["session_id"] for each in adopted} == up.keys() - set(gone)
            closed = second.await_event("session.closed", count=3)
            assert {each["session_id"] for each in closed} == set(gone)
            # Their channels go to those who waited: it dials again, and feeds the watchdog again.
            installed.until(talking(20), within_s=60, what="20 calls again")
            stand_in.await_word("WATCHDOG=1", within_s=stand_in.WATCHDOG_S)
            asterisk.hang_up_all()
            second.await_event("session.closed", count=23)
        finally:
            second.stop()
        sessions = installed.pages("session", "list", "--oldest-first")
        assert Counter(each["number"] for each in sessions) == Counter(numbers)
        assert {each["outcome"] for each in sessions} == {"PLAYED"}
        assert asterisk.rung() == Counter(numbers)
        assert asterisk.rung_ids() == Counter(each["session_id"] for each in sessions)
        assert installed.problems() == []


def talking(calls: int) -> Callable[[Line], bool]:
    return lambda status: bool(status["campaigns"][0]["calls"]["talking"] == calls)


@contextmanager
def listening() -> Iterator[tuple[str, socket.socket]]:
    """Give the address of a socket that systemd would listen on, and the socket."""
    with (
        tempfile.TemporaryDirectory(prefix="notify-") as folder,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as it,
    ):
        it.bind(f"{folder}/socket")
        yield f"{folder}/socket", it
