"""Gathers what the verdict on a lead needs to know beside the lead itself."""

from dialler.domain.campaign import Campaign, LeadList
from dialler.domain.lead import Lead
from dialler.domain.verdict import Facts
from dialler.engine.windows import Windows
from dialler.ports import Records

_windows = Windows()


def facts_of(
    records: Records,
    lead: Lead,
    *,
    campaign: Campaign | None = None,
    lead_list: LeadList | None = None,
    windows: Windows = _windows,
) -> Facts:
    """Return the facts about `lead` as the records hold them now; `campaign` and its list save a look when known."""
    campaign = campaign or records.campaign(lead.campaign_id)
    return Facts(
        campaign=campaign,
        lead_list=lead_list or records.lead_list(lead.list_id),
        window=windows.window(campaign.settings.hours, lead.window_key),
        dnc=records.dnc_hits(lead.campaign_id, [number.number for number in lead.numbers]),
    )
