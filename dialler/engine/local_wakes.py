"""Wake-ups between engines of one process."""

from collections.abc import Callable

from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus


class LocalWakes:
    """One engine's end of a `WakeBus`; those made by `another` hear each other. A single one talks to nobody."""

    def __init__(self, ends: "list[LocalWakes] | None" = None) -> None:
        self._ends = ends if ends is not None else []
        self._ends.append(self)
        self._listeners: dict[str, list[Callable[[], None]]] = {}

    def another(self) -> "LocalWakes":
        """Return the end of another engine."""
        return LocalWakes(self._ends)

    def listen(self, topic: str, listener: Callable[[], None]) -> None:
        self._listeners.setdefault(topic, []).append(listener)

    def publish(self, topic: str) -> None:
        for end in self._ends:
            if end is not self:
                for listener in end._listeners.get(topic, ()):
                    listener()

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        task_status.started()
