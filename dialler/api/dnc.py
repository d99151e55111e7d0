"""Routes for numbers that must not be called."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from dialler.api.desk import TheDesk, Who
from dialler.api.forms import Json
from dialler.api.leads import e164
from dialler.api.looks import campaign_of
from dialler.ports import DncEntry, Records

router = APIRouter(prefix="/dnc", tags=["do not call"])

_ANYWHERE = 0
"""Stands for "no campaign" in a look-up: campaigns count from 1, so only entries that hold anywhere hit."""


class NewEntries(BaseModel):
    """Numbers that must not be called: for one campaign, or for all."""

    model_config = ConfigDict(extra="forbid")
    numbers: Annotated[list[Annotated[str, StringConstraints(max_length=40)]], Field(min_length=1, max_length=10_000)]
    region: str | None = Field(None, description="country of numbers that do not say theirs")
    campaign: str | None = None
    reason: Annotated[str, StringConstraints(max_length=200)] = ""


@router.post("")
async def add_dnc(new: NewEntries, desk: TheDesk, who: Who) -> Json:
    """Add numbers; those that were there already stay as they were."""
    now = desk.clock.now()
    numbers = [e164(said, new.region) for said in new.numbers]

    def work(records: Records) -> Json:
        campaign_id = _campaign_id(records, new.campaign)
        entries = [
            DncEntry(number=number, campaign_id=campaign_id, reason=new.reason, added_at=now) for number in numbers
        ]
        added = records.add_dnc(entries)
        records.add_audit(now, who, "dnc.add", {"added": added, "campaign": new.campaign, "reason": new.reason})
        return {"added": added, "numbers": numbers, "campaign": new.campaign}

    return await desk.store.write(work)


@router.delete("/{number}")
async def remove_dnc(
    number: str, desk: TheDesk, who: Who, campaign: str | None = None, region: str | None = None
) -> Json:
    """Remove one entry: the campaign's, or without one the entry that holds anywhere."""
    now, plain = desk.clock.now(), e164(number, region)

    def work(records: Records) -> Json:
        removed = records.remove_dnc(plain, _campaign_id(records, campaign))
        records.add_audit(now, who, "dnc.remove", {"removed": removed, "campaign": campaign})
        return {"number": plain, "campaign": campaign, "removed": removed}

    return await desk.store.write(work)


@router.get("/{number}")
async def check_dnc(number: str, desk: TheDesk, campaign: str | None = None, region: str | None = None) -> Json:
    """Tell whether a number must not be called: for a campaign, or without one for all of them."""
    plain = e164(number, region)

    def work(records: Records) -> Json:
        campaign_id = _campaign_id(records, campaign)
        anywhere = plain in records.dnc_hits(_ANYWHERE, [plain])
        asked = [records.campaign(campaign_id)] if campaign_id is not None else records.campaigns()
        blocked = [owner.name for owner in asked if plain in records.dnc_hits(owner.campaign_id, [plain])]
        return {"number": plain, "blocked": anywhere or bool(blocked), "everywhere": anywhere, "campaigns": blocked}

    return await desk.store.read(work)


def _campaign_id(records: Records, campaign: str | None) -> int | None:
    return campaign_of(records, campaign).campaign_id if campaign is not None else None
