"""Gathers what the verdict on a lead needs to know beside the lead itself."""

from collections.abc import Set

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
    in_call: Set[str] | None = None,
    windows: Windows = _windows,
    by_hand: bool = False,
) -> Facts:
    """Return the facts about `lead` as the records hold them now.

    `campaign`, its list, and the numbers `in_call` save a look when known; `by_hand` as in `Facts`.
    """
    campaign = campaign or records.campaign(lead.campaign_id)
    numbers = [number.number for number in lead.numbers]
    return Facts(
        campaign=campaign,
        lead_list=lead_list or records.lead_list(lead.list_id),
        window=windows.window(campaign.settings.hours, lead.window_key),
        in_call=numbers_in_call(records) if in_call is None else in_call,
        dnc=records.dnc_hits(lead.campaign_id, numbers),
        attempts=records.number_attempts(lead.campaign_id, numbers),
        by_hand=by_hand,
    )


def numbers_in_call(records: Records) -> Set[str]:
    """Return the numbers that are being called, as far as the records say."""
    return {session.number for session in records.open_sessions() if session.outcome is None}
