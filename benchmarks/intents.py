"""The transaction that writes intents, as the dial loop runs it, without the loop around it."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from dialler.clock import SystemClock
from dialler.domain.campaign import Desired
from dialler.domain.session import Session
from dialler.engine.hopper import Hopper
from dialler.engine.intent import Intents, Order
from dialler.engine.opening import Slot
from dialler.engine.windows import Windows
from dialler.ports import Records

SLOT: Final = Slot(trunk="carrier", server="main", caller_id=None)


class Picking:
    """A campaign's hopper and turns; `work(n)` is the transaction that writes its next n intents."""

    def __init__(self, campaign_id: int = 1, *, level: int = 100) -> None:
        self.campaign_id = campaign_id
        windows = Windows()
        self.hopper = Hopper(windows, level=level)
        self._intents = Intents(windows, SystemClock(), random.Random(1))

    def start(self, records: Records) -> None:
        """Let the campaign run, as far as the records say."""
        campaign = records.campaign(self.campaign_id)
        records.set_campaign(replace(campaign, desired=Desired.RUNNING))

    def work(self, count: int) -> Callable[[Records], int]:
        """Return a transaction that writes `count` intents and returns how many it wrote."""
        sessions = self.sessions(count)
        return lambda records: len(sessions(records))

    def sessions(self, count: int) -> Callable[[Records], Sequence[Session]]:
        """Return a transaction that writes `count` intents and returns their sessions."""
        order = Order(
            campaign_id=self.campaign_id, slots=[SLOT] * count, dial_mode="agentless", reason="the bench asks for it"
        )

        def commit(records: Records) -> Sequence[Session]:
            return [intent.session for intent in self._intents.commit(records, order, self.hopper, set()).intents]

        return commit
