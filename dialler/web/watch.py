"""Remembers what the daemon last said, and asks it while somebody looks."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

import anyio

from dialler.web.answers import Status
from dialler.web.upstream import Trouble, Unanswered

EVERY_S: Final = 1.0
"""The daemon is asked at most so often, however many look."""

PATIENCE_S: Final = 1.0
"""Who looks waits so long for an answer that is under way; then they get what is known."""

_log = logging.getLogger("dialler.web")


@dataclass(frozen=True, slots=True, kw_only=True)
class Away:
    """The daemon gives no answer."""

    since: datetime
    """When that was first found; nobody may have looked for long before."""

    trouble: Trouble
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is known of the daemon."""

    status: Status | None = None
    """Its last answer; None: there was none yet."""

    status_at: datetime | None = None
    """When that came."""

    away: Away | None = None
    """None: the last question was answered, or the first one is under way."""


def now() -> datetime:
    """Return the moment."""
    return datetime.now(UTC)


class Watch:
    """One view of the daemon, for all who look."""

    def __init__(self, ask: Callable[[], Awaitable[Status]], *, clock: Callable[[], datetime] = now) -> None:
        """`ask` raises Unanswered; it has a time limit of its own."""
        self._ask = ask
        self._clock = clock
        self._asked_at: float | None = None
        self._wanted = anyio.Event()
        self._answered = anyio.Event()
        self.seen = Seen()

    async def run(self) -> None:
        """Ask whenever somebody wants to know, one question at a time, until cancelled."""
        while True:
            await self._wanted.wait()
            self._asked_at = anyio.current_time()
            await self._ask_once()
            # Those who came meanwhile have their answer too.
            self._wanted = anyio.Event()
            self._answered.set()
            self._answered = anyio.Event()

    async def look(self) -> Seen:
        """Return what is known, no older than `EVERY_S` if the daemon answers within `PATIENCE_S`."""
        if self._asked_at is None or anyio.current_time() - self._asked_at >= EVERY_S:
            self._wanted.set()
        if self._wanted.is_set():
            answered = self._answered
            with anyio.move_on_after(PATIENCE_S):
                await answered.wait()
        return self.seen

    async def _ask_once(self) -> None:
        before = self.seen
        try:
            status = await self._ask()
        except Unanswered as error:
            since = before.away.since if before.away else self._clock()
            away = Away(since=since, trouble=error.trouble, said=str(error))
            self.seen = replace(before, away=away)
            if before.away is None or before.away.trouble is not away.trouble:
                _log.warning("the daemon is away", extra={"trouble": away.trouble.value, "said": away.said})
        else:
            self.seen = Seen(status=status, status_at=self._clock())
            if before.away is not None:
                _log.info("the daemon is back")
