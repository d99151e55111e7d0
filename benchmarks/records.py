"""Records to measure on: campaigns that may call at any hour, and lists of as many leads as are wanted."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import anyio

from dialler.domain.calling_hours import parse_hours
from dialler.domain.campaign import CampaignSettings
from dialler.domain.lead import NewLead, PhoneNumber, WindowKey
from dialler.ports import Records
from dialler.stores.open import open_store
from dialler.stores.upgrade import upgrade

KEYS: Final = tuple(
    WindowKey((zone,), "US", region)
    for zone, region in (
        ("America/New_York", "NY"),
        ("America/Chicago", "TX"),
        ("America/Denver", "CO"),
        ("America/Los_Angeles", "CA"),
    )
)
"""The leads' buckets, in turn."""

PREFIX: Final = "+12"
"""Of all numbers; nine digits follow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A campaign to make: how many leads in each of its lists, and its settings."""

    name: str
    leads: Sequence[int]
    settings: Any = None


def settings(**more: Any) -> CampaignSettings:
    """Return an agentless campaign's settings: open at any hour, and no rest or limit that would hold a lead back."""
    values: dict[str, Any] = {
        "hours": parse_hours("always"),
        "pacing": "agentless",
        "message": "test/short",
        "ring_timeout_s": 25,
    }
    return CampaignSettings(**values | more)


def leads(first: int, count: int) -> Iterator[NewLead]:
    """Yield leads with numbers that nobody else has, in all buckets."""
    for place in range(first, first + count):
        number = f"{PREFIX}{place:09}"
        yield NewLead(numbers=(PhoneNumber(number, number),), window_key=KEYS[place % len(KEYS)], name=f"Lead {place}")


def make_records(url: str, plans: Sequence[Plan]) -> None:
    """Create records and fill them; campaigns are stopped, their lists are to dial."""
    upgrade(url)
    anyio.run(_fill, url, plans)


async def _fill(url: str, plans: Sequence[Plan]) -> None:
    async with open_store(url, write=True) as store:
        first = 0
        for plan in plans:
            await store.write(_adding(plan, first))
            first += sum(plan.leads)


def _adding(plan: Plan, first: int) -> Callable[[Records], None]:
    def add(records: Records) -> None:
        now, place = datetime.now(UTC), first
        campaign = records.add_campaign(plan.name, plan.settings or settings(), now)
        for nth, count in enumerate(plan.leads):
            lead_list = records.add_list(campaign.campaign_id, f"list {nth}", now)
            records.add_leads(lead_list.list_id, leads(place, count), now)
            place += count

    return add


def sqlite_url(folder: Path) -> str:
    """Return the url of the records that a daemon in `folder` uses."""
    return f"sqlite:///{folder / 'records.db'}"
