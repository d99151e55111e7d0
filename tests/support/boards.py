"""What the board's process asks and shows: answers of a daemon, and a daemon that gives them."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from dialler.web.board import Commands
from dialler.web.site import make_site
from dialler.web.watch import Watch

AT = "2026-06-03T15:30:00+00:00"
COMMANDS = Commands(settings_file=Path("/etc/dialler/dialler.toml"))


def lead_list(**facts: Any) -> dict[str, Any]:
    """Return a list with 100 leads of which 40 can be called now."""
    return {
        "list_id": 1,
        "name": "east",
        "weight": 70,
        "to_dial": True,
        "leads": 100,
        "sessions": 50,
        "dialable_now": 40,
        "waiting_for_window": 30,
        "next_open": None,
        "next_close": None,
        "resting": 20,
        "next_due": None,
        "in_call": 2,
        "completed": 8,
    } | facts


def campaign(**facts: Any) -> dict[str, Any]:
    """Return a campaign that runs, as the API tells of it."""
    return {
        "campaign_id": 1,
        "name": "spring",
        "desired": "running",
        "actual": "running",
        "calls": {"unanswered": 3, "waiting": 1, "talking": 2},
        "queue": "sales",
        "agents": {"ready": 1, "busy": 2},
        "hopper": {"east": 25},
        "pacing": {"strategy": "ratio", "calls": 2, "reason": "2 lines for each agent"},
        "limits": ["no agent is free (2 busy)"],
        "next_at": "2026-06-03T16:00:00+00:00",
        "sessions": {"opened": 50, "open": 6, "by_status": {}, "by_outcome": {}},
        "lists": [lead_list()],
    } | facts


def status(**facts: Any) -> dict[str, Any]:
    """Return an answer to GET /status."""
    return {
        "at": AT,
        "version": "0.1.0",
        "engine": {"running": True, "started_at": "2026-06-03T15:00:00+00:00", "note": None},
        "trunks": [
            {"name": "a", "server": "main", "up": True, "channels_used": 6, "channels": 60, "calls_per_second": 5.0}
        ],
        "agents": {"ready": 1, "talking": 2},
        "campaigns": [campaign()],
    } | facts


class FakeDaemon:
    """Answers as it is told to; counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answer: Callable[[Request], Response] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, as ASGI has it."""
        request = Request(scope, receive)
        self.asked.append(f"{request.method} {request.url.path}")
        assert self.answer is not None
        await self.answer(request)(scope, receive, send)


@asynccontextmanager
async def visitor(watch: Watch, *, host: str = "127.0.0.1:8080") -> AsyncIterator[httpx.AsyncClient]:
    """Give a client of the site over `watch`, which the test runs."""
    transport = httpx.ASGITransport(app=make_site(watch, COMMANDS))
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as client:
        yield client
