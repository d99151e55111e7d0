"""Groups: who shares a commit with whom, and what happens when the commit fails."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from sqlalchemy.exc import OperationalError

from dialler.domain.campaign import CampaignSettings
from dialler.errors import NotFound, StoreError
from dialler.ports import Records
from dialler.stores.group import GroupCommit
from dialler.stores.link import Link
from dialler.stores.memory import MemoryDesk
from dialler.stores.open import AnyStore
from dialler.stores.records import SqlRecords
from dialler.stores.transaction import WindowKeys
from dialler.stores.writer import WAITING_MAX
from tests.support.stores import NOW, opened


@asynccontextmanager
async def busy(store: AnyStore) -> AsyncIterator[None]:
    """Keep the writer at work, alone, so that what comes meanwhile gathers."""
    started, go_on = threading.Event(), threading.Event()

    def work(_: Records) -> None:
        started.set()
        assert go_on.wait(10)

    task = asyncio.ensure_future(store.write(work))
    assert await asyncio.to_thread(started.wait, 10)
    try:
        yield
    finally:
        go_on.set()
    await task


async def test_works_that_come_during_a_commit_share_the_next_one(sqlite: AnyStore) -> None:
    seen: list[tuple[int, float]] = []
    sqlite.on_commit.append(lambda size, seconds: seen.append((size, seconds)))
    async with busy(sqlite):
        writes = [asyncio.ensure_future(sqlite.write(lambda _: None)) for _ in range(50)]
        await asyncio.sleep(0)
    await asyncio.gather(*writes)
    assert [size for size, _ in seen] == [1, 50]
    assert all(seconds > 0 for _, seconds in seen)
    assert (sqlite.commits, sqlite.works, sqlite.last_group_size) == (2, 51, 50)


async def test_a_work_that_is_not_urgent_waits_for_company_and_an_urgent_one_brings_it_along(sqlite_url: str) -> None:
    async with opened(sqlite_url, group_delay=timedelta(hours=1)) as store:
        patient = [asyncio.ensure_future(store.write(lambda _, i=i: i, urgent=False)) for i in range(3)]
        done, _ = await asyncio.wait(patient, timeout=0.05)
        assert not done
        assert await store.write(lambda _: "urgent") == "urgent"
        assert [one.result() for one in patient] == [0, 1, 2]
        assert (store.commits, store.last_group_size) == (1, 4)


async def test_a_work_that_is_not_urgent_waits_no_longer_than_the_delay(sqlite_url: str) -> None:
    async with opened(sqlite_url, group_delay=timedelta(milliseconds=1)) as store:
        assert await asyncio.wait_for(store.write(lambda _: 1, urgent=False), 10) == 1


class FailingDesk(MemoryDesk):
    """Whose commits fail while `is_failing`."""

    is_failing = False

    def commit(self, link: Link) -> None:
        if self.is_failing:
            raise sqlite3.OperationalError("disk I/O error")
        super().commit(link)


def test_when_the_commit_fails_nothing_of_the_group_was_kept_and_each_work_hears_of_it() -> None:
    desk = FailingDesk()
    group = GroupCommit(desk)

    def missing(_: SqlRecords) -> Any:
        raise NotFound("mine")

    def add(name: str) -> Any:
        return lambda records: records.add_campaign(name, CampaignSettings(), NOW)

    desk.is_failing = True
    first, second, third = group.run([add("a"), missing, add("b")])
    assert isinstance(first.error, StoreError)
    assert "disk I/O error" in str(first.error)
    assert isinstance(second.error, NotFound)
    assert isinstance(third.error, StoreError)
    assert third.error is not first.error
    desk.is_failing = False
    (again,) = group.run([add("a")])
    assert again.error is None
    assert [one.name for one in SqlRecords(desk.link, WindowKeys()).campaigns()] == ["a"]


def test_when_the_records_can_not_be_opened_each_work_hears_of_it() -> None:
    class Closed(MemoryDesk):
        def connect(self) -> Link:
            raise OperationalError("", (), Exception("no such host"))

    ran: list[int] = []
    done = GroupCommit(Closed()).run([lambda _: ran.append(1)] * 3)
    assert [type(one.error) for one in done] == [StoreError] * 3
    assert ran == []


async def test_a_full_writer_makes_its_callers_wait_for_room(sqlite: AnyStore) -> None:
    async with busy(sqlite):
        writes = [asyncio.ensure_future(sqlite.write(lambda _, i=i: i)) for i in range(WAITING_MAX + 5)]
        for _ in range(5):  # each caller has had several turns
            await asyncio.sleep(0)
        assert sqlite.waiting == WAITING_MAX - 1  # and the busy one
    assert await asyncio.gather(*writes) == list(range(WAITING_MAX + 5))
