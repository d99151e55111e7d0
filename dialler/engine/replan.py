"""Leads by the rules as they are now, with what the records hold of them."""

from collections.abc import Sequence
from datetime import datetime

from dialler.domain.campaign import Campaign, LeadList, in_force
from dialler.domain.lead import Lead, LeadState
from dialler.domain.replan import Rules, may_change, replanned
from dialler.engine.windows import Windows
from dialler.ports import Records


def replan_leads(
    records: Records, windows: Windows, campaign: Campaign, lead_list: LeadList, leads: Sequence[Lead], now: datetime
) -> Sequence[tuple[Lead, Lead]]:
    """Return those of a list's leads whose turn is another one by the rules of `campaign` and `lead_list`, each as it
    is and as it will be."""
    open_ = [lead for lead in leads if may_change(lead)]
    if not open_:
        return []
    last = records.last_sessions([lead.lead_id for lead in open_ if lead.outcome_run])
    # Only those who might come back are held by what others used up of their numbers.
    completed = [lead for lead in open_ if lead.state is LeadState.COMPLETED]
    numbers = sorted({each.number for lead in completed for each in lead.numbers})
    attempts = records.number_attempts(campaign.campaign_id, numbers)
    settings, hours = in_force(campaign.settings, lead_list), campaign.settings.hours
    found = []
    for lead in open_:
        rules = Rules(redial=lead_list.rules.redial, settings=settings, window=windows.window(hours, lead.window_key))
        on_numbers = [attempts[each.number] for each in lead.numbers if each.number in attempts]
        after = replanned(lead, last.get(lead.lead_id), rules, on_numbers=on_numbers, now=now)
        if after != lead:
            found.append((lead, after))
    return found
