"""Gathers what the verdict on a lead needs to know beside the lead itself."""

from collections.abc import Set
from datetime import datetime

from dialler.domain.caller_id_choice import Choice, first_choice, region_of
from dialler.domain.campaign import Campaign, LeadList
from dialler.domain.lead import Lead
from dialler.domain.verdict import Facts
from dialler.engine.caller_ids import book_of
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
) -> Facts:
    """Return the facts about `lead` as the records hold them now.

    `campaign`, its list, and the numbers `in_call` save a look when known.
    """
    campaign = campaign or records.campaign(lead.campaign_id)
    numbers = [number.number for number in lead.numbers]
    pool = campaign.settings.caller_id_pool
    book = None if pool is None else book_of(records, pool)

    def choose(lead: Lead, number: str, now: datetime) -> Choice:
        assert book is not None
        # On which trunk it would go out is not known yet: on the first that has a number for it.
        trunks = campaign.settings.trunks or (None,)
        return first_choice([book.choose(number, region_of(lead.window_key), trunk, now) for trunk in trunks])

    return Facts(
        campaign=campaign,
        lead_list=lead_list or records.lead_list(lead.list_id),
        window=windows.window(campaign.settings.hours, lead.window_key),
        in_call=numbers_in_call(records) if in_call is None else in_call,
        dnc=records.dnc_hits(lead.campaign_id, numbers),
        attempts=records.number_attempts(lead.campaign_id, numbers),
        caller_id=None if book is None else choose,
    )


def numbers_in_call(records: Records) -> Set[str]:
    """Return the numbers that are being called, as far as the records say."""
    return {session.number for session in records.open_sessions() if session.outcome is None}
