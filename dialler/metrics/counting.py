"""Counts the journal's events."""

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.metrics import MetricWrapperBase

from dialler import events as ev
from dialler.events import Event, Journal
from dialler.metrics.reporting import ReportCollector
from dialler.metrics.table import BUCKETS, COUNTED
from dialler.ports import Account, EngineReport

disable_created_metrics()  # type: ignore[no-untyped-call] # one more series for each counter, which nobody asks for

M = TypeVar("M", bound=MetricWrapperBase)


class _Family(dict[tuple[str, ...], M], Generic[M]):
    """A metric's children by their labels, each bound once: `labels()` costs twice what `inc()` does."""

    def __init__(self, metric: M) -> None:
        super().__init__()
        self._metric: M = metric

    def __missing__(self, labels: tuple[str, ...]) -> M:
        child = self[labels] = self._metric.labels(*labels) if labels else self._metric
        return child


class Metrics:
    """All metrics of one engine, in a registry of their own."""

    def __init__(
        self, *, report: Callable[[], EngineReport] | None = None, account: Callable[[], Account] | None = None
    ) -> None:
        """Make the registry; `report` and `account` are asked at each scrape, in the scrape's thread (see `from_loop`
        and `await_on_loop`); both or neither."""
        assert (report is None) == (account is None)
        self.registry = CollectorRegistry()
        self._counters: dict[str, _Family[Counter]] = {}
        self._gauges: dict[str, _Family[Gauge]] = {}
        self._histograms: dict[str, _Family[Histogram]] = {}
        for name, kind, labels, text in COUNTED:
            if kind == "counter":
                self._counters[name] = _Family(Counter(name, text, labels, registry=self.registry))
            elif kind == "gauge":
                self._gauges[name] = _Family(Gauge(name, text, labels, registry=self.registry))
            else:
                histogram = Histogram(name, text, labels, registry=self.registry, buckets=BUCKETS[name])
                self._histograms[name] = _Family(histogram)
        if report is not None and account is not None:
            self.registry.register(ReportCollector(report, account))
        self._commit_seconds = self._histograms["dialler_store_commit_seconds"][()]
        self._commit_works = self._histograms["dialler_store_commit_works"][()]
        self._event_lag = self._histograms["dialler_event_lag_seconds"][()]
        self._loop_late = self._histograms["dialler_loop_late_seconds"][()]
        self._count: Mapping[type[Event], Callable[[Any], None]] = {
            ev.EngineStarted: self._engine_started,
            ev.SettingsReloaded: lambda _: self._inc("dialler_settings_reloads_total", "applied"),
            ev.SettingsRefused: lambda _: self._inc("dialler_settings_reloads_total", "refused"),
            ev.CampaignBlocked: lambda event: self._inc("dialler_campaigns_blocked_total", event.campaign),
            ev.HopperRefilled: self._hopper_refilled,
            ev.ListDry: lambda event: self._inc("dialler_lists_dry_total", event.campaign, event.list),
            ev.LeadRefused: lambda event: self._inc("dialler_leads_refused_total", event.campaign, event.gate),
            ev.SessionOpened: lambda event: self._inc("dialler_sessions_opened_total", event.campaign, event.list),
            ev.SessionSent: lambda event: self._observe("dialler_originate_ack_seconds", event.ack_s, event.trunk),
            ev.SessionAdopted: lambda event: self._inc("dialler_sessions_adopted_total", event.campaign),
            ev.SessionCaughtUp: lambda event: self._inc("dialler_sessions_caught_up_total", event.campaign),
            ev.SessionClosed: self._session_closed,
            ev.LinkChanged: self._link_changed,
            ev.LinkTimed: lambda event: self._observe(
                "dialler_link_round_trip_seconds", event.round_trip_s, event.server
            ),
            ev.AgentServed: lambda event: self._observe(
                "dialler_agent_free_to_originate_seconds", event.waited_s, event.campaign
            ),
            ev.AgentJoined: lambda event: self._observe(
                "dialler_answer_to_agent_seconds", event.waited_s, event.campaign
            ),
            ev.MessageStarted: self._message_started,
            ev.CallAbandoned: lambda event: self._inc("dialler_calls_abandoned_total", event.campaign, event.reason),
            ev.AgentOverlooked: lambda event: self._inc("dialler_abandoned_while_idle_total", event.campaign),
            ev.TrunkRested: lambda event: self._inc("dialler_trunk_rests_total", event.trunk),
            ev.LimitsAway: lambda _: self._inc("dialler_shared_limits_away_total"),
            ev.CallUnknown: lambda _: self._inc("dialler_calls_unknown_total"),
            ev.CallIllegal: lambda _: self._inc("dialler_calls_illegal_total"),
            ev.CallOverdue: lambda event: self._inc("dialler_calls_overdue_total", event.campaign),
            ev.StoreFailed: lambda _: self._inc("dialler_store_failures_total"),
            ev.ImportFinished: self._import_finished,
        }

    def subscribe(self, journal: Journal) -> None:
        """Count the events of `journal` from now on."""
        journal.subscribe(self.count)

    def count(self, event: Event) -> None:
        """Count one event; one that no metric speaks of changes nothing."""
        if count := self._count.get(type(event)):
            count(event)

    def observe_commit(self, works: int, seconds: float) -> None:
        """Count one commit of the records: how many works shared it, how long it took."""
        self._commit_works.observe(works)
        self._commit_seconds.observe(seconds)

    def observe_event_lag(self, seconds: float) -> None:
        """Count one event of the exchange: how long after its arrival it was taken in."""
        self._event_lag.observe(max(0.0, seconds))  # Below 0 where the machine's clock was set back.

    def observe_loop_late(self, seconds: float) -> None:
        """Count one look at the event loop: how much later than asked it ran."""
        self._loop_late.observe(seconds)

    def _inc(self, metric: str, *labels: str) -> None:
        self._counters[metric][labels].inc()

    def _add(self, metric: str, amount: float, *labels: str) -> None:
        self._counters[metric][labels].inc(amount)

    def _observe(self, metric: str, value: float, *labels: str) -> None:
        self._histograms[metric][labels].observe(value)

    def _engine_started(self, event: ev.EngineStarted) -> None:
        self._gauges["dialler_build_info"][event.version, event.iana_version].set(1)

    def _hopper_refilled(self, event: ev.HopperRefilled) -> None:
        if event.woken:
            self._add("dialler_leads_woken_total", event.woken, event.campaign, event.list)

    def _session_closed(self, event: ev.SessionClosed) -> None:
        self._inc("dialler_sessions_closed_total", event.campaign, event.list, event.status)
        self._inc("dialler_outcomes_total", event.campaign, event.list, event.outcome)
        self._inc("dialler_trunk_outcomes_total", event.trunk, event.outcome)
        if event.answered:
            self._inc("dialler_calls_answered_total", event.campaign)
        if event.ring_s is not None:
            self._observe("dialler_ring_seconds", event.ring_s, event.campaign)
        if event.talk_s is not None:
            self._observe("dialler_talk_seconds", event.talk_s, event.campaign)

    def _message_started(self, event: ev.MessageStarted) -> None:
        self._observe("dialler_answer_to_message_seconds", event.waited_s, event.campaign)
        if event.is_late:
            self._inc("dialler_messages_late_total", event.campaign)

    def _link_changed(self, event: ev.LinkChanged) -> None:
        self._gauges["dialler_link_up"][event.server,].set(event.up)
        if not event.up:
            self._inc("dialler_link_breaks_total", event.server)

    def _import_finished(self, event: ev.ImportFinished) -> None:
        for result in ("imported", "updated", "rejected"):
            self._add("dialler_import_rows_total", getattr(event, result), event.campaign, event.list, result)
