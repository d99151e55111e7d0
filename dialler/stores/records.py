"""The records inside one transaction: `dialler.ports.Records` in SQL."""

from sqlalchemy import Connection

from dialler.stores.campaigns import CampaignRecords
from dialler.stores.check import CheckRecords
from dialler.stores.dnc import DncRecords
from dialler.stores.leads import LeadRecords
from dialler.stores.sessions import SessionRecords
from dialler.stores.transaction import Transaction, WindowKeys


class SqlRecords(CampaignRecords, LeadRecords, SessionRecords, DncRecords, CheckRecords):
    """All parts on one connection; good for one work."""

    def __init__(self, connection: Connection, keys: WindowKeys) -> None:
        self._in = Transaction(connection, keys)

    def settle(self) -> None:
        """Write the counts of what was done; the work is complete then."""
        self._in.settle()

    def close(self) -> None:
        """Forget the connection."""
        self._in.close()
