"""Measures how late the event loop runs: what holds it up holds up every call."""

from collections.abc import Callable
from typing import Final

import anyio

EVERY_S: Final = 0.1


async def watch_loop(observe: Callable[[float], None], *, every_s: float = EVERY_S) -> None:
    """Sleep `every_s` again and again, until cancelled; tell `observe` by how many seconds it was exceeded.

    A loop that stands still for a minute gives one look of a minute, so the largest tells more than the mean.
    """
    while True:
        due = anyio.current_time() + every_s
        await anyio.sleep(every_s)
        observe(max(0.0, anyio.current_time() - due))
