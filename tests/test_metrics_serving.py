"""The metrics' port, and how its threads ask the loop that dials."""

import asyncio
import socket
import threading
import time
import urllib.request
from dataclasses import replace
from functools import partial

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest
from prometheus_client.parser import text_string_to_metric_families

from dialler.errors import DiallerError
from dialler.events import Journal
from dialler.metrics import METRICS, Metrics, await_on_loop, from_loop, serve, watch_loop
from tests.support.metrics import CLOSED, metrics_of


@pytest.fixture
def journal() -> Journal:
    return Journal()


@pytest.fixture
def metrics(journal: Journal) -> Metrics:
    return metrics_of(journal)


def test_a_real_scrape_gives_what_prometheus_can_read(metrics: Metrics, journal: Journal) -> None:
    journal.emit(replace(CLOSED, campaign='we "are"\nodd'))
    with serve("127.0.0.1", 0, metrics.registry) as server, urllib.request.urlopen(server.url, timeout=10) as answer:
        families = {family.name for family in text_string_to_metric_families(answer.read().decode())}
    assert {row.name.removesuffix("_total") for row in METRICS} == families


def test_a_port_that_is_taken_is_an_error_or_falls_back_to_a_free_one(metrics: Metrics) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(DiallerError, match=f"port {port}"):
            serve("127.0.0.1", port, metrics.registry)
        with serve("127.0.0.1", port, metrics.registry, port_fallback=True) as server:
            assert server.port != port


def test_an_address_that_is_not_ours_is_an_error(metrics: Metrics) -> None:
    with pytest.raises(DiallerError, match=r"192\.0\.2\.1"):
        serve("192.0.2.1", 0, metrics.registry, port_fallback=True)


async def test_a_report_is_taken_by_the_loop_itself() -> None:
    threads: list[int] = []
    ask = from_loop(lambda: threads.append(threading.get_ident()), asyncio.get_running_loop())
    await anyio.to_thread.run_sync(ask)
    assert threads == [threading.get_ident()]


async def test_a_loop_that_is_stuck_is_not_waited_for_long() -> None:
    ask = from_loop(lambda: None, asyncio.get_running_loop(), timeout_s=0.05)
    begun = time.monotonic()
    with pytest.raises(TimeoutError):  # this very test holds the loop
        ask()
    assert time.monotonic() - begun < 5


async def test_what_must_be_awaited_is_awaited_by_the_loop_and_given_up_after_a_while() -> None:
    cancelled = anyio.Event()

    async def slow() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            cancelled.set()

    async def threads() -> int:
        await anyio.lowlevel.checkpoint()
        return threading.get_ident()

    loop = asyncio.get_running_loop()
    assert await anyio.to_thread.run_sync(await_on_loop(threads, loop)) == threading.get_ident()
    with pytest.raises(TimeoutError):
        await anyio.to_thread.run_sync(await_on_loop(slow, loop, timeout_s=0.05))
    with anyio.fail_after(5):
        await cancelled.wait()


def test_a_loop_that_is_closed_is_an_error_and_leaves_nothing_to_await() -> None:
    async def never() -> None:
        raise AssertionError

    loop = asyncio.new_event_loop()
    loop.close()
    with pytest.raises(RuntimeError, match="closed"):
        await_on_loop(never, loop)()


async def test_an_error_in_the_report_reaches_the_scrape_and_not_the_loop() -> None:
    def broken() -> None:
        raise KeyError("no such list")

    ask = from_loop(broken, asyncio.get_running_loop())
    with pytest.raises(KeyError):
        await anyio.to_thread.run_sync(ask)


async def test_a_loop_that_is_held_up_is_seen_to_be_late() -> None:
    late: list[float] = []
    seen = anyio.Event()

    def observe(seconds: float) -> None:
        late.append(seconds)
        seen.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(partial(watch_loop, observe, every_s=0.01))
        await anyio.lowlevel.checkpoint()
        await anyio.lowlevel.checkpoint()
        begun = anyio.current_time()
        while anyio.current_time() < begun + 0.06:
            pass  # This holds the loop up.
        with anyio.fail_after(10):
            await seen.wait()
        tasks.cancel_scope.cancel()
    assert late[0] >= 0.04
