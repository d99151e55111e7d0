"""Routes for pools of caller ids."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from fastapi import APIRouter
from pydantic import Field

from dialler.api.caller_id_forms import number_json, pool_json, settings_json
from dialler.api.campaigns import followed
from dialler.api.desk import Desk, TheDesk, Who
from dialler.api.edits import Edit, Name, said
from dialler.api.forms import Json, page
from dialler.api.looks import pool_of
from dialler.domain.caller_id import CallerIdPool, PoolSettings, WhenNone
from dialler.domain.changes import differences
from dialler.domain.zones import canonical_zone
from dialler.engine.caller_id_outlook import SPANS, pool_outlook
from dialler.errors import Conflict
from dialler.ports import Records

router = APIRouter(prefix="/caller-id-pools", tags=["caller ids"])

_DAYS = max(SPANS.values())


class PoolEdit(Edit):
    """Settings of a pool; what its numbers don't say themselves."""

    timezone: str = Field("", description="whose local days the calls a day are counted by")
    when_none: WhenNone = Field(WhenNone.WAIT, description="where no number is left for a call: wait, or any other")
    calls_per_day_max: int | None = Field(None, description="calls a day of each number at most; null: no limit")
    rest_s: int = Field(0, description="the least time between the beginnings of two calls of a number")
    rest_low_s: int | None = Field(
        None, description="how long a number is off by itself that is answered less than the others; null: never"
    )

    def apply(self, settings: PoolSettings) -> PoolSettings:
        """Return `settings` with the given keys changed. Raises UsageError for a value that can't be."""
        changes: dict[str, Any] = self.given()
        changes.pop("name", None)
        if "timezone" in changes:
            changes["timezone"] = said("timezone", lambda: canonical_zone(self.timezone).name)
        changed: PoolSettings = said("", lambda: replace(settings, **changes))
        return changed


class NewPool(PoolEdit):
    """A pool to create, without numbers."""

    name: Name


@router.get("")
async def list_pools(desk: TheDesk) -> Json:
    """All pools, and how their calls are answered: today, and in 7 and 30 days with today."""
    now = desk.clock.now()
    return await desk.store.read(
        lambda records: page([_pool_json(records, pool, now) for pool in records.caller_id_pools()])
    )


@router.post("", status_code=201)
async def create_pool(new: NewPool, desk: TheDesk, who: Who) -> Json:
    """Create a pool. Numbers are put into it, and campaigns name it as their `caller_id_pool`."""
    settings, now = new.apply(PoolSettings()), desk.clock.now()

    def work(records: Records) -> Json:
        pool = records.add_caller_id_pool(new.name, settings, now)
        records.add_audit(now, who, "callerid.create", {"pool": pool.name, "after": settings_json(pool)})
        return _pool_json(records, pool, now)

    return await desk.store.write(work)


@router.get("/{pool}")
async def show_pool(pool: str, desk: TheDesk) -> Json:
    """A pool with its numbers, by name or id.

    `is_low` are numbers that are answered significantly less than the others: `z` is -3 or less in the test of two
    proportions, over 7 days, or since they came back. `ratio` is a number's answer rate through that of the others.
    """
    now = desk.clock.now()

    def work(records: Records) -> Json:
        found = pool_of(records, pool)
        outlook = pool_outlook(records, found, now, days=_DAYS)
        return {
            **_pool_json(records, found, now),
            "items": [number_json(each, found) for each in outlook.numbers],
        }

    return await desk.store.read(work)


@router.patch("/{pool}")
async def set_pool(pool: str, edit: PoolEdit, desk: TheDesk, who: Who) -> Json:
    """Change settings of a pool; a running engine follows at once. Keys not given stay as they are."""
    now = desk.clock.now()

    def change(records: Records, old: CallerIdPool) -> Json:
        new = replace(old, settings=edit.apply(old.settings))
        records.set_caller_id_pool(new)
        details = {"pool": old.name, **differences(settings_json(old), settings_json(new))}
        records.add_audit(now, who, "callerid.set", details)
        return _pool_json(records, new, now)

    return await changed(desk, pool, change)


@router.delete("/{pool}")
async def delete_pool(pool: str, desk: TheDesk, who: Who) -> Json:
    """Delete a pool; what its numbers did stays. Refused while a campaign names it."""
    now = desk.clock.now()

    def change(records: Records, old: CallerIdPool) -> Json:
        numbers = [each.number for each in records.caller_ids(old.pool_id)]
        if users := _users(records, old):
            raise Conflict(
                f"caller-id pool {old.name!r} is that of campaign {', '.join(map(repr, users))}: give them another one"
            )
        records.delete_caller_id_pool(old.pool_id)
        before = {**settings_json(old), "numbers": numbers}
        records.add_audit(now, who, "callerid.delete", {"pool": old.name, "before": before})
        return {"deleted": {"pool_id": old.pool_id, **before}}

    return await changed(desk, pool, change)


async def changed(desk: Desk, pool: str, change: Callable[[Records, CallerIdPool], Json]) -> Json:
    """Change something of a pool while nobody else can, and let the engine follow."""

    def work(records: Records) -> Json:
        found = pool_of(records, pool)
        return change(records, records.caller_id_pool(found.name, to_change=True))

    answer = await desk.store.write(work)
    await followed(desk)
    return answer


def _pool_json(records: Records, pool: CallerIdPool, now: datetime) -> Json:
    return pool_json(pool_outlook(records, pool, now, days=_DAYS), _users(records, pool))


def _users(records: Records, pool: CallerIdPool) -> list[str]:
    return [each.name for each in records.campaigns() if each.settings.caller_id_pool == pool.name]
