"""Turns the engine's report and account into metrics, anew at each scrape: what ended is not there any more."""

import asyncio
import concurrent.futures
import logging
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Iterator
from typing import Any, Final, TypeVar, get_args, get_type_hints

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from dialler.domain.campaign import Desired
from dialler.engine.share_count import error_of_bound
from dialler.metrics.holding import Families, Family, fill_account
from dialler.metrics.table import REPORTED
from dialler.ports import Account, CallerIdReport, CampaignReport, EngineReport, ShareReport, TrunkReport

T = TypeVar("T")
ACTUAL: Final[tuple[str, ...]] = get_args(get_type_hints(CampaignReport)["actual"])
_FAMILY: Final = {"gauge": GaugeMetricFamily, "counter": CounterMetricFamily}
_log: Final = logging.getLogger("dialler.metrics")


def await_on_loop(
    ask: Callable[[], Coroutine[Any, Any, T]], loop: asyncio.AbstractEventLoop, *, timeout_s: float = 1.0
) -> Callable[[], T]:
    """Return `ask` for use in other threads: awaited by `loop`, and given up after `timeout_s`.

    Raises TimeoutError, RuntimeError where the loop is closed, and what `ask` raises.
    """

    def run() -> T:
        asking = ask()
        try:
            answer = asyncio.run_coroutine_threadsafe(asking, loop)
        except RuntimeError:
            asking.close()
            raise
        try:
            return answer.result(timeout_s)
        except TimeoutError:
            answer.cancel()
            raise

    return run


def from_loop(report: Callable[[], T], loop: asyncio.AbstractEventLoop, *, timeout_s: float = 1.0) -> Callable[[], T]:
    """Return `report` for use in other threads: run by `loop` between its own steps, so it sees no half-done change.

    Raises TimeoutError where the loop is stuck, RuntimeError where it is closed.
    """

    def ask() -> T:
        answer: concurrent.futures.Future[T] = concurrent.futures.Future()

        def run() -> None:
            try:
                answer.set_result(report())
            except Exception as error:
                answer.set_exception(error)

        loop.call_soon_threadsafe(run)
        return answer.result(timeout_s)

    return ask


class ReportCollector(Collector):
    """Asks for a report and an account at each scrape.

    An engine, or records, that do not answer are a metric too, not a failed scrape. Who gives no report is not asked
    for an account, so a scrape takes no longer than the two may.
    """

    def __init__(self, report: Callable[[], EngineReport], account: Callable[[], Account]) -> None:
        self._report = report
        self._account = account

    def describe(self) -> Iterable[Family]:
        """Return the families without samples, so that registering asks for no report."""
        return _families().values()

    def collect(self) -> Iterator[Family]:
        """Yield the families, filled."""
        families = _families()
        try:
            report = self._report()
        except Exception as error:
            _log.warning("the engine gave no report for a scrape: %s", error or type(error).__name__)
            families["dialler_engine_report_up"].add_metric([], 0)
        else:
            _fill(families, report)
            self._fill_account(families)
        yield from families.values()

    def _fill_account(self, families: Families) -> None:
        try:
            account = self._account()
        except Exception as error:
            _log.warning("the records gave no account for a scrape: %s", error or type(error).__name__)
            families["dialler_records_report_up"].add_metric([], 0)
        else:
            fill_account(families, account)


def _families() -> Families:
    return {name: _FAMILY[kind](name, text, labels=labels) for name, kind, labels, text in REPORTED}


def _fill(families: Families, report: EngineReport) -> None:
    families["dialler_engine_report_up"].add_metric([], 1)
    families["dialler_engine_start_time_seconds"].add_metric([], report.started_at.timestamp())
    families["dialler_events_dropped_total"].add_metric([], report.events_dropped)
    if report.shared_limits is not None:
        families["dialler_shared_limits_up"].add_metric([], report.shared_limits)
    for campaign in report.campaigns:
        _fill_campaign(families, campaign)
    for trunk in report.trunks:
        _fill_trunk(families, trunk)
    for pool in report.caller_ids:
        _fill_caller_ids(families, pool)
    for state, count in sorted(Counter(report.agents.values()).items()):
        families["dialler_agents"].add_metric([state], count)


def _fill_campaign(families: Families, campaign: CampaignReport) -> None:
    name = campaign.name
    for state in ("unanswered", "waiting", "talking"):
        families["dialler_campaign_calls"].add_metric([name, state], getattr(campaign, f"calls_{state}"))
    for state in ("ready", "busy"):
        families["dialler_campaign_agents"].add_metric([name, state], getattr(campaign, f"agents_{state}"))
    families["dialler_callbacks_waiting"].add_metric([name], campaign.callbacks_waiting)
    for desired in Desired:
        families["dialler_campaign_desired"].add_metric([name, desired], campaign.desired == desired)
    for actual in ACTUAL:
        families["dialler_campaign_actual"].add_metric([name, actual], campaign.actual == actual)
    if campaign.shares is not None:
        _fill_shares(families, name, campaign.shares)
    for rate in campaign.abandon_rates:
        if rate.rate is not None:
            labels = [name, rate.period.value]
            families["dialler_abandon_rate"].add_metric(labels, rate.rate)
            families["dialler_abandon_answered"].add_metric(labels, rate.answered)
            if rate.is_enforced:
                families["dialler_abandon_rate_max"].add_metric(labels, rate.allowed / rate.answered)
    for lead_list, seconds in campaign.runways_s.items():
        families["dialler_list_runway_seconds"].add_metric([name, lead_list], seconds)
    for lead_list, leads in campaign.hopper.items():
        families["dialler_hopper_leads"].add_metric([name, lead_list], leads)


def _fill_shares(families: Families, campaign: str, shares: ShareReport) -> None:
    calls, weights = (sum(getattr(each, what) for each in shares.lists) for what in ("calls", "weight"))
    for each in shares.lists:
        if calls:
            families["dialler_list_share"].add_metric([campaign, each.list], each.calls / calls)
        families["dialler_list_share_due"].add_metric([campaign, each.list], each.weight / weights)
    error = error_of_bound(shares.lists, after_change=shares.after_change)
    families["dialler_list_share_error_ratio"].add_metric([campaign], error)
    families["dialler_list_share_error_worst_ratio"].add_metric([campaign], shares.worst)


def _fill_caller_ids(families: Families, report: CallerIdReport) -> None:
    for state, count in report.states.items():
        families["dialler_caller_ids"].add_metric([report.pool, state], count)
    families["dialler_caller_ids_low"].add_metric([report.pool], report.low)
    for which, rate in (("lowest", report.lowest_answer_rate), ("mean", report.answer_rate)):
        if rate is not None:
            families["dialler_caller_id_answer_ratio"].add_metric([report.pool, which], rate)


def _fill_trunk(families: Families, trunk: TrunkReport) -> None:
    labels = [trunk.name, trunk.server]
    families["dialler_trunk_up"].add_metric(labels, trunk.up)
    families["dialler_trunk_channels_used"].add_metric(labels, trunk.channels_used)
    families["dialler_trunk_channels_max"].add_metric(labels, trunk.channels)
    families["dialler_trunk_calls_per_second_max"].add_metric(labels, trunk.calls_per_second)
    families["dialler_trunk_tokens"].add_metric(labels, trunk.tokens)
