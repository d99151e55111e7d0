"""What a lead is once a row, or a program, has said something new of it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from dialler.domain.changes import differences, lead_told
from dialler.domain.lead import Lead, WindowKey
from dialler.importing.checking import Checked
from dialler.ports import Records


def updated(lead: Lead, row: Checked) -> Lead:
    """Return a lead with what its row says. A field without a column stays, and so does one whose cell is empty.

    A number that stays keeps its status. Zones that were given by name yield to those of the state only when the
    lead has moved to another one.
    """
    new = row.lead
    before = {phone.number: phone for phone in lead.numbers}
    old_key, new_key = lead.window_key, new.window_key
    moved = new_key.region not in ("", old_key.region)
    rezoned = (
        moved or new.timezone_source == "field" or (new.timezone_source == "rule" and lead.timezone_source != "field")
    )
    return replace(
        lead,
        numbers=tuple(replace(phone, status=before.get(phone.number, phone).status) for phone in new.numbers),
        name=new.name or lead.name,
        external_lead_id=new.external_lead_id or lead.external_lead_id,
        postcode=new.postcode or lead.postcode,
        priority=lead.ranked(lead.rank, priority=new.priority) if row.has_priority else lead.priority,
        data={**lead.data, **new.data},
        timezone_source=new.timezone_source if rezoned else lead.timezone_source,
        timezone_given=new.timezone_given if rezoned else lead.timezone_given,
        window_key=WindowKey(
            new_key.zones if rezoned else old_key.zones,
            new_key.country or old_key.country,
            new_key.region or old_key.region,
        ),
    )


def write_updates(
    records: Records, leads: Sequence[Lead], *, now: datetime, by: str, said: Mapping[str, object] | None = None
) -> None:
    """Write leads that a file updates; those that it changes are noted in the audit, with what else is `said`."""
    before = records.leads_with([lead.lead_id for lead in leads])
    records.set_leads(leads)
    changed = {
        lead.lead_id: {**(said or {}), **differences(lead_told(before[lead.lead_id]), lead_told(lead))}
        for lead in leads
        if before[lead.lead_id] != lead
    }
    records.add_audits(now, by, "lead.import.update", changed)
