"""Fixtures for the tests of stores."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dialler.stores.open import AnyStore
from tests.support.stores import opened, records_url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """Empty, upgraded records in a file."""
    with records_url("sqlite", tmp_path) as url:
        return url


@pytest.fixture
async def sqlite(sqlite_url: str) -> AsyncIterator[AnyStore]:
    """A store in a file, open for writing."""
    async with opened(sqlite_url) as store:
        yield store
