"""The API on records in memory, at a moment that stands still."""

from collections.abc import AsyncIterator

import httpx
import pytest

from dialler.api.desk import Desk
from dialler.clock import FixedClock
from dialler.stores.memory import MemoryStore
from tests.support.desks import NOW, FakeEngine, client_of, fill


@pytest.fixture
async def store() -> AsyncIterator[MemoryStore]:
    async with MemoryStore() as opened:
        yield opened


@pytest.fixture
def engine(store: MemoryStore) -> FakeEngine:
    return FakeEngine(store)


@pytest.fixture
async def api(store: MemoryStore) -> AsyncIterator[httpx.AsyncClient]:
    """The API with no engine."""
    async with client_of(Desk(store=store, clock=FixedClock(NOW))) as client:
        yield client


@pytest.fixture
async def engine_api(store: MemoryStore, engine: FakeEngine) -> AsyncIterator[httpx.AsyncClient]:
    """The API as the daemon serves it."""
    async with client_of(Desk(store=store, clock=FixedClock(NOW), engine=engine)) as client:
        yield client


@pytest.fixture
async def floor(store: MemoryStore) -> list[int]:
    """The ids of the leads of a small contact centre, see `fill`."""
    return await store.write(fill)
