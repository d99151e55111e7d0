"""Counts on every store, whatever happens."""

import asyncio
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from dialler.domain.campaign import LeadList
from dialler.domain.lead import Lead, LeadState
from dialler.domain.outcome import Outcome
from dialler.domain.session import Session, SessionStatus
from dialler.ports import Records
from dialler.stores.open import AnyStore
from tests.support.stores import (
    BERLIN,
    NOW,
    TEXAS,
    add_campaign_and_list,
    list_of_leads,
    new_lead,
    new_session,
)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_counts_always_equal_the_rows_whatever_happens(store: AnyStore, seed: int) -> None:
    """Random works, some of which fail half way, against a model of plain dictionaries."""
    chance = random.Random(seed)
    lead_list, loaded = await list_of_leads(store, 12)
    model: dict[int, Lead] = {lead.lead_id: lead for lead in loaded}
    open_by_lead: dict[int, Session] = {}
    closed: Counter[tuple[SessionStatus, Outcome | None]] = Counter()

    class Undo(Exception):
        pass

    def step(records: Records, fails: bool) -> None:
        staged, staged_open, staged_closed = dict(model), dict(open_by_lead), Counter(closed)
        for _ in range(chance.randint(1, 4)):
            lead = staged[chance.choice(sorted(staged))]
            held = staged_open.get(lead.lead_id)
            if held is not None and chance.random() < 0.5:
                status = chance.choice([SessionStatus.COMPLETE, SessionStatus.FAILED])
                outcome = chance.choice([Outcome.BUSY, Outcome.PLAYED])
                records.set_session(replace(held, status=status, outcome=outcome))
                staged_closed[status, outcome] += 1
                del staged_open[lead.lead_id]
                lead = replace(lead, state=LeadState.RESTING, due_at=NOW, attempts=lead.attempts + 1)
            elif held is not None:
                held = replace(held, status=SessionStatus.PROCESSING)
                records.set_session(held)
                staged_open[lead.lead_id] = held
            elif lead.state is LeadState.READY:
                lead = replace(lead, state=LeadState.IN_CALL)
                session = new_session(lead, f"s{chance.getrandbits(60)}")
                staged_open[lead.lead_id] = records.add_session(session)
            else:
                lead = replace(
                    lead, state=LeadState.READY, due_at=None, window_key=chance.choice([BERLIN, TEXAS]), priority=1
                )
            records.set_lead(lead)
            staged[lead.lead_id] = lead
        if fails:
            raise Undo
        model.update(staged)
        open_by_lead.clear()
        open_by_lead.update(staged_open)
        closed.clear()
        closed.update(staged_closed)

    for _ in range(12):
        fates = [chance.random() < 0.3 for _ in range(5)]
        works = [store.write(lambda r, f=fails: step(r, f), urgent=False) for fails in fates]
        results = await asyncio.gather(*works, return_exceptions=True)
        assert all(one is None or isinstance(one, Undo) for one in results), results
        assert await store.read(lambda records: records.check()) == []
    buckets = await store.read(lambda records: records.buckets([lead_list.list_id]))
    kept = {(one.key, state): n for one in buckets for state, n in one.counts.items() if n}
    assert kept == Counter((lead.window_key, lead.state) for lead in model.values())
    for status in (SessionStatus.NEW, SessionStatus.PROCESSING):
        if n := sum(one.status is status for one in open_by_lead.values()):
            closed[status, None] += n
    counts = await store.read(lambda records: records.session_counts(lead_list.campaign_id))
    assert counts == {(lead_list.list_id, *key): n for key, n in closed.items()}
    await store.read(lambda records: _assert_totals(records, lead_list, list(model.values()), open_by_lead, closed))


def _assert_totals(
    records: Records,
    lead_list: LeadList,
    leads: Sequence[Lead],
    open_by_lead: Mapping[int, Session],
    sessions: Mapping[tuple[SessionStatus, Outcome | None], int],
) -> None:
    """Check the sums over the counts against a model."""
    list_id, by_status = lead_list.list_id, Counter[SessionStatus]()
    for (status, _), n in sessions.items():
        by_status[status] += n
    kept = {key: n for key, n in records.session_totals().items() if n}
    assert kept == {(lead_list.campaign_id, list_id, status): n for status, n in by_status.items() if n}
    assert records.open_session_ids() == {session.session_id for session in open_by_lead.values()}
    states = Counter(lead.state for lead in leads)
    assert {key: n for key, n in records.lead_totals().items() if n} == {
        (list_id, each): n for each, n in states.items()
    }
    ready = Counter(lead.window_key for lead in leads if lead.state is LeadState.READY)
    keys = records.ready_keys([list_id])
    assert set(keys.values()) == set(ready)
    for key_id, key in keys.items():
        assert records.ready_totals([list_id, 99], [key_id]) == {list_id: ready[key], 99: 0}
    assert records.ready_totals([list_id], list(keys)) == {list_id: ready.total()}
    assert records.ready_totals([list_id], []) == {list_id: 0}
    assert records.ready_totals([], list(keys)) == {}


async def test_totals_are_of_all_lists_however_many_are_asked_for_and_see_what_the_work_did(store: AnyStore) -> None:
    def work(records: Records) -> None:
        campaign, first = add_campaign_and_list(records)
        lists = [first, *(records.add_list(campaign.campaign_id, f"list {n}", NOW) for n in range(1100))]
        for n in (0, 700, 1100):
            records.add_leads(lists[n].list_id, [new_lead(f"+4930{n:07}")], NOW)
        ids = [each.list_id for each in lists]
        keys = records.ready_keys(ids)
        assert list(keys.values()) == [BERLIN]
        assert {each: n for each, n in records.ready_totals(ids, list(keys)).items() if n} == {
            ids[0]: 1,
            ids[700]: 1,
            ids[1100]: 1,
        }
        assert records.lead_totals() == {(ids[n], LeadState.READY): 1 for n in (0, 700, 1100)}

    await store.write(work)
