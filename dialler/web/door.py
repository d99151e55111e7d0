"""Who may ask the board's process, and what browsers are told about safety."""

from collections.abc import Mapping
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dialler.settings import is_loopback

SAFETY: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self';"
        " frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Of every answer, those that refuse too."""


def guarded(app: ASGIApp) -> ASGIApp:
    """Return `app` behind a door: it can only be looked at, and only by a name of this machine's own.

    A page from elsewhere whose name was made to lead here (DNS rebinding) comes by its own name, and is refused.
    """

    async def door(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"the board speaks http only, got {scope['type']}")

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SAFETY.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await (_refusal(scope) or app)(scope, receive, send_safely)

    return door


def _refusal(scope: Scope) -> ASGIApp | None:
    hosts = [value.decode("latin-1") for key, value in scope["headers"] if key == b"host"]
    if len(hosts) != 1 or not is_loopback(_name_of(hosts[0])):
        text = "The board answers only to names of this machine's own, such as 127.0.0.1 or localhost.\n"
        return PlainTextResponse(text + "A proxy before it has to send one of them as Host.\n", 421)
    if scope["method"] not in ("GET", "HEAD"):
        return PlainTextResponse("The board can only be looked at.\n", 405, {"Allow": "GET, HEAD"})
    return None


def _name_of(host: str) -> str:
    """Return the name in a Host header (RFC 9110, 7.2), without its port."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdecimal() else host
