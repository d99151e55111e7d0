"""Callbacks and attempts by number, on every store."""

from dataclasses import replace
from datetime import date, timedelta

from dialler.domain.lead import LeadState, NumberAttempts
from dialler.domain.outcome import Outcome
from dialler.domain.session import SessionStatus
from dialler.ports import Records
from dialler.stores.open import AnyStore
from tests.support.stores import NOW, list_of_leads, new_session

HOUR = timedelta(hours=1)


async def test_callbacks_come_by_time_in_pages(store: AnyStore) -> None:
    lead_list, leads = await list_of_leads(store, 4)
    at = [(leads[0], 3), (leads[1], 1), (leads[2], 1)]

    def work(records: Records) -> None:
        for lead, hours in at:
            due = NOW + hours * HOUR
            resting = replace(lead, state=LeadState.RESTING, due_at=due, callback_at=due, callback_agent="ann")
            records.set_lead(replace(resting, callback_expires_at=due + HOUR))

    await store.write(work)
    first = await store.read(lambda records: records.callbacks(limit=2))
    assert [lead.lead_id for lead in first] == [leads[1].lead_id, leads[2].lead_id]
    assert (first[0].callback_agent, first[0].callback_expires_at) == ("ann", NOW + 2 * HOUR)
    last = first[-1]
    assert last.callback_at is not None
    after = last.callback_at, last.lead_id
    rest = await store.read(lambda records: records.callbacks(lead_list.campaign_id, after=after))
    assert [lead.lead_id for lead in rest] == [leads[0].lead_id]
    assert await store.read(lambda records: records.callbacks(lead_list.campaign_id + 1)) == []


async def test_callbacks_that_are_due_are_counted_by_campaign(store: AnyStore) -> None:
    lead_list, leads = await list_of_leads(store, 4)

    def work(records: Records) -> None:
        for lead, at in zip(leads, (NOW - HOUR, NOW, NOW + HOUR), strict=False):
            records.set_lead(replace(lead, state=LeadState.RESTING, due_at=NOW + HOUR, callback_at=at))

    assert await store.read(lambda records: records.callbacks_due(NOW)) == {}
    await store.write(work)
    assert await store.read(lambda records: records.callbacks_due(NOW)) == {lead_list.campaign_id: 2}
    assert await store.read(lambda records: records.callbacks_due(NOW - 2 * HOUR)) == {}


async def test_a_callback_wakes_before_others_that_are_due_longer(store: AnyStore) -> None:
    lead_list, leads = await list_of_leads(store, 3)

    def work(records: Records) -> tuple[int, int]:
        for lead in leads[:2]:
            records.set_lead(replace(lead, state=LeadState.RESTING, due_at=NOW - HOUR))
        records.set_lead(replace(leads[2], state=LeadState.RESTING, due_at=NOW, callback_at=NOW))
        [bucket] = records.buckets([lead_list.list_id])
        return bucket.list_id, bucket.key_id

    place = await store.write(work)
    assert await store.read(lambda records: records.next_callback_due_at(place)) == NOW
    assert await store.write(lambda records: records.wake_callbacks(place, NOW - HOUR, limit=5)) == 0
    assert await store.write(lambda records: records.wake_callbacks(place, NOW, limit=5)) == 1
    states = [await store.read(lambda records, lead=lead: records.lead(lead.lead_id).state) for lead in leads]
    assert states == [LeadState.RESTING, LeadState.RESTING, LeadState.READY]
    assert await store.read(lambda records: records.next_callback_due_at(place)) is None


async def test_attempts_are_counted_by_number_and_campaign_once_each_as_sessions_end(store: AnyStore) -> None:
    lead_list, leads = await list_of_leads(store, 2)
    number, other = (lead.numbers[0].number for lead in leads)

    def attempt(
        records: Records, at: int, *, counts: bool = True, hours: int = 0, outcome: Outcome = Outcome.BUSY
    ) -> None:
        ends = NOW + hours * HOUR
        session = new_session(leads[0], f"s-{at}", timezone="Europe/Berlin Europe/Paris")
        records.add_session(session)
        ended = replace(session, status=SessionStatus.EXPIRED, outcome=outcome, ended_at=ends)
        records.set_session(replace(ended, counts_attempt=counts))
        records.set_session(replace(ended, counts_attempt=counts, wrap_code="NONE"))

    assert await store.read(lambda records: records.number_attempts(lead_list.campaign_id, [number])) == {}
    for at, more in enumerate(
        [{}, {"counts": False}, {"hours": 24}, {"hours": 24, "outcome": Outcome.ABANDONED}, {"hours": -48}]
    ):
        await store.write(lambda records, at=at, more=more: attempt(records, at, **more))
    found = await store.read(lambda records: records.number_attempts(lead_list.campaign_id, [number, other]))
    # NOW is Monday 2 November, 16:04 in Berlin; a clock that was set back starts no new day.
    last = {"last_at": NOW + 24 * HOUR, "last_outcome": Outcome.ABANDONED}
    assert found == {number: NumberAttempts(counted=4, day=date(2026, 11, 3), on_day=3, **last)}
    assert await store.read(lambda records: records.number_attempts(99, [number])) == {}
