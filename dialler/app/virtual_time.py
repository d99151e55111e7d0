"""An event loop whose time is virtual: sleeping a day costs nothing."""

import math
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import anyio
import async_solipsism
import async_solipsism.clock

T = TypeVar("T")


class _NeverEarly(async_solipsism.clock.Clock):
    """Rounds up: a timer that fires a fraction of a tick early is set again by anyio, for ever."""

    def advance(self, delta: float) -> None:
        self._ticks += max(1, math.ceil(delta / self._resolution - 1e-3))


class VirtualLoop(async_solipsism.EventLoop):
    """asyncio on virtual time. No threads, no real network; no lone sleep of 24 h or more."""

    def __init__(self) -> None:
        super().__init__()
        self._selector.clock.__class__ = _NeverEarly


def run_virtually(work: Callable[..., Coroutine[Any, Any, T]], *args: object) -> T:
    """Run `work(*args)` to its end in virtual time."""
    return anyio.run(work, *args, backend="asyncio", backend_options={"loop_factory": VirtualLoop})
