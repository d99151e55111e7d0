"""What a request may say of a list, and how it changes what is there."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from pydantic import Field

from dialler.api.edits import Edit, Name, said
from dialler.domain.campaign import LeadList
from dialler.domain.list_dates import end_of, start_of
from dialler.domain.strategy import STANDARD, Strategy
from dialler.errors import UsageError


class ListEdit(Edit):
    """What may change of a list."""

    name: Name = ""
    weight: int = 0
    to_dial: bool = Field(True, description="whether its leads are dialled; asks for a strategy")
    strategy: str | None = Field(None, description="name or id of a dialler strategy; null for none")
    start: str | None = Field(None, description="a date or a moment, in the campaign's zone; null for at once")
    end: str | None = Field(None, description="the last date, or a moment, in the campaign's zone; null for no end")
    lead_days: int | None = Field(None, description="leads added from now on expire after so many days; null: never")

    def apply(self, lead_list: LeadList, strategy_named: Callable[[str], Strategy], *, zone: str) -> LeadList:
        """Return `lead_list` with the given keys changed. Raises UsageError for a value that can't be, and for a list
        that is to dial without a strategy.

        `strategy_named` finds a strategy, or raises NotFound; `zone` is the campaign's, for dates.
        """
        changes = self.given()
        if self.strategy is not None:
            changes["strategy"] = said("strategy", lambda: strategy_named(str(self.strategy)))
        for key, name, read in (("start", "starts_at", start_of), ("end", "ends_at", end_of)):
            if key in changes:
                text = changes.pop(key)
                changes[name] = None if text is None else said(key, partial(read, text, zone))
        changed: LeadList = said("", lambda: replace(lead_list, **changes))
        if changed.to_dial and changed.strategy is None:
            raise UsageError(
                f"to_dial: list {changed.name!r} has no dialler strategy; name one with it, such as {STANDARD!r}"
            )
        return changed


class NewList(ListEdit):
    """A list to create. One that is to dial has the standard strategy, where none is given."""

    name: Name

    def draft(self, empty: LeadList, strategy_named: Callable[[str], Strategy], *, zone: str) -> LeadList:
        """Return the list to create from an empty one; as `apply`."""
        if self.to_dial and "strategy" not in self.model_fields_set:
            empty = replace(empty, strategy=strategy_named(STANDARD))
        return self.apply(empty, strategy_named, zone=zone)
