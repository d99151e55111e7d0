"""Sessions on every store."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from dialler.domain.lead import Lead, LeadState
from dialler.domain.outcome import Outcome
from dialler.domain.session import Evidence, Session, SessionStatus
from dialler.errors import Conflict, NotFound
from dialler.ports import Records, SessionFilter
from dialler.stores.open import AnyStore
from tests.support.stores import (
    HOSTILE,
    NOW,
    list_of_leads,
    new_session,
)


async def test_a_session_comes_back_as_it_was_written(store: AnyStore) -> None:
    _, (lead,) = await list_of_leads(store, 1)
    intent = new_session(
        lead,
        "0192-a",
        name=HOSTILE,
        external_lead_id="e",
        customer_key="k",
        caller_id="+49",
        trunk="t",
        server="pbx",
        dial_mode="preview",
        for_agent="PJSIP/7001",
        timezone="Europe/Berlin",
        local_time="2026-11-02T16:04:05+01:00",
        pick={
            "weight": 70,
            "gates": [
                {"name": "list", "passed": True, "value": "to dial", "rule": "to dial", "earliest": NOW.isoformat()},
                {"name": "line", "passed": True, "value": HOSTILE, "rule": "free", "earliest": NOW.isoformat()},
            ],
        },
    )

    def begin(records: Records) -> Session:
        records.set_lead(replace(lead, state=LeadState.IN_CALL))
        return records.add_session(intent)

    added = await store.write(begin)
    assert added.seq > 0
    assert added == replace(intent, seq=added.seq)
    assert await store.read(lambda records: records.session("0192-a")) == added
    moments = (
        "accepted_at",
        "sent_at",
        "ringing_at",
        "answered_at",
        "queued_at",
        "connected_at",
        "ended_at",
        "wrapped_at",
    )
    changed = replace(
        added,
        status=SessionStatus.REJECTED,
        outcome=Outcome.CONNECTED,
        caller_id="+50",
        trunk="u",
        server="pbx2",
        evidence=Evidence(cause=16, cause_text="Normal", hangup_by="agent"),
        agent="ann",
        counts_attempt=True,
        wrap_code="REFUSED",
        wrap_note=HOSTILE,
        wrap_edited_by="bob",
        wrap_edited_at=NOW,
        **{name: NOW + timedelta(microseconds=i) for i, name in enumerate(moments)},
    )

    def end(records: Records) -> None:
        records.set_session(changed)
        records.set_lead(lead)

    await store.write(end)
    assert await store.read(lambda records: records.session("0192-a")) == changed


async def test_a_lead_has_one_open_session_at_most(store: AnyStore) -> None:
    _, (lead,) = await list_of_leads(store, 1)

    def work(records: Records) -> None:
        records.set_lead(replace(lead, state=LeadState.IN_CALL))
        first = records.add_session(new_session(lead, "s1"))
        with pytest.raises(Conflict, match="open session already: s1"):
            records.add_session(new_session(lead, "s2"))
        with pytest.raises(Conflict, match="s1"):
            records.add_session(new_session(lead, "s1"))
        records.set_session(replace(first, status=SessionStatus.PROCESSING))
        with pytest.raises(Conflict):
            records.add_session(new_session(lead, "s2"))
        records.set_session(replace(first, status=SessionStatus.COMPLETE, outcome=Outcome.PLAYED))
        second = records.add_session(new_session(lead, "s2"))
        assert second.seq > first.seq
        with pytest.raises(Conflict, match="s2"):
            records.set_session(first)
        assert [one.session_id for one in records.open_sessions()] == ["s2"]

    await store.write(work)
    assert await store.read(lambda records: records.session_counts()) == {
        (lead.list_id, SessionStatus.COMPLETE, Outcome.PLAYED): 1,
        (lead.list_id, SessionStatus.NEW, None): 1,
    }
    assert await store.read(lambda records: records.session_counts(lead.campaign_id + 1)) == {}


async def test_sessions_added_together_are_numbered_in_their_order_and_changed_together(store: AnyStore) -> None:
    lead_list, leads = await list_of_leads(store, 7)

    def add(records: Records) -> Sequence[Session]:
        records.set_leads([replace(lead, state=LeadState.IN_CALL) for lead in leads])
        first = records.add_session(new_session(leads[0], "z"))
        added = records.add_sessions([new_session(lead, f"{9 - lead.lead_id}") for lead in leads[1:]])
        assert records.add_sessions([]) == []
        return [first, *added]

    added = await store.write(add)
    assert [session.lead_id for session in added] == [lead.lead_id for lead in leads]
    seqs = [session.seq for session in added]
    assert seqs == sorted(set(seqs))
    assert await store.read(lambda records: records.open_sessions()) == added
    ended = [replace(each, status=SessionStatus.EXPIRED, outcome=Outcome.BUSY) for each in added[:3]]
    going = [replace(each, status=SessionStatus.PROCESSING, sent_at=NOW) for each in added[3:]]

    def end(records: Records) -> None:
        records.set_sessions([*going, *ended])
        records.set_leads(leads[:3])

    await store.write(end)
    assert await store.read(lambda records: records.sessions(SessionFilter(), newest_first=False)) == [*ended, *going]
    assert await store.read(lambda records: records.session_counts()) == {
        (lead_list.list_id, SessionStatus.EXPIRED, Outcome.BUSY): 3,
        (lead_list.list_id, SessionStatus.PROCESSING, None): 4,
    }
    with pytest.raises(NotFound, match="nobody"):
        await store.write(lambda records: records.set_sessions([added[0], new_session(leads[0], "nobody")]))
    assert await store.read(lambda records: records.session(added[0].session_id)) == ended[0]


async def test_of_sessions_added_together_all_or_none_are(store: AnyStore) -> None:
    lead_list, leads = await list_of_leads(store, 4)

    def work(records: Records) -> None:
        records.set_leads([replace(lead, state=LeadState.IN_CALL) for lead in leads[:3]])
        records.add_session(new_session(leads[0], "s0"))
        for others, said in (
            ([new_session(leads[1], "s1"), new_session(leads[0], "s2")], "open session already: s0"),
            ([new_session(leads[1], "s1"), new_session(leads[2], "s0")], "a session s0 already"),
            ([new_session(leads[1], "s1"), new_session(leads[1], "s2")], "two of the sessions"),
        ):
            with pytest.raises(Conflict, match=said):
                records.add_sessions(others)
        assert [session.session_id for session in records.open_sessions()] == ["s0"]
        records.add_sessions([new_session(leads[1], "s1"), new_session(leads[2], "s2")])

    await store.write(work)
    counts = await store.read(lambda records: records.session_counts())
    assert counts == {(lead_list.list_id, SessionStatus.NEW, None): 3}


async def test_sessions_are_numbered_in_the_order_of_intent_and_paged_either_way(store: AnyStore) -> None:
    _, leads = await list_of_leads(store, 5)

    def intend(lead: Lead) -> Callable[[Records], Session]:
        def work(records: Records) -> Session:
            records.set_lead(replace(lead, state=LeadState.IN_CALL))
            return records.add_session(new_session(lead, f"s{lead.lead_id}"))

        return work

    sessions = await asyncio.gather(*[store.write(intend(lead)) for lead in leads])
    seqs = [one.seq for one in sessions]
    assert seqs == sorted(set(seqs))

    def close(records: Records) -> None:
        for session, lead in zip(sessions[:2], leads[:2], strict=True):
            records.set_session(replace(session, status=SessionStatus.EXPIRED, outcome=Outcome.BUSY))
            records.set_lead(lead)

    await store.write(close)
    for which, expected in (
        (SessionFilter(), seqs),
        (SessionFilter(campaign_id=leads[0].campaign_id), seqs),
        (SessionFilter(campaign_id=99), []),
        (SessionFilter(list_id=leads[0].list_id), seqs),
        (SessionFilter(lead_id=leads[3].lead_id), [seqs[3]]),
        (SessionFilter(status=SessionStatus.NEW), seqs[2:]),
        (SessionFilter(status=SessionStatus.EXPIRED), seqs[:2]),
        (SessionFilter(outcome=Outcome.BUSY, list_id=leads[0].list_id), seqs[:2]),
    ):
        for newest_first in (True, False):
            found: list[int] = []
            while page := await store.read(
                lambda r, w=which, f=found, n=newest_first: r.sessions(
                    w, after=f[-1] if f else None, limit=2, newest_first=n
                )
            ):
                found.extend(one.seq for one in page)
            assert found == (expected[::-1] if newest_first else expected), which


async def test_the_last_session_of_each_lead_is_found(store: AnyStore) -> None:
    _, (twice, once, never) = await list_of_leads(store, 3)

    def work(records: Records) -> None:
        for lead, session_id in ((twice, "a"), (once, "b"), (twice, "c")):
            session = records.add_session(new_session(lead, session_id))
            records.set_session(replace(session, status=SessionStatus.EXPIRED, outcome=Outcome.BUSY, ended_at=NOW))
        asked = [never.lead_id, once.lead_id, twice.lead_id]
        expected = {twice.lead_id: records.session("c"), once.lead_id: records.session("b")}
        assert records.last_sessions(asked) == expected
        assert records.last_sessions([]) == {}

    await store.write(work)
