"""Metrics: the table, and the counting of events."""

from dataclasses import fields, replace
from datetime import datetime
from typing import get_type_hints

import pytest

from dialler import events as ev
from dialler.domain.call_verdict import AbandonReason
from dialler.domain.campaign import Desired
from dialler.domain.outcome import Outcome
from dialler.domain.session import SessionStatus
from dialler.events import Journal
from dialler.metrics import METRICS, MetricRow, Metrics
from dialler.metrics.table import COUNTED
from tests.support.metrics import AT, CLOSED, metrics_of, value


@pytest.fixture
def journal() -> Journal:
    return Journal()


@pytest.fixture
def metrics(journal: Journal) -> Metrics:
    return metrics_of(journal)


def test_the_registry_holds_exactly_the_metrics_of_the_table(metrics: Metrics) -> None:
    families = {
        family.name + ("_total" if family.type == "counter" else ""): family for family in metrics.registry.collect()
    }
    assert families.keys() == {row.name for row in METRICS}
    assert {(name, family.type, family.documentation) for name, family in families.items()} == {
        (row.name, row.type, row.help) for row in METRICS
    }


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


def test_who_answered_and_got_no_agent_in_time_is_counted_by_reason(metrics: Metrics, journal: Journal) -> None:
    for reason in (AbandonReason.NO_AGENT, AbandonReason.NO_AGENT, AbandonReason.PULLED):
        journal.emit(ev.CallAbandoned(at=AT, session_id="0190a", campaign="c", reason=reason.value))
    assert value(metrics, "dialler_calls_abandoned_total", campaign="c", reason="no_agent") == 2
    assert value(metrics, "dialler_calls_abandoned_total", campaign="c", reason="pulled") == 1


def test_agents_who_were_overlooked_are_counted_by_campaign(metrics: Metrics, journal: Journal) -> None:
    told = ev.AgentOverlooked(at=AT, session_id="0190a", campaign="c", server="main", agent="PJSIP/7001", idle_s=1.8)
    for _ in range(2):
        journal.emit(told)
    assert value(metrics, "dialler_abandoned_while_idle_total", campaign="c") == 2


def test_waits_for_an_agent_and_for_the_message_are_timed_and_late_messages_are_counted(
    metrics: Metrics, journal: Journal
) -> None:
    journal.emit(ev.AgentJoined(at=AT, session_id="0190a", campaign="c", waited_s=0.4))
    for waited_s in (1.83, 2.04):
        journal.emit(
            ev.MessageStarted(at=AT, session_id="0190b", campaign="c", waited_s=waited_s, is_late=waited_s > 2)
        )
    assert value(metrics, "dialler_answer_to_agent_seconds_bucket", campaign="c", le="0.5") == 1
    assert value(metrics, "dialler_answer_to_agent_seconds_bucket", campaign="c", le="0.3") == 0
    assert value(metrics, "dialler_answer_to_message_seconds_bucket", campaign="c", le="2.0") == 1
    assert value(metrics, "dialler_answer_to_message_seconds_count", campaign="c") == 2
    assert value(metrics, "dialler_messages_late_total", campaign="c") == 1


def test_an_exchange_that_answers_a_ping_is_timed_by_server(metrics: Metrics, journal: Journal) -> None:
    journal.emit(ev.LinkTimed(at=AT, server="main", round_trip_s=0.0008))
    assert value(metrics, "dialler_link_round_trip_seconds_bucket", server="main", le="0.001") == 1
    assert value(metrics, "dialler_link_round_trip_seconds_bucket", server="main", le="0.0005") == 0


def test_an_event_from_before_the_clock_was_set_back_counts_as_taken_in_at_once(metrics: Metrics) -> None:
    metrics.observe_event_lag(-3600.0)
    metrics.observe_event_lag(0.25)
    assert value(metrics, "dialler_event_lag_seconds_count") == 2
    assert value(metrics, "dialler_event_lag_seconds_sum") == 0.25


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
