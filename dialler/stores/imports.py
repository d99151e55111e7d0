"""Imports in stages, in the records; their rows are in `import_blocks`."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from dialler.domain.lead_import import ImportStage, ImportTemplate, LeadImport
from dialler.errors import NotFound
from dialler.stores.codec import from_us, json_object, to_json, to_us
from dialler.stores.transaction import Transaction, marks

_GIVEN: Final = ("campaign_id", "created_at", "created_by")
_CHANGING: Final = (
    "list_id",
    "list_name",
    "stage",
    "row_done",
    "revision",
    "sha256",
    "file",
    "mapping",
    "options",
    "counts",
    "review",
    "report",
)
_SELECT: Final = f"SELECT import_id, {', '.join((*_GIVEN, *_CHANGING))} FROM imports"
_TEMPLATE: Final = "SELECT name, version, header_sha256, mapping, created_at, created_by FROM import_templates AS t"


class ImportRecords:
    """The part of the records about imports."""

    _in: Transaction

    def add_import(self, new: LeadImport) -> LeadImport:
        names = (*_GIVEN, *_CHANGING)
        row = self._in.row(
            f"INSERT INTO imports ({', '.join(names)}) VALUES ({marks(len(names))}) RETURNING import_id",
            (new.campaign_id, to_us(new.created_at), new.created_by, *_changing(new)),
        )
        assert row is not None
        return replace(new, import_id=int(row[0]))

    def lead_import(self, import_id: int, *, to_change: bool = False) -> LeadImport:
        locked = self._in.for_update if to_change else ""
        row = self._in.row(f"{_SELECT} WHERE import_id = ?{locked}", (import_id,))
        if row is None:
            raise NotFound(f"there is no import {import_id}")
        return _import_of(row)

    def imports(self, *, campaign_id: int | None = None, before: int | None = None, limit: int) -> Sequence[LeadImport]:
        conditions, values = ["1 = 1"], list[object]()
        for name, value, compared in (("campaign_id", campaign_id, "="), ("import_id", before, "<")):
            if value is not None:
                conditions.append(f"{name} {compared} ?")
                values.append(value)
        sql = f"{_SELECT} WHERE {' AND '.join(conditions)} ORDER BY import_id DESC LIMIT ?"
        return [_import_of(row) for row in self._in.rows(sql, (*values, limit))]

    def imports_of(self, sha256: str) -> Sequence[LeadImport]:
        rows = self._in.rows(f"{_SELECT} WHERE sha256 = ? AND sha256 <> '' ORDER BY import_id", (sha256,))
        return [_import_of(row) for row in rows]

    def set_import(self, changed: LeadImport) -> None:
        assigned = ", ".join(f"{name} = ?" for name in _CHANGING)
        values = (*_changing(changed), changed.import_id)
        if not self._in.run(f"UPDATE imports SET {assigned} WHERE import_id = ?", values):
            raise NotFound(f"there is no import {changed.import_id}")

    def add_import_template(self, new: ImportTemplate) -> ImportTemplate:
        row = self._in.row(
            "INSERT INTO import_templates (name, version, header_sha256, mapping, created_at, created_by)"
            " VALUES (?, (SELECT COALESCE(MAX(version), 0) + 1 FROM import_templates WHERE name = ?), ?, ?, ?, ?)"
            " RETURNING version",
            (new.name, new.name, new.header_sha256, to_json(new.mapping), to_us(new.created_at), new.created_by),
        )
        assert row is not None
        return replace(new, version=int(row[0]))

    def import_templates(self, header_sha256: str | None = None) -> Sequence[ImportTemplate]:
        latest = "version = (SELECT MAX(version) FROM import_templates AS o WHERE o.name = t.name)"
        rows = self._in.rows(f"{_TEMPLATE} WHERE {latest} ORDER BY name")
        found = [_template_of(row) for row in rows]
        return [one for one in found if header_sha256 in (None, one.header_sha256)]

    def import_template(self, name: str, version: int | None = None) -> ImportTemplate:
        rows = self._in.rows(f"{_TEMPLATE} WHERE name = ? ORDER BY version DESC", (name,))
        found = [one for one in map(_template_of, rows) if version in (None, one.version)]
        if not found:
            versioned = "" if version is None else f" of version {version}"
            raise NotFound(f"there is no import template {name!r}{versioned}")
        return found[0]


def _changing(one: LeadImport) -> tuple[object, ...]:
    return (
        one.list_id,
        one.list_name,
        one.stage.value,
        one.cursor,
        one.revision,
        one.sha256,
        to_json(one.file),
        to_json(one.mapping),
        to_json(one.options),
        to_json(one.counts),
        None if one.review is None else to_json(one.review),
        None if one.report is None else to_json(one.report),
    )


def _import_of(row: Sequence[Any]) -> LeadImport:
    return LeadImport(
        import_id=row[0],
        campaign_id=row[1],
        created_at=from_us(row[2]),
        created_by=row[3],
        list_id=row[4],
        list_name=row[5],
        stage=ImportStage(row[6]),
        cursor=row[7],
        revision=row[8],
        sha256=row[9],
        file=json_object(row[10]),
        mapping=json_object(row[11]),
        options=json_object(row[12]),
        counts=json_object(row[13]),
        review=None if row[14] is None else json_object(row[14]),
        report=None if row[15] is None else json_object(row[15]),
    )


def _template_of(row: Sequence[Any]) -> ImportTemplate:
    return ImportTemplate(
        name=row[0],
        version=row[1],
        header_sha256=row[2],
        mapping=json_object(row[3]),
        created_at=from_us(row[4]),
        created_by=row[5],
    )
