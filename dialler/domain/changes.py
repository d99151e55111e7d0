"""How the audit tells of a change: what there was before, and what there is after."""

from collections.abc import Mapping
from typing import Any

from dialler.domain.lead import Lead, NewLead, Rank


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what changed, as it was and as it is; None where one of them has no such key."""
    keys = [key for key in {**old, **new} if old.get(key) != new.get(key)]
    return {"before": {key: old.get(key) for key in keys}, "after": {key: new.get(key) for key in keys}}


def lead_told(lead: NewLead) -> dict[str, object]:
    """Return what people say of a lead, and of one in the records its state, but for what is empty."""
    said: dict[str, object] = {
        "name": lead.name,
        "numbers": [each.number for each in lead.numbers],
        "customer_key": lead.customer_key,
        "external_lead_id": lead.external_lead_id,
        "timezones": list(lead.window_key.zones),
        "region": lead.window_key.region,
        "postcode": lead.postcode,
        "priority": lead.priority,
        "data": dict(lead.data),
        "expires_at": lead.expires_at and lead.expires_at.isoformat(),
    }
    if isinstance(lead, Lead):
        said["priority"] = lead.own_priority
        said["urgent"] = lead.rank is Rank.URGENT
        said["state"] = lead.state.value
        said["completed_reason"] = lead.completed_reason and lead.completed_reason.value
    return {key: value for key, value in said.items() if value not in (None, "", 0, [], {}, False)}
