"""`dialler db check` finds what is wrong: each promise is broken once, behind the records' back."""

from dataclasses import replace

import pytest

from dialler.domain.lead import LeadState
from dialler.ports import Problem, Records
from dialler.stores.check import COUNTS, NOBODY, SHOWN_MAX
from dialler.stores.memory import MemoryDesk
from dialler.stores.records import SqlRecords
from dialler.stores.transaction import WindowKeys
from tests.support.stores import NOW, add_campaign_and_list, new_leads, new_session

DAMAGE = {
    "lead counts equal the leads": "UPDATE lead_counts SET n = n + 1 WHERE state = 'ready'",
    "session counts equal the sessions": "DELETE FROM session_counts",
    "the abandon ledger equals the sessions": (
        "INSERT INTO abandon_counts (campaign_id, slot, counted, n) VALUES (1, 5, 'passed', 1)"
    ),
    "the caller ids' counts equal the sessions": (
        "INSERT INTO caller_id_days (number, day, calls) VALUES ('+12025550123', '2026-11-02', 1)"
    ),
    "a lead in a call has an open session": "UPDATE leads SET state = 'in_call' WHERE lead_id = 2",
    "an open session holds its lead": "UPDATE leads SET state = 'ready'",
    "a lead has one open session at most": (
        "DROP INDEX sessions_open; INSERT INTO sessions (session_id, campaign_id, campaign, list_id, list, lead_id,"
        " attempt_no, number, created_at, status) SELECT 's2', campaign_id, campaign, list_id, list, lead_id,"
        " attempt_no, number, created_at, status FROM sessions"
    ),
    "a session has a place in the order of its own": (
        "DROP TRIGGER lists_kept; CREATE TABLE copy AS SELECT * FROM sessions; INSERT INTO copy SELECT * FROM sessions;"
        " DROP TABLE sessions; ALTER TABLE copy RENAME TO sessions"
    ),
    "a lead rests until a moment, and only then has one": "UPDATE leads SET due_at = 1 WHERE lead_id = 2",
    "a completed lead says why, and no other does": "UPDATE leads SET state = 'completed' WHERE lead_id = 2",
    "a lead belongs to a list of its campaign": "UPDATE leads SET campaign_id = 99 WHERE lead_id = 2",
    "a known number belongs to a lead": "DELETE FROM leads WHERE lead_id = 2",
}


def damaged(statements: str) -> list[Problem]:
    desk = MemoryDesk()
    records = SqlRecords(desk.link, WindowKeys())
    _, lead_list = add_campaign_and_list(records)
    first = records.add_leads(lead_list.list_id, new_leads(SHOWN_MAX + 5), NOW)[0]
    lead = records.lead(first)
    records.add_session(new_session(lead, "s"))
    records.set_lead(replace(lead, state=LeadState.IN_CALL))
    assert records.check() == []
    for statement in filter(None, statements.split(";")):
        desk.link.run(statement)
    return list(records.check())


@pytest.mark.parametrize("promise", sorted(COUNTS.keys() | NOBODY.keys()))
def test_a_broken_promise_is_found(promise: str) -> None:
    found = damaged(DAMAGE[promise])
    assert promise in {one.promise for one in found}, found


def test_a_count_that_is_wrong_says_by_how_much() -> None:
    (problem,) = damaged(DAMAGE["lead counts equal the leads"])
    assert problem.what == "list 1, window key 1, state ready: counted 25, there are 24"


def test_many_of_a_kind_are_counted() -> None:
    found = [one.what for one in damaged("UPDATE leads SET due_at = 1") if one.promise.startswith("a lead rests")]
    assert len(found) == SHOWN_MAX + 1
    assert found[-1] == "and 5 more"


def test_a_work_may_check_what_it_did_itself() -> None:
    def work(records: Records) -> None:
        _, lead_list = add_campaign_and_list(records)
        records.add_leads(lead_list.list_id, new_leads(3), NOW)
        assert records.check() == []

    work(SqlRecords(MemoryDesk().link, WindowKeys()))
