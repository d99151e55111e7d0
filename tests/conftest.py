"""Fixtures for all tests."""

import pytest
from hypothesis import settings

import dialler  # noqa: F401 - makes the tzdata package win before any test reads a zone

# No example is held to 200 ms: how long it takes tells of the machine, and what is measured is in benchmarks/.
settings.register_profile("dialler", deadline=None)
settings.load_profile("dialler")


@pytest.fixture
def anyio_backend() -> str:
    """Run async tests on asyncio: panoramisk and redis know no other."""
    return "asyncio"
