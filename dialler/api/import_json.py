"""How imports, their files, rows and templates look as JSON."""

from collections.abc import Sequence
from typing import Final

from dialler.api.forms import Json, moment
from dialler.domain.import_block import ImportRow
from dialler.domain.lead_import import ImportStage, ImportTemplate, LeadImport
from dialler.importing.column_names import guessed_fields
from dialler.importing.stages.filing import header_sha256
from dialler.importing.stages.plain_lead import FIELDS
from dialler.importing.stages.row_check import corrected
from dialler.importing.stages.row_pages import rows_after
from dialler.importing.stages.staged import first_row, header_of, is_unattended, labels_of, rows_of
from dialler.ports import Records

_PREVIEW_ROWS: Final = 10


def imports_json(records: Records, imports: Sequence[LeadImport]) -> list[Json]:
    """Return imports with the names of their campaigns."""
    campaigns = {campaign.campaign_id: campaign.name for campaign in records.campaigns()}
    return [_import_json(one, campaigns[one.campaign_id]) for one in imports]


def _import_json(one: LeadImport, campaign: str) -> Json:
    return {
        "import_id": one.import_id,
        "campaign": campaign,
        "list": one.list_name,
        "list_is_new": one.list_id is None,
        "stage": one.stage.value,
        "unattended": is_unattended(one),
        "is_running": one.stage is ImportStage.RUN and bool(one.options.get("begun")),
        "created_at": moment(one.created_at),
        "created_by": one.created_by,
        "file": {key: value for key, value in one.file.items() if key not in ("first_cells", "first_row")} or None,
        "sha256": one.sha256 or None,
        "rows": rows_of(one) if one.file else None,
        "mapping": one.mapping or None,
        "counts": dict(one.counts),
        "review": one.review,
        "report": one.report,
    }


def preview_json(records: Records, one: LeadImport) -> Json:
    """Return a file's first rows, and what is guessed of it."""
    header = header_of(one)
    rows = rows_after(records, one.import_id, first_row(one), limit=_PREVIEW_ROWS)
    fields: dict[str, list[str]] = {}
    for field, at in guessed_fields(header):
        fields.setdefault(field, []).append(header[at])
    shape = header_sha256(header)
    before = [
        {"import_id": other.import_id, "stage": other.stage.value, "created_at": moment(other.created_at)}
        for other in records.imports_of(one.sha256)
        if other.import_id != one.import_id
    ]
    return {
        **_import_json(one, records.campaign(one.campaign_id).name),
        "header": header,
        "preview": [row.cells for row in rows],
        "guessed": fields,
        "templates": [template_json(each) for each in records.import_templates(shape)],
        "loaded_before": before,
    }


def template_json(one: ImportTemplate) -> Json:
    """Return a template."""
    return {
        "name": one.name,
        "version": one.version,
        "mapping": one.mapping,
        "created_at": moment(one.created_at),
        "created_by": one.created_by,
    }


def row_json(row: ImportRow, header: list[str]) -> Json:
    """Return a row: its cells by column with corrections in them, what is wrong, and the lead it is."""
    cells = corrected(row.cells, row.fixed, len(header))
    lead = dict(zip(FIELDS, row.lead, strict=True)) if row.lead else None
    names = labels_of([*header, *[""] * (len(cells) - len(header))])
    return {
        "row": row.row,
        "status": row.status.value,
        "problems": [{"code": code, "text": text} for code, text in row.problems],
        "cells": dict(zip(names, cells, strict=False)),
        "fixed": [names[int(at)] for at in row.fixed],
        "lead": lead and {**lead, "numbers": [_number_json(*number) for number in lead["numbers"]]},
        "plan": row.plan or None,
    }


def _number_json(number: str, raw: str, kind: str) -> Json:
    return {"number": number, "raw": raw, "type": kind}
