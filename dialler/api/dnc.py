"""Routes for numbers that must not be called."""

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.responses import Response

from dialler.api.desk import TheDesk, Who
from dialler.api.forms import Json, moment, page
from dialler.api.leads import e164
from dialler.api.looks import campaign_of
from dialler.api.sessions import Limit
from dialler.api.streaming import Lines, StreamedAnswer, WhenLeft
from dialler.domain.campaign import MERCHANT, MERCHANT_CHARS_MAX
from dialler.errors import UsageError
from dialler.importing.number_file import REASON_CHARS_MAX, NumberOptions, NumberReport, import_numbers
from dialler.ports import DncEntry, DncFilter, Records

router = APIRouter(prefix="/dnc", tags=["do not call"])

_NUMBERS_IN_AUDIT_MAX = 20
Reason = Annotated[str, StringConstraints(max_length=REASON_CHARS_MAX)]
InCampaign = Annotated[str | None, Query(description="the entry of this campaign")]
OfMerchant = Annotated[str | None, Query(description="the entry of this merchant's campaigns")]


class NewEntries(BaseModel):
    """Numbers that must not be called: for one campaign, for those of a merchant, or for all."""

    model_config = ConfigDict(extra="forbid")
    numbers: Annotated[list[Annotated[str, StringConstraints(max_length=40)]], Field(min_length=1, max_length=10_000)]
    region: str | None = Field(None, description="country of numbers that do not say theirs")
    campaign: str | None = None
    merchant: str | None = None
    reason: Reason = ""


@router.get("")
async def list_dnc(
    desk: TheDesk,
    campaign: str | None = None,
    merchant: str | None = None,
    everywhere: Annotated[bool, Query(description="only entries that hold anywhere")] = False,
    digits: Annotated[str | None, Query(pattern=r"^[+]?[0-9]{1,15}$", description="how the number begins")] = None,
    after: Annotated[str | None, Query(max_length=200, description="the `next` of the page before")] = None,
    limit: Limit = 100,
) -> Json:
    """Entries by number."""

    def work(records: Records) -> Json:
        campaign_id, of_merchant = _scope(records, campaign, merchant)
        if everywhere and (campaign_id is not None or of_merchant is not None):
            raise UsageError("everywhere: expected it without a campaign or a merchant")
        which = DncFilter(digits=digits, campaign_id=campaign_id, merchant=of_merchant, everywhere=everywhere)
        found = records.dnc_entries(which, after=None if after is None else _place_of(after), limit=limit + 1)
        names = {owner.campaign_id: owner.name for owner in records.campaigns()}
        return page(
            [_entry_json(entry, names) for entry in found[:limit]], _place(found[limit - 1]) if found[limit:] else None
        )

    return await desk.store.read(work)


@router.post("")
async def add_dnc(new: NewEntries, desk: TheDesk, who: Who) -> Json:
    """Add numbers; those that were there already stay as they were. No call to them is placed any more."""
    now = desk.clock.now()
    numbers = [e164(said, new.region) for said in new.numbers]

    def work(records: Records) -> Json:
        campaign_id, merchant = _scope(records, new.campaign, new.merchant)
        added = records.add_dnc(
            DncEntry(
                number=number,
                campaign_id=campaign_id,
                merchant=merchant,
                reason=new.reason,
                added_at=now,
                added_by=who,
            )
            for number in numbers
        )
        after = {"numbers": numbers[:_NUMBERS_IN_AUDIT_MAX], "added": added, "reason": new.reason}
        details = {**_scope_json(new.campaign, merchant), "after": after}
        records.add_audit(now, who, "dnc.add", details)
        return {"added": added, "numbers": numbers, **_scope_json(new.campaign, merchant)}

    return await desk.store.write(work)


@router.post("/import", openapi_extra={"requestBody": {"content": {"text/csv": {}}, "required": True}})
async def import_dnc(
    request: Request,
    desk: TheDesk,
    who: Who,
    campaign: str | None = None,
    merchant: str | None = None,
    column: Annotated[str | None, Query(description="of the numbers; else it is looked for")] = None,
    reason: Reason = "",
    reason_column: str | None = None,
    region: Annotated[str | None, Query(description="country of numbers that do not say theirs")] = None,
    delimiter: str | None = None,
    encoding: str | None = None,
    source: Annotated[str, Query(max_length=500, description="what messages call the file")] = "the file",
    dry_run: bool = False,
    rejects: Annotated[bool, Query(description="send rejected rows back, as CSV")] = False,
) -> Response:
    """Add the numbers of a delimited text file, the body; the answer is JSON lines, as that of `/leads/import`.

    Who asks for rejects has to read the answer while he sends. Most HTTP clients read it only afterwards: that is fine
    for progress, but not for a million rejected rows.
    """
    campaign_id, of_merchant = await desk.store.read(lambda records: _scope(records, campaign, merchant))
    options = NumberOptions(
        campaign_id=campaign_id,
        merchant=of_merchant,
        column=column,
        reason=reason,
        reason_column=reason_column,
        region=region,
        delimiter=delimiter,
        encoding=encoding,
        dry_run=dry_run,
        source=source,
    )

    async def tell(lines: Lines, so_far: NumberReport) -> None:
        await lines.progress({key: getattr(so_far, key) for key in _COUNTS})

    async def load(lines: Lines) -> Json:
        report: NumberReport = await import_numbers(
            request.stream(),
            store=desk.store,
            options=options,
            clock=desk.clock,
            by=who,
            progress=partial(tell, lines),
            rejects=lines.rejects if rejects else None,
        )
        if not dry_run:
            after = {key: getattr(report, key) for key in _COUNTS}
            details = {**_scope_json(campaign, of_merchant), "source": source, "after": after}
            now = desk.clock.now()
            await desk.store.write(lambda records: records.add_audit(now, who, "dnc.import", details))
        return {"report": asdict(report)}

    return StreamedAnswer(load, what="an import of do-not-call numbers", when_left=WhenLeft.STOPS_AT_BODY)


@router.delete("/{number}")
async def remove_dnc(
    number: str,
    desk: TheDesk,
    who: Who,
    campaign: InCampaign = None,
    merchant: OfMerchant = None,
    region: str | None = None,
    reason: Reason = "",
) -> Json:
    """Remove one entry: the campaign's, the merchant's, or without either the entry that holds anywhere."""
    now, plain = desk.clock.now(), e164(number, region)

    def work(records: Records) -> Json:
        campaign_id, of_merchant = _scope(records, campaign, merchant)
        before = [
            entry
            for entry in records.dnc_of(plain)
            if (entry.campaign_id, entry.merchant) == (campaign_id, of_merchant)
        ]
        removed = records.remove_dnc(plain, campaign_id, of_merchant)
        names = {campaign_id: campaign} if campaign_id is not None and campaign is not None else {}
        details = {
            "number": plain,
            **_scope_json(campaign, of_merchant),
            "reason": reason,
            "before": _entry_json(before[0], names) if before else None,
        }
        records.add_audit(now, who, "dnc.remove", details)
        return {"number": plain, **_scope_json(campaign, of_merchant), "removed": removed}

    return await desk.store.write(work)


@router.get("/{number}")
async def check_dnc(number: str, desk: TheDesk, campaign: str | None = None, region: str | None = None) -> Json:
    """Tell whether a number must not be called, for a campaign, or without one for any, and by which entries."""
    plain = e164(number, region)

    def work(records: Records) -> Json:
        owners = [campaign_of(records, campaign)] if campaign is not None else records.campaigns()
        entries = records.dnc_of(plain)
        anywhere = any(entry.campaign_id is None and entry.merchant is None for entry in entries)
        blocked = [owner.name for owner in owners if plain in records.dnc_hits(owner.campaign_id, [plain])]
        names = {owner.campaign_id: owner.name for owner in records.campaigns()}
        return {
            "number": plain,
            "blocked": anywhere or bool(blocked),
            "everywhere": anywhere,
            "campaigns": blocked,
            "entries": [_entry_json(entry, names) for entry in entries],
        }

    return await desk.store.read(work)


_COUNTS = ("rows", "added", "known", "rejected")


def _scope(records: Records, campaign: str | None, merchant: str | None) -> tuple[int | None, str | None]:
    """Return the campaign's id and the merchant, of which at most one may be given."""
    if campaign is not None and merchant is not None:
        raise UsageError("merchant: expected a campaign or a merchant, got both")
    if merchant is not None and not (len(merchant) <= MERCHANT_CHARS_MAX and MERCHANT.fullmatch(merchant)):
        raise UsageError(
            f"merchant: expected one line of text, at most {MERCHANT_CHARS_MAX} characters, got {merchant!r}"
        )
    return (campaign_of(records, campaign).campaign_id if campaign is not None else None), merchant


def _scope_json(campaign: str | None, merchant: str | None) -> Json:
    return {"campaign": campaign, "merchant": merchant}


def _entry_json(entry: DncEntry, names: Mapping[int, str]) -> Json:
    campaign = None if entry.campaign_id is None else names.get(entry.campaign_id, f"(gone, {entry.campaign_id})")
    return {
        "number": entry.number,
        **_scope_json(campaign, entry.merchant),
        "reason": entry.reason,
        "added_at": moment(entry.added_at),
        "added_by": entry.added_by,
    }


def _place(entry: DncEntry) -> str:
    """Return where a page goes on; a merchant's name comes last, since it may hold anything."""
    return f"{entry.number} {entry.campaign_id or 0} {entry.merchant or ''}"


def _place_of(said: str) -> tuple[str, int, str]:
    parts = said.split(" ", 2)
    if len(parts) != 3 or not parts[1].isdecimal() or len(parts[1]) > 18:
        raise UsageError(f"after: expected the `next` of the page before, got {said!r}")
    return parts[0], int(parts[1]), parts[2]
