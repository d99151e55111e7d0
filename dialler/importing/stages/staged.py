"""What stages share: looking that an import is where it should be, and its counts."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeAlias

import orjson

from dialler.domain.lead import NewLead, PhoneNumber, WindowKey
from dialler.domain.lead_import import ImportRow, ImportStage, LeadImport, RowStatus
from dialler.errors import Conflict
from dialler.importing.checking import Checked
from dialler.ports import Records

ROWS_AT_ONCE: Final = 500
"""In one transaction: some 10 ms, in which the engine's own writes wait."""

Tell: TypeAlias = Callable[[Mapping[str, object]], Awaitable[None]]
"""Takes progress: {"stage", "rows", "of"}."""

_NEXT: Final = {
    ImportStage.FILE: "it waits for its file",
    ImportStage.MAPPING: "it waits for its mapping",
    ImportStage.CHECK: "its rows are not all checked yet",
    ImportStage.REVIEW: "it waits for a review",
    ImportStage.RUN: "it is reviewed and can be run",
    ImportStage.DONE: "it is done",
    ImportStage.CANCELLED: "it is cancelled",
}


async def tell_nobody(_: Mapping[str, object]) -> None:
    """Take progress that nobody wants."""


def expected(
    records: Records, import_id: int, *stages: ImportStage, revision: int | None = None, to_change: bool = True
) -> LeadImport:
    """Return an import that is at one of `stages`. Raises NotFound, Conflict (which says what it waits for)."""
    found = records.lead_import(import_id, to_change=to_change)
    if found.stage not in stages:
        raise Conflict(
            f"import {import_id} is at stage {found.stage}: {_NEXT[found.stage]}; expected {' or '.join(stages)}"
        )
    if revision is not None and found.revision != revision:
        raise Conflict(f"import {import_id} was changed meanwhile; try again")
    return found


def recounted(one: LeadImport, before: Iterable[ImportRow], after: Iterable[ImportRow]) -> dict[str, int]:
    """Return the import's counts once rows are no longer as `before` but as `after`."""
    counts = Counter(one.counts)
    for rows, sign in ((before, -1), (after, 1)):
        for row in rows:
            for key in _counted(row):
                counts[key] += sign
    return {key: n for key, n in counts.items() if n}


def _counted(row: ImportRow) -> Iterable[str]:
    yield row.status.value
    if row.problems != "[]":
        codes = [code for code, _ in orjson.loads(row.problems)]
        if row.status in (RowStatus.INVALID, RowStatus.REJECTED):
            yield f"invalid:{codes.pop(0)}"
        yield from (f"noticed:{code}" for code in dict.fromkeys(codes))
        if any(code.startswith("repeated_in_") for code in codes):
            yield "repeated"


def back_to_review(one: LeadImport) -> LeadImport:
    """Return an import whose rows or options have changed since it was checked: it needs a new review."""
    return replace(one, stage=ImportStage.REVIEW, cursor=0, revision=one.revision + 1, review=None)


def rows_of(one: LeadImport) -> int:
    """Return how many rows the file had, without its header."""
    rows = one.file.get("rows", 0)
    assert isinstance(rows, int)
    return rows - has_header(one)


def has_header(one: LeadImport) -> bool:
    """Tell whether the file's first row has the names of the columns."""
    return bool(one.file.get("has_header", True))


def first_row(one: LeadImport) -> int:
    """Return the number of the last row before those with leads."""
    return int(str(one.file.get("first_row", 1))) if has_header(one) else 0


def header_of(one: LeadImport) -> list[str]:
    """Return the names of the columns; without a header they are "column 1" and so on."""
    first = one.file.get("first_cells", [])
    assert isinstance(first, list)
    return [str(cell) for cell in first] if has_header(one) else [f"column {at}" for at, _ in enumerate(first, 1)]


def labels_of(header: Sequence[str]) -> list[str]:
    """Return a name of its own for each column: of two of one name the second is "Name (2)", one without is
    "column 3"."""
    labels: list[str] = []
    for at, name in enumerate(header, 1):
        label, count = name.strip() or f"column {at}", 1
        while label in labels:
            count += 1
            label = f"{name.strip()} ({count})"
        labels.append(label)
    return labels


def lead_to_json(checked: Checked, kinds: Mapping[str, str], zone_by: str) -> str:
    """Return a checked lead as the records keep it; `kinds` are the types of its numbers."""
    lead = checked.lead
    return orjson.dumps(
        {
            "numbers": [[phone.number, phone.raw, kinds.get(phone.number, "")] for phone in lead.numbers],
            "zones": lead.window_key.zones,
            "country": lead.window_key.country,
            "region": lead.window_key.region,
            "name": lead.name,
            "customer_key": lead.customer_key,
            "external_lead_id": lead.external_lead_id,
            "timezone_source": lead.timezone_source,
            "timezone_given": lead.timezone_given,
            "zone_by": zone_by,
            "postcode": lead.postcode,
            "priority": lead.priority,
            "has_priority": checked.has_priority,
            "data": lead.data,
        }
    ).decode()


def checked_from_json(row: int, text: str, keys: dict[tuple[tuple[str, ...], str, str], WindowKey]) -> Checked:
    """Return the lead of a valid row; `keys` lets leads share their window keys, and takes new ones up."""
    plain = orjson.loads(text)
    key = (tuple(plain["zones"]), plain["country"], plain["region"])
    if (window_key := keys.get(key)) is None:
        window_key = keys[key] = WindowKey(*key)
    lead = NewLead(
        numbers=tuple(PhoneNumber(number, raw) for number, raw, _ in plain["numbers"]),
        window_key=window_key,
        name=plain["name"],
        customer_key=plain["customer_key"],
        external_lead_id=plain["external_lead_id"],
        timezone_source=plain["timezone_source"],
        timezone_given=plain["timezone_given"],
        postcode=plain["postcode"],
        priority=plain["priority"],
        data=plain["data"],
    )
    return Checked(row, lead, plain["has_priority"])
