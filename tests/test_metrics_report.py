"""What the engine reports and the records hold, as metrics at the moment of a scrape."""

from dataclasses import replace

import pytest

from dialler.errors import StoreError
from dialler.events import Journal
from dialler.metrics import Metrics
from dialler.metrics.table import REPORTED
from dialler.ports import Account, EngineReport, ListShare, ShareReport
from tests.support.metrics import ACCOUNT, REPORT, metrics_of, value


@pytest.fixture
def metrics() -> Metrics:
    return metrics_of(Journal())


def test_reported_samples_have_the_labels_of_the_table(metrics: Metrics) -> None:
    labels = {row.name: set(row.labels) for row in REPORTED}
    seen = set()
    for family in metrics.registry.collect():
        name = family.name + ("_total" if family.type == "counter" else "")
        for sample in family.samples if name in labels else ():
            assert set(sample.labels) == labels[name]
            seen.add(name)
    assert seen == labels.keys()


def test_the_report_is_read_at_the_scrape(metrics: Metrics) -> None:
    campaign = {"campaign": 'c "1"'}
    trunk = {"trunk": "a", "server": "main"}
    assert value(metrics, "dialler_engine_report_up") == 1
    assert value(metrics, "dialler_campaign_calls", **campaign, state="unanswered") == 3
    assert value(metrics, "dialler_campaign_agents", **campaign, state="ready") == 4
    assert value(metrics, "dialler_campaign_desired", **campaign, desired="running") == 1
    assert value(metrics, "dialler_campaign_desired", **campaign, desired="stopped") == 0
    assert value(metrics, "dialler_campaign_actual", **campaign, actual="blocked") == 1
    assert value(metrics, "dialler_abandon_rate", **campaign, period="24h") == 0.25
    assert value(metrics, "dialler_abandon_answered", **campaign, period="24h") == 4
    assert value(metrics, "dialler_abandon_rate_max", **campaign, period="24h") == 0.75, "three of the first hundred"
    assert value(metrics, "dialler_abandon_rate", **campaign, period="30m") is None
    assert value(metrics, "dialler_list_share", **campaign, list="l") == 0.8
    assert value(metrics, "dialler_list_share_due", **campaign, list="l") == 0.7
    assert value(metrics, "dialler_list_share_error_ratio", **campaign) == 1.0
    assert value(metrics, "dialler_list_share_error_worst_ratio", **campaign) == 0.75
    assert value(metrics, "dialler_hopper_leads", **campaign, list="l") == 17
    assert value(metrics, "dialler_list_runway_seconds", **campaign, list="l") == 900
    assert value(metrics, "dialler_list_runway_seconds", **campaign, list="m") is None
    assert value(metrics, "dialler_callbacks_waiting", **campaign) == 6
    assert value(metrics, "dialler_agents", state="ready") == 2
    assert value(metrics, "dialler_trunk_channels_used", **trunk) == 6
    assert value(metrics, "dialler_trunk_channels_max", **trunk) == 30
    assert value(metrics, "dialler_trunk_calls_per_second_max", **trunk) == 2.5
    assert value(metrics, "dialler_trunk_tokens", **trunk) == 1
    assert value(metrics, "dialler_events_dropped_total") == 5
    assert value(metrics, "dialler_caller_ids", pool="us", state="capped") == 2
    assert value(metrics, "dialler_caller_ids_low", pool="us") == 1
    assert value(metrics, "dialler_caller_id_answer_ratio", pool="us", of="lowest") == 0.05
    assert value(metrics, "dialler_caller_id_answer_ratio", pool="us", of="mean") == 0.25


def test_lists_of_a_round_without_a_call_have_a_due_and_no_share() -> None:
    shares = ShareReport(lists=[ListShare(list="l", weight=70, calls=0)], after_change=True, worst=0.0)
    report = replace(REPORT, campaigns=[replace(REPORT.campaigns[0], shares=shares)])
    metrics = metrics_of(Journal(), report=report)
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
