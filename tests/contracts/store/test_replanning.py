"""Leads planned anew by other redial rules, batch by batch, on every store."""

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from dialler.domain.lead import CompletedReason, Lead, LeadState
from dialler.domain.outcome import Outcome
from dialler.domain.session import SessionStatus
from dialler.domain.strategy import LeadOrder, StrategySettings
from dialler.engine import replanning
from dialler.engine.windows import Windows
from dialler.ports import Records
from dialler.stores.open import AnyStore
from tests.support.stores import NOW, list_of_leads, new_session

HOUR = timedelta(hours=1)


async def test_leads_get_their_ranks_and_turns_in_batches_and_the_counts_follow(
    store: AnyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of five leads two rest, one is exhausted and two were never called. A fourth attempt is allowed, after an hour
    more, and the newest lead goes first."""
    monkeypatch.setattr(replanning, "BATCH", 2)
    lead_list, leads = await list_of_leads(store, 5)
    await store.write(partial(_call, leads[:3]))

    def change(records: Records) -> None:
        settings = StrategySettings(order=LeadOrder.NEWEST, attempts_max=4, rest_min_s=3 * 3600)
        records.set_list(replace(lead_list, strategy=records.add_strategy("patient", settings, NOW)))

    await store.write(change)
    told = []
    while not told or told[-1][1] is None:
        told.append(await store.write(partial(replanning._batch, lead_list.list_id, Windows(), NOW)))
    assert told == [(2, None), (1, None), (0, 5)]

    def look(records: Records) -> None:
        after = [records.lead(lead.lead_id) for lead in leads]
        assert [lead.state for lead in after] == [LeadState.RESTING] * 3 + [LeadState.READY] * 2
        assert {lead.due_at for lead in after[:3]} == {NOW + 3 * HOUR}
        totals = records.lead_totals()
        assert totals[lead_list.list_id, LeadState.RESTING] == 3 and totals[lead_list.list_id, LeadState.READY] == 2
        [bucket] = records.buckets([lead_list.list_id])
        ready = records.ready_ranks((bucket.list_id, bucket.key_id), limit=9)
        assert [lead_id for _, _, lead_id in ready] == [leads[4].lead_id, leads[3].lead_id]

    await store.read(look)


def _call(leads: list[Lead], records: Records) -> None:
    """Write three calls of each lead that nobody answered, as far as the last of them goes."""
    for lead in leads:
        session = records.add_session(new_session(lead, f"s{lead.lead_id}", attempt_no=3))
        ended = {"status": SessionStatus.EXPIRED, "outcome": Outcome.NO_ANSWER, "ended_at": NOW}
        records.set_session(replace(session, **ended))  # type: ignore[arg-type]
        called = replace(
            lead,
            state=LeadState.RESTING,
            due_at=NOW + 2 * HOUR,
            attempts=3,
            attempts_counted=3,
            outcome_run=3,
            last_outcome=Outcome.NO_ANSWER,
            last_attempt_at=NOW,
        )
        if lead is leads[-1]:
            called = replace(called, state=LeadState.COMPLETED, completed_reason=CompletedReason.EXHAUSTED, due_at=None)
        records.set_lead(called)
