"""What becomes of leads between two calls when redial rules or caps change: planned anew from what is on record."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from dialler.domain.calling_window import CallingWindow
from dialler.domain.campaign import CampaignSettings
from dialler.domain.evolve import evolve
from dialler.domain.lead import CompletedReason, Lead, LeadState, NumberAttempts, NumberStatus, Rank
from dialler.domain.next_turn import turn_again
from dialler.domain.redial import RedialRules
from dialler.domain.session import Session

_BY_RULES = frozenset({CompletedReason.EXHAUSTED, CompletedReason.EXPIRED})
"""Why leads are completed that other rules may bring back."""

_ENDS = _BY_RULES | {CompletedReason.UNWORKABLE}
"""Why rules may complete a lead."""


class Change(StrEnum):
    """What other rules make of a lead."""

    NONE = "none"
    COMES_BACK = "comes_back"
    """It was exhausted, or would have rested until it expired."""

    RESTS_LONGER = "rests_longer"
    RESTS_LESS = "rests_less"
    EXHAUSTED = "exhausted"
    """It is not dialled again, also where that is since its rest would end after it expires."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What is in force for a lead."""

    redial: RedialRules
    settings: CampaignSettings
    """The campaign's, with the caps in force for the list."""

    window: CallingWindow


def may_change(lead: Lead) -> bool:
    """Tell whether other rules may make anything of a lead: false for one in a call, for one that was completed for
    good or by hand, or erased, and for one never planned by rules."""
    if lead.state is LeadState.COMPLETED:
        # Of a person who was erased no number is left to dial.
        has_usable = any(number.status is NumberStatus.OK for number in lead.numbers)
        return lead.completed_reason in _BY_RULES and has_usable
    return lead.state is not LeadState.IN_CALL and lead.outcome_run > 0


def replanned(
    lead: Lead, last: Session | None, rules: Rules, *, on_numbers: Sequence[NumberAttempts] = (), now: datetime
) -> Lead:
    """Return the lead as it would stand at `now` had the rules of its last attempt been these.

    `last` is its last session, whose end, or later wrap code, is what rests count from; `on_numbers` are the counted
    attempts on the lead's numbers in the campaign, which keep it from coming back.

    What rules did not plan stays as it is: leads in a call (they are planned at its end), completed by an answer, a
    wrap code, do-not-call or by hand, reset by hand, and callbacks still to come. So does what the record no longer
    tells: a callback that ended with its lead, numbers that the rules before gave up, and the rest of a lead whose
    last session is not known.
    """
    if not may_change(lead):
        return lead
    if lead.state is LeadState.COMPLETED:
        others = sum(each.counted for each in on_numbers)
        if _has_expired(lead, now) or others >= rules.settings.attempts_max:
            return lead
        # Only the cap's gate exhausts a lead that was reset, or never tried (its number was, for others).
        if lead.outcome_run == 0:
            is_over = lead.attempts_counted >= rules.settings.attempts_max
            return lead if is_over or lead.completed_reason is not CompletedReason.EXHAUSTED else _ready(lead)
    if last is None or last.outcome is not lead.last_outcome or last.ended_at is None:
        return lead
    if lead.state is LeadState.READY and lead.rank is Rank.URGENT:
        return lead  # Somebody wants it to be next; the gates still hold it to the least rest.
    planned_at = max(at for at in (last.ended_at, last.wrapped_at, last.wrap_edited_at) if at is not None)
    if lead.callback_at is not None and lead.callback_at > planned_at:
        return lead
    after = turn_again(lead, last, rules=rules.redial, settings=rules.settings, window=rules.window, at=planned_at)
    if after.state is LeadState.COMPLETED and after.completed_reason not in _ENDS:
        return lead  # Not by rules, then: somebody has brought it back since.
    return _woken(after, now) if lead.state is not LeadState.RESTING else after


def change_of(before: Lead, after: Lead, now: datetime) -> Change:
    """Return what planning anew made of a lead."""
    if after.state is LeadState.COMPLETED:
        return Change.NONE if before.state is LeadState.COMPLETED else Change.EXHAUSTED
    if before.state is LeadState.COMPLETED:
        return Change.COMES_BACK
    old, new = (max(each.due_at or now, now) for each in (before, after))
    if old == new:
        return Change.NONE
    return Change.RESTS_LONGER if old < new else Change.RESTS_LESS


def _has_expired(lead: Lead, now: datetime) -> bool:
    return lead.expires_at is not None and lead.expires_at <= now


def _ready(lead: Lead) -> Lead:
    return evolve(lead, state=LeadState.READY, completed_reason=None, due_at=None)


def _woken(lead: Lead, now: datetime) -> Lead:
    """Return the lead ready where its rest is over, as the refill of the hopper would make it."""
    is_over = lead.state is LeadState.RESTING and lead.due_at is not None and lead.due_at <= now
    return _ready(lead) if is_over else lead
