"""The next lead costs the same however many there are: no scan and no sorting, by SQLite's own plan."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from dialler.domain.caller_id import PoolSettings
from dialler.domain.lead import LeadState
from dialler.domain.outcome import Outcome
from dialler.domain.session import SessionStatus
from dialler.domain.strategy import LeadOrder, StrategySettings
from dialler.ports import AuditFilter, LeadFilter, Records, SessionFilter
from dialler.stores.memory import MemoryDesk
from dialler.stores.records import SqlRecords
from dialler.stores.transaction import Transaction, WindowKeys
from tests.support.stores import NOW, add_campaign_and_list, new_lead, new_session


class Recorder(Transaction):
    """Keeps the statements that were run."""

    def __init__(self, desk: MemoryDesk) -> None:
        super().__init__(desk.link, WindowKeys())
        self.ran: list[tuple[str, tuple[object, ...]]] = []

    def rows(self, sql: str, values: Any = ()) -> Any:
        self.ran.append((sql, tuple(values)))
        return super().rows(sql, values)

    def run(self, sql: str, values: Any = ()) -> int:
        self.ran.append((sql, tuple(values)))
        return super().run(sql, values)


def plans(work: Callable[[Records], object]) -> list[str]:
    """Return the steps of the plans of all statements that `work` runs."""
    desk = MemoryDesk()
    records = SqlRecords(desk.link, WindowKeys())
    _, lead_list = add_campaign_and_list(records)
    newest = records.add_strategy("newest", StrategySettings(order=LeadOrder.NEWEST), NOW)
    lead = records.lead(records.add_leads(lead_list.list_id, [new_lead(customer_key="k")], NOW)[0])
    records.add_session(new_session(lead, "s"))
    records.set_list(replace(lead_list, strategy=newest))
    records.settle()
    recorder = records._in = Recorder(desk)
    work(records)
    steps = []
    for sql, values in recorder.ran:
        rows = desk.link.rows(f"EXPLAIN QUERY PLAN {sql}", values)
        steps += [row[3] for row in rows]
    assert steps
    return steps


def counted_once(records: Records) -> object:
    """Count an attempt, so that there is a key, and look for attempts."""
    session = records.session("s")
    records.set_session(replace(session, status=SessionStatus.EXPIRED, outcome=Outcome.BUSY, counts_attempt=True))
    return records.number_attempts(1, ["+4930123456", "+4930123457"])


def pool_found(records: Records) -> object:
    """Make a pool of caller ids, and look for it as the dial path does."""
    records.add_caller_id_pool("us", PoolSettings(), NOW)
    return records.caller_id_pool("us", to_change=True)


@pytest.mark.parametrize(
    ("work", "index"),
    [
        (lambda r: r.ready_ranks((1, 1), limit=5), "COVERING INDEX leads_ready"),
        (lambda r: r.replan(1, limit=5), "COVERING INDEX leads_by_list (list_id=? AND state=? AND lead_id>?)"),
        (lambda r: r.rest_alike((1, 1), "+1312", NOW, limit=5), "leads_ready (list_id=? AND key_id=?)"),
        (lambda r: r.wake_rested((1, 1), NOW, limit=5), "leads_resting (list_id=? AND key_id=? AND due_at<?)"),
        (lambda r: r.next_due_at((1, 1)), "INDEX leads_resting (list_id=? AND key_id=?)"),
        (
            lambda r: r.wake_callbacks((1, 1), NOW, limit=5),
            "leads_callbacks_due (list_id=? AND key_id=? AND due_at>? AND due_at<?)",
        ),
        (lambda r: r.next_callback_due_at((1, 1)), "INDEX leads_callbacks_due (list_id=? AND key_id=? AND due_at>?)"),
        (counted_once, "SEARCH number_attempts USING PRIMARY KEY (number=? AND campaign_id=?)"),
        (lambda r: r.delete_leads([1]), "PRIMARY KEY"),
        (lambda r: r.lead(1), "PRIMARY KEY"),
        (lambda r: r.set_lead(r.lead(1)), "PRIMARY KEY"),
        (lambda r: r.set_session(r.session("s")), "sqlite_autoindex_sessions_1"),
        (lambda r: r.buckets([1, 2]), "SEARCH lead_counts USING PRIMARY KEY"),
        (lambda r: r.lead_by_key(1, "k"), "leads_customer_key"),
        (
            lambda r: r.leads_by_key(1, ["k", "l", "m"], to_change=True),
            "leads_customer_key (list_id=? AND customer_key=?)",
        ),
        (lambda r: r.leads_with([1, 2, 3], to_change=True), "PRIMARY KEY"),
        (lambda r: r.leads(LeadFilter(list_id=1, state=LeadState.READY)), "leads_by_list"),
        (lambda r: r.leads(LeadFilter(external_lead_id="e")), "leads_external"),
        (lambda r: r.sessions(SessionFilter(campaign_id=1), after=9), "sessions_by_campaign"),
        (lambda r: r.sessions(SessionFilter(list_id=1), newest_first=False), "sessions_by_list"),
        (lambda r: r.sessions(SessionFilter(lead_id=1), after=9), "sessions_by_lead"),
        (lambda r: r.last_sessions([1, 2]), "COVERING INDEX sessions_by_lead (lead_id=?)"),
        (lambda r: r.session_counts(1), "SEARCH session_counts"),
        (lambda r: r.attempts_since([1, 2], NOW), "COVERING INDEX sessions_by_list (list_id=? AND seq>?)"),
        (lambda r: r.last_change_set(1), "change_sets_by_campaign"),
        (lambda r: r.lead_list(1), "SEARCH strategies USING INTEGER PRIMARY KEY"),
        (pool_found, "SEARCH caller_id_pools USING INDEX"),
        (lambda r: r.caller_id_uses(1), "INDEX caller_ids_by_pool (pool_id=?)"),
        (lambda r: r.caller_id_days(1, since=NOW.date()), "caller_id_days USING PRIMARY KEY (number=? AND day>?)"),
        (lambda r: r.pools_of_caller_ids(["+12025550123"]), "SEARCH caller_ids USING PRIMARY KEY (number=?)"),
        (lambda r: r.ready_totals([1, 2], [1, 2]), "SEARCH lead_counts USING PRIMARY KEY (list_id=? AND key_id=?"),
    ],
)
def test_a_statement_walks_along_its_index(work: Callable[[Records], object], index: str) -> None:
    steps = plans(work)
    assert any(index in step for step in steps), steps
    for step in steps:
        # Lists are few, and so are the values that are asked for.
        is_short = any(few in step for few in ("SCAN lists", "SCAN asked", "CONSTANT ROWS"))
        assert "SCAN" not in step or is_short, steps
        assert "TEMP B-TREE" not in step, steps


def test_open_sessions_are_found_without_walking_all() -> None:
    for work in (
        lambda r: r.open_sessions(),
        lambda r: r.open_session_ids(),
        lambda r: r.sessions(SessionFilter(status=SessionStatus.NEW, outcome=Outcome.BUSY)),
    ):
        steps = plans(work)
        assert any("sessions_open" in step for step in steps), steps
        assert "SCAN sessions" not in steps


def test_callbacks_are_listed_along_an_index_that_holds_no_other_leads() -> None:
    steps = plans(lambda r: r.callbacks(1, after=(NOW, 1)))
    assert any("leads_callbacks (callback_at>" in step or "leads_callbacks ((callback_at" in step for step in steps), (
        steps
    )
    assert not any("TEMP B-TREE" in step for step in steps), steps
    steps = plans(lambda r: r.callbacks_due(NOW))
    assert any("leads_callbacks (callback_at" in step for step in steps), steps


def test_what_was_done_to_a_lead_is_found_along_its_index() -> None:
    def work(records: Records) -> object:
        records.add_audit(NOW, "ann", "lead.edit", {}, lead_id=1)
        return records.audit(AuditFilter(lead_id=1, who="ann"), after=9)

    steps = plans(work)
    assert any("audit_by_lead (lead_id=? AND audit_id>? AND audit_id<?)" in step for step in steps), steps
    assert not any("TEMP B-TREE" in step for step in steps), steps
