"""What only PostgreSQL can do to a store: lose the link, and have two engines."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from unittest.mock import patch

import pytest

from dialler.domain.campaign import CampaignSettings
from dialler.errors import StoreError, StoreLocked
from dialler.ports import Records
from dialler.stores.group import GroupCommit
from dialler.stores.link import Link
from dialler.stores.open import open_store, parsed_url
from dialler.stores.postgres import PostgresDesk
from tests.support.postgres import administer
from tests.support.stores import NOW, add_campaign_and_list, opened, records_url

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
