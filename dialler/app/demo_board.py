"""The board beside a demo: a process of its own, as everywhere, which ends with the demo however that ends."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import anyio

START_S: Final = 15.0
END_S: Final = 5.0
_LINE_BYTES_MAX: Final = 4096


class Board:
    """A `dialler web` that was started just now."""

    def __init__(self, settings_file: Path, log: Path) -> None:
        # Systemd, where it started the demo, hears the demo alone.
        environ = {key: value for key, value in os.environ.items() if not key.startswith(("NOTIFY_", "WATCHDOG_"))}
        self._log = log
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "dialler.cli", "web", "-c", settings_file, "--with-stdin"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=environ,
                # Out of the terminal's hands: Ctrl-C is for the demo, which has calls to end before the board goes.
                start_new_session=True,
            )

    async def address(self) -> str:
        """Return where it is, or why it is nowhere; wait for it for a while."""
        assert self._process.stdout is not None
        line = b""
        with anyio.move_on_after(START_S):
            while not line.endswith(b"\n") and len(line) < _LINE_BYTES_MAX:
                await anyio.wait_readable(self._process.stdout)
                chunk = os.read(self._process.stdout.fileno(), _LINE_BYTES_MAX)
                if not chunk:
                    break
                line += chunk
        said = line.decode("utf-8", "replace").strip()
        return said.removeprefix("board ") if said.startswith("board http") else f"none; {self._log} says why"

    def end(self) -> None:
        """End it. Were we killed instead, the end of its standard input would."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.terminate()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                pipe.close()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextmanager
def board_beside(settings_file: Path, *, log: Path) -> Iterator[Board]:
    """Run a board around a block; what it says of itself goes to `log`."""
    board = Board(settings_file, log)
    try:
        yield board
    finally:
        board.end()
