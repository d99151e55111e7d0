"""The disk under the records is full: a clear error, nothing half done, and on it goes once there is room."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dialler.domain.campaign import CampaignSettings
from dialler.errors import StoreError, StoreFull
from dialler.ports import LeadFilter, Records
from dialler.stores.open import AnyStore, open_store
from dialler.stores.upgrade import upgrade
from tests.support.stores import NOW, add_campaign_and_list, new_leads, opened, records_url


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MiB."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small file system; the page limit below stands in for it")
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", disk], capture_output=True, text=True)
    if mount.returncode:
        pytest.skip(f"no file system can be mounted here: {mount.stderr.strip()}")
    yield disk
    subprocess.run(["umount", disk], check=True)


def load(n: int, name: str = "x" * 500) -> object:
    def work(records: Records) -> int:
        lead_list = records.lists()[0]
        return len(records.add_leads(lead_list.list_id, new_leads(n, name=name), NOW))

    return work


async def state(store: AnyStore) -> tuple[int, int]:
    """Return how many leads and campaigns there are; no promise is broken."""
    assert await store.read(lambda records: records.check()) == []
    leads = await store.read(lambda records: len(records.leads(LeadFilter(), limit=100_000)))
    return leads, len(await store.read(lambda records: records.campaigns()))


async def test_a_full_disk_undoes_the_transaction_and_room_brings_the_store_back(small_disk: Path) -> None:
    url = f"sqlite:///{small_disk / 'x.db'}"
    ballast = small_disk / "ballast"
    upgrade(url)
    async with opened(url) as store:
        await store.write(add_campaign_and_list)
        await store.write(load(100))
        ballast.write_bytes(b"x" * (os.statvfs(small_disk).f_bavail * 4096 - 100_000))
        with pytest.raises(StoreFull, match="no room left"):
            await store.write(load(2_000))
        assert await state(store) == (100, 1)
        # Small works may still find room; all that are acknowledged are kept, all others are not.
        small = [store.write(lambda r, i=i: r.add_campaign(f"c{i}", CampaignSettings(), NOW)) for i in range(300)]
        results = await asyncio.gather(*small, *[store.write(load(20)) for _ in range(20)], return_exceptions=True)
        assert any(isinstance(one, StoreFull) for one in results)
        assert all(isinstance(one, StoreError) for one in results if isinstance(one, Exception))
        campaigns = sum(not isinstance(one, Exception) for one in results[:300])
        leads = sum(one for one in results[300:] if isinstance(one, int))
        assert await state(store) == (100 + leads, 1 + campaigns)
        ballast.unlink()
        await store.write(load(300))
        assert await state(store) == (400 + leads, 1 + campaigns)
    async with open_store(url, write=False) as reader:
        assert await state(reader) == (400 + leads, 1 + campaigns)


async def test_an_upgrade_on_a_full_disk_makes_nothing(small_disk: Path) -> None:
    url = f"sqlite:///{small_disk / 'x.db'}"
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * (os.statvfs(small_disk).f_bavail * 4096 - 60_000))
    with pytest.raises(StoreError):
        upgrade(url)
    ballast.unlink()
    assert upgrade(url)[0] is None


async def test_a_file_that_may_not_grow_fails_only_those_works_that_need_room(tmp_path: Path) -> None:
    with records_url("sqlite", tmp_path) as url:
        async with opened(url) as store:
            await store.write(add_campaign_and_list)

            def limit(pages: int) -> object:
                return lambda records: records._in.rows(f"PRAGMA max_page_count = {pages}")

            await store.write(limit(80))
            with pytest.raises(StoreFull):
                await store.write(load(2_000))
            assert await state(store) == (0, 1)
            await store.write(limit(1_000_000))
            await store.write(load(2_000))
            assert await state(store) == (2_000, 1)
