"""`dialler demo`: a running contact centre, with nothing to set up."""

import hashlib
import random
import secrets
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import nullcontext, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import anyio

from dialler.api.sockets import SOCKET_PATH_MAX
from dialler.app.daemon import Daemon, daemon
from dialler.app.demo_board import Board, board_beside
from dialler.app.demo_screen import Screen
from dialler.app.demo_speed import hurried, with_ring_time
from dialler.app.figures import figures_of
from dialler.app.scenario import Scenario, load_scenario, populate, top_up
from dialler.clock import SystemClock
from dialler.domain.campaign import Campaign, Desired
from dialler.engine.outlook import outlook
from dialler.errors import DiallerError, StoreLocked, TelephonyError
from dialler.events import Journal
from dialler.logs import configure_logging
from dialler.ports import Records, Store
from dialler.settings import Settings
from dialler.settings.loading import settings_from
from dialler.shipped import shipped_config
from dialler.stores.lock import WriterLock
from dialler.stores.open import lock_file, open_store
from dialler.stores.upgrade import upgrade
from telephony.simulated.network import SimulatedNetwork

FOLDER: Final = Path(".demo")
TOLD_EVERY_S, TOPPED_UP_EVERY_S = 5.0, 10.0
READY_MIN, TOPPED_UP_BY = 200, 500
DRAIN_S, HANG_UP_S = 10.0, 2.0
WAIT: Final = timedelta(seconds=1)
"""For a command in another terminal that writes just now; a demo that runs stays longer."""


def demo(*, duration: timedelta | None, speed: float, fresh: bool, web: bool = True, folder: Path = FOLDER) -> int:
    """Run the demo until Ctrl-C or for `duration`; return the exit code.

    The records stay in `folder`, and the next run goes on with them, unless it is to be `fresh`. `speed` makes the
    simulated people so many times faster than life. With `web` the board is served beside it. Raises DiallerError where
    the folder can't be used, StoreLocked where a demo runs in it.
    """
    configure_logging("warning", "text", {})
    token = secrets.token_urlsafe(16)
    private = None
    try:
        settings, private = _prepare_folder(folder, token, fresh=fresh)
        scenario = load_scenario(Path(str(shipped_config("scenarios/demo.toml"))))
        beside = board_beside(folder / "demo.toml", log=folder / "board.log") if web else nullcontext()
        with beside as board:
            anyio.run(_demo, settings, scenario, duration, speed, token, board)
    except StoreLocked as error:
        raise StoreLocked(
            f"{error}: a demo runs in this folder already; end it with Ctrl-C, or look at it with"
            f" `dialler status -c {folder / 'demo.toml'}`"
        ) from error
    except OSError as error:
        where = f"{error.filename or folder}: {error.strerror or error}"
        raise DiallerError(f"{where}; the demo keeps its records in ./{folder}: run it where you may write") from error
    except KeyboardInterrupt:
        pass  # Before it had begun.
    finally:
        if private is not None:
            shutil.rmtree(private, ignore_errors=True)
    return 0


def _prepare_folder(folder: Path, token: str, *, fresh: bool) -> tuple[Settings, Path | None]:
    """Return the settings of the demo in `folder`, and a folder of its own for the socket where it needs one."""
    database = folder.absolute() / "dialler.db"
    folder.mkdir(exist_ok=True)
    if fresh:
        lock = WriterLock(lock_file(database))
        lock.acquire(WAIT, command="dialler demo")
        for ending in ("", "-wal", "-shm"):
            database.with_name(database.name + ending).unlink(missing_ok=True)
        lock.release()
    api: dict[str, Any] = {}
    private = None
    if len(bytes(database)) + len(".sock") > SOCKET_PATH_MAX:
        private = Path(tempfile.mkdtemp(prefix="dialler-"))
        api["socket"] = str(private / "demo.sock")
    # For the other commands, in another terminal: they find the running demo by its records.
    told = f'[store]\nurl = "sqlite:///{database.name}"\n\n[web]\nport_fallback = true\n'
    if private is not None:
        told += f'\n[api]\nsocket = "{private / "demo.sock"}"\n'
    (folder / "demo.toml").write_text(told, encoding="utf-8")
    settings = settings_from(
        {
            "store": {"url": f"sqlite:///{database.name}"},
            "engine": {"drain_timeout_s": DRAIN_S},
            "telephony": {"kind": "simulated"},
            "api": {
                **api,
                "tcp": "127.0.0.1:8088",
                "port_fallback": True,
                "tokens": [{"name": "demo", "sha256": hashlib.sha256(token.encode()).hexdigest()}],
            },
            "metrics": {"listen": "127.0.0.1:9108", "port_fallback": True},
        },
        file=str(folder / "demo.toml"),
        base=folder.absolute(),
    )
    upgrade(settings.store.url, wait=WAIT, command="dialler demo")
    return settings, private


async def _demo(
    settings: Settings, scenario: Scenario, duration: timedelta | None, speed: float, token: str, board: Board | None
) -> None:
    clock = SystemClock()
    journal = Journal()
    chance = random.Random()
    network = SimulatedNetwork(plan=hurried(scenario.plan, speed), seed=chance.getrandbits(32), now=clock.now)
    # Until the very end, so that a second Ctrl-C finds us: it cuts the farewell short.
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:
        store = open_store(settings.store.url, write=True, command="dialler demo", wait=WAIT)
        async with store:
            campaign, is_new = await store.write(lambda records: _begin(records, scenario, speed, chance, clock))
            # Before the first call, so that where to look stands above all that happens.
            page = await board.address() if board is not None else None
            screen = Screen(store)
            journal.subscribe(screen)
            async with anyio.create_task_group() as showing:
                showing.start_soon(screen.show_calls)
                async with daemon(settings, store=store, telephony=network, journal=journal, chance=chance) as running:
                    screen.show_addresses(running, settings, campaign.name, token, board=page, is_new=is_new)
                    async with anyio.create_task_group() as tasks:
                        tasks.start_soon(_keep_topped_up, store, running, scenario, campaign, chance)
                        tasks.start_soon(_tell, screen, running)
                        with anyio.move_on_after(duration.total_seconds() if duration else None):
                            await _first_of(signals.__anext__, screen.gone.wait)
                        tasks.cancel_scope.cancel()
                    await _say_goodbye(running, store, network, campaign, signals, screen)
                screen.close()
            screen.show_summary(await store.read(lambda records: figures_of(records, [campaign])))


def _begin(
    records: Records, scenario: Scenario, speed: float, chance: random.Random, clock: SystemClock
) -> tuple[Campaign, bool]:
    """Return the running campaign, and whether it is new."""
    names = {campaign.name: campaign for campaign in records.campaigns()}
    found = names.get(scenario.campaigns[0].name)
    campaign = found or populate(records, scenario, chance, clock.now())[0]
    campaign = with_ring_time(replace(campaign, desired=Desired.RUNNING), scenario, speed)
    records.set_campaign(campaign)
    return campaign, found is None


async def _say_goodbye(
    running: Daemon,
    store: Store,
    network: SimulatedNetwork,
    campaign: Campaign,
    signals: AsyncIterator[signal.Signals],
    screen: Screen,
) -> None:
    """Place no more calls, let live ones end, and hang up those that would take long.

    The simulated people are gone with this process, so that none of their calls can be left for the next.
    """
    screen.say(f"\nstopping: no new calls; live ones have {DRAIN_S:g} s to end (Ctrl-C again: at once)")

    async def want(desired: Desired) -> None:
        await store.write(
            lambda records: records.set_campaign(replace(records.campaign(campaign.campaign_id), desired=desired))
        )
        await running.engine.follow()

    await want(Desired.DRAINING)
    floor = running.engine.floor

    async def all_ended() -> None:
        while floor.board.calls:
            await floor.ended.wait()

    with anyio.move_on_after(DRAIN_S):
        await _first_of(all_ended, signals.__anext__, screen.gone.wait)
    await want(Desired.STOPPED)  # Takes back those that nobody has answered yet.
    for call_id in list(floor.board.calls):
        with suppress(TelephonyError):
            await network.hang_up(call_id)
    with anyio.move_on_after(HANG_UP_S):
        await all_ended()


async def _first_of(*waits: Callable[[], Awaitable[object]]) -> None:
    """Return when the first of `waits` returns; the others are cancelled."""
    async with anyio.create_task_group() as tasks:

        async def wait_for(wait: Callable[[], Awaitable[object]]) -> None:
            await wait()
            tasks.cancel_scope.cancel()

        for wait in waits:
            tasks.start_soon(wait_for, wait)


async def _tell(screen: Screen, running: Daemon) -> None:
    while True:
        await anyio.sleep(TOLD_EVERY_S)
        screen.show_standing(running.engine.report())


async def _keep_topped_up(
    store: Store, running: Daemon, scenario: Scenario, campaign: Campaign, chance: random.Random
) -> None:
    """Add people to lists that run out of people who can be called now."""
    clock = SystemClock()
    by_name = {each.name: each for each in scenario.campaigns[0].lists}

    def add(records: Records) -> bool:
        added = False
        for each in outlook(records, campaign, clock.now()):
            given = by_name.get(each.lead_list.name)
            if each.ready_open < READY_MIN and given is not None:
                top_up(records, each.lead_list.list_id, given, TOPPED_UP_BY, chance, clock.now())
                added = True
        return added

    while True:
        if await store.write(add):
            await running.engine.follow()
        await anyio.sleep(TOPPED_UP_EVERY_S)
