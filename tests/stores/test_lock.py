"""Who may write."""

import fcntl
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from dialler.errors import StoreError, StoreLocked
from dialler.stores.lock import WriterLock
from dialler.stores.open import open_store
from dialler.stores.upgrade import upgrade
from tests.support.stores import add_campaign_and_list, opened

NOT_AT_ALL = timedelta(0)
HOLDER = """
import sys
from datetime import timedelta
from pathlib import Path
from dialler.stores.lock import WriterLock
WriterLock(Path(sys.argv[1])).acquire(timedelta(0), command="dialler run\\n-c x")
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_writer_is_told_who_holds_the_lock_and_death_releases_it(tmp_path: Path) -> None:
    path = tmp_path / "x.db.lock"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        lock = WriterLock(path)
        with pytest.raises(StoreLocked, match=rf"process {holder.pid} \(dialler run -c x\); waited 0\.1 s"):
            lock.acquire(timedelta(milliseconds=100), command="second")
    finally:
        holder.kill()
        holder.wait()
    lock.acquire(timedelta(seconds=5), command="second")
    assert path.read_text() == f"{os.getpid()}\nsecond\n"
    lock.release()


def test_a_released_lock_can_be_taken_again(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    first, second = WriterLock(path), WriterLock(path)
    first.acquire(NOT_AT_ALL, command="a long command, longer than the next")
    with pytest.raises(StoreLocked):
        second.acquire(NOT_AT_ALL, command="b")
    first.release()
    first.release()
    second.acquire(NOT_AT_ALL, command="b")
    assert path.read_text() == f"{os.getpid()}\nb\n"
    second.release()
    assert path.read_text() == ""


def test_a_holder_without_a_name_is_another_process(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(StoreLocked, match="another process"):
            WriterLock(path).acquire(NOT_AT_ALL, command="b")


def test_a_lock_that_can_not_be_opened_is_a_store_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"nowhere/lock: the lock"):
        WriterLock(tmp_path / "nowhere" / "lock").acquire(NOT_AT_ALL, command="b")


async def test_while_one_writes_another_can_read_but_neither_write_nor_upgrade(sqlite_url: str) -> None:
    async with opened(sqlite_url, command="dialler run") as writer:
        with pytest.raises(StoreLocked, match=rf"process {os.getpid()} \(dialler run\)"):
            open_store(sqlite_url, write=True, wait=NOT_AT_ALL)
        with pytest.raises(StoreLocked):
            upgrade(sqlite_url, wait=NOT_AT_ALL)
        async with open_store(sqlite_url, write=False) as reader:
            assert await reader.read(lambda records: records.campaigns()) == []
            await writer.write(add_campaign_and_list)
            assert len(await reader.read(lambda records: records.campaigns())) == 1
            with pytest.raises(StoreError, match="reading only"):
                await reader.write(lambda _: None)
    async with opened(sqlite_url, wait=NOT_AT_ALL):
        pass
