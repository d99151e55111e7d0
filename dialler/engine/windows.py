"""Which windows are open, remembered until they change."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from dialler.domain.calling_hours import CallingHours
from dialler.domain.calling_window import CallingWindow
from dialler.domain.lead import WindowKey
from dialler.domain.window import window_for

KEPT_MAX = 20_000
"""Windows remembered; there are about as many as zones times regions times campaigns' hours."""


@dataclass(slots=True)
class _Known:
    window: CallingWindow
    seen_at: datetime
    is_open: bool
    changes_at: datetime


class Windows:
    """Answers for a window in constant time: it is searched once for each of its changes."""

    def __init__(self) -> None:
        self._known: dict[tuple[CallingHours, WindowKey], _Known] = {}

    def is_open(self, hours: CallingHours, key: WindowKey, now: datetime) -> bool:
        """Tell whether the window of `key` is open at `now`."""
        return self._look(hours, key, now).is_open

    def changes_at(self, hours: CallingHours, key: WindowKey, now: datetime) -> datetime:
        """Return when the answer of `is_open` may change next: later than `now`, within 370 days."""
        return self._look(hours, key, now).changes_at

    def window(self, hours: CallingHours, key: WindowKey) -> CallingWindow:
        """Return the window itself."""
        known = self._known.get((hours, key))
        return known.window if known else window_for(hours, key)

    def _look(self, hours: CallingHours, key: WindowKey, now: datetime) -> _Known:
        known = self._known.get((hours, key))
        # A clock that was set back before `seen_at` makes the memory worthless, too.
        if known is None or not known.seen_at <= now < known.changes_at:
            window = known.window if known else window_for(hours, key)
            is_open = window.is_open(now)
            change = window.next_close(now) if is_open else window.next_open(now)
            if len(self._known) >= KEPT_MAX:
                self._known.clear()
            known = _Known(window, now, is_open, change or now + timedelta(days=370))
            self._known[hours, key] = known
        return known
