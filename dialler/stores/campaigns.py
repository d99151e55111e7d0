"""Campaigns and the state of their round robins in the records."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache

import orjson

from dialler.domain.campaign import Campaign, CampaignSettings, Desired, LeadList, caps_of, in_force
from dialler.errors import Conflict, NotFound
from dialler.stores.codec import (
    from_us,
    settings_from_json,
    settings_to_json,
    to_json,
    to_us,
)
from dialler.stores.lists import to_be_replanned
from dialler.stores.transaction import SqlRow, Transaction

_CAMPAIGN = "campaign_id, name, created_at, desired, settings, version"
_PARSED_MAX = 2_000
"""Campaigns whose rows are kept as values."""


class CampaignRecords:
    """The part of the records about campaigns."""

    _in: Transaction
    lists: Callable[..., Sequence[LeadList]]

    def campaigns(self) -> Sequence[Campaign]:
        return [_campaign(row) for row in self._in.rows(f"SELECT {_CAMPAIGN} FROM campaigns ORDER BY campaign_id")]

    def campaign(self, campaign_id: int) -> Campaign:
        row = self._in.row(f"SELECT {_CAMPAIGN} FROM campaigns WHERE campaign_id = ?", (campaign_id,))
        if row is None:
            raise NotFound(f"there is no campaign {campaign_id}")
        return _campaign(row)

    def campaign_named(self, name: str) -> Campaign:
        row = self._in.row(f"SELECT {_CAMPAIGN} FROM campaigns WHERE name = ?", (name,))
        if row is None:
            raise NotFound(f"there is no campaign {name!r}")
        return _campaign(row)

    def add_campaign(self, name: str, settings: CampaignSettings, now: datetime) -> Campaign:
        row = self._in.row(
            "INSERT INTO campaigns (name, created_at, desired, settings, version, merchant) VALUES (?, ?, ?, ?, 1, ?)"
            " ON CONFLICT DO NOTHING RETURNING campaign_id",
            (name, to_us(now), Desired.STOPPED.value, settings_to_json(settings), settings.merchant),
        )
        if row is None:
            raise Conflict(f"there is a campaign {name!r} already")
        return self.campaign(row[0])

    def set_campaign(self, campaign: Campaign) -> None:
        taken = self._in.row(
            "SELECT campaign_id FROM campaigns WHERE name = ? AND campaign_id <> ?",
            (campaign.name, campaign.campaign_id),
        )
        if taken:
            raise Conflict(f"there is a campaign {campaign.name!r} already, with id {taken[0]}")
        old = self.campaign(campaign.campaign_id).settings
        self._in.run(
            "UPDATE campaigns SET name = ?, desired = ?, settings = ?, version = ?, merchant = ? WHERE campaign_id = ?",
            (
                campaign.name,
                campaign.desired.value,
                settings_to_json(campaign.settings),
                campaign.version,
                campaign.settings.merchant,
                campaign.campaign_id,
            ),
        )
        for each in self.lists(campaign.campaign_id):
            if caps_of(in_force(campaign.settings, each)) != caps_of(in_force(old, each)):
                to_be_replanned(self._in, "list_id", each.list_id)

    def round_state(self, scope: str) -> Mapping[str, int] | None:
        row = self._in.row("SELECT state FROM round_states WHERE scope = ?", (scope,))
        if row is None:
            return None
        state: dict[str, int] = orjson.loads(row[0])
        return state

    def save_round_state(self, scope: str, state: Mapping[str, int]) -> None:
        self._in.run(
            "INSERT INTO round_states (scope, state) VALUES (?, ?)"
            " ON CONFLICT (scope) DO UPDATE SET state = excluded.state",
            (scope, to_json(state)),
        )


# Read in every transaction of the dial path and changed by hand: a row that reads as before is not parsed again.
@lru_cache(maxsize=_PARSED_MAX)
def _campaign(row: SqlRow) -> Campaign:
    return Campaign(
        campaign_id=row[0],
        name=row[1],
        created_at=from_us(row[2]),
        desired=Desired(row[3]),
        settings=settings_from_json(row[4], where=f"campaign {row[0]} ({row[1]})"),
        version=row[5],
    )
