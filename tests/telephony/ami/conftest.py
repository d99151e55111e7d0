"""A scripted exchange for the adapter's tests."""

from collections.abc import AsyncIterator

import pytest

from tests.support.ami_peer import AmiPeer


@pytest.fixture
async def peer() -> AsyncIterator[AmiPeer]:
    """Return a peer that listens on a port of its own."""
    async with AmiPeer() as running:
        yield running
