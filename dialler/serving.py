"""Serves an application over HTTP on a socket, as a task of ours: it leaves the process's signals alone."""

import errno
import socket
from typing import Final

import uvicorn
from anyio import TASK_STATUS_IGNORED, CancelScope
from anyio.abc import TaskStatus
from starlette.types import ASGIApp

from dialler.errors import Conflict, UsageError
from dialler.settings import host_and_port

BACKLOG: Final = 128
_GRACE_S: Final = 5


async def serve_app(app: ASGIApp, sock: socket.socket, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
    """Serve until cancelled; `started` comes once it answers.

    Cancelled, it takes no new requests and gives those under way a few seconds.
    """
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_S,
    )
    # Not Server.serve(): it would take the process's signals for itself.
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[sock])
    task_status.started()
    try:
        await server.main_loop()
    finally:
        with CancelScope(shield=True):
            await server.shutdown(sockets=[sock])


def tcp_socket(address: str, *, key: str, fallback: bool) -> socket.socket:
    """Return a listening socket at 'HOST:PORT'; with `fallback`, at a free port where that one is taken.

    `key` is where the address was said. Raises Conflict if the port is taken, UsageError if the address is not ours.
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
        text = f"{key} = {address}: {error.strerror or error}"
        raise (Conflict if error.errno == errno.EADDRINUSE else UsageError)(text) from error


def _listen(family: int, kind: int, place: tuple[object, ...]) -> socket.socket:
    sock = socket.socket(family, kind)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(place)
        sock.listen(BACKLOG)
        sock.setblocking(False)
    except BaseException:
        sock.close()
        raise
    return sock
