"""Routes that look at leads: search, show, explain, history."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query

from dialler.api.bounds import ID_MAX, LeadId
from dialler.api.desk import TheDesk
from dialler.api.filters import EMPTY, PAGE, Size, TheFilter, equal_to
from dialler.api.forms import Json, found_page, lead_json, page, verdict_json, version_of
from dialler.api.sessions import After, Limit, ids_of, session_page
from dialler.domain.filter import all_of
from dialler.domain.filter_fields import LEAD_FIELDS
from dialler.domain.lead import Lead, LeadState
from dialler.domain.verdict import dialable
from dialler.engine.facts import facts_of
from dialler.errors import UsageError
from dialler.importing.phones import WITH_EXTENSION, dialled_number
from dialler.ports import LeadFilter, Records, SessionFilter
from telephony.presentation import check_region

router = APIRouter(prefix="/leads", tags=["leads"])


@router.get("")
async def search_leads(
    desk: TheDesk,
    campaign: str | None = None,
    list_name: Annotated[str | None, Query(alias="list", description="needs `campaign`")] = None,
    state: LeadState | None = None,
    number: Annotated[str | None, Query(description="E.164; with `region` also as it is written there")] = None,
    region: Annotated[str | None, Query(description="country of `number`, two letters")] = None,
    customer_key: str | None = None,
    external_lead_id: str | None = None,
    said: TheFilter = EMPTY,
    after: Annotated[int, Query(ge=0, le=ID_MAX, description="the `next` of the page before")] = 0,
    limit: Limit = 100,
    size: Size = None,
) -> Json:
    """Leads by id. All conditions given must hold; with a filter, ten at a time."""

    wanted = e164(number, region) if number is not None else None

    def work(records: Records) -> Json:
        campaign_id, list_id = ids_of(records, campaign, list_name)
        if said.is_given or size is not None:
            plain = {
                "campaign_id": campaign_id,
                "list_id": list_id,
                "state": state.value if state is not None else None,
                "number": wanted,
                "customer_key": customer_key,
                "external_lead_id": external_lead_id,
            }
            asked = all_of([*equal_to(plain), said.read(records, LEAD_FIELDS, campaign)])
            found = records.find_leads(asked, after=after, limit=size or PAGE)
            return found_page(leads_json(records, found.items), found)
        which = LeadFilter(
            campaign_id=campaign_id,
            list_id=list_id,
            state=state,
            number=wanted,
            customer_key=customer_key,
            external_lead_id=external_lead_id,
        )
        leads = records.leads(which, after=after, limit=limit + 1)
        return page(leads_json(records, leads[:limit]), leads[limit - 1].lead_id if leads[limit:] else None)

    return await desk.store.read(work)


@router.get("/{lead_id}")
async def show_lead(lead_id: LeadId, desk: TheDesk) -> Json:
    """One lead; its `version` changes whenever anything of it does."""

    def work(records: Records) -> Json:
        lead = records.lead(lead_id)
        return {**leads_json(records, [lead])[0], "version": version_of(lead)}

    return await desk.store.read(work)


@router.get("/{lead_id}/explain")
async def explain_lead(lead_id: LeadId, desk: TheDesk) -> Json:
    """Whether the lead is dialled now, why not, and when it could be at the earliest.

    The dialler itself decides by the same function, on the same facts.
    """
    now = desk.clock.now()
    report = desk.engine.report() if desk.engine is not None else None

    def work(records: Records) -> Json:
        lead = records.lead(lead_id)
        facts = facts_of(records, lead)
        own = [each for each in report.campaigns if each.campaign_id == lead.campaign_id] if report else []
        return {
            **verdict_json(lead, facts, dialable(lead, facts, now), now),
            "list_runway_s": own[0].runways_s.get(facts.lead_list.name) if own else None,
        }

    return await desk.store.read(work)


@router.get("/{lead_id}/history")
async def lead_history(lead_id: LeadId, desk: TheDesk, after: After = None, limit: Limit = 100) -> Json:
    """The lead's sessions, newest first."""

    def work(records: Records) -> Json:
        records.lead(lead_id)  # Raises NotFound: no sessions and no lead are two things.
        return session_page(records, SessionFilter(lead_id=lead_id), after=after, limit=limit)

    return await desk.store.read(work)


def e164(said: str, region: str | None = None) -> str:
    """Return a number as it is dialled. Raises UsageError for one without its country, where `region` gives none.

    It need not be valid: that is for those who load leads. One written as in `region` must be.
    """
    plain = "".join(char for char in said if char in "+0123456789")
    if plain.startswith("+") and plain[1:].isdecimal() and 5 <= len(plain) <= 16:
        return plain
    if region is None:
        raise UsageError(
            f"number = {said!r}: expected E.164, such as +12025550123, or a number as it is written in the country"
            " that `region` names"
        )
    try:
        country = check_region(region)
    except ValueError as error:
        raise UsageError(f"region: {error}") from error
    number = dialled_number(said, country).removesuffix(WITH_EXTENSION)
    if not number:
        raise UsageError(f"number = {said!r}: expected E.164, or a valid number of {country}")
    return number


def leads_json(records: Records, leads: Sequence[Lead]) -> list[Json]:
    """Return leads with the names of their campaigns and lists."""
    campaigns = {campaign.campaign_id: campaign.name for campaign in records.campaigns()}
    lists = {item.list_id: item.name for item in records.lists()}
    return [lead_json(lead, campaign=campaigns[lead.campaign_id], list_name=lists[lead.list_id]) for lead in leads]
