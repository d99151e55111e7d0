from itertools import product

import pytest

from dialler.domain.campaign import Wrap
from dialler.domain.outcome import Outcome
from dialler.domain.session import (
    STATUS_OF,
    STATUS_TRANSITIONS,
    SessionStatus,
    moved,
    status_after,
)
from dialler.errors import IllegalTransition

MOVES = {
    ("new", "processing"),
    ("new", "failed"),
    ("new", "expired"),
    ("processing", "complete"),
    ("processing", "rejected"),
    ("processing", "failed"),
    ("processing", "expired"),
    ("complete", "rejected"),
    ("rejected", "complete"),
}


@pytest.mark.parametrize(("at", "to"), list(product(SessionStatus, SessionStatus)))
def test_a_status_moves_only_along_the_table(at: SessionStatus, to: SessionStatus) -> None:
    if at is to or (at, to) in MOVES:
        assert moved(at, to) is to
    else:
        with pytest.raises(IllegalTransition):
            moved(at, to)


def test_final_statuses_move_only_between_complete_and_rejected() -> None:
    final = {status for status in SessionStatus if not status.is_open}
    moves = {(at, to) for at in final for to in STATUS_TRANSITIONS[at]}
    assert moves == {
        (SessionStatus.COMPLETE, SessionStatus.REJECTED),
        (SessionStatus.REJECTED, SessionStatus.COMPLETE),
    }


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome is not Outcome.CONNECTED])
@pytest.mark.parametrize("wrap", Wrap)
def test_without_a_talk_the_status_follows_from_the_outcome_alone(outcome: Outcome, wrap: Wrap) -> None:
    assert status_after(outcome, wrap) is STATUS_OF[outcome]
    assert not STATUS_OF[outcome].is_open


def test_a_talk_closes_at_once_unless_its_wrap_code_is_required() -> None:
    assert status_after(Outcome.CONNECTED, Wrap.NONE) is SessionStatus.COMPLETE
    assert status_after(Outcome.CONNECTED, Wrap.REQUIRED) is SessionStatus.PROCESSING


@pytest.mark.parametrize("wrap", Wrap)
def test_a_wrap_code_decides_the_status_of_a_talk(wrap: Wrap) -> None:
    for wrapped in (SessionStatus.REJECTED, SessionStatus.EXPIRED):
        assert status_after(Outcome.CONNECTED, wrap, wrapped=wrapped) is wrapped


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        ("PLAYED", "complete"),
        ("OPTED_OUT", "rejected"),
        ("REJECTED_CALL", "expired"),  # the handset, not the offer
        ("BLOCKED", "failed"),
        ("CONGESTION", "failed"),
        ("INVALID_NUMBER", "failed"),
        ("LOST", "expired"),
        ("ABANDONED", "expired"),
    ],
)
def test_the_table_says_what_an_outcome_means_for_the_session(outcome: str, status: str) -> None:
    assert STATUS_OF[Outcome(outcome)] == status
