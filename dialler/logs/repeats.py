"""What is said over and over is written a few times, and then counted: a fault must not fill the disk with itself."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from structlog.typing import EventDict

WINDOW_S: Final = 10.0
LINES_MAX: Final = 10
"""Times that the same thing is written within WINDOW_S."""

KEYS_MAX: Final = 1_000
"""Different things that are remembered; the one that began longest ago is forgotten first."""

QUIET_LEVELS: Final = ("debug", "info")
_PARTICULARS: Final = frozenset({"call_id", "session_id", "lead_id", "campaign_id", "exception"})


@dataclass(slots=True)
class _Said:
    """How often something was said since `began_s`, and the last that was only counted."""

    began_s: float
    times: int = 0
    counted: int = 0
    last: EventDict | None = None


class Repeats:
    """Lets a line through, or counts it.

    Up to LINES_MAX lines that say the same pass within WINDOW_S. Of the others the last is written once the time is
    over, with `repeated`: how many there were. Below a warning only lines that are alike in every field say the same,
    and a session's lines all pass; from a warning up, ids and measures may differ. `now` is in seconds, and only
    goes forward. Lines are told late where nothing else is said meanwhile, and at the end by `rest`.
    """

    def __init__(
        self,
        *,
        lines_max: int = LINES_MAX,
        window_s: float = WINDOW_S,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lines_max = lines_max
        self._window_s = window_s
        self._now = now
        self._said: OrderedDict[Hashable, _Said] = OrderedDict()

    def pass_on(self, line: EventDict) -> Iterator[EventDict]:
        """Yield the lines to write, now that there is `line`."""
        now_s = self._now()
        # In the order in which their windows began, so the first that is still open ends the search.
        while self._said and next(iter(self._said.values())).began_s + self._window_s <= now_s:
            yield from _summary(self._said.popitem(last=False)[1])
        if "session_id" in line and line.get("level") in QUIET_LEVELS:
            yield line  # Each is said once: to remember it would cost more than all else that is done for it.
            return
        key = _key(line)
        said = self._said.get(key)
        if said is None:
            said = self._said[key] = _Said(now_s)
            if len(self._said) > KEYS_MAX:
                yield from _summary(self._said.popitem(last=False)[1])
        said.times += 1
        if said.times <= self._lines_max:
            yield line
        else:
            said.counted += 1
            said.last = line

    def rest(self) -> Iterator[EventDict]:
        """Yield what was counted and not yet told."""
        while self._said:
            yield from _summary(self._said.popitem(last=False)[1])


def _summary(said: _Said) -> Iterator[EventDict]:
    if said.last is not None:
        yield {**said.last, "repeated": said.counted}


def _key(line: EventDict) -> Hashable:
    if line.get("level") in QUIET_LEVELS:
        return tuple((name, _hashable(value)) for name, value in line.items() if name != "ts")
    return tuple(
        (name, _hashable(value))
        for name, value in line.items()
        if name not in _PARTICULARS and not isinstance(value, int | float | datetime)
    )


def _hashable(value: Any) -> Hashable:
    return value if isinstance(value, str | int | float | datetime | None) else str(value)
