"""What several engines share: the channels of trunks, and a bell to wake each other."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus

from telephony.port import Trunk


class TrunkLimits(Protocol):
    """How many calls a second, and how many channels, of each trunk this engine may use.

    Other engines may share the trunks. What is told at once is the best knowledge there is, for snapshots; only
    `reserve` binds. A trunk that is not known has nothing free and holds nothing.
    """

    @property
    def shared(self) -> bool | None:
        """Whether the caps are shared with others now; False where they should be and can't, None where nobody asks."""

    def said(self) -> Sequence[str]:
        """Return why less than the caps may be used, in words; empty where nothing is wrong."""

    def set_caps(self, caps: Mapping[str, Trunk]) -> None:
        """Change rates and channels while running; calls under way are not touched."""

    def tokens(self, name: str) -> int:
        """Return how many calls the rate allows now."""

    def token_due_s(self, name: str) -> float:
        """Return in how many seconds the rate allows the next call; 0 if now."""

    def channels_free(self, name: str) -> int:
        """Return how many more calls the trunk can hold."""

    def channels_used(self, name: str) -> int:
        """Return how many channels this engine's calls hold, with those reserved for calls to come."""

    async def reserve(self, wanted: Mapping[str, int]) -> Mapping[str, int]:
        """Take for each trunk up to so many tokens and as many channels; return how many were there.

        Each is then for one call, by `hold`, or is given back. Never raises for want of others, never takes long.
        """

    def give_back(self, unused: Mapping[str, int]) -> None:
        """Give back what was reserved and no call was placed with."""

    def hold(self, name: str, call_id: str, *, reserved: bool) -> None:
        """Give a call a channel: one of those reserved, or one more, whatever the cap. Twice is once."""

    def release(self, name: str, call_id: str) -> None:
        """Give a call's channel back; twice is once."""

    async def run(self, changed: Callable[[], None], *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        """Keep in touch with the others, if there are any, until cancelled; started once that was tried.

        Call `changed` when more may be free than was known.
        """

    async def leave(self) -> None:
        """Take leave of the others: calls that are still up keep their channels, nothing else does."""


class WakeBus(Protocol):
    """Tells other engines that something is worth a look. What is said while they are away is lost.

    Topics: "follow" (what supervisors want has changed), "trunk:NAME" (a channel that others want came free).
    """

    def listen(self, topic: str, listener: Callable[[], None]) -> None:
        """Call `listener` when another one publishes `topic`, and whenever something may have been missed."""

    def publish(self, topic: str) -> None:
        """Tell the others, not ourselves; at once or soon."""

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        """Keep in touch until cancelled; started once that was tried."""
