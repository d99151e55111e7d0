"""What a store counts about itself, for the metrics."""

from collections.abc import Callable


class Tally:
    """Commits and works of a store since it was opened."""

    def __init__(self) -> None:
        self.commits = 0
        self.works = 0
        self.last_group_size = 0
        self.on_commit: list[Callable[[int, float], None]] = []
        """Called on the event loop after each commit, with the size of its group and the seconds it took."""

    def count(self, group_size: int, seconds: float) -> None:
        """Note a commit."""
        self.commits += 1
        self.works += group_size
        self.last_group_size = group_size
        for call in self.on_commit:
            call(group_size, seconds)
