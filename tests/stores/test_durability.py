"""What was acknowledged is there after the process was killed."""

import signal
import subprocess
import sys

import pytest

from dialler.stores.open import open_store
from tests.support.stores import opened

WRITER = """
import asyncio, sys
from datetime import UTC, datetime
from dialler.domain.campaign import CampaignSettings
from dialler.stores.open import open_store

async def main():
    store = open_store(sys.argv[1], write=True, command="to be killed")
    for i in range(1_000_000):
        await store.write(lambda records: records.add_campaign(f"c{i}", CampaignSettings(), datetime.now(UTC)))
        print(i, flush=True)

asyncio.run(main())
"""


def killed_writer(url: str, *, acknowledged: int) -> int:
    """Kill a process that writes, once it has told of so many writes; return the last one that it told of."""
    with subprocess.Popen([sys.executable, "-c", WRITER, url], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(acknowledged)]
        process.kill()
        told += process.stdout.readlines()
        assert process.wait() == -signal.SIGKILL
    return int([line for line in told if line.endswith("\n")][-1])


@pytest.mark.parametrize("acknowledged", [1, 7])
async def test_an_acknowledged_write_survives_a_kill_at_any_instant(sqlite_url: str, acknowledged: int) -> None:
    last = killed_writer(sqlite_url, acknowledged=acknowledged)
    # A reader comes first, while the WAL of the dead writer still lies there.
    async with open_store(sqlite_url, write=False) as reader:
        names = {one.name for one in await reader.read(lambda records: records.campaigns())}
    assert {f"c{i}" for i in range(last + 1)} <= names
    assert len(names) <= last + 2  # at most one more, which was durable but not yet told
    async with opened(sqlite_url) as store:  # the lock died with its holder
        assert {one.name for one in await store.read(lambda records: records.campaigns())} == names
        assert await store.read(lambda records: records.check()) == []
