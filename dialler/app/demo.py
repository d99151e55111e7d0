"""`dialler demo`: a running contact centre, with nothing to set up."""

import hashlib
import random
import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

import anyio

from dialler.app.daemon import Daemon, daemon, until_signalled
from dialler.app.figures import figures_of
from dialler.app.scenario import Scenario, load_scenario, populate, top_up
from dialler.app.summary import summary_lines
from dialler.clock import SystemClock
from dialler.domain.campaign import Campaign, Desired
from dialler.engine.outlook import outlook
from dialler.events import Event, Journal, SessionClosed
from dialler.logs import configure_logging
from dialler.ports import Records, Store
from dialler.settings import Settings
from dialler.settings.loading import settings_from
from dialler.shipped import shipped_config
from dialler.stores.open import open_store
from dialler.stores.upgrade import upgrade
from telephony.simulated.network import SimulatedNetwork

FOLDER: Final = Path(".demo")
TOLD_EVERY_S, TOPPED_UP_EVERY_S = 5.0, 10.0
READY_MIN, TOPPED_UP_BY = 200, 500
DRAIN_S = 10.0


def demo(*, duration: timedelta | None, speed: float, fresh: bool, folder: Path = FOLDER) -> int:
    """Run the demo until Ctrl-C or for `duration`; return the exit code.

    The records stay in `folder`, and the next run goes on with them, unless it is to be `fresh`. `speed` makes the
    simulated people so many times faster than life.
    """
    folder.mkdir(exist_ok=True)
    database = folder / "dialler.db"
    if fresh:
        for file in folder.glob("dialler.db*"):
            file.unlink()
    configure_logging("warning", "text", {})
    token = secrets.token_urlsafe(16)
    settings = _settings(folder, database, token)
    # For the other commands, in another terminal: they find the running demo by its records.
    (folder / "demo.toml").write_text(f'[store]\nurl = "sqlite:///{database.name}"\n', encoding="utf-8")
    upgrade(settings.store.url)
    scenario = load_scenario(Path(str(shipped_config("scenarios/demo.toml"))))
    anyio.run(_demo, settings, scenario, duration, speed, token)
    return 0


def _settings(folder: Path, database: Path, token: str) -> Settings:
    return settings_from(
        {
            "store": {"url": f"sqlite:///{database.name}"},
            "engine": {"drain_timeout_s": DRAIN_S},
            "telephony": {"kind": "simulated"},
            "api": {
                "tcp": "127.0.0.1:8088",
                "port_fallback": True,
                "tokens": [{"name": "demo", "sha256": hashlib.sha256(token.encode()).hexdigest()}],
            },
            "metrics": {"listen": "127.0.0.1:9108", "port_fallback": True},
        },
        file=str(folder / "demo.toml"),
        base=folder.absolute(),
    )


async def _demo(settings: Settings, scenario: Scenario, duration: timedelta | None, speed: float, token: str) -> None:
    clock = SystemClock()
    journal = Journal()
    chance = random.Random()
    network = SimulatedNetwork(
        plan=scenario.plan,
        seed=chance.getrandbits(32),
        now=clock.now,
        sleep=lambda seconds: anyio.sleep(seconds / speed),
    )
    store = open_store(settings.store.url, write=True, command="dialler demo", wait=timedelta(0))
    async with store:
        campaign, is_new = await store.write(lambda records: _prepare(records, scenario, chance, clock))
        teller = Teller(print)
        async with daemon(settings, store=store, telephony=network, journal=journal, chance=chance) as running:
            _tell_where(running, settings, campaign, token, is_new=is_new)
            journal.subscribe(teller)
            with anyio.move_on_after(duration.total_seconds() if duration else None):
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(_keep_topped_up, store, running, scenario, campaign, chance)
                    tasks.start_soon(_tell, teller, running)
                    await until_signalled(lambda: None)
                    tasks.cancel_scope.cancel()
            print(f"\nstopping: no new calls, up to {DRAIN_S:g} s for the live ones to end", flush=True)
        figures = await store.read(lambda records: figures_of(records, [campaign]))
    print("\nall runs of this demo together:")
    for line in summary_lines(figures):
        print(line)
    print("run it again to go on from here; --fresh begins anew")


def _prepare(records: Records, scenario: Scenario, chance: random.Random, clock: SystemClock) -> tuple[Campaign, bool]:
    names = {campaign.name: campaign for campaign in records.campaigns()}
    found = names.get(scenario.campaigns[0].name)
    if found is None:
        return populate(records, scenario, chance, clock.now())[0], True
    found = replace(found, desired=Desired.RUNNING)
    records.set_campaign(found)
    return found, False


def _tell_where(running: Daemon, settings: Settings, campaign: Campaign, token: str, *, is_new: bool) -> None:
    api = running.addresses.api
    print(f"dialler demo: campaign {campaign.name!r} {'begins' if is_new else 'goes on where it stopped'}")
    print(f"  records   {settings.store.database_file}")
    print(f"  API       unix socket {api.socket}")
    if api.tcp is not None:
        print(f"            http://{api.tcp[0]}:{api.tcp[1]}/docs  (Authorization: Bearer {token})")
    print(f"  metrics   {running.addresses.metrics}")
    print(f"  try       ./go status -c {FOLDER}/demo.toml   (in another terminal)")
    print("  Ctrl-C ends it\n", flush=True)


async def _tell(teller: "Teller", running: Daemon) -> None:
    while True:
        await anyio.sleep(TOLD_EVERY_S)
        teller.tell(running)


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


class Teller:
    """Prints calls as they end, and now and then where everything stands."""

    def __init__(self, out: Callable[..., None]) -> None:
        self._out = out
        self._calls: Counter[str] = Counter()

    def __call__(self, event: Event) -> None:
        if isinstance(event, SessionClosed):
            self._calls[event.list] += 1
            talk = f"talked {event.talk_s:.0f} s" if event.talk_s is not None else ""
            self._out(
                f"{event.at.astimezone():%H:%M:%S}  {event.list:<8} lead {event.lead_id:<6} {event.outcome:<15} {talk}",
                flush=True,
            )

    def tell(self, running: Daemon) -> None:
        """Print where everything stands."""
        report = running.engine.report()
        total = sum(self._calls.values())
        shares = ", ".join(f"{name} {count / total:.0%}" for name, count in sorted(self._calls.items()))
        for each in report.campaigns:
            self._out(
                f"--- {total} calls ended ({shares or 'none yet'}); now {each.calls_unanswered} dialling, "
                f"{each.calls_talking} talking; agents {each.agents_ready} free, {each.agents_busy} busy; "
                f"{each.limits[0] if each.limits else ''}",
                flush=True,
            )
