"""What systemd hears of us, on a real datagram socket."""

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dialler import notify


@pytest.fixture(params=["path", "abstract"])
def systemd(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    name = str(tmp_path / "notify") if request.param == "path" else f"@dialler-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(name.replace("@", "\0", 1) if name.startswith("@") else name)
        listener.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        yield listener


def test_ready_stopping_and_the_watchdog_arrive(systemd: socket.socket) -> None:
    assert [notify.ready(), notify.stopping(), notify.watchdog()] == [True] * 3
    assert [systemd.recv(4096) for _ in range(3)] == [b"READY=1", b"STOPPING=1", b"WATCHDOG=1"]


def test_a_reload_tells_when_it_began(systemd: socket.socket) -> None:
    before = time.monotonic_ns() // 1000
    assert notify.reloading()
    first, second = systemd.recv(4096).decode().splitlines()
    assert first == "RELOADING=1"
    assert before <= int(second.removeprefix("MONOTONIC_USEC=")) <= time.monotonic_ns() // 1000


def test_an_end_that_takes_its_time_asks_for_it(systemd: socket.socket) -> None:
    assert notify.stopping(within_s=75.5)
    assert systemd.recv(4096) == b"STOPPING=1\nEXTEND_TIMEOUT_USEC=75500000"


def test_a_status_can_not_say_more_than_a_status(systemd: socket.socket) -> None:
    assert notify.status("3 calls\nSTOPPING=1")
    assert systemd.recv(4096) == b"STATUS=3 calls STOPPING=1"


@pytest.mark.parametrize("name", ["", "relative", "/nowhere/notify", "vsock:2:1234"])
def test_where_nobody_listens_nothing_happens(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", name)
    assert notify.ready() is False


def test_a_systemd_that_does_not_read_does_not_hold_us_up(systemd: socket.socket) -> None:
    sent = 0
    while notify.watchdog():
        sent += 1
    assert sent > 0
    systemd.recv(4096)
    assert notify.watchdog()


@pytest.mark.parametrize(
    ("environ", "interval"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_is_fed_twice_as_often_as_asked(environ: dict[str, str], interval: float | None) -> None:
    assert notify.watchdog_interval(environ) == interval
