"""Transactions on every store: what is undone, what is kept, in which order."""

import asyncio
import contextlib

import pytest

from dialler.domain.campaign import CampaignSettings
from dialler.domain.lead import LeadState
from dialler.errors import Conflict, NotFound, StoreError
from dialler.ports import Records
from dialler.stores.open import AnyStore
from tests.support.stores import (
    BERLIN,
    NOW,
    TEXAS,
    add_campaign_and_list,
    list_of_leads,
    new_lead,
    opened,
)


async def test_a_work_that_fails_is_undone_alone(store: AnyStore) -> None:
    lead_list, _ = await list_of_leads(store, 1)

    def add(records: Records, name: str, error: Exception | None) -> str:
        records.add_campaign(name, CampaignSettings(), NOW)
        # A window key first seen by a work that is undone must be stored again by the next one.
        records.add_leads(lead_list.list_id, [new_lead(key=TEXAS)], NOW)
        if error:
            raise error
        return name

    errors = {"b": ValueError("b"), "d": NotFound("d"), "e": StopIteration()}
    results = await asyncio.gather(
        *[store.write(lambda r, n=name: add(r, n, errors.get(n)), urgent=False) for name in "bacde"],
        return_exceptions=True,
    )
    assert results[0] is errors["b"]
    assert results[1:3] == ["a", "c"]
    assert results[3] is errors["d"]
    assert isinstance(results[4], RuntimeError)
    names = [one.name for one in await store.read(lambda records: records.campaigns())]
    assert names == ["Spring", "a", "c"]
    buckets = await store.read(lambda records: records.buckets([lead_list.list_id]))
    assert {bucket.key: bucket.counts[LeadState.READY] for bucket in buckets} == {BERLIN: 1, TEXAS: 2}


async def test_a_work_that_swallows_an_error_of_the_database_does_not_come_through(store: AnyStore) -> None:
    def work(records: Records) -> None:
        records.add_campaign("x", CampaignSettings(), NOW)
        with contextlib.suppress(StoreError, Conflict):
            records.add_campaign(None, CampaignSettings(), NOW)
        with contextlib.suppress(StoreError, Conflict):
            records.add_campaign("y", CampaignSettings(), NOW)

    with pytest.raises((StoreError, Conflict), match=r"(?i)not.null"):
        await store.write(work)
    assert await store.read(lambda records: records.campaigns()) == []


async def test_works_run_in_the_order_of_their_calls(store: AnyStore) -> None:
    ran, woken = [], []

    async def call(i: int) -> None:
        woken.append(await store.write(lambda _: ran.append(i) or i, urgent=i % 7 == 0))

    await asyncio.gather(*[call(i) for i in range(200)])
    assert ran == list(range(200))
    assert woken == list(range(200))


async def test_a_read_sees_what_was_written_and_may_not_write(store: AnyStore) -> None:
    await store.write(add_campaign_and_list)
    with pytest.raises(StoreError):
        await store.read(lambda records: records.add_campaign("x", CampaignSettings(), NOW))
    assert len(await store.read(lambda records: records.campaigns())) == 1
    with pytest.raises(NotFound):
        await store.read(lambda records: records.lead(1))
    await store.write(lambda records: records.add_campaign("y", CampaignSettings(), NOW))


async def test_records_kept_beyond_their_work_can_not_be_used(store: AnyStore) -> None:
    kept = await store.write(lambda records: records)
    with pytest.raises(AttributeError):
        kept.campaigns()


async def test_cancelling_the_caller_does_not_stop_the_work(store: AnyStore) -> None:
    task = asyncio.create_task(store.write(add_campaign_and_list, urgent=False))
    await asyncio.sleep(0)  # it is handed over
    task.cancel()
    await asyncio.wait([task])
    await store.write(lambda _: None)
    assert len(await store.read(lambda records: records.campaigns())) == 1


async def test_closing_finishes_what_was_handed_over_and_then_refuses(url: str) -> None:
    store = opened(url)
    writes = [
        asyncio.create_task(store.write(lambda r, i=i: r.add_campaign(f"c{i}", CampaignSettings(), NOW), urgent=False))
        for i in range(20)
    ]
    await asyncio.sleep(0)
    await store.aclose()
    assert [one.name for one in await asyncio.gather(*writes)] == [f"c{i}" for i in range(20)]
    for use in (store.write, store.read):
        with pytest.raises(StoreError, match="closed"):
            await use(lambda _: None)
    await store.aclose()
