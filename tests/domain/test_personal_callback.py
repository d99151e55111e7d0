"""Whose a callback is, and until when."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from dialler.domain.calling_hours import CallingHours, Interval
from dialler.domain.calling_window import CallingWindow
from dialler.domain.lead import Lead, WindowKey
from dialler.domain.personal_callback import CALLBACK_HOLD_MAX_S, CallbacksTo, promise_of
from tests.support.values import ALL_DAY

DUE = datetime(2026, 6, 2, 15, tzinfo=UTC)


def promised(agent: str | None, expires_at: datetime | None) -> Lead:
    return Lead(
        lead_id=1,
        list_id=1,
        campaign_id=1,
        created_at=DUE,
        numbers=(),
        window_key=WindowKey(("UTC",)),
        callback_at=DUE,
        callback_agent=agent,
        callback_expires_at=expires_at,
    )


@given(
    to=st.sampled_from(CallbacksTo),
    hold_s=st.integers(0, CALLBACK_HOLD_MAX_S),
    agent=st.sampled_from([None, "kim"]),
    kept=st.none() | st.timedeltas(timedelta(seconds=1), timedelta(days=2)),
)
def test_nobody_waits_longer_than_the_promise_or_for_an_agent_who_is_not_named(
    to: CallbacksTo, hold_s: int, agent: str | None, kept: timedelta | None
) -> None:
    expires_at = None if kept is None else DUE + kept
    promise = promise_of(promised(agent, expires_at), to, hold_s=hold_s, window=CallingWindow(ALL_DAY, ("UTC",)))
    assert (promise is None) is (agent is None or to is CallbacksTo.ANYONE)
    if promise is None:
        return
    assert (promise.agent, promise.since) == ("kim", DUE)
    if expires_at is not None:
        assert promise.until is not None and promise.until <= expires_at
    if to is CallbacksTo.AGENT_FIRST:
        assert promise.until is not None and promise.until <= DUE + timedelta(seconds=hold_s)
    else:
        assert promise.until == expires_at


@st.composite
def days(draw: st.DrawFn) -> tuple[Interval, ...]:
    bounds = sorted(draw(st.sets(st.integers(0, 1440), min_size=4, max_size=4)))
    return Interval(bounds[0], bounds[1]), Interval(bounds[2], bounds[3])


@given(
    week=st.tuples(*[days()] * 7),
    hold_s=st.integers(0, CALLBACK_HOLD_MAX_S),
    due_s=st.integers(0, 7 * 86_400),
    kept=st.none() | st.timedeltas(timedelta(hours=1), timedelta(days=5)),
)
def test_the_hold_is_over_once_the_window_was_open_for_so_long(
    week: tuple[tuple[Interval, ...], ...], hold_s: int, due_s: int, kept: timedelta | None
) -> None:
    window = CallingWindow(CallingHours(week=week), ("UTC",))
    due = DUE + timedelta(seconds=due_s)
    lead = replace(promised("kim", None if kept is None else due + kept), callback_at=due)
    promise = promise_of(lead, CallbacksTo.AGENT_FIRST, hold_s=hold_s, window=window)
    assert promise is not None
    until = promise.until
    assert lead.callback_expires_at is None or (until is not None and until <= lead.callback_expires_at)
    if until is None or until == lead.callback_expires_at:
        assert until is not None or window.next_open(due) is None
        assert until is None or open_s(window, due, until) <= hold_s
        return
    assert open_s(window, due, until) == hold_s
    assert until == window.next_open(until) or open_s(window, due, until - timedelta(seconds=1)) < hold_s


def open_s(window: CallingWindow, start: datetime, end: datetime) -> float:
    """Count by whole minutes of the week, as the week is written, for how many seconds the window is open."""
    total, at = 0.0, start
    while at < end:
        step = min(end, at.replace(second=0, microsecond=0) + timedelta(minutes=1))
        minute = at.hour * 60 + at.minute
        total += (step - at).total_seconds() * any(
            each.start <= minute < each.end for each in window.hours.week[at.weekday()]
        )
        at = step
    return total


def test_a_promise_of_the_evening_is_still_its_agents_in_the_morning() -> None:
    office = CallingWindow(CallingHours(week=((Interval(9 * 60, 15 * 60 + 4),),) * 7), ("UTC",))
    promise = promise_of(promised("kim", None), CallbacksTo.AGENT_FIRST, hold_s=600, window=office)
    assert promise is not None and promise.until == datetime(2026, 6, 3, 9, 6, tzinfo=UTC)
