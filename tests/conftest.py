"""Fixtures for all tests."""

import pytest

import dialler  # noqa: F401 - makes the tzdata package win before any test reads a zone


@pytest.fixture
def anyio_backend() -> str:
    """Run async tests on asyncio: panoramisk and redis know no other."""
    return "asyncio"
