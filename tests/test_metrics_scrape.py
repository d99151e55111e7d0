"""A real scrape of a real engine, while calls go on."""

import asyncio
import random
import urllib.request
from dataclasses import replace
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
from dialler.metrics import Metrics, await_on_loop, from_loop, serve
from dialler.ports import Records
from dialler.stores.open import open_store
from tests.support.call_centre import people
from tests.support.stores import NOW, records_url

CAMPAIGNS, LISTS, KEYS = 100, 10, 12
PLACES = [WindowKey(("America/New_York",), "US", f"R{n}") for n in range(KEYS)]
WITHIN_S = 60.0
"""A machine that others have for a while may need several scrapes until the records answer in time for one."""


def fill(records: Records) -> None:
    """Make campaigns of several hours, of whom one dials; their leads live in many places."""
    for n in range(CAMPAIGNS):
        hours = parse_hours(f"mon-sun {n % 8:02}:00-21:00" if n else "always")
        settings = CampaignSettings(hours=hours, pacing="agentless", message="acme/news", rest_min_s=0)
        campaign = records.add_campaign(f"campaign {n}", settings, NOW)
        if n == 0:
            records.set_campaign(replace(campaign, desired=Desired.RUNNING))
        for at in range(LISTS):
            lead_list = records.add_list(campaign.campaign_id, f"list {at}", NOW, weight=at + 1)
            leads = people(KEYS, first=(n * LISTS + at) * KEYS)
            placed = [replace(lead, window_key=key) for lead, key in zip(leads, PLACES, strict=True)]
            records.add_leads(lead_list.list_id, placed, NOW)


async def test_a_hundred_campaigns_of_ten_lists_are_told_while_calls_go_on(tmp_path: Path) -> None:
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
            called = anyio.Event()

            def note(event: Event) -> None:
                if isinstance(event, SessionClosed):
                    called.set()

            journal.subscribe(note)
            async with anyio.create_task_group() as tasks:
                await tasks.start(engine.run)
                with serve("127.0.0.1", 0, metrics.registry) as server, anyio.fail_after(WITHIN_S):
                    await called.wait()
                    text = ""
                    while "\ndialler_records_report_up 1.0\n" not in text:
                        text = await anyio.to_thread.run_sync(_scrape, server.url)
                tasks.cancel_scope.cancel()
    families = {family.name: family.samples for family in text_string_to_metric_families(text)}
    assert [sample.value for sample in families["dialler_engine_report_up"]] == [1]
    assert [sample.value for sample in families["dialler_records_report_up"]] == [1]
    assert {sample.value for sample in families["dialler_unaccounted"]} == {0}
    assert len(families["dialler_leads"]) == CAMPAIGNS * LISTS * 4
    assert sum(sample.value for sample in families["dialler_leads"]) == CAMPAIGNS * LISTS * KEYS


def _scrape(url: str) -> str:
    with urllib.request.urlopen(url, timeout=30) as answer:
        body: bytes = answer.read()
    return body.decode()
