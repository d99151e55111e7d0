"""Gives leads their places in a new order, in the background: bounded batches, beside the dialling.

How far a list has come is in the records, so a restart goes on where it was. A lead whose turn has not come yet is
judged by the same gates as ever; it is merely still in the place of the order before.
"""

from functools import partial
from typing import Final

from dialler.engine.floor import Floor
from dialler.engine.wake import Wake
from dialler.errors import NotFound, StoreError
from dialler.events import ListReplanned, StoreFailed
from dialler.ports import Records

BATCH: Final = 500
"""Leads in one transaction: some milliseconds in which the records do nothing else."""

PAUSE_S: Final = 0.01
"""Between two batches, so that the dial path never waits for more than one."""

RETRY_S: Final = 1.0


class Replanning:
    """Works off the lists whose order has changed."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._wake = Wake(floor.clock)

    def look(self) -> None:
        """Look for lists whose order has changed."""
        self._wake.call()

    async def run(self) -> None:
        """Work until cancelled."""
        pause_s: float | None = 0.0
        while True:
            await self._wake.wait(seconds=pause_s)
            try:
                pause_s = PAUSE_S if await self.run_once() else None
            except StoreError as error:
                self._floor.journal.emit(StoreFailed(at=self._floor.clock.now(), error=str(error)))
                pause_s = RETRY_S

    async def run_once(self) -> bool:
        """Do one batch of one list; tell whether there may be more. Raises StoreError."""
        floor = self._floor
        lists = await floor.store.read(lambda records: records.lists())
        for each in lists:
            if each.replan_after is None:
                continue
            try:
                leads = await floor.store.write(partial(_batch, each.list_id), urgent=False)
            except NotFound:
                continue  # It was deleted meanwhile.
            if leads is not None:
                running = floor.campaigns.get(each.campaign_id)
                name = str(each.campaign_id) if running is None else running.campaign.name
                floor.journal.emit(ListReplanned(at=floor.clock.now(), campaign=name, list=each.name, leads=leads))
                if running is not None:
                    running.hopper.stale = True
                floor.wake.call()
            return True
        return False


def _batch(list_id: int, records: Records) -> int | None:
    """Replan some leads; return how many there were in all, once the last one has its place."""
    records.replan(list_id, limit=BATCH)
    lead_list = records.lead_list(list_id)
    return lead_list.replanned if lead_list.replan_after is None else None
