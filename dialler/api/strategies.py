"""Routes for dialler strategies."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from fastapi import APIRouter
from pydantic import Field

from dialler.api.campaigns import followed
from dialler.api.desk import Desk, TheDesk, Who
from dialler.api.edits import Edit, Name, said
from dialler.api.forms import Json, moment, page
from dialler.api.looks import strategy_of
from dialler.api.replan_preview import DryRun, Planned, replan_preview, was_and_is
from dialler.domain.strategy import (
    LeadOrder,
    NumberOrder,
    Strategy,
    StrategySettings,
    settings_from_json,
    settings_to_json,
)
from dialler.domain.wrap import wrap_code
from dialler.ports import Records

router = APIRouter(prefix="/strategies", tags=["strategies"])


class StrategyEdit(Edit):
    """What may change of a strategy; the keys are those of its JSON form."""

    name: Name = ""
    order: LeadOrder = LeadOrder.OLDEST
    seed: int = Field(0, description="of the order random")
    field: str = Field("", description="the data field of the order field", max_length=200)
    descending: bool = Field(False, description="of the order field: the largest first")
    numbers: NumberOrder = Field(NumberOrder.FIRST, description="which of a lead's numbers goes first")
    redial: dict[str, Any] = Field({}, description="rules by outcome; the shipped ones hold for the rest")
    redial_by_wrap: dict[str, Any] = Field({}, description="rules by wrap code, ahead of the outcome's")
    attempts_max: int | None = Field(None, description="counted attempts; null: the campaign's")
    attempts_per_day_max: int | None = Field(None, description="counted attempts a local day; null: the campaign's")
    rest_min_s: int | None = Field(None, description="least rest; null: the campaign's")

    def apply(self, settings: StrategySettings) -> StrategySettings:
        """Return `settings` with the given keys changed. Raises UsageError for a value that can't be.

        Another order takes the seed and the field of the one before with it only where they are given again.
        """
        before = settings_to_json(settings)
        changes = self.given()
        changes.pop("name", None)
        if "order" in changes and self.order is not settings.order:
            before |= {"seed": 0, "field": "", "descending": False}
        changed: StrategySettings = said("", lambda: settings_from_json(before | changes))
        for code in changed.redial.by_wrap:
            said("redial_by_wrap", partial(wrap_code, code))
        return changed


class NewStrategy(StrategyEdit):
    """A strategy to create."""

    name: Name


@router.get("")
async def list_strategies(desk: TheDesk) -> Json:
    """All strategies, with how many lists refer to each."""
    return await desk.store.read(lambda records: page([strategy_json(records, each) for each in records.strategies()]))


@router.post("", status_code=201)
async def create_strategy(new: NewStrategy, desk: TheDesk, who: Who) -> Json:
    """Create a strategy, version 1."""
    now = desk.clock.now()
    settings = new.apply(StrategySettings())

    def work(records: Records) -> Json:
        made = records.add_strategy(new.name, settings, now)
        records.add_audit(now, who, "strategy.create", {"strategy": made.name, "after": settings_to_json(settings)})
        return strategy_json(records, made)

    return await desk.store.write(work)


@router.get("/{strategy}")
async def show_strategy(strategy: str, desk: TheDesk) -> Json:
    """One strategy, by name or id."""
    return await desk.store.read(lambda records: strategy_json(records, strategy_of(records, strategy)))


@router.get("/{strategy}/versions")
async def strategy_versions(strategy: str, desk: TheDesk) -> Json:
    """What a strategy was, the newest version first."""

    def work(records: Records) -> Json:
        versions = records.strategy_versions(strategy_of(records, strategy).strategy_id)
        return page(
            [
                {"version": each.version, "at": moment(each.at), **settings_to_json(each.settings)}
                for each in reversed(versions)
            ]
        )

    return await desk.store.read(work)


@router.patch("/{strategy}")
async def set_strategy(strategy: str, edit: StrategyEdit, desk: TheDesk, who: Who, dry_run: DryRun = False) -> Json:
    """Change a strategy: a new version; a running engine follows at once. Keys not given stay as they are.

    Another order gives the leads of its lists new places in the background; until a lead's turn has come it is
    merely out of order. Other redial rules or caps plan those that rest or are exhausted anew, as if the rules had
    been these from the start; nobody is called by the rules before. With `dry_run` nothing is changed: `replan` says
    how many would come back, rest longer or less, or be exhausted.
    """
    now = desk.clock.now()
    if dry_run:
        return await _previewed(desk, strategy, edit)

    def work(records: Records) -> Json:
        old = strategy_of(records, strategy)
        name = edit.name if "name" in edit.model_fields_set else old.name
        new = records.set_strategy(replace(old, name=name, settings=edit.apply(old.settings)), now)
        details = {
            "strategy": old.name,
            "before": {"name": old.name, "version": old.version, **settings_to_json(old.settings)},
            "after": {"name": new.name, "version": new.version, **settings_to_json(new.settings)},
        }
        records.add_audit(now, who, "strategy.set", details)
        return strategy_json(records, new)

    changed = await desk.store.write(work)
    await followed(desk)
    return changed


@router.delete("/{strategy}")
async def delete_strategy(strategy: str, desk: TheDesk, who: Who) -> Json:
    """Delete a strategy and its versions. Refused while a list refers to it."""
    now = desk.clock.now()

    def work(records: Records) -> Json:
        old = strategy_of(records, strategy)
        document = strategy_json(records, old)
        records.delete_strategy(old.strategy_id)
        records.add_audit(now, who, "strategy.delete", {"strategy": old.name, "before": settings_to_json(old.settings)})
        return {"deleted": document}

    return await desk.store.write(work)


async def _previewed(desk: Desk, strategy: str, edit: StrategyEdit) -> Json:
    """Return what a change of a strategy would do."""

    def change(records: Records) -> tuple[Strategy, Strategy]:
        old = strategy_of(records, strategy)
        return old, replace(old, settings=edit.apply(old.settings))

    def plan(records: Records) -> Sequence[Planned]:
        old, new = change(records)
        owners = {each.campaign_id: each for each in records.campaigns()}
        return [
            Planned(
                campaign=owners[each.campaign_id],
                lead_list=each,
                new_campaign=owners[each.campaign_id],
                new_list=replace(each, strategy=new),
            )
            for each in records.lists()
            if each.strategy is not None and each.strategy.strategy_id == old.strategy_id
        ]

    replan = await replan_preview(desk, plan)
    old, new = await desk.store.read(change)
    return {
        "applied": False,
        "name": old.name,
        "version": old.version,
        "changes": was_and_is(settings_to_json(old.settings), settings_to_json(new.settings)),
        "replan": replan,
    }


def strategy_json(records: Records, strategy: Strategy) -> Json:
    """Return a strategy with its settings; `redial` holds only its own rules, the shipped ones hold for the rest."""
    lists = [each for each in records.lists() if each.strategy and each.strategy.strategy_id == strategy.strategy_id]
    return {
        "strategy_id": strategy.strategy_id,
        "name": strategy.name,
        "version": strategy.version,
        "created_at": moment(strategy.created_at),
        **settings_to_json(strategy.settings),
        "lists": len(lists),
    }
