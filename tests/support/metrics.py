"""Metrics for tests: an event, a report and an account to tell of."""

from datetime import UTC, datetime, timedelta

from dialler import events as ev
from dialler.domain.abandon import AbandonCounts, period_rates, slot_of
from dialler.domain.campaign import CampaignSettings, Desired
from dialler.domain.lead import LeadState
from dialler.domain.outcome import Outcome
from dialler.domain.session import SessionStatus
from dialler.events import Journal
from dialler.metrics import Metrics
from dialler.ports import (
    Account,
    CallerIdReport,
    CampaignReport,
    EngineReport,
    ListHolding,
    ListShare,
    ShareReport,
    TrunkReport,
)

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
            callbacks_waiting=6,
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
            runways_s={"l": 900.0},
            abandon_rates=period_rates(
                {slot_of(AT - timedelta(hours=1)): AbandonCounts(abandoned=1, passed=3)}, CampaignSettings(), AT
            ),
        )
    ],
    trunks=[
        TrunkReport(name="a", server="main", up=True, channels_used=6, channels=30, calls_per_second=2.5, tokens=1)
    ],
    shared_limits=True,
    agents={"PJSIP/1": "ready", "PJSIP/2": "ready", "PJSIP/3": "talking"},
    caller_ids=[
        CallerIdReport(
            pool="us",
            states={"free": 3, "resting": 0, "capped": 2, "off": 1},
            low=1,
            lowest_answer_rate=0.05,
            answer_rate=0.25,
        )
    ],
    events_dropped=5,
)
ACCOUNT = Account(
    at=AT,
    sessions={"c": {SessionStatus.NEW: 4}},
    lists=[ListHolding(campaign="c", list="l", leads={LeadState.READY: 20}, dialable=12)],
    unaccounted={"leads": 0, "sessions": 3},
)


def metrics_of(journal: Journal, *, report: EngineReport = REPORT) -> Metrics:
    """Return metrics that count a journal, and tell of `report` and of ACCOUNT."""
    metrics = Metrics(report=lambda: report, account=lambda: ACCOUNT)
    metrics.subscribe(journal)
    return metrics


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    """Return a sample, None if there is none."""
    return metrics.registry.get_sample_value(name, labels)
