"""Why a campaign's pacing launches as many calls as it does."""

from fastapi import APIRouter

from dialler.api.desk import NO_ENGINE, TheDesk
from dialler.api.forms import Json, moment
from dialler.api.looks import campaign_of
from dialler.domain.campaign import Campaign
from dialler.ports import CampaignReport
from strategies.pacing import PeriodCount

router = APIRouter(prefix="/campaigns", tags=["campaigns"])


@router.get("/{campaign}/pacing")
async def explain_pacing(campaign: str, desk: TheDesk) -> Json:
    """The last decision of a campaign's pacing: the reason in words and figures, and what it looked at.

    Agents and calls by state, and the budget, are of now. `credit` is how many calls may still be abandoned at the
    present count of answered ones; negative: so many too many. Without an engine, or a decision, those are null.
    """
    found = await desk.store.read(lambda records: campaign_of(records, campaign))
    reports = desk.engine.report().campaigns if desk.engine is not None else ()
    own = next((each for each in reports if each.campaign_id == found.campaign_id), None)
    note = NO_ENGINE if desk.engine is None else None
    return {**_decision(found, own), **_looked_at(own), "limits": list(own.limits) if own else [], "note": note}


def _decision(campaign: Campaign, own: CampaignReport | None) -> Json:
    decision = own.pacing if own is not None else None
    return {
        "campaign": campaign.name,
        "desired": campaign.desired.value,
        "actual": own.actual if own else None,
        "strategy": campaign.settings.pacing,
        "settings": dict(campaign.settings.pacing_settings),
        "decided_at": moment(own.decided_at) if own is not None else None,
        "calls": decision.calls if decision else None,
        "reason": decision.reason if decision else None,
        "figures": dict(decision.figures) if decision else {},
    }


def _looked_at(own: CampaignReport | None) -> Json:
    return {
        "agents": dict(own.agents_by_state) if own else {},
        "calls_by_state": dict(own.calls_by_state) if own else {},
        "budget": [_period(each) for each in own.budget] if own else [],
    }


def _period(period: PeriodCount) -> Json:
    return {
        "period": period.name,
        "answered": period.answered,
        "abandoned": period.abandoned,
        "limit": period.limit,
        "allowed": period.allowed,
        "credit": period.allowed - period.abandoned,
        "unsure": period.unsure,
    }
