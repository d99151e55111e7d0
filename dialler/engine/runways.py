"""How long each list lasts at the present pace, told before agents fall idle.

Looked at after a hopper was refilled, and no more often than every `LOOK_S`: lists are used up by refills alone, and
the smaller what is left, the more often a list is refilled.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import anyio

from dialler.domain.campaign import Campaign, LeadList
from dialler.domain.runway import PACE_SPAN, runway
from dialler.engine.floor import Floor
from dialler.engine.outlook import dialable_counts
from dialler.engine.windows import Windows
from dialler.errors import StoreError
from dialler.events import ListRunsDry, StoreFailed
from dialler.ports import Records

LOOK_S: Final = 15.0
SHORT_SPAN: Final = timedelta(minutes=10)
"""The pace of so long counts too, if it is the higher one: a campaign that began a moment ago has no hour behind it."""

REARMED: Final = 1.25
"""A list is told of again once its runway was so many times the setting."""


class Runways:
    """Watches the lists of one engine."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._told: set[int] = set()

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            await self._floor.refilled.wait()
            try:
                await self.run_once(self._floor.clock.now())
            except StoreError as error:
                self._floor.journal.emit(StoreFailed(at=self._floor.clock.now(), error=str(error)))
            await anyio.sleep(LOOK_S)

    async def run_once(self, now: datetime) -> None:
        """Look at the lists of campaigns that dial; tell of those that will run dry. Raises StoreError."""
        floor = self._floor
        campaigns = [running.campaign for running in floor.campaigns.values() if running.dials]
        if not campaigns:
            return
        seen = await floor.store.read(partial(_look, campaigns=campaigns, windows=floor.windows, now=now))
        lasts = {each.lead_list.list_id: each for each in seen}
        for running in floor.campaigns.values():
            running.runways = {list_id: each.lasts for list_id in running.lists if (each := lasts.get(list_id))}
        least = floor.options.runway_min
        for each in seen:
            list_id = each.lead_list.list_id
            if each.lasts is None or each.lasts >= least * REARMED:
                self._told.discard(list_id)
            elif each.lasts < least and each.dialable and list_id not in self._told:
                self._told.add(list_id)
                floor.journal.emit(
                    ListRunsDry(
                        at=now,
                        campaign=each.campaign,
                        list=each.lead_list.name,
                        dialable=each.dialable,
                        runway_s=each.lasts.total_seconds(),
                    )
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    campaign: str
    lead_list: LeadList
    dialable: int
    lasts: timedelta | None


def _look(records: Records, *, campaigns: Sequence[Campaign], windows: Windows, now: datetime) -> Sequence[_Seen]:
    owners: Mapping[int, Campaign] = {each.campaign_id: each for each in campaigns}
    lists = [each for campaign_id in owners for each in records.lists(campaign_id) if each.to_dial]
    ids = [each.list_id for each in lists]
    dialable = dialable_counts(records, lists, owners, now, windows=windows)
    long, short = (records.attempts_since(ids, now - span) for span in (PACE_SPAN, SHORT_SPAN))
    return [
        _Seen(
            campaign=owners[each.campaign_id].name,
            lead_list=each,
            dialable=dialable[each.list_id],
            lasts=runway(
                dialable[each.list_id], max(long[each.list_id], short[each.list_id] * (PACE_SPAN / SHORT_SPAN))
            ),
        )
        for each in lists
    ]
