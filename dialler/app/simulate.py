"""A day in seconds: the real engine on the simulated network, in virtual time, from a seed."""

import random
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import anyio
import orjson

from dialler.api.forms import session_json
from dialler.app.figures import figures_of, sessions_in_order
from dialler.app.scenario import Scenario, load_scenario, populate
from dialler.app.summary import summary_lines
from dialler.app.virtual_time import run_virtually
from dialler.clock import LoopClock
from dialler.domain.campaign import Campaign, Desired
from dialler.engine.engine import Engine
from dialler.engine.floor import EngineOptions
from dialler.events import Event, Journal, SessionOpened
from dialler.ports import Records, Store
from dialler.stores.memory import MemoryStore
from telephony.simulated.network import SimulatedNetwork

DEFAULT_START = datetime(2026, 6, 1, 15, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A simulated day, as it ended."""

    scenario: str
    seed: int
    start: datetime
    end: datetime
    campaigns: tuple[Campaign, ...]
    figures: Mapping[str, object]


def simulate(scenario: Path, *, seed: int, sessions: TextIO | None = None) -> Day:
    """Run a scenario; write its sessions as JSON lines, in the order of intent, to `sessions`.

    One seed gives the same day, to the byte. Raises SettingsError for a scenario that can't be used.
    """
    loaded = load_scenario(scenario)
    return run_virtually(_simulate, loaded, seed, sessions)


async def run_day(scenario: Scenario, seed: int, store: Store, journal: Journal) -> Day:
    """Run a scenario on `store` in the running event loop, whose clock may be virtual."""
    # Three generators, so that more of one kind of chance does not change the other kinds.
    lead_chance, engine_chance = random.Random(f"leads {seed}"), random.Random(f"engine {seed}")
    start = scenario.start or DEFAULT_START
    clock = LoopClock(start, anyio.current_time)
    network = SimulatedNetwork(plan=scenario.plan, seed=seed, now=clock.now, sleep=anyio.sleep)
    engine = Engine(
        store=store,
        telephony=network,
        clock=clock,
        journal=journal,
        chance=engine_chance,
        options=EngineOptions(drain_timeout=scenario.drain),
    )
    campaigns = await store.write(lambda records: populate(records, scenario, lead_chance, clock.now()))
    enough = anyio.Event()
    if scenario.calls_max is not None:
        journal.subscribe(_Enough(scenario.calls_max, enough))
    async with anyio.create_task_group() as tasks:
        await tasks.start(engine.run)
        with anyio.move_on_after(scenario.duration.total_seconds()):
            await enough.wait()
        await store.write(_drain_all)
        await engine.follow()
        await engine.stop()
    figures = await store.read(lambda records: figures_of(records, campaigns))
    return Day(
        scenario=scenario.name,
        seed=seed,
        start=start,
        end=clock.now(),
        campaigns=tuple(campaigns),
        figures=figures,
    )


async def _simulate(scenario: Scenario, seed: int, sessions: TextIO | None) -> Day:
    async with MemoryStore() as store:
        day = await run_day(scenario, seed, store, Journal())
        if sessions is not None:
            await store.read(lambda records: _write_sessions(records, sessions))
    return day


def _write_sessions(records: Records, out: TextIO) -> None:
    for session in sessions_in_order(records):
        out.write(orjson.dumps(session_json(session)).decode())
        out.write("\n")


class _Enough:
    """Calls it a day after so many sessions."""

    def __init__(self, calls_max: int, enough: anyio.Event) -> None:
        self._left = calls_max
        self._enough = enough

    def __call__(self, event: Event) -> None:
        if isinstance(event, SessionOpened):
            self._left -= 1
            if self._left <= 0:
                self._enough.set()


def _drain_all(records: Records) -> None:
    for campaign in records.campaigns():
        if campaign.desired is Desired.RUNNING:
            records.set_campaign(replace(campaign, desired=Desired.DRAINING))


def show(day: Day, *, as_json: bool, out: TextIO = sys.stdout) -> None:
    """Print a day's figures."""
    document = {
        "scenario": day.scenario,
        "seed": day.seed,
        "start": day.start.isoformat(),
        "end": day.end.isoformat(),
        **day.figures,
    }
    if as_json:
        out.write(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n")
        return
    out.write(f"{day.scenario}, seed {day.seed}: {day.start:%a %d %b %Y %H:%M} to {day.end:%a %H:%M} UTC\n")
    for line in summary_lines(day.figures):
        out.write(line + "\n")
