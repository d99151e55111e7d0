"""What people do to a lead by hand."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialler.domain.by_hand import (
    called_back_at,
    complete,
    is_forgotten,
    local_moment,
    planned_callback,
    reset,
    without_callback,
)
from dialler.domain.calling_window import CallingWindow
from dialler.domain.lead import PRIORITY_MAX, CompletedReason, LeadState, NumberStatus, PhoneNumber, Rank
from dialler.errors import Conflict, UsageError
from tests.support.values import ALWAYS, NINE_TO_FIVE, NOON, a_lead

OFFICE = CallingWindow(NINE_TO_FIVE, ("America/New_York",))
priorities = st.integers(-PRIORITY_MAX, PRIORITY_MAX)


@given(own=priorities, rank=st.sampled_from(Rank), other=priorities, above=st.sampled_from(Rank))
def test_a_rank_goes_before_every_priority_and_leaves_the_own_one_as_it_is(
    own: int, rank: Rank, other: int, above: Rank
) -> None:
    lead = a_lead(priority=a_lead(priority=own).ranked(rank))
    assert (lead.own_priority, lead.rank) == (own, rank)
    if above > rank:
        assert a_lead(priority=other).ranked(above) > lead.priority


@given(minutes=st.integers(0, 60 * 24 * 700))
def test_a_callback_is_never_before_its_time_nor_outside_the_window(minutes: int) -> None:
    at = NOON + timedelta(minutes=minutes)
    callback = planned_callback(a_lead(), at=at, agent="", expires_at=None, window=OFFICE, now=NOON)
    assert callback.at >= at and OFFICE.is_open(callback.at) and callback.agent is None
    assert callback.at == at or not OFFICE.is_open(at)
    lead = called_back_at(a_lead(), callback)
    assert (lead.state, lead.due_at, lead.rank) == (LeadState.RESTING, callback.at, Rank.CALLBACK)
    assert not is_forgotten(lead, callback.at) and is_forgotten(lead, callback.expires_at)
    assert without_callback(lead).rank is Rank.ORDINARY


def test_a_time_without_an_offset_is_on_the_leads_own_clock() -> None:
    assert local_moment(datetime(2026, 7, 1, 10), "America/New_York") == datetime(2026, 7, 1, 14, tzinfo=UTC)  # noqa: DTZ001
    for said, zone in [
        (datetime(1, 1, 1), "Asia/Tokyo"),  # noqa: DTZ001
        (datetime(9999, 12, 31, 23), "Pacific/Honolulu"),  # noqa: DTZ001
    ]:
        with pytest.raises(UsageError, match="years 1 to 9999"):
            local_moment(said, zone)


def test_a_callback_needs_a_window_that_opens_and_an_expiry_after_it() -> None:
    with pytest.raises(UsageError, match="after that"):
        planned_callback(a_lead(), at=NOON, agent=None, expires_at=NOON, window=ALWAYS, now=NOON)
    with pytest.raises(UsageError, match="two years"):
        planned_callback(a_lead(), at=NOON - timedelta(hours=1), agent=None, expires_at=None, window=ALWAYS, now=NOON)


def test_a_lead_in_a_call_is_left_alone() -> None:
    for change in (reset, complete):
        with pytest.raises(Conflict, match="in a call"):
            change(a_lead(state=LeadState.IN_CALL))


def test_a_reset_needs_a_number_and_a_lead_completed_by_hand_says_so() -> None:
    with pytest.raises(Conflict, match="no number"):
        reset(a_lead(numbers=(PhoneNumber("+12125550100", "", NumberStatus.BAD),)))
    done = complete(a_lead())
    assert (done.state, done.completed_reason) == (LeadState.COMPLETED, CompletedReason.MANUAL)
    assert reset(done).state is LeadState.READY
    wrapped = a_lead(state=LeadState.COMPLETED, completed_reason=CompletedReason.WRAP)
    assert complete(wrapped) is wrapped, "why it was completed is not forgotten"
