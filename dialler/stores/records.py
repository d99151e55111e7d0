"""The records inside one transaction: `dialler.ports.Records` in SQL."""

from dialler.stores.abandons import AbandonRecords
from dialler.stores.attempts import AttemptRecords
from dialler.stores.audit import AuditRecords
from dialler.stores.callbacks import CallbackRecords
from dialler.stores.caller_ids import CallerIdRecords
from dialler.stores.campaigns import CampaignRecords
from dialler.stores.change_sets import ChangeSetRecords
from dialler.stores.check import CheckRecords
from dialler.stores.dnc import DncRecords
from dialler.stores.erasure import ErasureRecords
from dialler.stores.import_blocks import ImportBlockRecords
from dialler.stores.imports import ImportRecords
from dialler.stores.link import Link
from dialler.stores.lists import ListRecords
from dialler.stores.saved import SavedRecords
from dialler.stores.search import SearchRecords
from dialler.stores.sessions import SessionRecords
from dialler.stores.strategies import StrategyRecords
from dialler.stores.totals import TotalRecords
from dialler.stores.transaction import Transaction, WindowKeys


class SqlRecords(
    CampaignRecords,
    CallerIdRecords,
    ListRecords,
    StrategyRecords,
    ChangeSetRecords,
    ErasureRecords,
    CallbackRecords,
    AttemptRecords,
    AbandonRecords,
    SessionRecords,
    SearchRecords,
    SavedRecords,
    DncRecords,
    AuditRecords,
    ImportRecords,
    ImportBlockRecords,
    TotalRecords,
    CheckRecords,
):
    """All parts on one link; good for one work."""

    def __init__(self, link: Link, keys: WindowKeys) -> None:
        self._in = Transaction(link, keys)

    def settle(self) -> None:
        """Write the counts of what was done; the work is complete then."""
        self._in.settle()

    def close(self) -> None:
        """Forget the link."""
        self._in.close()
