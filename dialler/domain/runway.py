"""How long leads last at the present pace."""

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
