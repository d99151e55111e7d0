"""A command of root must not leave files that the daemon can't write."""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from dialler.stores.open import open_store
from dialler.stores.upgrade import upgrade

NOBODY = 65534


def owners(folder: Path) -> dict[str, int]:
    return {file.name: file.stat().st_uid for file in folder.iterdir()}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files for others")
@pytest.mark.parametrize("write", [True, False])
async def test_what_root_makes_beside_a_database_belongs_to_the_databases_owner(tmp_path: Path, write: bool) -> None:
    url = f"sqlite:///{tmp_path}/leads.db"
    upgrade(url, wait=timedelta(0), command="test")
    os.chown(tmp_path / "leads.db", NOBODY, NOBODY)
    async with open_store(url, write=write) as store:
        assert await store.read(lambda records: list(records.campaigns())) == []
        assert set(owners(tmp_path).values()) == {NOBODY}, owners(tmp_path)
    assert set(owners(tmp_path).values()) == {NOBODY}, owners(tmp_path)
