"""The session of an attempt, as it is opened: what was decided, frozen, before anything is dialled."""

import random
from dataclasses import dataclass
from datetime import date, datetime

from dialler.domain.campaign import Campaign, LeadList
from dialler.domain.evolve import evolve
from dialler.domain.ids import uuid7
from dialler.domain.lead import Lead, LeadState, Rank
from dialler.domain.local_day import local_time
from dialler.domain.session import Session
from dialler.domain.verdict import Verdict, verdict_to_json
from dialler.engine.windows import Windows
from dialler.events import SessionOpened


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """Leave to place one call, on one trunk."""

    trunk: str
    server: str
    caller_id: str | None
    agent: str | None = None
    """The one agent whom the call is for; None: whoever is free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A durable intent, once its transaction is committed."""

    session: Session
    campaign: Campaign
    valid_until: datetime
    """When the lead's window shuts or is to be looked at again, its list ends or it expires: from then on its Originate
    must not leave."""


def called(lead: Lead) -> Lead:
    """Return the lead as it is in a call from now on. Its rank is used up by that."""
    return evolve(lead, state=LeadState.IN_CALL, due_at=None, priority=lead.ranked(Rank.ORDINARY))


def promised_words(agent: str | None, pacing: str = "") -> str:
    """Return why a callback is made that `agent` promised, and is held for; `pacing` is its reason, if it was asked."""
    return f"agent {agent} promised it and is ready" + (f"; {pacing}" if pacing else "")


def opening_event(session: Session) -> SessionOpened:
    """Return the event that tells of a session that was opened."""
    return SessionOpened(
        at=session.created_at,
        session_id=session.session_id,
        seq=session.seq,
        campaign=session.campaign,
        list=session.list,
        lead_id=session.lead_id,
        trunk=session.trunk,
    )


class Opening:
    """Opens sessions."""

    def __init__(self, windows: Windows, chance: random.Random) -> None:
        self._windows = windows
        self._chance = chance

    def session_of(
        self,
        campaign: Campaign,
        lead_list: LeadList,
        lead: Lead,
        verdict: Verdict,
        slot: Slot,
        *,
        dial_mode: str,
        reason: str,
        now: datetime,
        session_id: str | None = None,
        caller_id_day: date | None = None,
    ) -> tuple[Session, datetime]:
        """Return the session of an attempt, and until when its Originate may leave.

        `reason` is the pacing's, or why the call is made without any; `caller_id_day` the day of the campaign's pool on
        which the verdict's caller id is used, None where it has no pool, or nothing is shown yet.
        """
        assert verdict.number is not None
        zones = lead.window_key.zones
        shown = verdict.caller_id if caller_id_day is not None else None
        session = Session(
            session_id=session_id or uuid7(now, self._chance),
            campaign_id=campaign.campaign_id,
            campaign=campaign.name,
            list_id=lead_list.list_id,
            list=lead_list.name,
            lead_id=lead.lead_id,
            attempt_no=lead.attempts + 1,
            number=verdict.number.number,
            created_at=now,
            name=lead.name,
            external_lead_id=lead.external_lead_id,
            customer_key=lead.customer_key,
            caller_id=slot.caller_id if campaign.settings.caller_id_pool is None else shown,
            caller_id_day=caller_id_day,
            trunk=slot.trunk,
            server=slot.server,
            dial_mode=dial_mode,
            for_agent=slot.agent,
            timezone=" ".join(zones),
            local_time=local_time(now, zones[0]),
            details=lead.data,
            pick={
                "weight": lead_list.weight,
                "strategy": None if lead_list.strategy is None else lead_list.strategy.name,
                "strategy_version": None if lead_list.strategy is None else lead_list.strategy.version,
                "timezone_source": lead.timezone_source,
                "pacing": reason,
                "gates": verdict_to_json(verdict)["gates"],
            },
        )
        return session, self.valid_until(campaign, lead_list, lead, now)

    def valid_until(self, campaign: Campaign, lead_list: LeadList, lead: Lead, now: datetime) -> datetime:
        """Return until when a lead may be called that may be called now, if nobody changes anything."""
        changes_at = self._windows.changes_at(campaign.settings.hours, lead.window_key, now)
        return min(at for at in (changes_at, lead_list.ends_at, lead.expires_at) if at is not None)
