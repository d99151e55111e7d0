"""One view of the daemon for all who look: asked at most once a second, and never waited for long."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import anyio
import pytest

from dialler.app.virtual_time import VirtualLoop
from dialler.web.answers import Status
from dialler.web.upstream import Trouble, Unanswered
from dialler.web.watch import Watch
from tests.support.boards import status

START = datetime(2026, 6, 3, 15, 30, tzinfo=UTC)


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Run on virtual time."""
    return "asyncio", {"loop_factory": VirtualLoop}


class Daemon:
    """Answers after `takes_s`, or is away; remembers when it was asked."""

    def __init__(self) -> None:
        self.takes_s = 0.02
        self.trouble: Trouble | None = None
        self.asked_at: list[float] = []

    async def status(self) -> Status:
        self.asked_at.append(anyio.current_time())
        await anyio.sleep(self.takes_s)
        if self.trouble is not None:
            raise Unanswered(self.trouble, "no daemon answers")
        return Status.model_validate(status(version=str(len(self.asked_at))))


@asynccontextmanager
async def watched(daemon: Daemon) -> AsyncIterator[Watch]:
    began = anyio.current_time()

    def clock() -> datetime:
        return START + timedelta(seconds=anyio.current_time() - began)

    watch = Watch(daemon.status, clock=clock)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch.run)
        yield watch
        tasks.cancel_scope.cancel()


async def look_for(watch: Watch, seconds: float, *, then: Callable[[float], None] = lambda took_s: None) -> None:
    """Look as a page does: again a second after each answer."""
    until = anyio.current_time() + seconds
    while anyio.current_time() < until:
        began = anyio.current_time()
        await watch.look()
        then(anyio.current_time() - began)
        await anyio.sleep(1)


async def test_fifty_pages_make_one_question_a_second() -> None:
    daemon = Daemon()
    async with watched(daemon) as watch, anyio.create_task_group() as pages:
        for place in range(50):
            pages.start_soon(late, watch, place * 0.019)
    gaps = [after - before for before, after in pairwise(daemon.asked_at)]
    assert min(gaps) >= 1
    assert 27 <= len(daemon.asked_at) <= 32


async def late(watch: Watch, by_s: float) -> None:
    await anyio.sleep(by_s)
    await look_for(watch, 30)


async def test_one_page_has_each_second_what_goes_on_then() -> None:
    daemon = Daemon()
    seen: list[str] = []
    async with watched(daemon) as watch:

        def note(took_s: float) -> None:
            assert watch.seen.status is not None
            seen.append(watch.seen.status.version)

        await look_for(watch, 10, then=note)
    assert seen == [str(place) for place in range(1, len(seen) + 1)]


async def test_while_nobody_looks_nobody_is_asked() -> None:
    daemon = Daemon()
    async with watched(daemon) as watch:
        await anyio.sleep(1000)
        assert daemon.asked_at == []
        await watch.look()
        await anyio.sleep(1000)
        assert len(daemon.asked_at) == 1
        # Who comes back gets what goes on now, not what went on then.
        seen = await watch.look()
        assert seen.status is not None
        assert seen.status.version == "2"


async def test_nobody_waits_long_for_a_slow_daemon_and_what_was_known_stays() -> None:
    daemon = Daemon()
    waits: list[float] = []
    async with watched(daemon) as watch:
        await watch.look()
        daemon.takes_s = 4.5
        await look_for(watch, 20, then=waits.append)
        assert watch.seen.status is not None
        assert max(waits) <= 1.001
    assert min(after - before for before, after in pairwise(daemon.asked_at[1:])) >= 4.5  # one at a time


async def test_a_daemon_that_goes_away_leaves_what_it_last_said_and_comes_back_by_itself() -> None:
    daemon = Daemon()
    async with watched(daemon) as watch:
        last = (await watch.look()).status
        await anyio.sleep(10)
        daemon.trouble = Trouble.ABSENT
        first = await watch.look()
        assert first.away is not None
        assert first.away.since == START + timedelta(seconds=10, milliseconds=40)  # each answer takes 20 ms
        daemon.trouble = Trouble.SILENT
        await look_for(watch, 10)
        assert watch.seen.away is not None
        assert (watch.seen.away.since, watch.seen.away.trouble) == (first.away.since, Trouble.SILENT)
        assert (watch.seen.status, watch.seen.status_at) == (last, first.status_at)
        daemon.trouble = None
        await look_for(watch, 2)
        assert watch.seen.away is None
        assert watch.seen.status != last


async def test_no_daemon_is_needed_at_the_start() -> None:
    daemon = Daemon()
    daemon.trouble = Trouble.ABSENT
    async with watched(daemon) as watch:
        seen = await watch.look()
        assert (seen.status, seen.away is not None) == (None, True)
        daemon.trouble = None
        await look_for(watch, 2)
        assert watch.seen.status is not None
