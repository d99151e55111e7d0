"""Who may write to an SQLite file: one process in the whole installation.

The lock is `flock` on `<file>.lock`, so that death releases it, whatever the death. The file's text names the
holder for whoever has to wait; it says nothing about whether the lock is held. It is never deleted: two processes
could then hold locks on two files of the same name.
"""

import fcntl
import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Final

from dialler.errors import StoreError, StoreLocked

_LOOK_AGAIN_S: Final = 0.05  # flock has no deadline of its own


class WriterLock:
    """The right to write; held from `acquire` to `release`, or to the end of the process.

    A process that forks without exec shares it with its child: start children by spawning.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def acquire(self, wait: timedelta, *, command: str) -> None:
        """Take the lock, waiting up to `wait` for its holder. Raises StoreLocked, which names the holder."""
        try:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660)
        except OSError as error:
            raise StoreError(f"{self._path}: the lock of the records can't be opened: {error.strerror}") from error
        deadline = time.monotonic() + wait.total_seconds()
        while not _is_taken(file):
            if (left := deadline - time.monotonic()) <= 0:
                holder = _holder(file)
                os.close(file)
                raise StoreLocked(f"{self._path}: the records are held by {holder}; waited {wait.total_seconds():g} s")
            time.sleep(min(_LOOK_AGAIN_S, left))
        self._file = file
        words = " ".join(command.split()) or "unknown"
        try:
            os.ftruncate(file, 0)
            os.pwrite(file, f"{os.getpid()}\n{words}\n".encode(), 0)
        except OSError:  # a full disk: the lock holds all the same, only its holder's name is missing
            pass

    def release(self) -> None:
        """Give the lock back; nothing happens if it is not held."""
        if self._file is not None:
            file, self._file = self._file, None
            os.ftruncate(file, 0)
            os.close(file)


def _is_taken(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(file: int) -> str:
    lines = os.pread(file, 4096, 0).decode(errors="replace").splitlines()
    if len(lines) < 2:
        return "another process, which has not written its name yet"
    return f"process {lines[0]} ({lines[1]})"
