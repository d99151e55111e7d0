"""The part of the records about imports."""

from collections.abc import Sequence
from typing import Protocol

from dialler.domain.import_block import ImportBlock
from dialler.domain.lead_import import ImportTemplate, LeadImport


class ImportRecords(Protocol):
    """Imports in stages, and mappings kept for the next one."""

    def add_import(self, new: LeadImport) -> LeadImport:
        """Write a new import; return it with its id."""

    def lead_import(self, import_id: int, *, to_change: bool = False) -> LeadImport:
        """Return one import; `to_change` as in `leads_with`. Raises NotFound."""

    def imports(self, *, campaign_id: int | None = None, before: int | None = None, limit: int) -> Sequence[LeadImport]:
        """Return a page of imports, newest first, those below the id `before`."""

    def imports_of(self, sha256: str) -> Sequence[LeadImport]:
        """Return the imports of a file, by id."""

    def set_import(self, changed: LeadImport) -> None:
        """Write everything of an import that may change. Raises NotFound."""

    def add_import_blocks(self, import_id: int, blocks: Sequence[ImportBlock]) -> None:
        """Add rows of a file. Raises Conflict for a block that is there already."""

    def import_blocks(
        self,
        import_id: int,
        *,
        after: int = 0,
        limit: int = 1,
        marked: bool = False,
        cells: bool = True,
        leads: bool = True,
    ) -> Sequence[ImportBlock]:
        """Return the next blocks with rows above `after`; `marked`: only those with rows that are.

        Without `cells` or `leads` these are left out of the blocks.
        """

    def set_import_block(self, import_id: int, block: ImportBlock) -> None:
        """Write everything of a block that may change; leads only if it has some. One that is gone stays gone."""

    def delete_import_blocks(self, import_id: int, *, after: int = 0, limit: int = 1) -> int:
        """Delete the next blocks with rows above `after`; return how many."""

    def add_import_template(self, new: ImportTemplate) -> ImportTemplate:
        """Save a mapping; return it with its version, one above the last of its name."""

    def import_templates(self, header_sha256: str | None = None) -> Sequence[ImportTemplate]:
        """Return the latest version of each template, those for one header if it is given, by name."""

    def import_template(self, name: str, version: int | None = None) -> ImportTemplate:
        """Return a template, its latest version where none is given. Raises NotFound."""
