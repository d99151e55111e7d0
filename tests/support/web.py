"""`dialler web` as a process of its own, heard as systemd would hear it."""

import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.support.daemon import DIALLER, LOOK_AGAIN_S, START_S, environment


class Web:
    """One `dialler web`; its log goes to a file."""

    def __init__(self, settings: Path) -> None:
        self._settings = settings
        self._folder = tempfile.TemporaryDirectory(prefix="web-")
        self._process: subprocess.Popen[str] | None = None
        self._listener: socket.socket | None = None
        self.url = ""

    def command(self, *arguments: str) -> list[str]:
        """Return its command line."""
        return [str(DIALLER), "web", "-c", str(self._settings), *arguments]

    def run_to_the_end(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run one that is to fail."""
        return subprocess.run(
            self.command(*arguments), capture_output=True, text=True, env=environment(), timeout=START_S, check=False
        )

    def start(
        self, *arguments: str, watchdog_s: float | None = None, preexec: Callable[[], None] | None = None
    ) -> None:
        """Start it; return once it says to systemd that it is ready."""
        folder = Path(self._folder.name)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._listener.bind(f"{folder}/notify")
        heard = {"NOTIFY_SOCKET": f"{folder}/notify"}
        if watchdog_s is not None:
            heard["WATCHDOG_USEC"] = str(round(watchdog_s * 1e6))
        with (folder / "log").open("w", encoding="utf-8") as log:
            self._process = subprocess.Popen(
                self.command(*arguments),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                text=True,
                env=environment() | heard,
                preexec_fn=preexec,
            )
        self.await_word("READY=1")
        deadline = time.monotonic() + START_S
        while not (urls := [word for word in self.log().replace('"', " ").split() if word.startswith("http://")]):
            assert time.monotonic() < deadline, self.log()
            time.sleep(LOOK_AGAIN_S)  # A turn's lines are written at its end, and systemd is told at once.
        self.url = urls[0]

    def await_word(self, word: str) -> None:
        """Wait until it says a word to systemd."""
        assert self._listener is not None and self._process is not None
        deadline = time.monotonic() + START_S
        self._listener.settimeout(LOOK_AGAIN_S)
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                if word in self._listener.recv(4096).decode().splitlines():
                    return
            except TimeoutError:
                continue
        raise AssertionError(f"dialler web did not say {word}: {self.log()}")

    def until(self, state: str) -> dict[str, Any]:
        """Ask for the board until the link to the daemon is in that state; return it."""
        deadline = time.monotonic() + START_S
        while True:
            found: dict[str, Any] = httpx.get(f"{self.url}/board.json", trust_env=False, timeout=START_S).json()
            if found["link"]["state"] == state:
                return found
            assert time.monotonic() < deadline, f"waited for {state}: {found}"
            time.sleep(LOOK_AGAIN_S)

    def log(self) -> str:
        """Return what it wrote so far."""
        return (Path(self._folder.name) / "log").read_text(encoding="utf-8")

    def stop(self) -> int:
        """Ask it to end, as systemd does; return its exit code."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(START_S)

    def close(self) -> None:
        """End what still runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        if self._listener is not None:
            self._listener.close()
        self._folder.cleanup()


@contextmanager
def started(
    settings: Path, *arguments: str, watchdog_s: float | None = None, preexec: Callable[[], None] | None = None
) -> Iterator[Web]:
    """Give a `dialler web` that is ready; `preexec` is done in its process before it begins."""
    web = Web(settings)
    try:
        web.start(*arguments, watchdog_s=watchdog_s, preexec=preexec)
        yield web
    finally:
        web.close()
