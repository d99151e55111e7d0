"""Virtual time: an hour of calls costs nothing."""

from typing import Any

import async_solipsism
import pytest


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "asyncio", {"loop_factory": async_solipsism.EventLoop}
