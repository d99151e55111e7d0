"""Serves the metrics over HTTP, in threads of its own."""

import threading
from types import TracebackType
from typing import Self
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, start_http_server

from dialler.errors import DiallerError


class MetricsServer:
    """The port on which Prometheus finds the metrics; a context that closes it."""

    def __init__(self, server: WSGIServer, thread: threading.Thread) -> None:
        self._server, self._thread = server, thread
        host, port = server.server_address[:2]
        self.host = host if isinstance(host, str) else host.decode()
        self.port = int(port)

    @property
    def url(self) -> str:
        """The address to give to Prometheus."""
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}/metrics"

    def close(self) -> None:
        """Close the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def serve(host: str, port: int, registry: CollectorRegistry, *, port_fallback: bool = False) -> MetricsServer:
    """Serve `registry`; port 0 takes a free one, and so does `port_fallback` where `port` is taken.

    Raises DiallerError where the address can't be listened on.
    """
    try:
        return MetricsServer(*start_http_server(port, host, registry))
    except OSError as error:
        if port_fallback and port:
            return serve(host, 0, registry)
        raise DiallerError(f"metrics: can't listen on {host}, port {port}: {error.strerror or error}") from error
