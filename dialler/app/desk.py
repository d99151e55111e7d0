"""A desk for one command: the records, and no engine."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from anyio import CancelScope

from dialler.api.desk import Desk
from dialler.clock import SystemClock
from dialler.settings import Settings
from dialler.stores.open import open_store


@asynccontextmanager
async def open_desk(settings: Settings, *, write: bool, wait: timedelta, command: str) -> AsyncIterator[Desk]:
    """Open the records for a command that found no daemon.

    To `write` takes the writer's lock, waiting up to `wait` (and blocking the loop: nothing else runs in a
    command); whoever finds it taken is told of `command`. Raises StoreLocked, SchemaOutdated, StoreError.
    """
    store = open_store(settings.store.url, write=write, wait=wait, command=command)
    try:
        yield Desk(store=store, clock=SystemClock(), trunks=trunks_of(settings))
    finally:
        with CancelScope(shield=True):
            await store.aclose()


def trunks_of(settings: Settings) -> frozenset[str]:
    """Return the names of the trunks in the settings; none where they name no Asterisk server."""
    return frozenset(trunk.name for server in settings.asterisk for trunk in server.trunks)
