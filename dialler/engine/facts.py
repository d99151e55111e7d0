"""Gathers what the verdict on a lead needs to know beside the lead itself."""

from collections.abc import Set
from datetime import datetime

from dialler.domain.caller_id_choice import CallerIdBook, Choice, first_choice, region_of
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
    by_hand: bool = False,
    agent: str | None = None,
    book: CallerIdBook | None = None,
    trunk: str | None = None,
) -> Facts:
    """Return the facts about `lead` as the records hold them now.

    `campaign`, its list, and the numbers `in_call` save a look when known; `by_hand` and `agent` as in `Facts`.
    `book` is that of the campaign's pool of caller ids where it is open already, and `trunk` the one that a call would
    go out on; None: whichever has a caller id first.
    """
    campaign = campaign or records.campaign(lead.campaign_id)
    numbers = [number.number for number in lead.numbers]
    pool = campaign.settings.caller_id_pool
    if book is None and pool is not None:
        book = book_of(records, pool)

    def choose(lead: Lead, number: str, now: datetime) -> Choice:
        assert book is not None
        trunks = (trunk,) if trunk is not None else campaign.settings.trunks or (None,)
        return first_choice([book.choose(number, region_of(lead.window_key), trunk, now) for trunk in trunks])

    return Facts(
        campaign=campaign,
        lead_list=lead_list or records.lead_list(lead.list_id),
        window=windows.window(campaign.settings.hours, lead.window_key),
        in_call=numbers_in_call(records) if in_call is None else in_call,
        dnc=records.dnc_hits(lead.campaign_id, numbers),
        attempts=records.number_attempts(lead.campaign_id, numbers),
        by_hand=by_hand,
        agent=agent,
        caller_id=None if book is None else choose,
    )


def numbers_in_call(records: Records) -> Set[str]:
    """Return the numbers that are being called, as far as the records say."""
    return {session.number for session in records.open_sessions() if session.outcome is None}
