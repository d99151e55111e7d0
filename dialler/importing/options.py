"""How a file is to be read."""

from dataclasses import dataclass, field

from dialler.errors import ImportMisused
from dialler.importing.mapping import Mapping
from dialler.importing.rows import check_delimiter
from dialler.importing.text import check_encoding
from dialler.importing.zone_rules import ZoneRules, shipped_zone_rules
from telephony.presentation import check_region


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOptions:
    """What is said of any file with a column of numbers. Raises ImportMisused for what can't be."""

    region: str | None = None
    """The country of numbers that do not say theirs, two letters."""

    delimiter: str | None = None
    """One character, or "tab"; None guesses."""

    encoding: str | None = None
    """None reads UTF-8, and as cp1252 what is not. A byte order mark in the file decides over both."""

    dry_run: bool = False
    """Check everything, write nothing."""

    source: str = "the file"
    """What messages call the file."""

    def __post_init__(self) -> None:
        if self.region is not None:
            try:
                object.__setattr__(self, "region", check_region(self.region))
            except ValueError as error:
                raise ImportMisused(f"region: {error}") from error
        if self.delimiter is not None:
            object.__setattr__(self, "delimiter", check_delimiter(self.delimiter))
        if self.encoding is not None:
            check_encoding(self.encoding)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions(FileOptions):
    """What whoever loads a file of leads says about it; `region` also chooses the zone rules."""

    mapping: Mapping = field(default_factory=Mapping)

    def rules(self) -> ZoneRules | None:
        """Return the zone rules that apply: those that come with the engine for `region`, if there are any."""
        return shipped_zone_rules(self.region) if self.region is not None else None

    def country(self) -> str:
        """Return the country of the leads, "" if nothing gives it."""
        return self.region or ""
