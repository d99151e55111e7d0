"""How many calls were abandoned, and how many answered, by campaign and slot: the ledger of the abandon rate.

It is written in the transaction that ends a session, or changes its wrap code, so it never says anything else than the
sessions do; `check` compares the two.
"""

from collections.abc import Mapping
from typing import Final

from dialler.domain.abandon import MACHINE_CODES, MESSAGE_MODE, NOTHING, SLOT, AbandonCounts, Counted, counted_as
from dialler.domain.outcome import TRAITS, Outcome
from dialler.stores.transaction import Transaction

_SLOT_US: Final = SLOT // SLOT.resolution
_SELECT: Final = (
    "SELECT slot, counted, n FROM abandon_counts WHERE campaign_id = ? AND slot >= ? AND n <> 0 ORDER BY slot"
)


def _texts(values: frozenset[str]) -> str:
    return ", ".join(f"'{value}'" for value in sorted(values))


_ABANDONED: Final = frozenset(outcome.value for outcome, traits in TRAITS.items() if traits.abandoned)
_COUNTED_AS: Final = (
    f"CASE WHEN outcome = '{Outcome.OPTED_OUT}' AND dial_mode = '{MESSAGE_MODE}' THEN NULL"
    f" WHEN outcome IN ({_texts(_ABANDONED)}) THEN '{Counted.ABANDONED}'"
    f" WHEN outcome = '{Outcome.ABANDONED_SHORT}' THEN '{Counted.ABANDONED_SHORT}'"
    f" WHEN outcome = '{Outcome.CONNECTED}' AND wrap_code IN ({_texts(MACHINE_CODES)}) THEN '{Counted.PASSED_MACHINE}'"
    f" WHEN outcome = '{Outcome.CONNECTED}' THEN '{Counted.PASSED}'"
    f" WHEN outcome IN ('{Outcome.MACHINE}', '{Outcome.MACHINE_MESSAGE}') THEN '{Counted.MACHINE}' END"
)
"""As `counted_as`, for the rows of sessions; a test compares the two."""

COUNTED_ROWS: Final = (
    f"SELECT campaign_id, slot, counted, COUNT(*) FROM (SELECT campaign_id, COALESCE(ended_at, created_at) / {_SLOT_US}"
    f" AS slot, {_COUNTED_AS} AS counted FROM sessions WHERE outcome IS NOT NULL) AS ended WHERE counted IS NOT NULL"
    " GROUP BY campaign_id, slot, counted"
)
"""What the ledger must hold, counted from the sessions."""


class AbandonRecords:
    """The part of the records about abandoned calls."""

    _in: Transaction

    def abandon_counts(self, campaign_id: int, *, since: int) -> Mapping[int, AbandonCounts]:
        self._in.settle()
        found: dict[int, AbandonCounts] = {}
        for slot, counted, n in self._in.rows(_SELECT, (campaign_id, since)):
            found[slot] = found.get(slot, NOTHING).plus(Counted(counted), n)
        return found


def count_ended(
    transaction: Transaction, campaign_id: int, was: tuple[int, Counted] | None, now: tuple[int, Counted] | None
) -> None:
    """Count a session as it is now, and no more as it was: slot and kind each, as of `entry_of`."""
    if was != now:
        for entry, n in ((was, -1), (now, 1)):
            if entry is not None:
                transaction.count_abandons(campaign_id, entry[0], entry[1].value, n)


def stored_entry(
    outcome: str | None, wrap_code: str | None, dial_mode: str, ended_at: int | None, created_at: int
) -> tuple[int, Counted] | None:
    """Return what `entry_of` says of a session, from its row; moments in microseconds."""
    counted = counted_as(outcome, wrap_code=wrap_code, dial_mode=dial_mode)
    return None if counted is None else ((created_at if ended_at is None else ended_at) // _SLOT_US, counted)
