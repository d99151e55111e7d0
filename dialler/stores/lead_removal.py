"""Leads that go, and people who are forgotten."""

from collections.abc import Mapping, Sequence
from typing import Final

from dialler.domain.evolve import evolve
from dialler.domain.lead import CompletedReason, Lead, LeadState, NumberStatus, PhoneNumber, Rank
from dialler.errors import Conflict, NotFound
from dialler.stores.codec import to_json
from dialler.stores.leads import LeadRecords
from dialler.stores.number_keys import hashed
from dialler.stores.search_index import forget

_DROP_NUMBER: Final = "DELETE FROM lead_numbers WHERE number = ? AND campaign_id = ? AND lead_id = ?"
_WIPE: Final = (
    "UPDATE sessions SET number = ?, name = '', customer_key = NULL, external_lead_id = NULL, wrap_note = NULL,"
    " details = '{}'"
    " WHERE seq = ?"
)


class RemovalRecords(LeadRecords):
    """The part of the records that deletes and erases leads."""

    def delete_leads(self, lead_ids: Sequence[int]) -> None:
        wanted = sorted(set(lead_ids))
        self._removable(wanted)
        known = [self._in.leads.pop(lead_id) for lead_id in wanted]
        for lead, key_id in known:
            self._in.count_leads(lead.list_id, key_id, lead.state.value, -1)
        self._in.run_many(
            _DROP_NUMBER,
            [(number, lead.campaign_id, lead.lead_id) for lead, _ in known for number in sorted(_numbers(lead))],
        )
        self._in.run_many("DELETE FROM leads WHERE lead_id = ?", [(lead.lead_id,) for lead, _ in known])

    def erase_lead(self, lead_id: int) -> int:
        lead = self._removable([lead_id])[lead_id]
        sessions = self._in.rows("SELECT seq, number FROM sessions WHERE lead_id = ?", (lead_id,))
        names = hashed(self._in, sorted(_numbers(lead) | {row[1] for row in sessions}))
        self._in.run_many(_WIPE, [(names[number], seq) for seq, number in sessions])
        self._in.run("UPDATE audit SET details = ? WHERE lead_id = ?", (to_json({"erased": lead_id}), lead_id))
        forget(self._in, lead)
        for number, name in names.items():
            # Where both are there the hash's entry stays: it says the same.
            self._in.run(
                "INSERT INTO dnc (number, campaign_id, merchant, reason, added_at, added_by)"
                " SELECT ?, campaign_id, merchant, 'kept after an erasure', added_at, added_by FROM dnc"
                " WHERE number = ?"
                " ON CONFLICT DO NOTHING",
                (name, number),
            )
            if name != number:
                self._in.run("DELETE FROM dnc WHERE number = ?", (number,))
        self.set_leads(
            [
                evolve(
                    lead,
                    numbers=tuple(PhoneNumber(names[one.number], "", NumberStatus.BAD) for one in lead.numbers),
                    name="",
                    customer_key=None,
                    external_lead_id=None,
                    postcode="",
                    timezone_given="",
                    data={},
                    state=LeadState.COMPLETED,
                    completed_reason=lead.completed_reason or CompletedReason.MANUAL,
                    due_at=None,
                    priority=lead.ranked(Rank.ORDINARY),
                    callback_at=None,
                    callback_agent=None,
                    callback_expires_at=None,
                )
            ]
        )
        return len(sessions)

    def _removable(self, lead_ids: Sequence[int]) -> Mapping[int, Lead]:
        leads = self.leads_with(lead_ids, to_change=True)
        for lead_id in lead_ids:
            if lead_id not in leads:
                raise NotFound(f"there is no lead {lead_id}")
            if leads[lead_id].state is LeadState.IN_CALL:
                raise Conflict(f"lead {lead_id} is in a call")
        return leads


def _numbers(lead: Lead) -> set[str]:
    return {one.number for one in lead.numbers}
