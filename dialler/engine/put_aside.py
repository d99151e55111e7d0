"""What becomes of leads that a gate stops as they are picked: completed, or looked at again later."""

from datetime import datetime, timedelta

from dialler.domain.by_hand import without_callback
from dialler.domain.evolve import evolve
from dialler.domain.lead import CompletedReason, Lead, LeadState
from dialler.domain.verdict import Verdict
from dialler.engine.caller_ids import LOOK_AGAIN

LINE_REST = timedelta(minutes=1)
"""A lead whose number is in a call, for another lead, is looked at again after so long."""

HOLD_REST = timedelta(seconds=20)
"""One who is called only for an agent who is held for it is looked at again after so long where none was free."""


def put_aside(lead: Lead, verdict: Verdict, now: datetime, *, waits_for_agent: bool = False) -> Lead | None:
    """Return a lead that did not pass the gates as it is to be written, so that it is not picked again at once.

    None: it stays as it is. `waits_for_agent`: who was abandoned may be called once an agent can be held for it.
    """
    shut = verdict.shut
    if shut & {"campaign", "list", "dates", "state"}:
        return None  # Its list is off, or someone else has it: nothing about the lead itself.
    completed = next((reason for gate, reason in _ENDS.items() if gate in shut), None)
    if completed is not None:
        return evolve(without_callback(lead), state=LeadState.COMPLETED, completed_reason=completed, due_at=None)
    if shut == {"window"}:
        return None  # A shut window is its bucket's affair; everything else would be refused again at once.
    if shut == {"caller_id"} and verdict.earliest is None:
        return evolve(lead, state=LeadState.RESTING, due_at=now + LOOK_AGAIN)  # Somebody may fill the pool.
    if shut == {"abandoned"} and waits_for_agent:
        return evolve(lead, state=LeadState.RESTING, due_at=now + HOLD_REST)
    due_at = now + LINE_REST if "line" in shut else verdict.earliest or now + timedelta(days=1)
    return evolve(lead, state=LeadState.RESTING, due_at=due_at)


_ENDS = {
    "do_not_call": CompletedReason.DNC,
    "number": CompletedReason.UNWORKABLE,
    "expiry": CompletedReason.EXPIRED,
    "attempts": CompletedReason.EXHAUSTED,
}
