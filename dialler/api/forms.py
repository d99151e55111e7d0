"""How records look as JSON. Keys are relied on by other programs: they are added to, not renamed.

Moments are ISO 8601 with offset, in UTC unless the key says local; durations say their unit.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import TypeVar

import orjson

from dialler.domain.calling_hours import format_hours, format_intervals
from dialler.domain.campaign import Campaign
from dialler.domain.lead import Lead, Rank
from dialler.domain.session import Session
from dialler.domain.verdict import Facts, Verdict, verdict_to_json
from dialler.ports import Found

Json = dict[str, object]
T = TypeVar("T")


def page(items: Sequence[Json], next_after: object = None) -> Json:
    """Return a page; `next_after` is to be given back as `after`, None at the end."""
    return {"items": list(items), "next": next_after}


def found_page(items: Sequence[Json], found: Found[T]) -> Json:
    """Return a page of what was found; `partial` says that the search stopped before the page was full, since it had
    looked at enough rows: it goes on behind `next`."""
    return {**page(items, found.next), "partial": found.is_partial, "looked_at": found.looked_at}


def own(data: Mapping[str, object], name: str) -> object:
    """Return a lead's data field, however its name is written: "Service type" is `service_type`."""
    for key, value in data.items():
        if key.strip().casefold().replace(" ", "_").replace("-", "_") == name:
            return value
    return None


def moment(at: datetime | None) -> str | None:
    """Return ISO 8601 with offset."""
    return at.isoformat() if at is not None else None


def session_json(session: Session) -> Json:
    """Return a session; the evidence stands beside the outcome drawn from it."""
    evidence = session.evidence
    return {
        "session_id": session.session_id,
        "seq": session.seq,
        "created_at": moment(session.created_at),
        "campaign": session.campaign,
        "list": session.list,
        "lead_id": session.lead_id,
        "number": session.number,
        "outcome": session.outcome.value if session.outcome else None,
        "status": session.status.value,
        "attempt_no": session.attempt_no,
        "counts_attempt": session.counts_attempt,
        "campaign_id": session.campaign_id,
        "list_id": session.list_id,
        "name": session.name,
        "customer_key": session.customer_key,
        "external_lead_id": session.external_lead_id,
        "caller_id": session.caller_id,
        "trunk": session.trunk,
        "server": session.server,
        "dial_mode": session.dial_mode,
        "for_agent": session.for_agent,
        "accepted_at": moment(session.accepted_at),
        "timezone": session.timezone,
        "local_time": session.local_time,
        "sent_at": moment(session.sent_at),
        "ringing_at": moment(session.ringing_at),
        "answered_at": moment(session.answered_at),
        "queued_at": moment(session.queued_at),
        "connected_at": moment(session.connected_at),
        "ended_at": moment(session.ended_at),
        "wrapped_at": moment(session.wrapped_at),
        "cause": evidence.cause,
        "cause_text": evidence.cause_text,
        "tech_cause": evidence.tech_cause,
        "dial_status": evidence.dial_status,
        "reason": evidence.reason,
        "amd_status": evidence.amd_status,
        "amd_cause": evidence.amd_cause,
        "hangup_by": evidence.hangup_by,
        "error": evidence.error,
        "agent": session.agent,
        "wrap_code": session.wrap_code,
        "wrap_note": session.wrap_note,
        "wrap_edited_by": session.wrap_edited_by,
        "wrap_edited_at": moment(session.wrap_edited_at),
        "service_type": own(session.details, "service_type"),
        "intention": own(session.details, "intention"),
        "merchant": own(session.details, "merchant"),
        "agency": own(session.details, "agency"),
        "details": dict(session.details),
        "pick": dict(session.pick),
    }


def campaign_json(campaign: Campaign) -> Json:
    """Return a campaign: what supervisors want of it, and its settings."""
    settings = campaign.settings
    return {
        "campaign_id": campaign.campaign_id,
        "name": campaign.name,
        "desired": campaign.desired.value,
        "created_at": moment(campaign.created_at),
        "version": campaign.version,
        "timezone": settings.timezone,
        "merchant": settings.merchant,
        "hours": format_hours(settings.hours),
        "holidays": settings.hours.holidays,
        "holiday_hours": format_intervals(settings.hours.holiday_intervals),
        "pacing": settings.pacing,
        "pacing_settings": dict(settings.pacing_settings),
        "trunks": list(settings.trunks),
        "queue": settings.queue,
        "caller_ids": list(settings.caller_ids),
        "caller_id_pool": settings.caller_id_pool,
        "ring_timeout_s": settings.ring_timeout_s,
        "wrap": settings.wrap.value,
        "wrap_deadline_s": settings.wrap_deadline_s,
        "wrap_up_s": settings.wrap_up_s,
        "preview_s": settings.preview_s,
        "preview_then": settings.preview_then.value,
        "callbacks_to": settings.callbacks_to.value,
        "callback_hold_s": settings.callback_hold_s,
        "patience_s": settings.patience_s,
        "patience_from": settings.patience_from.value,
        "harbour": settings.harbour,
        "amd": settings.amd,
        "amd_unsure": settings.amd_unsure.value,
        "machine_sound": settings.machine_sound,
        "message": settings.message,
        "message_keys": {key: action.value for key, action in settings.message_keys.items()},
        "optout_key": settings.optout_key,
        "optout_scope": settings.optout_scope.value,
        "weighting": settings.weighting,
        "weight": settings.weight,
        "queue_priority": settings.queue_priority,
        "agents_priority": settings.agents_priority,
        "agents_weight": settings.agents_weight,
        "attempts_max": settings.attempts_max,
        "attempts_per_day_max": settings.attempts_per_day_max,
        "rest_min_s": settings.rest_min_s,
        "abandoned_rest_s": settings.abandoned_rest_s,
        "abandoned_hold_agent": settings.abandoned_hold_agent,
        "abandon_limit": settings.abandon_limit,
        "abandon_periods": [period.value for period in settings.abandon_periods],
        "abandon_sample_min": settings.abandon_sample_min,
        "abandon_over": settings.abandon_over.value,
        "abandon_short": settings.abandon_short,
        "abandon_estimate": settings.abandon_estimate,
        "amd_false_positives": settings.amd_false_positives,
    }


def lead_json(lead: Lead, *, campaign: str, list_name: str) -> Json:
    """Return a lead, with the names of its campaign and list."""
    return {
        "lead_id": lead.lead_id,
        "campaign": campaign,
        "list": list_name,
        "name": lead.name,
        "numbers": [
            {
                "number": number.number,
                "raw": number.raw,
                "status": number.status.value,
                "reached": number.reached,
            }
            for number in lead.numbers
        ],
        "state": lead.state.value,
        "status": lead.status,
        "completed_reason": lead.completed_reason.value if lead.completed_reason else None,
        "campaign_id": lead.campaign_id,
        "list_id": lead.list_id,
        "customer_key": lead.customer_key,
        "external_lead_id": lead.external_lead_id,
        "timezones": list(lead.window_key.zones),
        "timezone_source": lead.timezone_source,
        "timezone_given": lead.timezone_given,
        "country": lead.window_key.country,
        "region": lead.window_key.region,
        "postcode": lead.postcode,
        "priority": lead.own_priority,
        "urgent": lead.rank is Rank.URGENT,
        "data": dict(lead.data),
        "created_at": moment(lead.created_at),
        "expires_at": moment(lead.expires_at),
        "due_at": moment(lead.due_at),
        "callback_at": moment(lead.callback_at),
        "callback_agent": lead.callback_agent,
        "callback_expires_at": moment(lead.callback_expires_at),
        "attempts": lead.attempts,
        "attempts_counted": lead.attempts_counted,
        "attempts_on_day": lead.attempts_on_day,
        "attempts_day": lead.attempts_day.isoformat() if lead.attempts_day else None,
        "last_attempt_at": moment(lead.last_attempt_at),
        "last_outcome": lead.last_outcome.value if lead.last_outcome else None,
        "outcome_run": lead.outcome_run,
        "last_contacted_at": moment(lead.last_contacted_at),
        "wrap_code": lead.wrap_code,
    }


def version_of(lead: Lead) -> str:
    """Return what is the same as long as nothing of the lead has changed."""
    return blake2b(orjson.dumps(lead.__dict__, default=str, option=orjson.OPT_NON_STR_KEYS), digest_size=8).hexdigest()


def verdict_json(lead: Lead, facts: Facts, verdict: Verdict, now: datetime) -> Json:
    """Return the verdict on a lead: each gate with its value and rule, and its window on its own wall clocks."""
    window = facts.window
    next_open = window.next_open(now)
    return {
        "lead_id": lead.lead_id,
        "name": lead.name,
        "campaign": facts.campaign.name,
        "list": facts.lead_list.name,
        "at": moment(now),
        **verdict_to_json(verdict),
        "earliest_local": _local(facts, verdict.earliest),
        "window": {
            "open": window.is_open(now),
            "rule": window.describe(now),
            "local_times": _local(facts, now),
            "next_open": moment(next_open),
            "next_open_local": _local(facts, next_open),
        },
    }


def _local(facts: Facts, at: datetime | None) -> Mapping[str, str] | None:
    """Return the moment on the wall clock of each of the lead's zones, by zone."""
    if at is None:
        return None
    return {zone: local.isoformat() for zone, local in facts.window.local_times(at)}
