"""The daemon: records, telephone, engine, API and metrics put together. `run` and `demo` both start it."""

import asyncio
import faulthandler
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import anyio
from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus

import dialler
from dialler import notify
from dialler.api.desk import Desk
from dialler.api.serving import ApiAddresses, serve_api
from dialler.app.interpreter import spare_what_is_loaded, take_turns_often
from dialler.app.sharing import sharing
from dialler.clock import SystemClock
from dialler.domain.zones import IANA_VERSION
from dialler.engine.engine import Engine
from dialler.engine.floor import EngineOptions
from dialler.engine.search_upkeep import SearchUpkeep
from dialler.events import EngineStarted, Journal
from dialler.metrics import Metrics, await_on_loop, from_loop, serve, watch_loop
from dialler.ports import Telephony
from dialler.settings import Settings
from dialler.settings.kinds import host_and_port
from dialler.stores.open import AnyStore

STOP_SLACK_S = 15.0
"""For Originates under way and the last commits, beside the drain timeouts of calls and of records."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where a running daemon can be reached."""

    api: ApiAddresses
    metrics: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Daemon:
    """A daemon at work."""

    engine: Engine
    journal: Journal
    addresses: Addresses


def options_of(settings: Settings) -> EngineOptions:
    """Return the engine's options from the settings."""
    given = settings.engine
    return EngineOptions(
        drain_timeout=timedelta(seconds=given.drain_timeout_s),
        hopper_level=given.hopper_level,
        intents_max=given.intents_per_commit_max,
        verdict_grace=timedelta(seconds=given.verdict_grace_s),
        runway_min=timedelta(seconds=given.runway_min_s),
    )


@asynccontextmanager
async def daemon(
    settings: Settings, *, store: AnyStore, telephony: Telephony, journal: Journal, chance: random.Random
) -> AsyncIterator[Daemon]:
    """Run a daemon around a block; at its end the engine stops in its two phases, and the API closes last."""
    take_turns_often()
    clock = SystemClock()
    async with sharing(settings.redis, telephony.trunks, clock=clock, journal=journal, chance=chance) as (
        limits,
        wakes,
    ):
        engine = Engine(
            store=store,
            telephony=telephony,
            clock=clock,
            journal=journal,
            chance=chance,
            options=options_of(settings),
            limits=limits,
            wakes=wakes,
        )
        async with _serving(settings, engine, store, clock, journal) as running:
            yield running


@asynccontextmanager
async def _serving(
    settings: Settings, engine: Engine, store: AnyStore, clock: SystemClock, journal: Journal
) -> AsyncIterator[Daemon]:
    loop = asyncio.get_running_loop()
    metrics = Metrics(report=from_loop(engine.report, loop), account=await_on_loop(engine.account, loop))
    metrics.subscribe(journal)
    store.on_commit.append(metrics.observe_commit)
    engine.floor.on_event_lag.append(metrics.observe_event_lag)
    with ExitStack() as ports:
        metrics_url = None
        if settings.metrics is not None:
            host, port = host_and_port(settings.metrics.listen)
            server = serve(host, port, metrics.registry, port_fallback=settings.metrics.port_fallback)
            metrics_url = ports.enter_context(server).url
        async with anyio.create_task_group() as tasks:
            desk = Desk(store=store, clock=clock, journal=journal, engine=engine)
            api = await tasks.start(serve_api, desk, settings.api)
            async with anyio.create_task_group() as work:
                await work.start(engine.run)
                work.start_soon(feed_watchdog, engine.dial_pass)
                work.start_soon(watch_loop, metrics.observe_loop_late)
                calls_up = engine.floor.board.calls
                upkeep = SearchUpkeep(store, clock, journal, is_dialling=lambda: bool(calls_up))
                work.start_soon(upkeep.run)
                spare_what_is_loaded()
                journal.emit(EngineStarted(at=clock.now(), version=dialler.__version__, iana_version=IANA_VERSION))
                yield Daemon(engine=engine, journal=journal, addresses=Addresses(api=api, metrics=metrics_url))
                notify.stopping(within_s=STOP_SLACK_S + 2 * engine.floor.options.drain_timeout.total_seconds())
                await engine.stop()
                work.cancel_scope.cancel()
            tasks.cancel_scope.cancel()


async def until_signalled(reload: Callable[[], None], *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
    """Return when the process is asked to end (SIGTERM, SIGINT); call `reload` on each SIGHUP."""
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:
        task_status.started()
        async for number in signals:
            if number != signal.SIGHUP:
                return
            reload()


async def feed_watchdog(dial_pass: Callable[[], Awaitable[None]]) -> None:
    """Tell systemd that the loop that dials completes its passes, as often as it asks for; nothing if it is stuck.

    Where systemd then ends this process (SIGABRT), its last words are where each of its threads stood.
    """
    interval_s = notify.watchdog_interval()
    if interval_s is None:
        return
    faulthandler.enable()
    while True:
        await dial_pass()
        notify.watchdog()
        await anyio.sleep(interval_s)
