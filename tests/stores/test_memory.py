"""The store in memory on a virtual clock: no threads, and the same bytes twice."""

import asyncio
import threading

import async_solipsism

from dialler.domain.campaign import CampaignSettings
from dialler.stores.memory import MemoryStore
from dialler.stores.open import open_store
from tests.support.stores import NOW, list_of_leads


def test_it_works_on_a_virtual_clock_without_a_thread() -> None:
    async def main() -> int:
        before = threading.active_count()
        async with open_store("memory:", write=True) as store:
            assert isinstance(store, MemoryStore)
            _, leads = await list_of_leads(store, 10)
            for i in range(20):  # an hour between each
                await asyncio.sleep(3_600)
                await store.write(lambda r, i=i: r.add_campaign(f"c{i}", CampaignSettings(), NOW), urgent=False)
            assert store.commits == store.works == 22
        assert threading.active_count() == before
        return len(leads)

    with asyncio.Runner(loop_factory=async_solipsism.EventLoop) as runner:
        assert runner.run(main()) == 10


async def test_two_stores_know_nothing_of_each_other() -> None:
    async with MemoryStore() as one, MemoryStore() as two:
        await list_of_leads(one, 1)
        assert await two.read(lambda records: records.lists()) == []
