"""A real scrape of a real engine: how long it takes, and that calls go on meanwhile."""

import asyncio
import random
import time
import urllib.request
from dataclasses import replace
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.instant import InstantNetwork
from dialler.clock import SystemClock
from dialler.domain.calling_hours import parse_hours
from dialler.domain.campaign import CampaignSettings, Desired
from dialler.domain.lead import WindowKey
from dialler.engine.engine import Engine
from dialler.events import Event, Journal, SessionClosed
from dialler.metrics import Metrics, await_on_loop, from_loop, serve, watch_loop
from dialler.ports import Records
from dialler.stores.open import open_store
from tests.support.call_centre import people
from tests.support.stores import NOW, records_url

CAMPAIGNS, LISTS, KEYS = 100, 10, 12
PLACES = [WindowKey(("America/New_York",), "US", f"R{n}") for n in range(KEYS)]
SCRAPE_S = 2.0
TRIES = 4
"""Others may have the machine for a while."""


def fill(records: Records) -> None:
    """Make campaigns of several hours, of whom one dials; their leads live in many places."""
    for n in range(CAMPAIGNS):
        hours = parse_hours(f"mon-sun {n % 8:02}:00-21:00" if n else "always")
        settings = CampaignSettings(hours=hours, pacing="agentless", rest_min_s=0)
        campaign = records.add_campaign(f"campaign {n}", settings, NOW)
        if n == 0:
            records.set_campaign(replace(campaign, desired=Desired.RUNNING))
        for at in range(LISTS):
            lead_list = records.add_list(campaign.campaign_id, f"list {at}", NOW, weight=at + 1)
            leads = people(KEYS, first=(n * LISTS + at) * KEYS)
            placed = [replace(lead, window_key=key) for lead, key in zip(leads, PLACES, strict=True)]
            records.add_leads(lead_list.list_id, placed, NOW)


async def test_a_hundred_campaigns_of_ten_lists_are_told_in_time_while_calls_go_on(tmp_path: Path) -> None:
    with records_url("sqlite", tmp_path) as url:
        async with open_store(url, write=True) as store:
            await store.write(fill)
            clock, journal = SystemClock(), Journal()
            network = InstantNetwork()
            network.trunks = [replace(network.trunks[0], calls_per_second=50.0)]
            engine = Engine(store=store, telephony=network, clock=clock, journal=journal, chance=random.Random(1))
            loop = asyncio.get_running_loop()
            metrics = Metrics(report=from_loop(engine.report, loop), account=await_on_loop(engine.account, loop))
            metrics.subscribe(journal)
            called, late = anyio.Event(), list[float]()

            def note(event: Event) -> None:
                if isinstance(event, SessionClosed):
                    called.set()

            journal.subscribe(note)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(partial(watch_loop, late.append, every_s=0.02))
                await tasks.start(engine.run)
                with anyio.fail_after(30):
                    await called.wait()
                with serve("127.0.0.1", 0, metrics.registry) as server:
                    for _ in range(TRIES):
                        engine._accounts._last = None  # What is kept costs nothing.
                        late.clear()
                        begun = time.monotonic()
                        text = await anyio.to_thread.run_sync(_scrape, server.url)
                        took_s = time.monotonic() - begun
                        is_whole = "\ndialler_records_report_up 1.0\n" in text
                        if is_whole and took_s < SCRAPE_S and max(late, default=0.0) < SCRAPE_S / 2:
                            break
                tasks.cancel_scope.cancel()
    families = {family.name: family.samples for family in text_string_to_metric_families(text)}
    assert [sample.value for sample in families["dialler_engine_report_up"]] == [1]
    assert [sample.value for sample in families["dialler_records_report_up"]] == [1]
    assert {sample.value for sample in families["dialler_unaccounted"]} == {0}
    assert len(families["dialler_leads"]) == CAMPAIGNS * LISTS * 4
    assert sum(sample.value for sample in families["dialler_leads"]) == CAMPAIGNS * LISTS * KEYS
    assert took_s < SCRAPE_S
    assert max(late, default=0.0) < SCRAPE_S / 2, "the loop that dials is not held up for as long"


def _scrape(url: str) -> str:
    with urllib.request.urlopen(url, timeout=30) as answer:
        body: bytes = answer.read()
    return body.decode()
