"""Routes for what each user keeps: filters by name, and the columns of a view."""

from collections.abc import Mapping
from datetime import UTC
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from dialler.api.desk import TheDesk, Who
from dialler.api.filters import FIELDS
from dialler.api.forms import Json, moment, page
from dialler.domain.filter_text import TEXT_MAX, read_filter
from dialler.errors import UsageError
from dialler.ports import Records, SavedFilter

router = APIRouter(tags=["filters and columns"])

Noun = Literal["leads", "sessions"]
Name = Annotated[str, Path(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f]+$")]
View = Literal["campaign-leads", "list-leads", "sessions", "successes"]

DEFAULTS: Final[Mapping[str, tuple[str, ...]]] = {
    "campaign-leads": ("lead_id", "list", "last_contacted_at", "last_outcome", "wrap_code"),
    "list-leads": ("lead_id", "list", "last_contacted_at", "last_outcome", "wrap_code", "status"),
    "sessions": ("seq", "status", "created_at", "intention", "campaign", "dial_mode", "agency"),
    "successes": ("lead_id", "created_at", "external_lead_id", "campaign", "agency"),
}
"""The columns of a view for users who chose none."""

_LEAD: Final = (
    "lead_id campaign list name numbers state status completed_reason customer_key external_lead_id timezones country"
    " region postcode priority created_at expires_at due_at callback_at attempts attempts_counted last_attempt_at"
    " last_outcome last_contacted_at wrap_code"
).split()
_SESSION: Final = (
    "seq session_id created_at campaign list lead_id number outcome status attempt_no name customer_key"
    " external_lead_id caller_id trunk server dial_mode for_agent accepted_at timezone local_time sent_at ringing_at"
    " answered_at queued_at connected_at ended_at wrapped_at cause cause_text hangup_by agent wrap_code wrap_note"
    " wrap_edited_by wrap_edited_at service_type intention merchant agency"
).split()
KNOWN: Final[Mapping[str, tuple[str, ...]]] = {
    "campaign-leads": tuple(_LEAD),
    "list-leads": tuple(_LEAD),
    "sessions": tuple(_SESSION),
    "successes": (*_LEAD, "merchant", "agency"),
}


class FilterText(BaseModel):
    """A filter to keep."""

    model_config = ConfigDict(extra="forbid")
    filter: str = Field(min_length=1, max_length=TEXT_MAX)


class Columns(BaseModel):
    """Columns in their order; `data.NAME` is a data field."""

    model_config = ConfigDict(extra="forbid")
    columns: list[Annotated[str, Field(min_length=1, max_length=200)]] = Field(min_length=1, max_length=60)


@router.get("/filters")
async def list_filters(desk: TheDesk, who: Who, noun: Noun | None = None) -> Json:
    """The caller's saved filters."""
    return await desk.store.read(
        lambda records: page([_filter_json(each) for each in records.saved_filters(who, noun)])
    )


@router.put("/filters/{noun}/{name}")
async def save_filter(noun: Noun, name: Name, body: FilterText, desk: TheDesk, who: Who) -> Json:
    """Save a filter under a name, in place of the caller's filter that has it."""
    now = desk.clock.now()
    read_filter(body.filter, FIELDS[noun], UTC)

    def work(records: Records) -> Json:
        before = {each.name: each.text for each in records.saved_filters(who, noun)}.get(name)
        records.save_filter(who, noun, name, body.filter, now)
        details = {"noun": noun, "name": name, "before": before, "after": body.filter}
        records.add_audit(now, who, "filter.save", details)
        return _filter_json(SavedFilter(noun=noun, name=name, text=body.filter, saved_at=now))

    return await desk.store.write(work)


@router.delete("/filters/{noun}/{name}")
async def delete_filter(noun: Noun, name: Name, desk: TheDesk, who: Who) -> Json:
    """Forget a saved filter."""
    now = desk.clock.now()

    def work(records: Records) -> Json:
        before = {each.name: each.text for each in records.saved_filters(who, noun)}.get(name)
        records.delete_filter(who, noun, name)
        records.add_audit(now, who, "filter.delete", {"noun": noun, "name": name, "before": before})
        return {"noun": noun, "name": name, "deleted": True}

    return await desk.store.write(work)


@router.get("/me/columns/{view}")
async def show_columns(view: View, desk: TheDesk, who: Who) -> Json:
    """The caller's columns of a view, in their order, and those there are."""
    return await desk.store.read(lambda records: _columns_json(records, who, view))


@router.put("/me/columns/{view}")
async def set_columns(view: View, body: Columns, desk: TheDesk, who: Who) -> Json:
    """Choose the columns of a view."""
    check_columns(view, body.columns)
    return await _set_columns(desk, who, view, body.columns)


@router.delete("/me/columns/{view}")
async def reset_columns(view: View, desk: TheDesk, who: Who) -> Json:
    """Go back to the view's own columns."""
    return await _set_columns(desk, who, view, None)


async def _set_columns(desk: TheDesk, who: str, view: str, columns: list[str] | None) -> Json:
    now = desk.clock.now()

    def work(records: Records) -> Json:
        before = _columns_json(records, who, view)
        records.set_view_columns(who, view, columns)
        after = _columns_json(records, who, view)
        details = {"view": view, "before": before["columns"], "after": after["columns"]}
        records.add_audit(now, who, "columns.set", details)
        return after

    return await desk.store.write(work)


def check_columns(view: str, columns: list[str]) -> None:
    """Raise UsageError for a column that the view has not, or one named twice."""
    own = "details." if view == "sessions" else "data."
    for column in columns:
        if column not in KNOWN[view] and not (column.startswith(own) and column != own):
            raise UsageError(f"columns: {column!r}: expected some of {', '.join(KNOWN[view])}, {own}NAME")
        if columns.count(column) > 1:
            raise UsageError(f"columns: {column!r} is given twice")


def _columns_json(records: Records, who: str, view: str) -> Json:
    chosen = records.view_columns(who, view)
    return {
        "view": view,
        "columns": list(DEFAULTS[view] if chosen is None else chosen),
        "is_default": chosen is None,
        "known": list(KNOWN[view]),
    }


def _filter_json(saved: SavedFilter) -> Json:
    return {"noun": saved.noun, "name": saved.name, "filter": saved.text, "saved_at": moment(saved.saved_at)}
