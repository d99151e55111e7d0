"""What every store must do: in memory, on SQLite, on PostgreSQL. Each test here runs on all three."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from dialler.stores.open import AnyStore
from tests.support.stores import (
    opened,
    records_url,
)


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with records_url(request.param, tmp_path) as empty:
        yield empty


@pytest.fixture
async def store(url: str) -> AsyncIterator[AnyStore]:
    """An open store; whatever a test did to it, no promise is broken afterwards."""
    async with opened(url) as opened_store:
        yield opened_store
        assert await opened_store.read(lambda records: records.check()) == []
