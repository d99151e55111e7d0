"""The sockets that the API is served on, and what stands in their way."""

import errno
import socket
from contextlib import suppress
from pathlib import Path
from stat import S_ISSOCK
from typing import Final

from dialler.api.probe import answers
from dialler.errors import Conflict, UsageError
from dialler.settings import host_and_port

SOCKET_MODE: Final = 0o660
SOCKET_PATH_MAX: Final = 107  # bytes: sun_path of sockaddr_un, see unix(7), without its closing zero
_BACKLOG: Final = 128


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
            sock.listen(_BACKLOG)
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


def tcp_socket(address: str, *, fallback: bool) -> socket.socket:
    """Return a listening socket at 'HOST:PORT'; with `fallback`, at a free port where that one is taken.

    Raises Conflict if the port is taken, UsageError if the address is not ours.
    """
    host, port = host_and_port(address)
    try:
        family, kind, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        try:
            return _listen(family, kind, place)
        except OSError as error:
            if not (fallback and error.errno == errno.EADDRINUSE):
                raise
            return _listen(family, kind, (place[0], 0, *place[2:]))
    except OSError as error:
        text = f"api.tcp = {address}: {error.strerror or error}"
        raise (Conflict if error.errno == errno.EADDRINUSE else UsageError)(text) from error


def _listen(family: int, kind: int, place: tuple[object, ...]) -> socket.socket:
    sock = socket.socket(family, kind)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(place)
        sock.listen(_BACKLOG)
        sock.setblocking(False)
    except BaseException:
        sock.close()
        raise
    return sock
