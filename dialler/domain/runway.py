"""How long leads last at the present pace."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

PACE_SPAN: Final = timedelta(hours=1)
"""Over so long the pace is measured."""


def runway(dialable: int, attempts: float) -> timedelta | None:
    """Return how long `dialable` leads last at `attempts` in `PACE_SPAN`; None where nobody is called, so that no end
    can be told.

    Leads that come back from a rest meanwhile are not counted: it is the time in which somebody has to look.
    """
    return PACE_SPAN * (dialable / attempts) if attempts > 0 else None


def runway_together(lists: Iterable[tuple[int, float | None]]) -> float | None:
    """Return in how many seconds all leads of several lists are used up at their present pace, together.

    Each is (leads that can be dialled now, its own runway in seconds); one without a runway was not called of late,
    and its leads are what is left when the others are dry. None where nobody knows the pace.
    """
    known = list(lists)
    pace = sum(dialable / seconds for dialable, seconds in known if seconds)
    return sum(dialable for dialable, _ in known) / pace if pace else None
