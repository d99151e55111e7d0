"""What is wrong from outside is told clearly, with the right exit code, and leaves nothing half done."""

import re
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.support.asterisk import RealAsterisk, free_port
from tests.support.daemon import Installation, asterisk_settings, installation, real_asterisk

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

NO_CALLS: Final = "[simulated]\n"
FAILED, WRONG = 1, 2

MISTAKES: Final = """
[stroe]
url = "sqlite:///x.db"
[api]
tcp = "nowhere"
[log]
level = "loud"
[[asterisk]]
name = "main"
port = 99999
secret = "x"
[[asterisk.trunks]]
name = "carrier"
dial = "PJSIP"
calls_per_second = 0
channels = "many"
"""
KEYS: Final = (
    "store.url",
    "stroe",
    "api.tcp",
    "log.level",
    "asterisk[main].port",
    "asterisk[main].trunks[carrier].dial",
    "asterisk[main].trunks[carrier].calls_per_second",
    "asterisk[main].trunks[carrier].channels",
)


@pytest.fixture(scope="module")
def asterisk() -> Iterator[RealAsterisk]:
    with real_asterisk() as started:
        yield started


@pytest.fixture(scope="module")
def installed() -> Iterator[Installation]:
    """An installation without Asterisk, with a campaign and a list; no daemon runs."""
    with installation(NO_CALLS) as made:
        made.ok("campaign", "create", "spring")
        made.ok("list", "create", "spring", "all")
        yield made


@pytest.mark.parametrize("command", [("run",), ("check-config",), ("campaign", "list")])
def test_all_mistakes_of_a_settings_file_are_told_at_once(tmp_path: Path, command: tuple[str, ...]) -> None:
    broken = Installation(tmp_path, MISTAKES, url="mysql://nowhere/x")
    done = broken.run(*command)
    assert done.returncode == WRONG
    lines = done.stderr.removeprefix("dialler: ").splitlines()
    told = {re.fullmatch(r"(.*): (\S+) = (.*): expected .+", line) for line in lines}
    assert {match and match[2] for match in told} == set(KEYS)
    assert {match and match[1] for match in told} == {str(broken.file)}
    assert list(tmp_path.iterdir()) == [broken.file], "nothing may be made of wrong settings"


def test_a_settings_file_that_is_not_toml_or_not_there_is_told(tmp_path: Path) -> None:
    broken = Installation(tmp_path, "[log\n")
    done = broken.run("run")
    assert done.returncode == WRONG and f"{broken.file}: line 6" in done.stderr and "expected TOML" in done.stderr
    broken.file.unlink()
    done = broken.run("run")
    assert done.returncode == WRONG and str(broken.file) in done.stderr and "No such file" in done.stderr


def ended(made: Installation) -> tuple[int, str]:
    """Run a daemon that can not start; return its exit code and what it said at last."""
    daemon = made.daemon()
    daemon.launch()
    code = daemon.wait()
    assert "Traceback" not in daemon.tail()
    return code, "\n".join(line["text"] for line in daemon.log if "text" in line)


@pytest.mark.asterisk
def test_a_wrong_password_ends_the_start_with_what_asterisk_said_of_it(asterisk: RealAsterisk) -> None:
    with installation(asterisk_settings(asterisk.port, secret="wrong")) as made:
        began = time.monotonic()
        code, text = ended(made)
        assert (code, time.monotonic() - began < 12) == (FAILED, True), "who is refused need not wait"
        assert f"main (127.0.0.1, port {asterisk.port}): login refused: Authentication failed" in text
        assert not (made.folder / "records.db.sock").exists()


def test_an_asterisk_that_is_down_ends_the_start_with_where_it_was_looked_for() -> None:
    port = free_port()
    with installation(asterisk_settings(port, secret="secret")) as made:
        code, text = ended(made)
        assert code == FAILED
        assert f"main (127.0.0.1, port {port}): Connection refused" in text
        assert "login" not in text
        assert not (made.folder / "records.db.sock").exists()


def test_a_second_engine_on_the_same_records_is_told_who_has_them_and_disturbs_nobody(installed: Installation) -> None:
    with installed.daemon() as first:
        second = installed.daemon()
        second.launch()
        assert second.wait() == FAILED
        assert f"the records are held by process {first.pid} (dialler run" in second.tail()
        assert installed.ask("status")["engine"]["running"] is True
        refused = installed.run("db", "upgrade")
        assert refused.returncode == FAILED and "stop it first" in refused.stderr
        assert installed.api("GET", "/campaigns")["items"]


def test_a_column_that_is_not_there_is_named_with_those_that_are_and_nothing_is_loaded(installed: Installation) -> None:
    file = installed.folder / "leads.csv"
    file.write_text("Phone Number,Name\n2125550100,Ann\n")
    columns = ("--map", "number=Telephone", "--map", "name=Name")
    done = installed.run("lead", "import", file, "--campaign", "spring", "--list", "all", "--region", "US", *columns)
    assert done.returncode == FAILED
    assert done.stdout == ""
    for said in (str(file), "'Telephone'", "number", "'Phone Number', 'Name'"):
        assert said in done.stderr
    assert installed.pages("lead", "search") == []


def test_a_caller_id_of_two_lines_is_refused(installed: Installation) -> None:
    done = installed.run("campaign", "set", "spring", "--caller-id", "+12025550100\r\nAction: Command")
    assert done.returncode == WRONG
    assert done.stderr == (
        "dialler: caller_ids must be one line of text, not empty, got '+12025550100\\r\\nAction: Command'\n"
    )
    assert installed.ask("campaign", "show", "spring")["caller_ids"] == []


SMUGGLED: Final = "+12125559997"
ACTIONS: Final = (
    "x\r\nAction: Command",
    # The account may do this, so that it would ring if it got through.
    f"x\r\n\r\nAction: Originate\r\nChannel: Local/{SMUGGLED}@carrier/n\r\nContext: dlr-answered\r\nExten: s\r\n"
    "Priority: 1\r\nAsync: true\r\n\r\n",
)


@pytest.mark.asterisk
def test_a_lead_named_like_an_action_is_only_a_name(asterisk: RealAsterisk) -> None:
    before = asterisk.rung()
    with installation(asterisk_settings(asterisk.port, secret=asterisk.secret)) as made:
        rows = [(f"+121255501{place:02d}", text) for place, text in enumerate(ACTIONS)]
        cells = "".join(f'{number},"{text}","{text}","{text}"\r\n' for number, text in rows)
        with made.daemon() as daemon:
            numbers = [number for number, _ in rows]
            made.campaign(numbers, ring_timeout_s=5, rows=f"number,name,customer_key,note\r\n{cells}")
            made.start_campaign()
            daemon.await_event("session.closed", count=len(rows))
        sessions = made.pages("session", "list", "--oldest-first")
        assert [(each["number"], each["name"]) for each in sessions] == [(n, t.strip()) for n, t in rows]
        assert [each["outcome"] for each in sessions] == ["BUSY", "INVALID_NUMBER"]
        # Nor do people's terminals take it for more than a name.
        shown = made.ok("session", "show", sessions[0]["session_id"])
        assert "\r" not in shown
    assert asterisk.rung() - before == Counter(number for number, _ in rows)
    assert asterisk.cli("core show uptime")


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """Give a file system of 16 MiB, of which the records need less than a half."""
    disk = folder / "disk"
    disk.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "none", disk], capture_output=True, text=True)
    if mount.returncode:
        pytest.skip(f"no file system can be mounted here: {mount.stderr.strip()}")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


def fill(disk: Path) -> Path:
    """Leave no room on a disk; return the file whose removal gives it back."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return ballast


@pytest.mark.asterisk
def test_with_a_full_disk_no_call_is_placed_that_could_not_be_recorded(asterisk: RealAsterisk, tmp_path: Path) -> None:
    before, leads = asterisk.rung_ids(), 200
    settings = asterisk_settings(asterisk.port, secret=asterisk.secret, calls_per_second=20)
    with small_disk(tmp_path) as disk, installation(settings, folder=disk) as made:
        with made.daemon() as daemon:
            made.campaign([f"+1212555{place:04d}" for place in range(leads)], ring_timeout_s=5)
            made.start_campaign()
            daemon.await_event("session.opened", count=20)
            ballast = fill(disk)
            [failed, *_] = daemon.await_event("store.failed")
            assert "no room left on the disk of the records" in failed["error"]
            refused = made.run("campaign", "stop", "spring")
            assert refused.returncode == FAILED and "no room left on the disk" in refused.stderr
            assert made.ask("status")["engine"]["running"] is True
            while_full = len(daemon.events("session.opened"))
            # A few tries later it is still so.
            daemon.await_event("store.failed", count=4)
            assert len(daemon.events("session.opened")) == while_full < leads
            opened = {each["session_id"] for each in daemon.events("session.opened")}
            assert (asterisk.rung_ids() - before).keys() <= opened

            ballast.unlink()
            made.until(
                lambda status: (
                    status["campaigns"][0]["sessions"]["opened"] == leads
                    and status["campaigns"][0]["sessions"]["open"] == 0
                ),
                within_s=60,
                what="the rest of the calls",
            )
        sessions = made.pages("session", "list", "--oldest-first")
        assert asterisk.rung_ids() - before == Counter(each["session_id"] for each in sessions)
        assert len({each["lead_id"] for each in sessions}) == leads
        assert "LOST" not in {each["outcome"] for each in sessions}
        assert made.problems() == []
