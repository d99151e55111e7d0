"""Whose a callback is, and until when."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from dialler.domain.lead import Lead, WindowKey
from dialler.domain.personal_callback import CALLBACK_HOLD_MAX_S, CallbacksTo, promise_of

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
    kept=st.none() | st.timedeltas(timedelta(seconds=1), timedelta(days=400)),
)
def test_nobody_waits_longer_than_the_promise_or_for_an_agent_who_is_not_named(
    to: CallbacksTo, hold_s: int, agent: str | None, kept: timedelta | None
) -> None:
    expires_at = None if kept is None else DUE + kept
    promise = promise_of(promised(agent, expires_at), to, hold_s=hold_s)
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
