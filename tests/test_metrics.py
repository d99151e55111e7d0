"""Metrics: the table, the counting, and a real scrape."""

import asyncio
import socket
import threading
import time
import urllib.request
from dataclasses import fields, replace
from datetime import UTC, datetime
from functools import partial
from typing import get_type_hints

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest
from prometheus_client.parser import text_string_to_metric_families

from dialler import events as ev
from dialler.domain.campaign import Desired
from dialler.domain.lead import LeadState
from dialler.domain.outcome import TRAITS, Outcome
from dialler.domain.session import SessionStatus
from dialler.errors import DiallerError, StoreError
from dialler.events import Journal
from dialler.metrics import METRICS, MetricRow, Metrics, await_on_loop, from_loop, serve, watch_loop
from dialler.metrics.table import COUNTED, REPORTED
from dialler.ports import Account, CampaignReport, EngineReport, ListHolding, ListShare, ShareReport, TrunkReport

AT = datetime(2026, 6, 1, 15, tzinfo=UTC)
CLOSED = ev.SessionClosed(
    at=AT,
    session_id="0190a",
    campaign="c",
    list="l",
    lead_id=3,
    trunk="a",
    status=SessionStatus.COMPLETE,
    outcome=Outcome.CONNECTED,
    cause=16,
    answered=True,
    ring_s=5.0,
    talk_s=42.0,
)
REPORT = EngineReport(
    at=AT,
    started_at=AT,
    campaigns=[
        CampaignReport(
            campaign_id=1,
            name='c "1"',
            desired=Desired.RUNNING,
            actual="blocked",
            calls_unanswered=3,
            calls_waiting=1,
            calls_talking=2,
            agents_ready=4,
            agents_busy=2,
            hopper={"l": 17},
            pacing=None,
            limits=(),
            next_at=None,
            shares=ShareReport(
                lists=[ListShare(list="l", weight=70, calls=8), ListShare(list="m", weight=30, calls=2)],
                after_change=False,
                worst=0.75,
            ),
            abandon_rates={"30m": 0.25},
        )
    ],
    trunks=[
        TrunkReport(name="a", server="main", up=True, channels_used=6, channels=30, calls_per_second=2.5, tokens=1)
    ],
    agents={"PJSIP/1": "ready", "PJSIP/2": "ready", "PJSIP/3": "talking"},
    events_dropped=5,
)
ACCOUNT = Account(
    at=AT,
    sessions={"c": {SessionStatus.NEW: 4}},
    lists=[ListHolding(campaign="c", list="l", leads={LeadState.READY: 20}, dialable=12)],
    unaccounted={"leads": 0, "sessions": 3},
)


@pytest.fixture
def journal() -> Journal:
    return Journal()


@pytest.fixture
def metrics(journal: Journal) -> Metrics:
    metrics = Metrics(report=lambda: REPORT, account=lambda: ACCOUNT)
    metrics.subscribe(journal)
    return metrics


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def test_the_registry_holds_exactly_the_metrics_of_the_table(metrics: Metrics) -> None:
    families = {
        family.name + ("_total" if family.type == "counter" else ""): family for family in metrics.registry.collect()
    }
    assert families.keys() == {row.name for row in METRICS}
    assert {(name, family.type, family.documentation) for name, family in families.items()} == {
        (row.name, row.type, row.help) for row in METRICS
    }


def test_reported_samples_have_the_labels_of_the_table(metrics: Metrics) -> None:
    labels = {row.name: set(row.labels) for row in REPORTED}
    seen = set()
    for family in metrics.registry.collect():
        name = family.name + ("_total" if family.type == "counter" else "")
        for sample in family.samples if name in labels else ():
            assert set(sample.labels) == labels[name]
            seen.add(name)
    assert seen == labels.keys()


@pytest.mark.parametrize("row", METRICS, ids=lambda row: row.name)
def test_labels_are_bounded_and_names_say_what_is_counted(row: MetricRow) -> None:
    name, kind, labels, text = row
    assert name.startswith("dialler_")
    assert (kind == "counter") == name.endswith("_total")
    assert not {"lead", "lead_id", "number", "session", "session_id", "agent", "call_id"} & set(labels)
    assert text.endswith(".")


def test_a_session_is_counted_as_it_opens_and_closes(metrics: Metrics, journal: Journal) -> None:
    journal.emit(ev.SessionOpened(at=AT, session_id="0190a", seq=1, campaign="c", list="l", lead_id=3, trunk="a"))
    journal.emit(ev.SessionSent(at=AT, session_id="0190a", campaign="c", trunk="a", ack_s=0.004))
    journal.emit(CLOSED)
    assert value(metrics, "dialler_sessions_opened_total", campaign="c", list="l") == 1
    assert value(metrics, "dialler_originate_ack_seconds_bucket", trunk="a", le="0.005") == 1
    assert value(metrics, "dialler_originate_ack_seconds_bucket", trunk="a", le="0.0025") == 0
    assert value(metrics, "dialler_sessions_closed_total", campaign="c", list="l", status="complete") == 1
    assert value(metrics, "dialler_outcomes_total", campaign="c", list="l", outcome="CONNECTED") == 1
    assert value(metrics, "dialler_trunk_outcomes_total", trunk="a", outcome="CONNECTED") == 1
    assert value(metrics, "dialler_calls_answered_total", campaign="c") == 1
    assert value(metrics, "dialler_ring_seconds_sum", campaign="c") == 5
    assert value(metrics, "dialler_talk_seconds_sum", campaign="c") == 42


def test_a_call_that_nobody_answered_has_no_talk(metrics: Metrics, journal: Journal) -> None:
    journal.emit(replace(CLOSED, answered=False, talk_s=None, ring_s=None, outcome=Outcome.NO_ANSWER))
    assert value(metrics, "dialler_talk_seconds_count", campaign="c") is None
    assert value(metrics, "dialler_ring_seconds_count", campaign="c") is None
    assert value(metrics, "dialler_calls_answered_total", campaign="c") is None


def test_who_answered_and_got_no_agent_in_time_is_counted_and_who_hung_up_early_is_not(
    metrics: Metrics, journal: Journal
) -> None:
    for outcome in (Outcome.ABANDONED, Outcome.ABANDONED_SHORT, Outcome.OPTED_OUT, Outcome.CONNECTED, Outcome.BUSY):
        journal.emit(replace(CLOSED, outcome=outcome))
    counted = sum(TRAITS[outcome].abandoned for outcome in (Outcome.ABANDONED, Outcome.OPTED_OUT))
    assert value(metrics, "dialler_calls_abandoned_total", campaign="c") == counted == 2


def test_an_exchange_that_answers_a_ping_is_timed_by_server(metrics: Metrics, journal: Journal) -> None:
    journal.emit(ev.LinkTimed(at=AT, server="main", round_trip_s=0.0008))
    assert value(metrics, "dialler_link_round_trip_seconds_bucket", server="main", le="0.001") == 1
    assert value(metrics, "dialler_link_round_trip_seconds_bucket", server="main", le="0.0005") == 0


def test_an_event_from_before_the_clock_was_set_back_counts_as_taken_in_at_once(metrics: Metrics) -> None:
    metrics.observe_event_lag(-3600.0)
    metrics.observe_event_lag(0.25)
    assert value(metrics, "dialler_event_lag_seconds_count") == 2
    assert value(metrics, "dialler_event_lag_seconds_sum") == 0.25


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


def test_the_link_is_up_or_down_and_its_breaks_are_counted(metrics: Metrics, journal: Journal) -> None:
    for up in (True, False, True):
        journal.emit(ev.LinkChanged(at=AT, server="main", up=up, reason=""))
    assert value(metrics, "dialler_link_up", server="main") == 1
    assert value(metrics, "dialler_link_breaks_total", server="main") == 1


def test_every_counted_metric_is_moved_by_some_event_or_commit(metrics: Metrics, journal: Journal) -> None:
    for event in _one_of_each():
        journal.emit(event)
    metrics.observe_commit(12, 0.003)
    metrics.observe_event_lag(0.004)
    metrics.observe_loop_late(0.002)
    moved = {
        family.name + ("_total" if family.type == "counter" else "")
        for family in metrics.registry.collect()
        if any(sample.value for sample in family.samples)
    }
    assert {row.name for row in COUNTED} <= moved
    assert value(metrics, "dialler_store_commit_works_sum") == 12
    assert value(metrics, "dialler_import_rows_total", campaign="text", list="text", result="rejected") == 2


def test_the_report_is_read_at_the_scrape(metrics: Metrics) -> None:
    campaign = {"campaign": 'c "1"'}
    trunk = {"trunk": "a", "server": "main"}
    assert value(metrics, "dialler_engine_report_up") == 1
    assert value(metrics, "dialler_campaign_calls", **campaign, state="unanswered") == 3
    assert value(metrics, "dialler_campaign_agents", **campaign, state="ready") == 4
    assert value(metrics, "dialler_campaign_desired", **campaign, desired="running") == 1
    assert value(metrics, "dialler_campaign_desired", **campaign, desired="stopped") == 0
    assert value(metrics, "dialler_campaign_actual", **campaign, actual="blocked") == 1
    assert value(metrics, "dialler_abandon_rate", **campaign, span="30m") == 0.25
    assert value(metrics, "dialler_abandon_rate", **campaign, span="24h") is None
    assert value(metrics, "dialler_list_share", **campaign, list="l") == 0.8
    assert value(metrics, "dialler_list_share_due", **campaign, list="l") == 0.7
    assert value(metrics, "dialler_list_share_error_ratio", **campaign) == 1.0
    assert value(metrics, "dialler_list_share_error_worst_ratio", **campaign) == 0.75
    assert value(metrics, "dialler_hopper_leads", **campaign, list="l") == 17
    assert value(metrics, "dialler_agents", state="ready") == 2
    assert value(metrics, "dialler_trunk_channels_used", **trunk) == 6
    assert value(metrics, "dialler_trunk_channels_max", **trunk) == 30
    assert value(metrics, "dialler_trunk_calls_per_second_max", **trunk) == 2.5
    assert value(metrics, "dialler_trunk_tokens", **trunk) == 1
    assert value(metrics, "dialler_events_dropped_total") == 5


def test_lists_of_a_round_without_a_call_have_a_due_and_no_share() -> None:
    shares = ShareReport(lists=[ListShare(list="l", weight=70, calls=0)], after_change=True, worst=0.0)
    report = replace(REPORT, campaigns=[replace(REPORT.campaigns[0], shares=shares)])
    metrics = Metrics(report=lambda: report, account=lambda: ACCOUNT)
    labels = {"campaign": 'c "1"', "list": "l"}
    assert value(metrics, "dialler_list_share", **labels) is None
    assert value(metrics, "dialler_list_share_due", **labels) == 1
    assert value(metrics, "dialler_list_share_error_ratio", campaign='c "1"') == 0


def test_an_engine_that_gives_no_report_is_a_metric_and_not_a_failed_scrape() -> None:
    def broken() -> EngineReport:
        raise TimeoutError

    metrics = Metrics(report=broken, account=lambda: ACCOUNT)
    assert value(metrics, "dialler_engine_report_up") == 0
    assert value(metrics, "dialler_records_report_up") is None, "nor was it asked for"
    assert value(metrics, "dialler_calls_unknown_total") == 0


def test_records_that_give_no_account_are_a_metric_and_not_a_failed_scrape() -> None:
    def broken() -> Account:
        raise StoreError("no room on the disk")

    metrics = Metrics(report=lambda: REPORT, account=broken)
    assert value(metrics, "dialler_records_report_up") == 0
    assert value(metrics, "dialler_engine_report_up") == 1
    absent = ("dialler_sessions", "dialler_leads", "dialler_leads_dialable", "dialler_unaccounted")
    assert not [family.samples for family in metrics.registry.collect() if family.name in absent and family.samples]


def test_the_account_is_read_at_the_scrape(metrics: Metrics) -> None:
    lead_list = {"campaign": "c", "list": "l"}
    assert value(metrics, "dialler_records_report_up") == 1
    assert value(metrics, "dialler_sessions", campaign="c", status="new") == 4
    assert value(metrics, "dialler_leads", **lead_list, state="ready") == 20
    assert value(metrics, "dialler_leads_dialable", **lead_list) == 12
    assert value(metrics, "dialler_unaccounted", what="sessions") == 3


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


def _one_of_each() -> list[ev.Event]:
    """Return an event of every class, its fields filled by their types."""
    filled: dict[object, object] = {
        datetime: AT,
        datetime | None: AT,
        int: 2,
        int | None: 2,
        float: 0.5,
        float | None: 0.5,
        str: "text",
        bool: True,
        Desired: Desired.RUNNING,
        SessionStatus: SessionStatus.COMPLETE,
        Outcome: Outcome.ABANDONED,
        tuple[str, ...]: ("text",),
    }
    made = []
    for kind in vars(ev).values():
        if isinstance(kind, type) and issubclass(kind, ev.Event) and kind is not ev.Event:
            values = {field.name: filled[get_type_hints(kind)[field.name]] for field in fields(kind)}
            made.append(kind(**values))
    made.append(ev.LinkChanged(at=AT, server="main", up=False, reason=""))
    return made
