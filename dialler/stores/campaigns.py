"""Campaigns, lists and the state of their round robins in the records."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache

import orjson

from dialler.domain.campaign import Campaign, CampaignSettings, Desired, LeadList, LeadOrder
from dialler.domain.redial import RedialRules
from dialler.errors import Conflict, NotFound
from dialler.stores.codec import (
    from_us,
    redial_from_json,
    redial_to_json,
    settings_from_json,
    settings_to_json,
    to_json,
    to_us,
)
from dialler.stores.transaction import SqlRow, Transaction

_CAMPAIGN = "campaign_id, name, created_at, desired, settings, version"
_LIST = "list_id, campaign_id, name, created_at, weight, to_dial, lead_order, redial"
_DELETED_AT_ONCE = 5_000
_PARSED_MAX = 2_000
"""Campaigns, and lists, whose rows are kept as values."""


class CampaignRecords:
    """The part of the records about campaigns and lists."""

    _in: Transaction

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
        changed = self._in.run(
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
        if not changed:
            raise NotFound(f"there is no campaign {campaign.campaign_id}")

    def lists(self, campaign_id: int | None = None) -> Sequence[LeadList]:
        if campaign_id is None:
            return [_list(row) for row in self._in.rows(f"SELECT {_LIST} FROM lists ORDER BY list_id")]
        rows = self._in.rows(f"SELECT {_LIST} FROM lists WHERE campaign_id = ? ORDER BY list_id", (campaign_id,))
        return [_list(row) for row in rows]

    def lead_list(self, list_id: int) -> LeadList:
        row = self._in.row(f"SELECT {_LIST} FROM lists WHERE list_id = ?", (list_id,))
        if row is None:
            raise NotFound(f"there is no list {list_id}")
        return _list(row)

    def list_named(self, campaign_id: int, name: str) -> LeadList:
        row = self._in.row(f"SELECT {_LIST} FROM lists WHERE campaign_id = ? AND name = ?", (campaign_id, name))
        if row is None:
            raise NotFound(f"campaign {campaign_id} has no list {name!r}")
        return _list(row)

    def add_list(
        self,
        campaign_id: int,
        name: str,
        now: datetime,
        *,
        weight: int = 100,
        to_dial: bool = True,
        order: LeadOrder = LeadOrder.OLDEST,
        redial: RedialRules | None = None,
    ) -> LeadList:
        self.campaign(campaign_id)
        new = LeadList(  # checks the weight
            list_id=0,
            campaign_id=campaign_id,
            name=name,
            created_at=now,
            weight=weight,
            to_dial=to_dial,
            order=order,
            redial=redial or RedialRules(),
        )
        row = self._in.row(
            "INSERT INTO lists (campaign_id, name, created_at, weight, to_dial, lead_order, redial)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING list_id",
            (campaign_id, name, to_us(now), weight, to_dial, order.value, redial_to_json(new.redial)),
        )
        if row is None:
            raise Conflict(f"campaign {campaign_id} has a list {name!r} already")
        return self.lead_list(row[0])

    def set_list(self, lead_list: LeadList) -> None:
        taken = self._in.row(
            "SELECT list_id FROM lists WHERE campaign_id = ? AND name = ? AND list_id <> ?",
            (lead_list.campaign_id, lead_list.name, lead_list.list_id),
        )
        if taken:
            raise Conflict(f"campaign {lead_list.campaign_id} has a list {lead_list.name!r} already, id {taken[0]}")
        changed = self._in.run(
            "UPDATE lists SET name = ?, weight = ?, to_dial = ?, lead_order = ?, redial = ? WHERE list_id = ?",
            (
                lead_list.name,
                lead_list.weight,
                lead_list.to_dial,
                lead_list.order.value,
                redial_to_json(lead_list.redial),
                lead_list.list_id,
            ),
        )
        if not changed:
            raise NotFound(f"there is no list {lead_list.list_id}")

    def delete_list(self, list_id: int) -> None:
        lead_list = self.lead_list(list_id)
        if lead_list.to_dial:
            raise Conflict(f"list {lead_list.name!r} ({list_id}) is to dial; set it not to dial first")
        self._in.settle()
        in_call = self._in.row(
            "SELECT COALESCE(SUM(n), 0) FROM lead_counts WHERE list_id = ? AND state = 'in_call'", (list_id,)
        )
        if in_call and in_call[0]:
            raise Conflict(f"list {lead_list.name!r} ({list_id}) has {in_call[0]} leads in a call")
        while rows := self._in.rows(
            "SELECT lead_id, campaign_id, numbers FROM leads WHERE list_id = ? LIMIT ?", (list_id, _DELETED_AT_ONCE)
        ):
            self._in.run_many(
                "DELETE FROM lead_numbers WHERE number = ? AND campaign_id = ? AND lead_id = ?",
                [(number[0], row[1], row[0]) for row in rows for number in orjson.loads(row[2])],
            )
            self._in.run_many("DELETE FROM leads WHERE lead_id = ?", [(row[0],) for row in rows])
        self._in.leads.clear()
        self._in.run("DELETE FROM lead_counts WHERE list_id = ?", (list_id,))
        self._in.run("DELETE FROM lists WHERE list_id = ?", (list_id,))

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


@lru_cache(maxsize=_PARSED_MAX)
def _list(row: SqlRow) -> LeadList:
    return LeadList(
        list_id=row[0],
        campaign_id=row[1],
        name=row[2],
        created_at=from_us(row[3]),
        weight=row[4],
        to_dial=bool(row[5]),
        order=LeadOrder(row[6]),
        redial=redial_from_json(row[7], where=f"list {row[0]} ({row[2]})"),
    )
