"""Plans leads anew after another order, other redial rules or caps, in the background: bounded batches, beside the
dialling.

How far a list has come is in the records, so a restart goes on where it was. A lead that is picked before its batch has
come is planned then (`Picking`), so that nobody is called by the rules before.
"""

from datetime import datetime, timedelta
from functools import partial
from typing import Final

from dialler.engine.floor import Floor
from dialler.engine.replan import replan_leads
from dialler.engine.wake import Wake
from dialler.engine.windows import Windows
from dialler.errors import NotFound, StoreError
from dialler.events import ListReplanned, StoreFailed
from dialler.ports import Records

BATCH: Final = 100
"""Leads in one transaction: some milliseconds in which the records do nothing else."""

PAUSE_S: Final = 0.01
"""Between two batches, so that the dial path never waits for more than one."""

RETRY_S: Final = 1.0

TOLD_EVERY: Final = timedelta(seconds=1)
"""How often at most the dial loop hears of leads that may be called earlier: its stock is made anew each time."""


class Replanning:
    """Works off the lists whose rules have changed."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._wake = Wake(floor.clock)
        self._told_at: datetime | None = None

    def look(self) -> None:
        """Look for lists whose rules have changed."""
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
            now = floor.clock.now()
            try:
                changed, leads = await floor.store.write(
                    partial(_batch, each.list_id, floor.windows, now), urgent=False
                )
            except NotFound:
                continue  # It was deleted meanwhile.
            running = floor.campaigns.get(each.campaign_id)
            if leads is not None:
                name = str(each.campaign_id) if running is None else running.campaign.name
                floor.journal.emit(ListReplanned(at=now, campaign=name, list=each.name, leads=leads))
            is_time = self._told_at is None or not timedelta(0) <= now - self._told_at < TOLD_EVERY
            if leads is not None or (changed and is_time):
                self._told_at = now
                if running is not None:
                    running.hopper.stale = True
                floor.wake.call()
            return True
        return False


def _batch(list_id: int, windows: Windows, now: datetime, records: Records) -> tuple[int, int | None]:
    """Plan some leads anew; return how many have another turn, and how many there were in all, once the last one has
    its own."""
    ids = records.replan(list_id, limit=BATCH)
    lead_list = records.lead_list(list_id)
    campaign = records.campaign(lead_list.campaign_id)
    leads = records.leads_with(ids, to_change=True)
    changed = replan_leads(records, windows, campaign, lead_list, [leads[each] for each in ids], now)
    records.set_leads([after for _, after in changed])
    if lead_list.replan_after is not None:
        return len(changed), None
    details = {"campaign": campaign.name, "list": lead_list.name, "leads": lead_list.replanned}
    records.add_audit(now, "engine", "list.replan", details)
    return len(changed), lead_list.replanned
