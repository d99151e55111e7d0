"""A lead's next turn: what becomes of it after an attempt, and after its wrap code."""

from dataclasses import replace
from datetime import datetime, timedelta

from dialler.domain.abandoned_rest import abandoned_until
from dialler.domain.by_hand import is_forgotten, without_callback
from dialler.domain.calling_window import CallingWindow
from dialler.domain.campaign import CampaignSettings, Wrap
from dialler.domain.dnc_scope import DncScope
from dialler.domain.evolve import evolve
from dialler.domain.lead import CompletedReason, Lead, LeadState, NumberStatus, PhoneNumber, Rank
from dialler.domain.local_day import day_after, local_date
from dialler.domain.outcome import TRAITS, NumberVerdict, Outcome, counts_attempt
from dialler.domain.redial import Redial, RedialRules, redial
from dialler.domain.session import Session
from dialler.domain.wrap import WRAP_CODES, Callback, WrapCode

_NUMBER_STATUS = {NumberVerdict.BAD: NumberStatus.BAD, NumberVerdict.FAX: NumberStatus.FAX}
_REACHED = frozenset({Outcome.CONNECTED, Outcome.PLAYED, Outcome.ABANDONED, Outcome.ABANDONED_SHORT})
"""A person answered."""


def lead_after(
    lead: Lead,
    session: Session,
    *,
    rules: RedialRules,
    settings: CampaignSettings,
    window: CallingWindow,
    ended_at: datetime,
    wrap: WrapCode | None = None,
) -> Lead:
    """Return the lead after an attempt ended at `ended_at`: completed, due again, or waiting for its wrap code.

    `rules` are those of the list's strategy, `settings` the campaign's as in force for the list, `window` the lead's.
    While a talk's wrap code is required and missing the lead stays in its call, not yet counted; come back with `wrap`
    (the code NONE at the deadline). A call back wanted by the wrap code is at `lead.callback_at`, set by the caller.

    An attempt is counted once, however often it is given here: a wrap code set or edited later, at `ended_at`,
    only completes the lead or brings it back. One that is in a newer call by then keeps to that call. What was only
    offered to an agent is never counted; `lead_after_offer` says what becomes of its lead.

    Raises ValueError for a session without an outcome.
    """
    outcome = session.outcome
    if outcome is None:
        raise ValueError(f"session {session.session_id} has no outcome yet")
    # What was only offered is no attempt: its number is the one that the lead's next attempt has.
    counted_before = session.is_offer or lead.attempts >= session.attempt_no
    if counted_before and wrap is None:
        return lead
    if not counted_before:
        if outcome is Outcome.CONNECTED and settings.wrap is Wrap.REQUIRED and wrap is None:
            return evolve(lead, state=LeadState.IN_CALL, completed_reason=None, due_at=None)
        lead = _counted(lead, session, outcome, ended_at)
    again = redial(rules, outcome, run=max(1, lead.outcome_run), wrap=None if wrap is None else wrap.code)
    lead = _with_wrap(_with_number(lead, session.number, again, wrap), wrap)
    if counted_before and lead.state is LeadState.IN_CALL:
        return lead
    return _by(lead, session, outcome, again, settings=settings, window=window, at=ended_at, wrap=wrap)


def lead_after_offer(
    lead: Lead, *, settings: CampaignSettings, window: CallingWindow, ended_at: datetime, rests: bool
) -> Lead:
    """Return the lead after an offer of it ended at `ended_at` without being accepted.

    Nobody was called: all that tells of attempts stays as it was, and no redial rule says anything of it. The lead is
    ready, or, where it `rests`, due after the least rest; inside its `window` and within its limits in any case.
    `settings` are the campaign's as in force for its list. One that is in no call stays as it is.
    """
    if lead.state is not LeadState.IN_CALL:
        return lead
    due_at = ended_at + timedelta(seconds=settings.rest_min_s if rests else 0)
    return _turned(lead, None, due_at, free_at=ended_at, settings=settings, window=window, now=ended_at)


def turn_again(
    lead: Lead, last: Session, *, rules: RedialRules, settings: CampaignSettings, window: CallingWindow, at: datetime
) -> Lead:
    """Return the turn that a lead would have had by these rules after its last attempt, counted already.

    `at` is when that turn was planned: the attempt's end, or its wrap code's moment. What the attempt itself proved
    about the number was marked then and may have been mended since; only what these rules make of it is marked.

    Raises ValueError for a session without an outcome.
    """
    outcome = last.outcome
    if outcome is None:
        raise ValueError(f"session {last.session_id} has no outcome yet")
    wrap = None if last.wrap_code is None else WRAP_CODES.get(last.wrap_code)
    again = redial(rules, outcome, run=max(1, lead.outcome_run), wrap=last.wrap_code)
    if again.as_after is not outcome:
        lead = _with_number(lead, last.number, again, None)
    return _by(lead, last, outcome, again, settings=settings, window=window, at=at, wrap=wrap)


def _by(
    lead: Lead,
    session: Session,
    outcome: Outcome,
    again: Redial,
    *,
    settings: CampaignSettings,
    window: CallingWindow,
    at: datetime,
    wrap: WrapCode | None,
) -> Lead:
    """Return a lead, whose counters and numbers are right, completed or due again as `again` says, from `at` on."""
    reason = _completed_reason(lead, outcome, again, settings, wrap)
    due_at = at + (again.rest or timedelta(0))
    if _counts(session, outcome):
        due_at = max(due_at, at + timedelta(seconds=settings.rest_min_s))
    free_at = abandoned_until(settings, outcome, at) or at
    if settings.abandoned_hold_agent and free_at > at:
        # The gate lets it through only with an agent held for it, and then there is no reason to wait.
        due_at = free_at = at + timedelta(seconds=settings.rest_min_s)
    return _turned(lead, reason, max(due_at, free_at), free_at=free_at, settings=settings, window=window, now=at)


def _counts(session: Session, outcome: Outcome) -> bool:
    return counts_attempt(outcome, rang=session.ringing_at is not None or session.answered_at is not None)


def _counted(lead: Lead, session: Session, outcome: Outcome, ended_at: datetime) -> Lead:
    """Return the lead with the attempt in its counters and its last outcome."""
    lead = evolve(
        lead,
        attempts=lead.attempts + 1,
        last_attempt_at=ended_at,
        outcome_run=lead.outcome_run + 1 if lead.last_outcome is outcome else 1,
        last_outcome=outcome,
    )
    if outcome is Outcome.CONNECTED:
        lead = evolve(lead, last_contacted_at=session.connected_at or ended_at)
    if outcome in _REACHED and len(lead.numbers) > 1:
        lead = evolve(lead, numbers=tuple(_reached(one, session.number) for one in lead.numbers))
    if not _counts(session, outcome):
        return lead
    today = local_date(ended_at, lead.window_key.zones[0])
    day = lead.attempts_day
    if day is not None and today <= day:  # earlier only if a clock was set back, which must not start a new day
        return evolve(lead, attempts_counted=lead.attempts_counted + 1, attempts_on_day=lead.attempts_on_day + 1)
    return evolve(lead, attempts_counted=lead.attempts_counted + 1, attempts_on_day=1, attempts_day=today)


def _reached(number: PhoneNumber, dialled: str) -> PhoneNumber:
    return replace(number, reached=number.reached + 1) if number.number == dialled else number


def _with_number(lead: Lead, dialled: str, again: Redial, wrap: WrapCode | None) -> Lead:
    """Return the lead with the number that was dialled marked, if it proved to be no good."""
    proved = TRAITS[again.as_after].number
    status = _NUMBER_STATUS.get(proved) if proved is not None else None
    if wrap is not None and wrap.number_bad:
        status = NumberStatus.BAD
    if status is None:
        return lead
    numbers = tuple(replace(one, status=status) if one.number == dialled else one for one in lead.numbers)
    return evolve(lead, numbers=numbers)


def _with_wrap(lead: Lead, wrap: WrapCode | None) -> Lead:
    """Return the lead with its last wrap code; a time to call back stays only if the code is about one."""
    if wrap is None:
        return lead
    if wrap.callback is Callback.NONE:
        lead = without_callback(lead)
    return evolve(lead, wrap_code=wrap.code)


def _completed_reason(
    lead: Lead, outcome: Outcome, again: Redial, settings: CampaignSettings, wrap: WrapCode | None
) -> CompletedReason | None:
    """Return why the lead is not dialled again, None if it is."""
    if outcome is Outcome.OPTED_OUT or (wrap is not None and wrap.dnc is not DncScope.NONE):
        return CompletedReason.DNC
    if wrap is not None and wrap.completes_lead:
        return CompletedReason.WRAP
    if wrap is None and outcome in (Outcome.CONNECTED, Outcome.PLAYED):
        return CompletedReason.ANSWERED  # nobody will give a wrap code that says otherwise
    if all(number.status is not NumberStatus.OK for number in lead.numbers):
        return CompletedReason.UNWORKABLE
    if again.rest is None or lead.attempts_counted >= settings.attempts_max:
        return CompletedReason.EXHAUSTED
    return None


def _turned(
    lead: Lead,
    reason: CompletedReason | None,
    due_at: datetime,
    *,
    free_at: datetime,
    settings: CampaignSettings,
    window: CallingWindow,
    now: datetime,
) -> Lead:
    """Return the lead completed for `reason`, or due again: not before `due_at`, and inside its window.

    A callback goes before `due_at`, though not before `free_at`.
    """
    if reason is None:
        if lead.callback_at is not None and lead.callback_at > now:
            due_at = max(lead.callback_at, free_at, now + timedelta(seconds=settings.rest_min_s))
        # A promise that was not kept yet, since nobody answered, still goes before ordinary leads until it expires.
        lead = without_callback(lead) if is_forgotten(lead, due_at) else lead
        due_at = _within_day_limit(lead, due_at, settings)
        open_at = window.next_open(due_at)
        # A window that does not open for a year may be mended tomorrow: look again then, so that nobody is lost.
        due_at = max(due_at, now + timedelta(days=1)) if open_at is None else max(due_at, open_at)
        if lead.expires_at is not None and due_at >= lead.expires_at:
            reason = CompletedReason.EXPIRED
    if reason is not None:
        return evolve(without_callback(lead), state=LeadState.COMPLETED, completed_reason=reason, due_at=None)
    if lead.callback_at is not None and lead.rank is Rank.ORDINARY:
        lead = evolve(lead, priority=lead.ranked(Rank.CALLBACK))
    if due_at <= now:
        return evolve(lead, state=LeadState.READY, completed_reason=None, due_at=None)
    return evolve(lead, state=LeadState.RESTING, completed_reason=None, due_at=due_at)


def _within_day_limit(lead: Lead, due_at: datetime, settings: CampaignSettings) -> datetime:
    """Return `due_at`, or the next local midnight where the lead has had its attempts for that day."""
    zone = lead.window_key.zones[0]
    if lead.attempts_day is None or lead.attempts_on_day < settings.attempts_per_day_max:
        return due_at
    return due_at if local_date(due_at, zone) > lead.attempts_day else day_after(lead.attempts_day, zone)
