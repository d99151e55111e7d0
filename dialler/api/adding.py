"""Routes that add leads one by one: a single one, and a batch of them for integrators."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from dialler.api.campaigns import followed
from dialler.api.desk import Desk, TheDesk, Who
from dialler.api.forms import Json
from dialler.api.imports import target_of
from dialler.api.leads import leads_json
from dialler.domain.campaign import Campaign, LeadList
from dialler.domain.changes import differences, lead_told
from dialler.errors import UsageError
from dialler.events import ImportFinished
from dialler.importing.adding import ADDED_AT_ONCE_MAX, Added, Checking, GivenLead, add_leads, check_leads
from dialler.importing.checking import Rejected
from dialler.ports import Records

router = APIRouter(prefix="/leads", tags=["leads"])


class LeadForm(BaseModel):
    """One lead, checked as a row of a file is."""

    model_config = ConfigDict(extra="forbid")
    numbers: Annotated[list[str], Field(min_length=1, max_length=20)]
    name: str = ""
    customer_key: str = Field("", description="a lead of the list that has it is updated")
    external_lead_id: str = ""
    timezone: str = ""
    country: str = Field("", description="two letters; of numbers that do not say theirs; none: as `region` says")
    state: str = Field("", description="the lead's own region, such as TX")
    postcode: str = ""
    priority: int | None = Field(None, description="higher goes first")
    urgent: bool = Field(False, description="its next call goes before all others of its list")
    data: dict[str, str] = {}
    expires_at: datetime | None = Field(None, description="without an offset on the lead's own clock")

    def given(self) -> GivenLead:
        """Return what it says."""
        return GivenLead(
            numbers=self.numbers,
            name=self.name,
            customer_key=self.customer_key,
            external_lead_id=self.external_lead_id,
            timezone=self.timezone,
            country=self.country,
            region=self.state,
            postcode=self.postcode,
            priority=self.priority,
            urgent=self.urgent,
            data=self.data,
            expires_at=self.expires_at,
        )


class NewLeadForm(LeadForm):
    """One lead, and where it goes."""

    campaign: str
    list_name: Annotated[str, Field(alias="list")]
    region: str | None = Field(None, description="country of numbers that do not say theirs; chooses the zone rules")


class Batch(BaseModel):
    """Leads for one list."""

    model_config = ConfigDict(extra="forbid")
    campaign: str
    list_name: Annotated[str, Field(alias="list")]
    region: str | None = Field(None, description="country of numbers that do not say theirs; chooses the zone rules")
    leads: Annotated[list[LeadForm], Field(min_length=1, max_length=ADDED_AT_ONCE_MAX)]


@router.post("", status_code=201)
async def add_lead(new: NewLeadForm, desk: TheDesk, who: Who) -> Json:
    """Add one lead, or update the one with its customer key."""
    owner, lead_list = await desk.store.read(lambda records: target_of(records, new.campaign, new.list_name))
    [result] = await _add(desk, who, owner, lead_list, [new.given()], new.region)
    if isinstance(result, Rejected):
        raise UsageError(f"the lead is rejected: {result.code}: {result.reason}")
    lead_id = result.lead_id
    lead = await desk.store.read(lambda records: leads_json(records, [records.lead(lead_id)])[0])
    return {**lead, "updated": result.result == "updated", "duplicate": result.repeats is not None}


@router.post("/batch")
async def add_batch(batch: Batch, desk: TheDesk, who: Who) -> Json:
    """Add up to 1,000 leads, or update those with their customer keys; sent again, it changes nothing more.

    The answer has an item for each lead, in order: `added`, `updated`, or `rejected` with a code and a reason. The
    others are written whatever is rejected.
    """
    owner, lead_list = await desk.store.read(lambda records: target_of(records, batch.campaign, batch.list_name))
    results = await _add(desk, who, owner, lead_list, [each.given() for each in batch.leads], batch.region)
    counts = _counts(results)
    return {**counts, "items": [_item(form, result) for form, result in zip(batch.leads, results, strict=True)]}


async def _add(
    desk: Desk, who: str, campaign: Campaign, lead_list: LeadList, given: Sequence[GivenLead], region: str | None
) -> Sequence[Added | Rejected]:
    checked = await check_leads(given, campaign=campaign, region=region)
    good = [each for each in checked if isinstance(each, Checking)]
    now = desk.clock.now()

    def work(records: Records) -> Sequence[Added | Rejected]:
        written = iter(add_leads(records, good, campaign=campaign, lead_list=lead_list, now=now) if good else ())
        results = [each if isinstance(each, Rejected) else next(written) for each in checked]
        where = {"campaign": campaign.name, "list": lead_list.name}
        told = {each.lead_id: {**where, **_change(each)} for each in results if isinstance(each, Added)}
        records.add_audits(now, who, "lead.add", told)
        return results

    results = await desk.store.write(work)
    counts = _counts(results)
    repeated = sum(isinstance(each, Added) and each.repeats is not None for each in results)
    desk.journal.emit(
        ImportFinished(
            at=now,
            campaign=campaign.name,
            list=lead_list.name,
            rows=len(results),
            imported=counts["added"],
            updated=counts["updated"],
            rejected=counts["rejected"],
            duplicates=repeated,
        )
    )
    if good:
        await followed(desk)
    return results


def _change(added: Added) -> Json:
    after = lead_told(added.after)
    return {"after": after} if added.before is None else dict(differences(lead_told(added.before), after))


def _result(result: Added | Rejected) -> Literal["added", "updated", "rejected"]:
    return "rejected" if isinstance(result, Rejected) else result.result


def _counts(results: Sequence[Added | Rejected]) -> dict[str, int]:
    said = [_result(each) for each in results]
    return {"added": said.count("added"), "updated": said.count("updated"), "rejected": said.count("rejected")}


def _item(form: LeadForm, result: Added | Rejected) -> Json:
    item: Json = {"result": _result(result), "customer_key": form.customer_key or None, "lead_id": None}
    if isinstance(result, Rejected):
        return {**item, "code": result.code, "reason": result.reason}
    warnings: list[Json] = [{"code": code, "text": text} for code, text in result.warnings]
    if result.repeats is not None:
        text = f"number: another lead of the campaign has {result.repeats}"
        warnings.append({"code": "number_repeated", "text": text})
    return {**item, "lead_id": result.lead_id, "warnings": warnings}
