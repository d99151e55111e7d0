"""Routes for the numbers of a pool of caller ids."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from dialler.api.caller_id_forms import counts_json, number_json, told
from dialler.api.caller_ids import changed
from dialler.api.desk import Desk, TheDesk, Who
from dialler.api.edits import Edit, said
from dialler.api.forms import Json
from dialler.api.leads import e164
from dialler.api.looks import pool_of
from dialler.domain.by_hand import local_moment
from dialler.domain.caller_id import NUMBERS_MAX, CallerId, CallerIdPool
from dialler.domain.changes import differences
from dialler.engine.caller_id_outlook import SPANS, NumberOutlook, pool_outlook
from dialler.errors import Conflict, NotFound, UsageError
from dialler.importing.caller_id_file import Wanted, caller_ids_of, read_rows
from dialler.ports import Records
from telephony.presentation import check_region

router = APIRouter(prefix="/caller-id-pools/{pool}/numbers", tags=["caller ids"])

_NUMBERS_IN_AUDIT_MAX: Final = 20
Region = Annotated[str | None, Query(description="country of numbers that do not say theirs")]
Update = Annotated[bool, Query(description="numbers that are in the pool already get what is given")]
Text = Annotated[str, StringConstraints(max_length=64)]


class NumberFields(Edit):
    """What a number may be used for; keys not given are the pool's, or stay as they are."""

    areas: list[Text] = Field([], description="where it is local: +1312, US-IL; empty: to no area")
    trunks: list[Text] = Field([], description="on which it may be shown; empty: on all")
    calls_per_day_max: int | None = Field(None, description="null: the pool's")
    rest_s: int | None = Field(None, description="null: the pool's")

    def fields(self) -> dict[str, Any]:
        """Return the given fields of a `CallerId`."""
        given = self.given()
        return given | {key: tuple(given[key]) for key in ("areas", "trunks") if key in given}


class NewNumber(NumberFields):
    """A number to put into a pool."""

    number: Text


class NewNumbers(BaseModel):
    """Numbers to put into a pool: all of them, or none."""

    model_config = ConfigDict(extra="forbid")
    numbers: Annotated[list[NewNumber], Field(min_length=1, max_length=NUMBERS_MAX)]


class NumberEdit(NumberFields):
    """A change of a number. With a reason it is off, with null on."""

    off_reason: str | None = Field(None, description="why it is not used; null: it is")
    off_until: AwareDatetime | None = Field(None, description="until when it is off; null: until somebody switches it")


@router.post("")
async def add_numbers(
    pool: str, new: NewNumbers, desk: TheDesk, who: Who, region: Region = None, update: Update = False
) -> Json:
    """Put numbers into a pool."""
    wanted = [
        Wanted(
            where=f"numbers.{at}", number=each.number, fields={k: v for k, v in each.fields().items() if k != "number"}
        )
        for at, each in enumerate(new.numbers)
    ]
    return await _add(desk, pool, wanted, who=who, region=region, update=update)


@router.post("/import", openapi_extra={"requestBody": {"content": {"text/csv": {}}, "required": True}})
async def import_numbers(
    pool: str, request: Request, desk: TheDesk, who: Who, region: Region = None, update: Update = False
) -> Json:
    """Put the numbers of a delimited text file, the body, into a pool.

    Its first line names the columns: number, areas, trunks, calls_per_day_max, rest_s; only the first is needed.
    Several areas or trunks stand in one cell, with blanks between.
    """
    return await _add(desk, pool, await read_rows(request.stream()), who=who, region=region, update=update)


@router.get("/{number}")
async def show_number(pool: str, number: str, desk: TheDesk) -> Json:
    """A number of a pool, and how its calls were answered on each of the last 30 days with any, newest first."""
    now = desk.clock.now()

    def work(records: Records) -> Json:
        found = pool_of(records, pool)
        wanted = _number_of(records, found, number).number
        own = _outlook(records, found, wanted, now)
        days = [
            {"day": day.isoformat(), **counts_json(counts)} for day, counts in sorted(own.days.items(), reverse=True)
        ]
        return {**number_json(own, found), "days": days}

    return await desk.store.read(work)


@router.patch("/{number}")
async def set_number(pool: str, number: str, edit: NumberEdit, desk: TheDesk, who: Who) -> Json:
    """Change a number of a pool; a running engine follows at once. Keys not given stay as they are."""
    now = desk.clock.now()

    def change(records: Records, found: CallerIdPool) -> Json:
        old = _number_of(records, found, number)
        new = _edited(old, edit, now)
        records.set_caller_ids(found.pool_id, [new])
        details = {"pool": found.name, "number": old.number, **differences(told(old), told(new))}
        records.add_audit(now, who, "callerid.number.set", details)
        return number_json(_outlook(records, found, new.number, now), found)

    return await changed(desk, pool, change)


@router.delete("/{number}")
async def remove_number(pool: str, number: str, desk: TheDesk, who: Who) -> Json:
    """Take a number out of a pool; what its calls did stays."""
    now = desk.clock.now()

    def change(records: Records, found: CallerIdPool) -> Json:
        old = _number_of(records, found, number)
        records.remove_caller_ids(found.pool_id, [old.number])
        details = {"pool": found.name, "number": old.number, "before": told(old)}
        records.add_audit(now, who, "callerid.number.remove", details)
        return {"removed": {"number": old.number, **told(old)}}

    return await changed(desk, pool, change)


async def _add(desk: Desk, pool: str, wanted: Sequence[Wanted], *, who: str, region: str | None, update: bool) -> Json:
    country = None if region is None else said("region", lambda: check_region(region))
    caller_ids = await caller_ids_of(wanted, country)
    given = {each.number: one.fields for each, one in zip(caller_ids, wanted, strict=True)}
    now = desk.clock.now()

    def change(records: Records, found: CallerIdPool) -> Json:
        there = {each.number: each for each in records.caller_ids(found.pool_id)}
        new = [each for each in caller_ids if each.number not in there]
        known = [each for each in caller_ids if each.number in there]
        if known and not update:
            raise Conflict(f"{_named([each.number for each in known])} in caller-id pool {found.name!r} already")
        elsewhere = records.pools_of_caller_ids([each.number for each in new]) if new else {}
        if elsewhere:
            where = ", ".join(sorted({repr(name) for name in elsewhere.values()}))
            raise Conflict(f"{_named(sorted(elsewhere))} in another caller-id pool: {where}")
        if len(there) + len(new) > NUMBERS_MAX:
            raise Conflict(
                f"caller-id pool {found.name!r} would have {len(there) + len(new)} numbers, {NUMBERS_MAX} at most"
            )
        changes = [replace(there[each.number], **given[each.number]) for each in known]  # type: ignore[arg-type]
        if new:
            records.add_caller_ids(found.pool_id, new)
        if changes:
            records.set_caller_ids(found.pool_id, changes)
        shown = [{"number": each.number, **told(each)} for each in (*new, *changes)][:_NUMBERS_IN_AUDIT_MAX]
        after = {"numbers": shown, "added": len(new), "updated": len(changes)}
        details: dict[str, object] = {"pool": found.name, "after": after}
        if changes:
            was = [{"number": each.number, **told(there[each.number])} for each in changes]
            details["before"] = {"numbers": was[:_NUMBERS_IN_AUDIT_MAX]}
        records.add_audit(now, who, "callerid.number.add", details)
        return {"pool": found.name, "added": len(new), "updated": len(changes), "numbers": list(given)}

    return await changed(desk, pool, change)


def _edited(old: CallerId, edit: NumberEdit, now: datetime) -> CallerId:
    fields = edit.fields()
    if "off_reason" in fields:
        # Switched on by hand it is judged by all of its days, as if it had never been off.
        fields.setdefault("off_until", None)
    if fields.get("off_until") is not None:
        if fields.get("off_reason", old.off_reason) is None:
            raise UsageError("off_until: expected it with an off_reason")
        fields["off_until"] = local_moment(fields["off_until"], "UTC")
        if fields["off_until"] <= now:
            raise UsageError(f"off_until: expected a moment to come, got {fields['off_until'].isoformat()}")
    return said("", lambda: replace(old, **fields))


def _number_of(records: Records, pool: CallerIdPool, number: str) -> CallerId:
    wanted = e164(number)
    for each in records.caller_ids(pool.pool_id):
        if each.number == wanted:
            return each
    raise NotFound(f"caller-id pool {pool.name!r} has no number {wanted}")


def _outlook(records: Records, pool: CallerIdPool, number: str, now: datetime) -> NumberOutlook:
    outlook = pool_outlook(records, pool, now, days=max(SPANS.values()))
    return next(each for each in outlook.numbers if each.caller_id.number == number)


def _named(numbers: Sequence[str]) -> str:
    more = f" and {len(numbers) - 10} more" if len(numbers) > 10 else ""
    return f"{', '.join(numbers[:10])}{more} {'is' if len(numbers) == 1 else 'are'}"
