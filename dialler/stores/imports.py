"""Imports in stages, in the records."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, Final

from dialler.domain.lead_import import ImportRow, ImportStage, ImportTemplate, LeadImport, RowStatus
from dialler.errors import NotFound
from dialler.stores.codec import from_us, json_object, to_json, to_us
from dialler.stores.transaction import Transaction, marks, portions

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
_ROW_CHANGING: Final = ("status", "fixed", "problems", "lead", "plan")
_ROW: Final = f"row_no, cells, unreadable, {', '.join(_ROW_CHANGING)}"
_ADD_ROW: Final = f"INSERT INTO import_rows (import_id, {_ROW}) VALUES ({marks(9)})"
_SET_ROW: Final = (
    f"UPDATE import_rows SET {', '.join(f'{name} = ?' for name in _ROW_CHANGING)} WHERE import_id = ? AND row_no = ?"
)
_TEMPLATE: Final = "SELECT name, version, header_sha256, mapping, created_at, created_by FROM import_templates AS t"
_ADDED_AT_ONCE: Final = 2_000
_INDEXED: Final = frozenset({RowStatus.INVALID, RowStatus.REJECTED, RowStatus.SKIPPED})


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

    def add_import_rows(self, import_id: int, rows: Iterable[ImportRow]) -> None:
        stream = iter(rows)
        while chunk := list(islice(stream, _ADDED_AT_ONCE)):
            values = [
                (import_id, row.row, row.cells, row.unreadable, row.status.value, row.fixed, row.problems, row.lead,
                 row.plan)
                for row in chunk
            ]  # fmt: skip
            self._in.run_many(_ADD_ROW, values)

    def import_rows(
        self,
        import_id: int,
        *,
        statuses: Collection[RowStatus] = (),
        rows: Collection[int] = (),
        after: int = 0,
        limit: int = 1000,
    ) -> Sequence[ImportRow]:
        if rows:
            wanted = sorted(row for row in set(rows) if row > after)
            found = [
                _row_of(row)
                for marked, some in portions(wanted)
                for row in self._in.rows(
                    f"SELECT {_ROW} FROM import_rows WHERE import_id = ? AND row_no {marked} ORDER BY row_no",
                    (import_id, *some),
                )
            ]
            return [row for row in found if not statuses or row.status in statuses][:limit]
        if not statuses:
            sql = f"SELECT {_ROW} FROM import_rows WHERE import_id = ? AND row_no > ? ORDER BY row_no LIMIT ?"
            return [_row_of(row) for row in self._in.rows(sql, (import_id, after, limit))]
        if not _INDEXED.issuperset(statuses):
            # Most rows are of these: a walk in the order of rows meets them soon.
            named = sorted(status.value for status in statuses)
            sql = (
                f"SELECT {_ROW} FROM import_rows WHERE import_id = ? AND row_no > ?"
                f" AND status IN ({marks(len(named))}) ORDER BY row_no LIMIT ?"
            )
            return [_row_of(row) for row in self._in.rows(sql, (import_id, after, *named, limit))]
        merged: list[ImportRow] = []
        for status in sorted(statuses):
            # The status stands in the statement's text: only then is the partial index used.
            sql = (
                f"SELECT {_ROW} FROM import_rows WHERE import_id = ? AND status = '{status.value}' AND row_no > ?"
                " ORDER BY row_no LIMIT ?"
            )
            merged.extend(_row_of(row) for row in self._in.rows(sql, (import_id, after, limit)))
        return sorted(merged, key=lambda row: row.row)[:limit]

    def set_import_rows(self, import_id: int, rows: Sequence[ImportRow]) -> None:
        values = [(row.status.value, row.fixed, row.problems, row.lead, row.plan, import_id, row.row) for row in rows]
        self._in.run_many(_SET_ROW, values)

    def delete_import_rows(
        self, import_id: int, *, statuses: Collection[RowStatus] = (), rows: Collection[int] = (), limit: int = 1000
    ) -> Sequence[ImportRow]:
        gone = self.import_rows(import_id, statuses=statuses, rows=rows, limit=limit)
        self._in.run_many(
            "DELETE FROM import_rows WHERE import_id = ? AND row_no = ?", [(import_id, row.row) for row in gone]
        )
        return gone

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


_STATUSES: Final = {each.value: each for each in RowStatus}


def _row_of(row: Sequence[Any]) -> ImportRow:
    return ImportRow(
        row=row[0],
        cells=row[1],
        unreadable=row[2],
        status=_STATUSES[row[3]],
        fixed=row[4],
        problems=row[5],
        lead=row[6],
        plan=row[7],
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
