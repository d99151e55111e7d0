"""Lists in the records, and how far their leads are planned anew after a change of rules."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final, Literal

import orjson

from dialler.domain.campaign import LeadList
from dialler.domain.rank import rank_of
from dialler.domain.strategy import STANDARD, Strategy
from dialler.errors import Conflict, NotFound
from dialler.stores.codec import from_us, from_us_or_none, json_object, strategy_from_json, to_us, to_us_or_none
from dialler.stores.transaction import SqlRow, Transaction, portions

_SELECT: Final = (
    "SELECT lists.list_id, lists.campaign_id, lists.name, lists.created_at, lists.weight, lists.to_dial,"
    " lists.starts_at, lists.ends_at, lists.lead_days, lists.replan_after, lists.replanned, strategies.strategy_id,"
    " strategies.name, strategies.version, strategies.created_at, strategies.body"
    " FROM lists LEFT JOIN strategies ON strategies.strategy_id = lists.strategy_id"
)
_TO_REPLAN: Final = "SELECT lead_id FROM leads WHERE list_id = ? AND state = ? AND lead_id > ? ORDER BY lead_id LIMIT ?"
_STATES: Final = ("ready", "resting", "in_call", "completed")
_DELETED_AT_ONCE: Final = 5_000
_PARSED_MAX: Final = 2_000
"""Lists, and strategies, whose rows are kept as values."""


class ListRecords:
    """The part of the records about lists."""

    _in: Transaction

    def lists(self, campaign_id: int | None = None) -> Sequence[LeadList]:
        if campaign_id is None:
            return [_list(row) for row in self._in.rows(f"{_SELECT} ORDER BY lists.list_id")]
        rows = self._in.rows(f"{_SELECT} WHERE lists.campaign_id = ? ORDER BY lists.list_id", (campaign_id,))
        return [_list(row) for row in rows]

    def lead_list(self, list_id: int) -> LeadList:
        row = self._in.row(f"{_SELECT} WHERE lists.list_id = ?", (list_id,))
        if row is None:
            raise NotFound(f"there is no list {list_id}")
        return _list(row)

    def list_named(self, campaign_id: int, name: str) -> LeadList:
        row = self._in.row(f"{_SELECT} WHERE lists.campaign_id = ? AND lists.name = ?", (campaign_id, name))
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
        strategy_id: int | None = None,
    ) -> LeadList:
        if self._in.row("SELECT 1 FROM campaigns WHERE campaign_id = ?", (campaign_id,)) is None:
            raise NotFound(f"there is no campaign {campaign_id}")
        LeadList(list_id=0, campaign_id=campaign_id, name=name, created_at=now, weight=weight)  # checks the weight
        if strategy_id is None and to_dial:
            found = self._in.row("SELECT strategy_id FROM strategies WHERE name = ?", (STANDARD,))
            strategy_id = None if found is None else found[0]
        row = self._in.row(
            "INSERT INTO lists (campaign_id, name, created_at, weight, to_dial, strategy_id)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING list_id",
            (campaign_id, name, to_us(now), weight, to_dial, strategy_id),
        )
        if row is None:
            raise Conflict(f"campaign {campaign_id} has a list {name!r} already")
        return self.lead_list(row[0])

    def set_list(self, lead_list: LeadList) -> None:
        old = self.lead_list(lead_list.list_id)
        taken = self._in.row(
            "SELECT list_id FROM lists WHERE campaign_id = ? AND name = ? AND list_id <> ?",
            (lead_list.campaign_id, lead_list.name, lead_list.list_id),
        )
        if taken:
            raise Conflict(f"campaign {lead_list.campaign_id} has a list {lead_list.name!r} already, id {taken[0]}")
        self._in.run(
            "UPDATE lists SET name = ?, weight = ?, to_dial = ?, strategy_id = ?, starts_at = ?, ends_at = ?,"
            " lead_days = ? WHERE list_id = ?",
            (
                lead_list.name,
                lead_list.weight,
                lead_list.to_dial,
                None if lead_list.strategy is None else lead_list.strategy.strategy_id,
                to_us_or_none(lead_list.starts_at),
                to_us_or_none(lead_list.ends_at),
                lead_list.lead_days,
                lead_list.list_id,
            ),
        )
        self._in.rules.pop(lead_list.list_id, None)
        if self.lead_list(lead_list.list_id).rules.planning != old.rules.planning:
            to_be_replanned(self._in, "list_id", lead_list.list_id)

    def set_lists(self, lists: Sequence[LeadList]) -> None:
        # Names first out of the way, so that lists can swap theirs; none can be like that, since it is no print.
        for each in lists:
            self._in.run("UPDATE lists SET name = ? WHERE list_id = ?", (f"\x1f{each.list_id}", each.list_id))
        for each in lists:
            self.set_list(each)

    def replan(self, list_id: int, *, limit: int) -> Sequence[int]:
        row = self._in.row(f"SELECT replan_after FROM lists WHERE list_id = ?{self._in.for_update}", (list_id,))
        if row is None or row[0] is None:
            return ()
        rules = self.lead_list(list_id).rules
        runs = [self._in.rows(_TO_REPLAN, (list_id, state, row[0], limit)) for state in _STATES]
        ids: list[int] = sorted(row[0] for run in runs for row in run)[:limit]
        ranks: dict[int, int] = {}
        for marked, some in portions(ids):
            # In the order of ids: two engines never wait for each other in a ring.
            locked = f" ORDER BY lead_id{self._in.for_update}" if self._in.for_update else ""
            rows = self._in.rows(
                f"SELECT lead_id, rank, attempts, data FROM leads WHERE lead_id {marked}{locked}", some
            )
            for lead_id, old, attempts, data in rows:
                rank = rank_of(rules, lead_id=lead_id, attempts=attempts, data=json_object(data))
                if rank != old:
                    ranks[lead_id] = rank
        changed = [(ranks[lead_id], lead_id) for lead_id in ids if lead_id in ranks]
        self._in.run_many("UPDATE leads SET rank = ? WHERE lead_id = ?", changed)
        is_done = len(ids) < limit
        self._in.run(
            "UPDATE lists SET replan_after = ?, replanned = replanned + ? WHERE list_id = ?",
            (None if is_done else ids[-1], len(ids), list_id),
        )
        return ids

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


def to_be_replanned(transaction: Transaction, by: Literal["list_id", "strategy_id"], value: int) -> None:
    """Note that all leads of some lists are to be planned anew, from the first one on."""
    transaction.run(f"UPDATE lists SET replan_after = 0, replanned = 0 WHERE {by} = ?", (value,))


# Read in every transaction of the dial path and changed by hand: a row that reads as before is not parsed again.
@lru_cache(maxsize=_PARSED_MAX)
def _list(row: SqlRow) -> LeadList:
    return LeadList(
        list_id=row[0],
        campaign_id=row[1],
        name=row[2],
        created_at=from_us(row[3]),
        weight=row[4],
        to_dial=bool(row[5]),
        starts_at=from_us_or_none(row[6]),
        ends_at=from_us_or_none(row[7]),
        lead_days=row[8],
        replan_after=row[9],
        replanned=row[10],
        strategy=None if row[11] is None else strategy_of(row[11:]),
    )


@lru_cache(maxsize=_PARSED_MAX)
def strategy_of(row: SqlRow) -> Strategy:
    """Return the strategy of a row: id, name, version, created at, body."""
    return Strategy(
        strategy_id=row[0],
        name=row[1],
        version=row[2],
        created_at=from_us(row[3]),
        settings=strategy_from_json(row[4], where=f"strategy {row[0]} ({row[1]})"),
    )
