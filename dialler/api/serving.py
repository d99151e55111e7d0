"""Puts the API on sockets: a unix socket guarded by its mode, and TCP guarded by tokens."""

import socket
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from anyio import TASK_STATUS_IGNORED, create_task_group
from anyio.abc import TaskStatus
from starlette.types import ASGIApp

from dialler.api.desk import Desk
from dialler.api.routes import make_api
from dialler.api.sockets import remove_socket, unix_socket
from dialler.api.tokens import require_token
from dialler.serving import serve_app, tcp_socket
from dialler.settings import ApiSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiAddresses:
    """Where the API can be reached."""

    socket: Path
    tcp: tuple[str, int] | None
    """The port is the one in use, whatever was asked for."""


async def serve_api(
    desk: Desk, settings: ApiSettings, *, task_status: TaskStatus[ApiAddresses] = TASK_STATUS_IGNORED
) -> None:
    """Serve until cancelled; `started` gives the addresses once they answer.

    Cancelled, it takes no new requests and gives those under way a few seconds. Raises Conflict where an address is
    in use, UsageError where it can't be used at all.
    """
    app = make_api(desk)
    with ExitStack() as open_sockets:
        unix = open_sockets.enter_context(unix_socket(settings.socket))
        open_sockets.callback(remove_socket, settings.socket, settings.socket.stat().st_ino)
        doors: list[tuple[socket.socket, ASGIApp]] = [(unix, app)]
        if settings.tcp is not None:
            tcp = open_sockets.enter_context(tcp_socket(settings.tcp, key="api.tcp", fallback=settings.port_fallback))
            doors.append((tcp, require_token(app, {token.name: token.sha256 for token in settings.tokens})))
        addresses = ApiAddresses(socket=settings.socket, tcp=doors[1][0].getsockname()[:2] if len(doors) > 1 else None)
        async with create_task_group() as servers:
            for sock, door in doors:
                await servers.start(serve_app, door, sock)
            task_status.started(addresses)
