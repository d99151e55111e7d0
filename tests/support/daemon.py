"""A whole installation as users have it: a settings file, the command line, and the daemon, each in its own process.

Nothing here reads the records or calls the code under test: what it knows it got from the program's output.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import httpx

from tests.support.asterisk import SHORT_SOUND, RealAsterisk
from tests.support.exchanges import ExchangeUnavailable, give_up

Line = dict[str, Any]

DIALLER: Final = Path(sys.executable).with_name("dialler")
COMMAND_S: Final = 120.0
START_S: Final = 60.0
"""More than the daemon allows itself, which is 15 s: a loaded machine is slow to start processes."""

LOOK_AGAIN_S: Final = 0.2
"""Between two questions about something of which nobody tells."""


class Installation:
    """A folder with settings in it, and the `dialler` that uses them."""

    def __init__(self, folder: Path, settings: str, *, url: str = "sqlite:///records.db") -> None:
        """`settings` is TOML, all but `[store]`."""
        self.folder = folder
        self.file = folder / "dialler.toml"
        self._url = url
        self._daemons: list[Daemon] = []
        self.configure(settings)

    def configure(self, settings: str) -> None:
        """Write the settings anew."""
        # drain_timeout_s: a test that ends must not wait for calls of an hour.
        self.file.write_text(
            f'[store]\nurl = "{self._url}"\n[engine]\ndrain_timeout_s = 1\nverdict_grace_s = 2\n{settings}',
            encoding="utf-8",
        )

    @property
    def records(self) -> Path:
        """The SQLite file."""
        return self.folder / self._url.removeprefix("sqlite:///")

    def run(self, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
        """Carry out a command line, whatever comes of it."""
        return subprocess.run(
            [DIALLER, *arguments, "-c", self.file],
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=COMMAND_S,
            check=False,
            cwd=self.folder,
            env=environment(),
        )

    def ok(self, *arguments: str | Path) -> str:
        """Carry out a command line that must succeed; return what it printed."""
        done = self.run(*arguments)
        log = self._daemons[-1].tail() if self._daemons else ""
        assert done.returncode == 0, f"dialler {' '.join(map(str, arguments))}: {done.returncode}\n{done.stderr}{log}"
        return done.stdout

    def ask(self, *arguments: str | Path) -> Any:
        """Carry out a command line that must succeed with `--json`; return the one document that it printed."""
        return json.loads(self.ok(*arguments, "--json"))

    def pages(self, *arguments: str, limit: int = 1000) -> list[Line]:
        """Return all items of a listing command, page by page, by its `next`."""
        items: list[Line] = []
        after: Sequence[str] = ()
        while True:
            page = self.ask(*arguments, "--limit", str(limit), *after)
            assert len(page["items"]) <= limit
            items += page["items"]
            if page["next"] is None:
                return items
            after = ("--after", str(page["next"]))

    def api(self, method: str, path: str, body: object = None, *, content: bytes = b"", **params: object) -> Any:
        """Ask a running daemon over its socket, for what a test only needs: it is quicker than a process each time."""
        transport = httpx.HTTPTransport(uds=f"{self.records}.sock")
        given = {"json": body} if body is not None else {"content": content}
        with httpx.Client(transport=transport, base_url="http://dialler", timeout=COMMAND_S) as client:
            answer = client.request(method, path, params=params, **given)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return [json.loads(line) for line in answer.text.splitlines()] if content else answer.json()

    def until(self, condition: Callable[[Line], bool], *, within_s: float, what: str, path: str = "/status") -> Line:
        """Ask the running daemon for its status, or for `path`, until `condition` holds for it; return it."""
        deadline = time.monotonic() + within_s
        while not condition(status := self.api("GET", path)):
            assert time.monotonic() < deadline, f"waited {within_s:g} s for {what}: {json.dumps(status, indent=1)}"
            time.sleep(LOOK_AGAIN_S)
        return status

    def campaign(
        self, numbers: Sequence[str], *, ring_timeout_s: int, rows: str = "", message: str = SHORT_SOUND
    ) -> None:
        """Create the running daemon's campaign "spring", stopped: it calls numbers in this order, at any hour, once.

        `rows` is the CSV file of its leads, if it has more columns than their `number`.
        """
        hours = {"hours": "always", "timezone": "America/New_York"}
        settings = {"pacing": "agentless", "message": message, "ring_timeout_s": ring_timeout_s, **hours}
        self.api("POST", "/campaigns", {"name": "spring", **settings})
        # By the shipped rules congested numbers are tried again after a minute.
        redial = {"CONGESTION": {"rests": ["1d"]}}
        self.api("POST", "/strategies", {"name": "once", "redial": redial})
        self.api("POST", "/campaigns/spring/lists", {"name": "all", "strategy": "once"})
        text = rows or "\n".join(["number", *numbers])
        *_, last = self.api("POST", "/leads/import", content=text.encode(), campaign="spring", list="all")
        assert last["report"]["imported"] == len(numbers), last

    def start_campaign(self) -> None:
        """Let the running daemon call."""
        self.api("POST", "/campaigns/spring/start")

    def problems(self) -> list[Line]:
        """Return what `dialler db check` finds."""
        done = self.run("db", "check", "--json")
        assert done.returncode in (0, 1), done.stderr
        items: list[Line] = json.loads(done.stdout)["items"]
        assert bool(items) == (done.returncode == 1)
        return items

    def daemon(self) -> "Daemon":
        """Return a daemon, not yet started: `with installation.daemon() as daemon`."""
        self._daemons.append(Daemon(self))
        return self._daemons[-1]

    def close(self) -> None:
        """End what a failed test left running."""
        for daemon in self._daemons:
            daemon.end()


class Daemon:
    """One `dialler run`, with its log. A context manager: started and ready inside, stopped and dead afterwards."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._changed = threading.Condition()
        self._ended = False
        self._awaited = False
        self.log: list[Line] = []
        """Its log so far; a line that is no JSON is under the key `text`."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.end()
        if self._awaited:
            return
        code = self.stop()
        assert code == 0, f"the daemon ended with {code}: {self.tail()}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def launch(self, *, environ: Mapping[str, str] | None = None) -> None:
        """Start the process, and return at once."""
        self._process = subprocess.Popen(
            [DIALLER, "run", "-c", self._installation.file],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            cwd=self._installation.folder,
            env=environment() | dict(environ or {}),
        )
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()

    def start(self) -> None:
        """Start it, and return once it says that it is ready, in the way that it tells systemd."""
        with _listener() as (address, said):
            self.launch(environ={"NOTIFY_SOCKET": address})
            assert self._process is not None
            deadline = time.monotonic() + START_S
            while "READY=1" not in said():
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.kill()
                    raise AssertionError(f"the daemon did not get ready: {self.tail()}")

    def wait(self, within_s: float = START_S) -> int:
        """Wait for its end; return the exit code."""
        assert self._process is not None and self._reader is not None
        self._awaited = True
        code = self._process.wait(within_s)
        self._reader.join(within_s)
        return code

    def stop(self) -> int:
        """Ask it to end, as systemd does; return its exit code."""
        assert self._process is not None
        self._process.terminate()
        return self.wait()

    def kill(self) -> None:
        """End it with `kill -9`: nothing of it runs another instruction."""
        assert self._process is not None
        self._process.kill()
        self.wait()

    def end(self) -> None:
        """Kill it if it still runs."""
        if self._process is not None and self._process.poll() is None:
            self.kill()

    def events(self, name: str, **facts: object) -> list[Line]:
        """Return the log's lines with an event so far."""
        with self._changed:
            return [line for line in self.log if line.get("event") == name and facts.items() <= line.items()]

    def await_event(self, name: str, *, count: int = 1, within_s: float = 60.0, **facts: object) -> list[Line]:
        """Wait until an event was logged so many times; return those lines."""
        deadline = time.monotonic() + within_s
        with self._changed:
            while len(found := self.events(name, **facts)) < count:
                left = deadline - time.monotonic()
                if left <= 0 or self._ended:
                    break
                self._changed.wait(left)
        assert len(found) >= count, f"{len(found)} of {count} times {name} {facts} in {within_s:g} s: {self.tail()}"
        return found

    def tail(self, count: int = 30) -> str:
        """Return the log's end."""
        with self._changed:
            return "\n" + "\n".join(str(line.get("text") or json.dumps(line)) for line in self.log[-count:])

    def _read(self, process: "subprocess.Popen[str]") -> None:
        assert process.stderr is not None
        with process.stderr as stream:
            for text in stream:
                try:
                    line = json.loads(text)
                except ValueError:
                    line = {"text": text.rstrip("\n")}
                with self._changed:
                    self.log.append(line)
                    self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()


@contextmanager
def installation(settings: str, *, folder: Path | None = None) -> Iterator[Installation]:
    """Give an installation in a folder of its own, short enough for a unix socket's path, with its records made."""
    with tempfile.TemporaryDirectory(prefix="dialler-") as made:
        installed = Installation(folder or Path(made), settings)
        try:
            installed.ok("db", "upgrade")
            yield installed
        finally:
            installed.close()


@contextmanager
def real_asterisk() -> Iterator[RealAsterisk]:
    """Give a running Asterisk of the test's own; the test is skipped where there is none, or fails if it must be."""
    try:
        asterisk = RealAsterisk()
    except ExchangeUnavailable as error:
        give_up("asterisk", str(error))
    try:
        asterisk.start()
        yield asterisk
    finally:
        asterisk.close()


def asterisk_settings(
    port: int, *, secret: str, username: str = "dialler", calls_per_second: float = 40.0, channels: int = 200
) -> str:
    """Return the settings for one Asterisk with one trunk, to the fake carrier."""
    return f"""
[[asterisk]]
name = "main"
port = {port}
username = "{username}"
secret = "{secret}"

[[asterisk.trunks]]
name = "carrier"
dial = "Local/{{number}}@carrier/n"
calls_per_second = {calls_per_second}
channels = {channels}
"""


def environment() -> dict[str, str]:
    """Return our environment without what would change the dialler's settings."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("DIALLER_", "NOTIFY_", "WATCHDOG"))}


@contextmanager
def _listener() -> Iterator[tuple[str, Callable[[], Sequence[str]]]]:
    """Give an address for NOTIFY_SOCKET, and what was said there so far, after waiting a little for more."""
    said: deque[str] = deque(maxlen=100)
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="notify-"))
        ours = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        ours.bind(f"{folder}/socket")
        ours.settimeout(0.2)

        def more() -> Sequence[str]:
            with suppress(TimeoutError):
                said.extend(ours.recv(4096).decode().splitlines())
            return said

        yield f"{folder}/socket", more
