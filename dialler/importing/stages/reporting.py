"""What became of an import's rows: counts by code, examples, and the report that is kept."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import orjson

from dialler.domain.import_block import LETTERS, ImportBlock
from dialler.domain.lead_import import LeadImport, RowStatus
from dialler.importing.report import EXAMPLES_MAX
from dialler.importing.stages.staged import rows_of
from dialler.ports import Records, Store

_BLOCKS_READ: Final = 16
_SKIPPED: Final = "skipped_"
_REJECTED: Final = "rejected"
_INVALID: Final = frozenset(LETTERS[status] for status in (RowStatus.INVALID, RowStatus.REJECTED))
_UNJUDGED: Final = frozenset(LETTERS[status] for status in (RowStatus.STAGED, RowStatus.DROPPED))


async def examples_of(store: Store, one: LeadImport) -> list[str]:
    """Return the first rows of each kind that are invalid, or in which something was noticed, in words, by row."""
    wanted: Counter[str] = Counter()
    for kind, n in _kinds(one.counts):
        wanted[kind] += n
    left = Counter({kind: min(n, EXAMPLES_MAX) for kind, n in wanted.items()})
    examples: list[str] = []
    after = 0

    def look(records: Records) -> int | None:
        blocks = records.import_blocks(one.import_id, after=after, limit=_BLOCKS_READ, cells=False, leads=False)
        for block in blocks:
            found = [(place, text) for place, kind, text in _noticed(block) if _take(left, kind)]
            if found:
                (whole,) = records.import_blocks(one.import_id, after=block.last - 1, leads=False)
                rows = orjson.loads(whole.cells)
                examples.extend(f"row {rows[place][0]}: {text}" for place, text in found)
        return blocks[-1].last if blocks else None

    while left.total():
        last = await store.read(look)
        if last is None:
            break
        after = last
    return examples


def _kinds(counts: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    for key, n in counts.items():
        what, colon, code = key.partition(":")
        if colon:
            yield (_REJECTED if what == "invalid" else code), n


def _noticed(block: ImportBlock) -> Iterator[tuple[int, str, str]]:
    """Yield place, kind and text of what was found in rows; of one kind once a row."""
    for place, problems in sorted(block.problems.items()):
        letter = block.status[place]
        if letter in _UNJUDGED:
            continue
        texts: dict[str, str] = {}
        for at, (code, text) in enumerate(problems):
            if at == 0 and letter in _INVALID:
                texts[_REJECTED] = f"rejected: {text}"
            else:
                texts.setdefault(code, text)
        for kind, text in texts.items():
            yield place, kind, text


def _take(left: Counter[str], kind: str) -> bool:
    if not left[kind]:
        return False
    left[kind] -= 1
    return True


def reasons_of(one: LeadImport) -> dict[str, int]:
    """Return how many rows are invalid, by the code of their reason."""
    return _by_code(one.counts, "invalid:")


def skipped_of(one: LeadImport) -> dict[str, int]:
    """Return how many valid rows were not wanted, by why."""
    return {code: n for code, n in _by_code(one.counts, "noticed:").items() if code.startswith(_SKIPPED)}


def warnings_of(one: LeadImport) -> dict[str, int]:
    """Return how many rows there are in which something else was noticed, by its code."""
    return {code: n for code, n in _by_code(one.counts, "noticed:").items() if not code.startswith(_SKIPPED)}


def notes_of(one: LeadImport) -> list[str]:
    """Return what concerns the whole file: how it was read, what its mapping leaves out."""
    file: Any = one.file.get("notes", ())
    mapping: Any = one.mapping.get("notes", ())
    return [*file, *mapping]


def kept_report(one: LeadImport, *, at: datetime, who: str, examples: list[str]) -> dict[str, object]:
    """Return the report of an import that was run to its end."""
    assert one.review is not None
    statuses = ("imported", "updated", "rejected", "skipped", "dropped")
    return {
        "campaign": one.review["campaign"],
        "list": one.list_name,
        "file": one.file["name"],
        "bytes": one.file["bytes"],
        "sha256": one.sha256,
        "encoding": one.file["encoding"],
        "delimiter": one.file["delimiter"],
        "columns": one.mapping["columns"],
        "region": one.mapping["region"],
        "import_new": one.options["import_new"],
        "update_existing": one.options["update_existing"],
        "rows": rows_of(one),
        **{status: one.counts.get(status, 0) for status in statuses},
        "duplicates": one.counts.get("repeated", 0),
        "reasons": reasons_of(one),
        "skipped_because": skipped_of(one),
        "warnings": warnings_of(one),
        "notes": notes_of(one),
        "examples": examples,
        "created_at": one.created_at.isoformat(),
        "created_by": one.created_by,
        "begun_at": one.options["begun_at"],
        "ended_at": at.isoformat(),
        "ended_by": who,
    }


def _by_code(counts: Mapping[str, int], prefix: str) -> dict[str, int]:
    found = {key.removeprefix(prefix): n for key, n in counts.items() if key.startswith(prefix)}
    return dict(sorted(found.items(), key=lambda item: -item[1]))
