"""What only PostgreSQL can do to a store: lose the link, and have two engines."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psycopg
import pytest

from dialler.domain.campaign import CampaignSettings
from dialler.errors import StoreError, StoreLocked
from dialler.ports import Records
from dialler.stores.group import GroupCommit
from dialler.stores.link import Link
from dialler.stores.open import open_store, parsed_url
from dialler.stores.postgres import PostgresDesk
from tests.support.postgres import administer
from tests.support.stores import NOW, add_campaign_and_list, new_lead, opened, records_url

pytestmark = pytest.mark.postgres
CUT_ALL = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with records_url("postgres", tmp_path) as empty:
        yield empty


async def test_one_engine_is_exclusive_and_others_write_beside_it(url: str) -> None:
    async with opened(url, exclusive=True, command="engine 1") as engine:
        with pytest.raises(StoreLocked, match="engine 1"):
            opened(url, exclusive=True, wait=timedelta(0))
        async with opened(url) as other:
            await other.write(add_campaign_and_list)
        assert len(await engine.read(lambda records: records.campaigns())) == 1
    async with opened(url, exclusive=True, wait=timedelta(seconds=5)):
        pass


async def test_a_lost_link_fails_the_write_and_the_next_one_goes_through(url: str) -> None:
    async with opened(url, exclusive=True) as store:
        await store.write(add_campaign_and_list)
        administer(url, CUT_ALL)
        with pytest.raises(StoreError):
            await store.write(lambda records: records.add_campaign("lost", CampaignSettings(), NOW))
        await store.write(lambda records: records.add_campaign("kept", CampaignSettings(), NOW))
        names = [one.name for one in await store.read(lambda records: records.campaigns())]
        assert names == ["Spring", "kept"]


async def test_an_engine_whose_lock_went_to_another_one_does_not_write_again(url: str) -> None:
    async with opened(url, exclusive=True) as first:
        await first.write(add_campaign_and_list)
        administer(url, CUT_ALL)
        async with opened(url, exclusive=True, command="engine 2"):
            for _ in range(2):
                with pytest.raises(StoreError):
                    await first.write(lambda records: records.add_campaign("x", CampaignSettings(), NOW))
            with pytest.raises(StoreLocked, match="engine 2"):
                await first.write(lambda records: records.add_campaign("x", CampaignSettings(), NOW))
        assert len(await first.read(lambda records: records.campaigns())) == 1


async def test_keys_are_looked_up_one_by_one_while_a_new_list_is_loaded(url: str) -> None:
    """Its statistics are still those of an empty table: every other way would walk all of the list for each batch."""
    ran: list[tuple[str, object]] = []
    rows = Link.rows

    def noting(link: Link, sql: str, values: Any = ()) -> Any:
        ran.append((sql, values))
        return rows(link, sql, values)

    async with opened(url) as store:
        _, lead_list = await store.write(add_campaign_and_list)

        def work(records: Records) -> None:
            for first in (0, 3_000):
                leads = [new_lead(customer_key=f"k{first + at}") for at in range(3_000)]
                records.add_leads(lead_list.list_id, leads, NOW)
            records.leads_by_key(lead_list.list_id, [f"k{at}" for at in range(500)], to_change=True)

        with patch.object(Link, "rows", noting):
            await store.write(work)
    asking = [(sql, values) for sql, values in ran if "customer_key" in sql and "WHERE list_id" in sql]
    assert len(asking) >= 13
    with psycopg.connect(url) as connection:
        for sql, values in asking:
            plan = connection.execute(f"EXPLAIN {sql.replace('?', '%s')}", values).fetchall()
            text = "\n".join(row[0] for row in plan)
            assert "leads_customer_key" in text and "customer_key = " in text, text
            assert not re.search("Seq Scan on leads|Bitmap|leads_by_list|Filter", text), text


class CutDesk(PostgresDesk):
    """Whose link breaks just before, or just after, the server commits."""

    def __init__(self, url: str, *, held: bool) -> None:
        super().__init__(parsed_url(url), exclusive=False, command="cut")
        self._url, self._held = url, held

    def commit(self, link: Link) -> None:
        with patch.object(link, "commit", partial(self._cut_and_commit, link.commit)):
            super().commit(link)

    def _cut_and_commit(self, commit: Callable[[], None]) -> None:
        if self._held:
            commit()
        administer(self._url, CUT_ALL)
        commit()


@pytest.mark.parametrize("held", [True, False])
def test_a_link_lost_during_the_commit_is_told_by_what_the_server_kept(url: str, held: bool) -> None:
    def work(records: Records) -> str:
        return records.add_campaign("x", CampaignSettings(), NOW).name

    desk = CutDesk(url, held=held)
    (done,) = GroupCommit(desk).run([work])
    desk.close()
    if held:
        # COMMIT on a link cut after the server's own commit fails like one that was cut before it.
        assert (done.value, done.error) == ("x", None)
    else:
        assert isinstance(done.error, StoreError)
    check = PostgresDesk(parsed_url(url), exclusive=False, command="check")
    rows = check.connect().rows("SELECT name FROM campaigns")
    check.close()
    assert [row[0] for row in rows] == (["x"] if held else [])


async def test_a_server_that_is_not_there_says_so() -> None:
    with pytest.raises(StoreError, match=r"127\.0\.0\.1"):
        open_store("postgresql://ann@127.0.0.1:1/x", write=True)
