"""`dialler web`: the board's process."""

import logging
import os
import signal
import socket
import sys
from contextlib import closing
from pathlib import Path
from typing import Final

import anyio

from dialler import notify
from dialler.errors import UsageError
from dialler.logs import configure_logging
from dialler.serving import serve_app, tcp_socket
from dialler.settings import Settings, load_settings, loopback
from dialler.web.board import Commands
from dialler.web.site import make_site
from dialler.web.upstream import upstream_at
from dialler.web.watch import Watch

_log = logging.getLogger("dialler.web")
_READ_BYTES: Final = 4096


def run(path: Path, *, listen: str | None = None, with_stdin: bool = False) -> int:
    """Serve the board until asked to stop; return the exit code.

    `listen` is said instead of the settings' address. With `with_stdin` the end of standard input is an end too: a
    program that started this one does not leave it behind. Raises SettingsError, UsageError, Conflict.
    """
    settings = load_settings(path, for_web=True)
    key, address = "web.listen", settings.web.listen
    if listen is not None:
        try:
            key, address = "--listen", loopback(listen)
        except ValueError as error:
            raise UsageError(f"--listen {listen}: expected {error}") from None
    configure_logging(settings.log.level, settings.log.format, settings.log.parts)
    with closing(tcp_socket(address, key=key, fallback=settings.web.port_fallback)) as sock:
        anyio.run(_run, path.absolute(), settings, sock, with_stdin)
    return 0


async def _run(path: Path, settings: Settings, sock: socket.socket, with_stdin: bool) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with upstream_at(settings.api.socket) as upstream, anyio.create_task_group() as tasks:
            watch = Watch(upstream.status)
            tasks.start_soon(watch.run)
            await tasks.start(serve_app, make_site(watch, Commands(settings_file=path)), sock)
            tasks.start_soon(_feed_watchdog)
            _tell_start(sock)
            if with_stdin:
                tasks.start_soon(_end_with_stdin, tasks.cancel_scope)
            await signals.__anext__()
            notify.stopping()
            tasks.cancel_scope.cancel()


def _tell_start(sock: socket.socket) -> None:
    """Say where the board is: to systemd that it is, and to people where nobody else listens."""
    host, port = sock.getsockname()[:2]
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    _log.info("ready", extra={"board": url})
    if not notify.ready():
        sys.stdout.write(f"board {url}\n")
        sys.stdout.flush()


async def _feed_watchdog() -> None:
    """Tell systemd that this event loop turns, as often as it asks for."""
    interval_s = notify.watchdog_interval()
    while interval_s is not None:
        notify.watchdog()
        await anyio.sleep(interval_s)


async def _end_with_stdin(scope: anyio.CancelScope) -> None:
    """Cancel `scope` once standard input ends; what comes in there means nothing."""
    descriptor = sys.stdin.fileno()
    while True:
        await anyio.wait_readable(descriptor)
        if not os.read(descriptor, _READ_BYTES):
            scope.cancel()
            return
