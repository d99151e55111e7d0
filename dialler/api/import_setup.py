"""Routes that set an import up: list, file, mapping; and those that look at it, or give it up."""

from collections.abc import Mapping
from typing import Annotated, Self

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator
from starlette.requests import ClientDisconnect

from dialler.api.bounds import ID_MAX
from dialler.api.desk import TheDesk, Who, noted
from dialler.api.edits import Name
from dialler.api.forms import Json, page
from dialler.api.import_json import imports_json, preview_json, template_json
from dialler.api.looks import campaign_of, list_of
from dialler.api.sessions import Limit
from dialler.domain.lead_import import ImportTemplate, LeadImport
from dialler.errors import Conflict, DiallerError, UsageError
from dialler.importing.mapping import Mapping as ColumnMapping
from dialler.importing.stages.checking import mapped, mapping_of
from dialler.importing.stages.filing import header_sha256, take_file
from dialler.importing.stages.running import cancel_import
from dialler.importing.stages.staged import header_of, rows_of
from dialler.ports import Records

router = APIRouter(prefix="/imports", tags=["imports"])

ImportId = Annotated[int, Field(ge=1, le=ID_MAX)]


class NewImport(BaseModel):
    """Where the leads are to go."""

    model_config = ConfigDict(extra="forbid")
    campaign: str
    list_name: Annotated[str, Field(alias="list", min_length=1, max_length=200)]
    new_list: bool = Field(False, description="make the list when the import is run; it is not to dial at first")

    @model_validator(mode="after")
    def _check_list(self) -> Self:
        if self.new_list:
            self.list_name = TypeAdapter(Name).validate_python(self.list_name)
        return self


class MappingForm(BaseModel):
    """What the columns are."""

    model_config = ConfigDict(extra="forbid")
    fields: dict[str, str | list[str]] = Field({}, description="columns by field; number may have several")
    guess: bool = True
    keep_rest: bool = Field(False, description="keep columns that are not mapped as data fields")
    region: str | None = Field(None, description="country of numbers that do not say theirs; chooses the zone rules")
    header: bool | None = Field(None, description="whether the first row names the columns; none: as it was guessed")
    template: str | None = Field(
        None, max_length=100, description="take all this from a template; NAME or NAME@VERSION"
    )
    save_as: str | None = Field(
        None, min_length=1, max_length=100, pattern="^[^@]+$", description="save it as a template"
    )


@router.get("")
async def list_imports(
    desk: TheDesk,
    campaign: str | None = None,
    after: Annotated[int | None, Query(ge=0, le=ID_MAX, description="the `next` of the page before")] = None,
    limit: Limit = 100,
) -> Json:
    """Imports, newest first."""

    def work(records: Records) -> Json:
        campaign_id = campaign_of(records, campaign).campaign_id if campaign is not None else None
        found = records.imports(campaign_id=campaign_id, before=after, limit=limit + 1)
        return page(imports_json(records, found[:limit]), found[limit - 1].import_id if found[limit:] else None)

    return await desk.store.read(work)


@router.post("", status_code=201)
async def start_import(new: NewImport, desk: TheDesk, who: Who) -> Json:
    """Begin an import into a list that exists, or into a new one."""
    now = desk.clock.now()

    def work(records: Records) -> Json:
        owner = campaign_of(records, new.campaign)
        list_id, name = None, new.list_name
        if not new.new_list:
            there = list_of(records, owner, new.list_name)
            list_id, name = there.list_id, there.name
        elif any(one.name == name for one in records.lists(owner.campaign_id)):
            raise Conflict(f"campaign {owner.name!r} has a list {name!r} already; expected another name for a new list")
        one = records.add_import(
            LeadImport(
                import_id=0,
                campaign_id=owner.campaign_id,
                list_id=list_id,
                list_name=name,
                created_at=now,
                created_by=who,
            )
        )
        after = {"stage": one.stage.value, "new_list": list_id is None}
        details = {"import": one.import_id, "campaign": owner.name, "list": name, "after": after}
        records.add_audit(now, who, "lead.import.start", details)
        return imports_json(records, [one])[0]

    return await desk.store.write(work)


@router.get("/templates")
async def list_templates(desk: TheDesk) -> Json:
    """Saved mappings, the latest version of each."""
    return page([template_json(one) for one in await desk.store.read(lambda records: records.import_templates())])


@router.get("/{import_id}")
async def show_import(import_id: ImportId, desk: TheDesk) -> Json:
    """One import: its stage, counts, review and report."""
    return await desk.store.read(lambda records: imports_json(records, [records.lead_import(import_id)])[0])


@router.post("/{import_id}/file", openapi_extra={"requestBody": {"content": {"text/csv": {}}, "required": True}})
async def send_file(
    import_id: ImportId,
    request: Request,
    desk: TheDesk,
    who: Who,
    name: Annotated[str, Query(min_length=1, max_length=500, description="of the file, for people")],
    delimiter: str | None = None,
    encoding: str | None = None,
    header: Annotated[bool | None, Query(description="whether the first row names the columns")] = None,
) -> Json:
    """Send the file, the body; one sent before is replaced. The answer is its preview, with what was guessed."""
    try:
        one = await take_file(
            request.stream(),
            store=desk.store,
            import_id=import_id,
            name=name,
            delimiter=delimiter,
            encoding=encoding,
            has_header=header,
        )
    except ClientDisconnect:
        raise DiallerError("the file was cut off; send it again") from None
    details = {"import": import_id, "after": {"file": name, "sha256": one.sha256, "rows": rows_of(one)}}
    await noted(desk, who, "lead.import.file", details)
    return await desk.store.read(lambda records: preview_json(records, one))


@router.get("/{import_id}/file")
async def show_file(import_id: ImportId, desk: TheDesk) -> Json:
    """The file's first rows, how it was read, fields that its header gives away, templates that fit."""

    def work(records: Records) -> Json:
        one = records.lead_import(import_id)
        if not one.file:
            raise Conflict(f"import {import_id} waits for its file")
        return preview_json(records, one)

    return await desk.store.read(work)


@router.post("/{import_id}/mapping")
async def map_columns(import_id: ImportId, form: MappingForm, desk: TheDesk, who: Who) -> Json:
    """Say what the columns are, again if need be; the rows are to be checked after that."""
    now = desk.clock.now()

    def work(records: Records) -> Json:
        mapping, region = _mapping(records, form)
        before = records.lead_import(import_id).mapping
        one = mapped(records, import_id, mapping, region=region, header=form.header)
        records.add_audit(
            now, who, "lead.import.map", {"import": import_id, "before": _said(before), "after": _said(one.mapping)}
        )
        if form.save_as is not None:
            saved = records.add_import_template(
                ImportTemplate(
                    name=form.save_as,
                    version=0,
                    header_sha256=header_sha256(header_of(one)),
                    mapping=_said(one.mapping),
                    created_at=now,
                    created_by=who,
                )
            )
            details = {
                "template": saved.name,
                "import": import_id,
                "after": {"version": saved.version, **saved.mapping},
            }
            records.add_audit(now, who, "lead.import.template", details)
        return imports_json(records, [one])[0]

    return await desk.store.write(work)


@router.post("/{import_id}/cancel")
async def cancel(import_id: ImportId, desk: TheDesk, who: Who) -> Json:
    """Give an import up and delete its rows; leads that it has loaded stay. Of one that is done the report stays."""
    one = await cancel_import(store=desk.store, import_id=import_id, clock=desk.clock, who=who)
    return await desk.store.read(lambda records: imports_json(records, [one])[0])


def _mapping(records: Records, form: MappingForm) -> tuple[ColumnMapping, str | None]:
    if form.template is not None:
        if form.fields or form.region is not None:
            raise UsageError("expected either a template, or fields and region")
        name, _, version = form.template.partition("@")
        if version and not (version.isdecimal() and len(version) < 9):
            raise UsageError(f"template = {form.template!r}: expected NAME or NAME@VERSION")
        return mapping_of(records.import_template(name, int(version) if version else None).mapping)
    pairs = [
        (field, column)
        for field, columns in form.fields.items()
        for column in ([columns] if isinstance(columns, str) else columns)
    ]
    return ColumnMapping(fields=tuple(pairs), guess=form.guess, keep_rest=form.keep_rest), form.region


def _said(mapping: Mapping[str, object]) -> Json:
    """Return a mapping without what was made of it."""
    return {key: value for key, value in mapping.items() if key not in ("columns", "notes")}
