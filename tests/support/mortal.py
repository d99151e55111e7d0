"""Records whose writer dies when a test wants it."""

from collections.abc import Callable
from typing import TypeVar

from dialler.ports import Records
from dialler.stores.memory import MemoryStore

T = TypeVar("T")


class Killed(Exception):
    """The process is gone."""


class MortalStore(MemoryStore):
    """Records whose writer dies at a chosen write: before it is durable, or just after."""

    def __init__(self) -> None:
        super().__init__()
        self.writes_left: int | None = None
        self.is_durable = False

    async def write(self, work: Callable[[Records], T], *, urgent: bool = True) -> T:
        if self.writes_left is None:
            return await super().write(work, urgent=urgent)
        self.writes_left -= 1
        if self.writes_left < 0:
            if self.is_durable:
                await super().write(work, urgent=urgent)
            raise Killed
        return await super().write(work, urgent=urgent)
