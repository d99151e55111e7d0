"""The records as a whole, and what keeps them."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from dialler.ports.caller_id_records import CallerIdRecords
from dialler.ports.campaign_records import CampaignRecords
from dialler.ports.desk_records import DeskRecords
from dialler.ports.import_records import ImportRecords
from dialler.ports.lead_records import LeadRecords
from dialler.ports.session_records import SessionRecords

T = TypeVar("T")


class Records(CampaignRecords, CallerIdRecords, LeadRecords, SessionRecords, ImportRecords, DeskRecords, Protocol):
    """The records, inside one transaction. Not for keeping: use it only within the work it was given to."""


class Store(Protocol):
    """The records, from outside a transaction."""

    async def write(self, work: Callable[[Records], T], *, urgent: bool = True) -> T:
        """Run `work` in a transaction; return once what it did is durable.

        Works run one at a time, in the order of their calls; several may share one commit. One that raises is
        undone alone and its error propagates. With `urgent` false it may wait, up to the store's group delay, for
        others to share its commit. Raises StoreError (StoreFull, ...): then nothing of it was kept. Once handed
        over, cancelling the caller does not stop the work.
        """

    async def read(self, work: Callable[[Records], T]) -> T:
        """Run `work` on a consistent, read-only view of what is durable."""

    async def aclose(self) -> None:
        """Finish what was handed over, then close."""
