"""A daemon of its own process, as an operator runs it: `dialler run` with a settings file."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx

DIALLER: Final = Path(sys.executable).with_name("dialler")
START_S: Final = 60.0


class BenchDaemon:
    """A running `dialler run`, reached over its socket."""

    def __init__(self, process: "subprocess.Popen[bytes]", socket_path: Path, started_in_s: float) -> None:
        self.process = process
        self.started_in_s = started_in_s
        """From the start of the process until it said that it is ready, as it tells systemd."""

        self.http = httpx.Client(transport=httpx.HTTPTransport(uds=str(socket_path)), base_url="http://dialler")

    @property
    def pid(self) -> int:
        return self.process.pid

    def control(self, campaign: str, command: str) -> None:
        """Start, stop, pause or drain a campaign; returns once the engine obeys."""
        self.http.post(f"/campaigns/{campaign}/{command}", timeout=START_S).raise_for_status()


@contextmanager
def bench_daemon(folder: Path, settings: str) -> Iterator[BenchDaemon]:
    """Run a daemon on the records `folder`/records.db (or what `settings` say); its log goes to a file there."""
    file = folder / "dialler.toml"
    socket_path = folder / "dialler.sock"
    head = "" if "[store]" in settings else '[store]\nurl = "sqlite:///records.db"\n'
    file.write_text(f'{head}[api]\nsocket = "{socket_path}"\n{settings}', encoding="utf-8")
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("DIALLER_", "NOTIFY_", "WATCHDOG"))}
    with (folder / "log").open("ab") as log, _listener(folder / "notify") as listener:
        began = time.perf_counter()
        process = subprocess.Popen(
            [DIALLER, "run", "-c", file],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
            env=environ | {"NOTIFY_SOCKET": str(folder / "notify")},
        )
        try:
            _await_ready(listener, process, folder / "log")
            yield BenchDaemon(process, socket_path, time.perf_counter() - began)
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def _listener(path: Path) -> Iterator[socket.socket]:
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        listener.settimeout(0.2)
        yield listener


def _await_ready(listener: socket.socket, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            if b"READY=1" in listener.recv(4096):
                return
        except TimeoutError:
            pass
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the daemon did not start: {log.read_text(encoding='utf-8')[-2000:]}")
