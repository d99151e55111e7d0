"""Simulated days run on virtual time: sleeping a day costs nothing."""

from typing import Any

import pytest

from dialler.app.virtual_time import VirtualLoop


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "asyncio", {"loop_factory": VirtualLoop}
