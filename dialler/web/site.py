"""The page and what it is made of, over HTTP."""

import hashlib
from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import Final

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp

from dialler.web.board import Commands, board
from dialler.web.door import guarded
from dialler.web.watch import Watch, now

FILES: Final = {
    "/": ("board.html", "text/html; charset=utf-8"),
    "/board.css": ("board.css", "text/css; charset=utf-8"),
    "/board.js": ("board.js", "text/javascript; charset=utf-8"),
    "/board.svg": ("board.svg", "image/svg+xml"),
}
"""A packaged file and its kind, by path."""


def make_site(watch: Watch, commands: Commands) -> ASGIApp:
    """Return the board's site: its files, and `board.json`. `watch` has to run."""
    site = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    contents = {path: (files("dialler.web") / "static" / name).read_bytes() for path, (name, _) in FILES.items()}
    edition = hashlib.sha256(b"".join(contents.values())).hexdigest()[:16]

    async def show(request: Request) -> Response:
        # An open page whose files have changed since, by an upgrade, loads itself anew.
        return JSONResponse({"edition": edition, **board(await watch.look(), now(), commands)})

    for path, content in contents.items():
        site.add_route(path, _file(content, FILES[path][1]))
    site.add_route("/board.json", show)
    site.add_exception_handler(HTTPException, _tell)
    return guarded(site)


def _file(content: bytes, kind: str) -> Callable[[Request], Awaitable[Response]]:
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    # Browsers ask each time whether theirs is still the one, so that no page runs with yesterday's script.
    headers = {"ETag": tag, "Cache-Control": "no-cache"}

    async def give(request: Request) -> Response:
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(content, media_type=kind, headers=headers)

    return give


async def _tell(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return PlainTextResponse("There is nothing here; the board is at /\n", error.status_code)
