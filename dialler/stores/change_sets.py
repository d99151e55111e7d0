"""Change-sets of lists in the records, and the pace at which lists are called."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from random import Random
from typing import Any, Final

import orjson

from dialler.domain.change_set import CampaignLists, ChangeSet, ListState
from dialler.domain.ids import uuid7
from dialler.errors import NotFound
from dialler.stores.codec import from_us, from_us_or_none, to_json, to_us, to_us_or_none
from dialler.stores.transaction import Transaction

_LAST: Final = (
    "SELECT change_set_id, campaign_id, at, who, before, after, undone_at FROM change_sets WHERE campaign_id = ?"
    " ORDER BY change_set_id DESC LIMIT 1"
)
_FIRST_SINCE: Final = "SELECT seq FROM sessions WHERE session_id >= ? ORDER BY session_id LIMIT 1"
_COUNT_SINCE: Final = "SELECT COUNT(*) FROM sessions WHERE list_id = ? AND seq >= ?"


class ChangeSetRecords:
    """The part of the records about change-sets."""

    _in: Transaction

    def add_change_set(
        self, campaign_id: int, *, before: CampaignLists, after: CampaignLists, who: str, now: datetime
    ) -> ChangeSet:
        row = self._in.row(
            "INSERT INTO change_sets (campaign_id, at, who, before, after) VALUES (?, ?, ?, ?, ?)"
            " RETURNING change_set_id",
            (campaign_id, to_us(now), who, _to_json(before), _to_json(after)),
        )
        assert row is not None
        return ChangeSet(change_set_id=row[0], campaign_id=campaign_id, at=now, who=who, before=before, after=after)

    def last_change_set(self, campaign_id: int) -> ChangeSet | None:
        row = self._in.row(_LAST, (campaign_id,))
        if row is None:
            return None
        return ChangeSet(
            change_set_id=row[0],
            campaign_id=row[1],
            at=from_us(row[2]),
            who=row[3],
            before=_from_json(row[4]),
            after=_from_json(row[5]),
            undone_at=from_us_or_none(row[6]),
        )

    def set_undone(self, change_set_id: int, now: datetime) -> None:
        changed = self._in.run(
            "UPDATE change_sets SET undone_at = ? WHERE change_set_id = ?", (to_us(now), change_set_id)
        )
        if not changed:
            raise NotFound(f"there is no change-set {change_set_id}")

    def attempts_since(self, list_ids: Sequence[int], since: datetime) -> Mapping[int, int]:
        # Ids sort by time: the first one since then leads to the place in the order of intent.
        row = self._in.row(_FIRST_SINCE, (_first_id(since),))
        if row is None:
            return dict.fromkeys(list_ids, 0)
        counts = {list_id: self._in.row(_COUNT_SINCE, (list_id, row[0])) for list_id in list_ids}
        return {list_id: int(count[0]) if count else 0 for list_id, count in counts.items()}


def _first_id(at: datetime) -> str:
    """Return an id that sorts before all that are made at `at` or later."""
    return uuid7(at, Random(0))[:13]


def _to_json(lists: CampaignLists) -> str:
    states = {
        str(list_id): asdict(state)
        | {"starts_at": to_us_or_none(state.starts_at), "ends_at": to_us_or_none(state.ends_at)}
        for list_id, state in lists.lists.items()
    }
    return to_json({"weighting": lists.weighting, "lists": states})


def _from_json(text: str) -> CampaignLists:
    plain: dict[str, Any] = orjson.loads(text)
    return CampaignLists(
        weighting=plain["weighting"],
        lists={
            int(list_id): ListState(
                **state
                | {"starts_at": from_us_or_none(state["starts_at"]), "ends_at": from_us_or_none(state["ends_at"])}
            )
            for list_id, state in plain["lists"].items()
        },
    )
