"""An import in stages: where it stands, and the rows that wait in it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

Json = Mapping[str, object]


class ImportStage(StrEnum):
    """What an import waits for next."""

    FILE = "file"
    MAPPING = "mapping"
    CHECK = "check"
    """Mapped; its rows are checked up to `cursor`."""

    REVIEW = "review"
    RUN = "run"
    """Reviewed; its rows are loaded up to `cursor`."""

    DONE = "done"
    CANCELLED = "cancelled"


class RowStatus(StrEnum):
    """What became of a row so far."""

    STAGED = "staged"
    """Not checked yet."""

    VALID = "valid"
    INVALID = "invalid"
    IMPORTED = "imported"
    UPDATED = "updated"
    REJECTED = "rejected"
    """Invalid when the import was run."""

    SKIPPED = "skipped"
    """Valid, and not wanted: the problem that was added last says why."""

    DROPPED = "dropped"
    """Not wanted, as a person said."""


WAITING = frozenset({RowStatus.VALID, RowStatus.INVALID})
"""Rows that are checked, and whose fate is open."""

KEPT = frozenset({RowStatus.REJECTED, RowStatus.SKIPPED})
"""Rows that a finished import keeps: they can be downloaded and fed in again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadImport:
    """An import in the records. The mappings hold what JSON can."""

    import_id: int
    campaign_id: int
    list_id: int | None
    """None: a list of `list_name` is made when the import is run."""

    list_name: str
    created_at: datetime
    created_by: str
    stage: ImportStage = ImportStage.FILE
    cursor: int = 0
    """The last row that the present stage has done with."""

    revision: int = 0
    """Counts the changes of rows, mapping and options: a review holds for one revision."""

    sha256: str = ""
    """Of the file's bytes; "" until all of it is there."""

    file: Json = field(default_factory=dict)
    """name, bytes, rows, encoding, delimiter, has_header, width, notes."""

    mapping: Json = field(default_factory=dict)
    """fields (pairs), guess, keep_rest, region, columns as found in the header, notes on them."""

    options: Json = field(default_factory=dict)
    """import_new, update_existing, unattended (the run follows the review at once, nobody looks at it); begun and
    begun_at once it is run."""

    counts: Mapping[str, int] = field(default_factory=dict)
    """Rows by status, once they are checked, and problems by "invalid:CODE" and "noticed:CODE"; kept up by every
    transaction."""

    review: Json | None = None
    report: Json | None = None
    """What became of it, once that will not change any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportTemplate:
    """A mapping that was saved under a name; each save is a version of its own."""

    name: str
    version: int
    header_sha256: str
    """Of the header it was made for; it is offered again for files with the same."""

    mapping: Json
    created_at: datetime
    created_by: str
