"""The unix socket that the API is served on, and what stands in its way."""

import socket
from contextlib import suppress
from pathlib import Path
from stat import S_ISSOCK
from typing import Final

from dialler.api.probe import answers
from dialler.errors import Conflict, UsageError
from dialler.serving import BACKLOG

SOCKET_MODE: Final = 0o660
SOCKET_PATH_MAX: Final = 107  # bytes: sun_path of sockaddr_un, see unix(7), without its closing zero


def unix_socket(path: Path) -> socket.socket:
    """Return a listening socket at `path`, for its owner and group alone.

    A file left behind by a dead process is replaced. Raises Conflict if somebody answers there, UsageError if the
    path can't hold a socket.
    """
    if len(bytes(path)) > SOCKET_PATH_MAX:
        raise UsageError(f"api.socket = {path}: expected a path of at most {SOCKET_PATH_MAX} bytes, the system's limit")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _clear(path)
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.bind(str(path))
            # Nobody can connect before listen(), so nobody slips in before the mode is set.
            path.chmod(SOCKET_MODE)
            sock.listen(BACKLOG)
            sock.setblocking(False)
        except BaseException:
            sock.close()
            raise
    except OSError as error:
        raise UsageError(f"api.socket = {path}: {error.strerror or error}") from error
    return sock


def _clear(path: Path) -> None:
    """Remove a socket that nobody listens on."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not S_ISSOCK(mode):
        raise UsageError(f"api.socket = {path}: expected a path for a socket, and another file is there")
    if answers(path):
        raise Conflict(f"another daemon answers on {path}")
    path.unlink(missing_ok=True)


def remove_socket(path: Path, inode: int) -> None:
    """Remove our socket's file, unless another process has put its own there."""
    with suppress(OSError):
        if path.stat().st_ino == inode:
            path.unlink()
