"""Talks whose wrap code is required: processing until it comes, or until the deadline."""

from dataclasses import replace
from datetime import timedelta

import anyio

from dialler.domain.campaign import Desired, Wrap
from dialler.domain.lead import CompletedReason, LeadState
from dialler.domain.outcome import Outcome
from dialler.domain.session import Session, SessionStatus
from dialler.engine.aftermath import wrap_up
from dialler.engine.windows import Windows
from dialler.events import SessionClosed
from dialler.ports import Records
from telephony.simulated import Fate
from tests.support.call_centre import WITH_AGENTS, CallCentre, call_centre

SETTINGS = replace(WITH_AGENTS, wrap=Wrap.REQUIRED, wrap_deadline_s=90, pacing="progressive", pacing_settings={})


async def _talked(centre: CallCentre) -> Session:
    """Let one call talk and end; return its session."""
    await centre.campaign(settings=SETTINGS, lists={"list": (100, 1)})
    await centre.start()
    await centre.until(lambda: centre.engine.report().campaigns[0].calls_talking == 1)
    await centre.until(lambda: centre.engine.report().campaigns[0].calls_talking == 0)
    await centre.engine.floor.outbox.flush()
    [session] = await centre.sessions()
    assert (session.outcome, session.status) == (Outcome.CONNECTED, SessionStatus.PROCESSING)
    return session


async def _wrap(centre: CallCentre, session: Session, code: str) -> Session:
    def work(records: Records) -> Session:
        now = centre.clock.now()
        return wrap_up(records, session, code, note=None, by="kim", now=now, windows=Windows())

    wrapped = await centre.records(work)
    await centre.engine.follow()
    return wrapped


async def test_without_a_wrap_code_a_talk_expires_at_its_deadline_and_the_lead_comes_back() -> None:
    async with call_centre(fates=lambda number: Fate.ANSWERED) as centre:
        session = await _talked(centre)
        assert centre.told(SessionClosed) == []
        assert (await centre.records(lambda records: records.lead(session.lead_id))).state is LeadState.IN_CALL
        assert centre.engine.report().trunks[0].channels_used == 0
        await centre.until(lambda: bool(centre.told(SessionClosed)))
        await centre.engine.floor.outbox.flush()
        [session] = await centre.assert_accounted()
        assert (session.status, session.wrap_code, session.outcome) == (
            SessionStatus.EXPIRED,
            "NONE",
            Outcome.CONNECTED,
        )
        assert session.ended_at is not None and session.wrapped_at is not None
        assert timedelta(seconds=90) <= session.wrapped_at - session.ended_at < timedelta(seconds=91)
        await centre.until(lambda: len(centre.telephony.originated) == 2, within=timedelta(hours=3))


async def test_a_wrap_code_in_time_closes_the_session_and_completes_the_lead() -> None:
    async with call_centre(fates=lambda number: Fate.ANSWERED) as centre:
        session = await _talked(centre)
        await anyio.sleep(20)
        await _wrap(centre, session, "SALE")
        [closed] = centre.told(SessionClosed)
        assert (closed.status, closed.at) == (SessionStatus.COMPLETE, centre.clock.now())
        await anyio.sleep(600)
        assert len(centre.told(SessionClosed)) == 1
        [session] = await centre.assert_accounted()
        assert session.wrap_code == "SALE"
        lead = await centre.records(lambda records: records.lead(session.lead_id))
        assert lead.completed_reason is CompletedReason.WRAP


async def test_a_wrap_code_given_behind_the_engines_back_is_kept_at_the_deadline() -> None:
    async with call_centre(fates=lambda number: Fate.ANSWERED) as centre:
        session = await _talked(centre)
        await centre.records(
            lambda records: wrap_up(
                records, session, "REFUSED", note=None, by="kim", now=centre.clock.now(), windows=Windows()
            )
        )
        await centre.until(lambda: bool(centre.told(SessionClosed)))
        await centre.engine.floor.outbox.flush()
        [session] = await centre.assert_accounted()
        assert (session.status, session.wrap_code) == (SessionStatus.REJECTED, "REFUSED")
        assert [event.status for event in centre.told(SessionClosed)] == [SessionStatus.REJECTED]


async def test_the_deadline_holds_across_a_crash() -> None:
    async with call_centre(fates=lambda number: Fate.ANSWERED) as centre:
        session = await _talked(centre)
        await centre.kill()
        await anyio.sleep(60)
        await centre.start()
        await centre.until(lambda: bool(centre.told(SessionClosed)))
        assert session.ended_at is not None
        assert timedelta(seconds=90) <= centre.clock.now() - session.ended_at < timedelta(seconds=92)
        await centre.engine.floor.outbox.flush()
        await centre.assert_accounted()


async def test_a_deadline_that_passes_while_the_records_fail_waits_for_the_end_of_the_call_to_be_written() -> None:
    async with call_centre(fates=lambda number: Fate.ANSWERED) as centre:
        await centre.campaign(settings=replace(SETTINGS, wrap_deadline_s=1), lists={"list": (100, 1)})
        await centre.start()
        await centre.until(lambda: centre.engine.report().campaigns[0].calls_talking == 1)
        centre.store.failing = "no room on the disk"
        await anyio.sleep(100)
        centre.store.failing = None
        await centre.until(lambda: bool(centre.told(SessionClosed)), within=timedelta(minutes=1))
        [session] = await centre.assert_accounted()
        assert (session.status, session.wrap_code) == (SessionStatus.EXPIRED, "NONE")


async def test_a_drain_does_not_wait_for_wrap_codes() -> None:
    async with call_centre(fates=lambda number: Fate.ANSWERED) as centre:
        await _talked(centre)
        await centre.change(Desired.DRAINING)
        await centre.until(lambda: centre.engine.report().campaigns[0].actual == "stopped", within=timedelta(seconds=2))
        await centre.assert_accounted(open_sessions=1)
