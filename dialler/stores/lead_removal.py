"""Leads that go."""

from collections.abc import Mapping, Sequence
from typing import Final

from dialler.domain.lead import Lead, LeadState
from dialler.errors import Conflict, NotFound
from dialler.stores.leads import LeadRecords

_DROP_NUMBER: Final = "DELETE FROM lead_numbers WHERE number = ? AND campaign_id = ? AND lead_id = ?"


class RemovalRecords(LeadRecords):
    """The part of the records that deletes leads."""

    def delete_leads(self, lead_ids: Sequence[int]) -> None:
        wanted = sorted(set(lead_ids))
        self.removable(wanted)
        known = [self._in.leads.pop(lead_id) for lead_id in wanted]
        for lead, key_id in known:
            self._in.count_leads(lead.list_id, key_id, lead.state.value, -1)
        self._in.run_many(
            _DROP_NUMBER,
            [
                (number, lead.campaign_id, lead.lead_id)
                for lead, _ in known
                for number in sorted({one.number for one in lead.numbers})
            ],
        )
        self._in.run_many("DELETE FROM leads WHERE lead_id = ?", [(lead.lead_id,) for lead, _ in known])

    def removable(self, lead_ids: Sequence[int]) -> Mapping[int, Lead]:
        """Return leads, to be changed. Raises NotFound, and Conflict for one in a call."""
        leads = self.leads_with(lead_ids, to_change=True)
        for lead_id in lead_ids:
            if lead_id not in leads:
                raise NotFound(f"there is no lead {lead_id}")
            if leads[lead_id].state is LeadState.IN_CALL:
                raise Conflict(f"lead {lead_id} is in a call")
        return leads
