"""The two seconds of an answered call, measured on a real Asterisk whose agents do not answer."""

from collections import Counter

import anyio
import anyio.to_thread
import pytest

from dialler.domain.outcome import Outcome
from dialler.domain.session import SessionStatus
from dialler.events import AgentJoined, CallAbandoned, MessageStarted, SessionClosed
from dialler.ports import DncFilter
from telephony.answer_plan import KeyAction
from telephony.simulated import Fate
from tests.support.asterisk import (
    HOUR_SOUND,
    QUEUE,
    RINGING_AGENTS,
    RINGING_QUEUE,
    key_presser,
    key_presser_once,
    number_of,
)
from tests.support.asterisk_floor import floor

pytestmark = [pytest.mark.asterisk, pytest.mark.slow]


async def test_with_no_agent_the_message_begins_within_two_seconds_of_the_answer() -> None:
    async with floor(RINGING_AGENTS) as opened:
        await opened.until(SessionClosed, RINGING_AGENTS)
        sessions = await opened.sessions()
        assert {session.outcome for session in sessions} == {Outcome.ABANDONED}
        assert {session.status for session in sessions} == {SessionStatus.EXPIRED}
        waits_s = sorted(event.waited_s for event in opened.events if isinstance(event, MessageStarted))
        assert len(waits_s) == RINGING_AGENTS
        assert waits_s[0] > 1.7, "nobody is taken from the queue too early"
        # 99 of 100: of so few, all.
        assert waits_s[-1] <= 2.0, waits_s
        assert {event.reason for event in opened.events if isinstance(event, CallAbandoned)} == {"no_agent"}


async def test_who_gets_an_agent_in_time_keeps_him_and_who_does_not_hears_the_message() -> None:
    async with floor(3, queue=QUEUE, pacing="ratio", pacing_settings={"ratio": 2.0}) as opened:
        await opened.until(AgentJoined, 2)
        await opened.until(SessionClosed, 1)  # The third one's message has ended: all patience is over.
        await anyio.to_thread.run_sync(opened.asterisk.hang_up_all)
        await opened.until(SessionClosed, 3)
        outcomes = Counter(session.outcome for session in await opened.sessions())
        assert outcomes == {Outcome.CONNECTED: 2, Outcome.ABANDONED: 1}


async def test_the_key_in_the_message_puts_the_number_on_the_do_not_call_list_and_another_key_does_not() -> None:
    stays, leaves = key_presser("9"), key_presser("5")
    async with floor(0, numbers=[stays, leaves], optout_key="5") as opened:
        # Both end by themselves: nobody holds the line by pressing wrong keys.
        await opened.until(SessionClosed, 2)
        outcomes = {session.number: session.outcome for session in await opened.sessions()}
        assert outcomes == {stays: Outcome.ABANDONED, leaves: Outcome.OPTED_OUT}
        [entry] = await opened.store.read(lambda records: records.dnc_entries(DncFilter()))
        assert (entry.number, entry.reason, entry.campaign_id) == (leaves, "opted out by key 5", None)


async def test_who_asks_for_an_agent_in_a_campaigns_message_gets_one_or_the_message_within_two_seconds_of_the_key() -> (
    None
):
    listens, asks, leaves = number_of(Fate.ANSWERED), key_presser_once("1"), key_presser_once("9")
    campaign = {"pacing": "agentless", "message": HOUR_SOUND, "message_keys": {"1": KeyAction.QUEUE}}
    async with floor(0, numbers=[listens, asks, leaves], **campaign, queue=QUEUE) as opened:
        await opened.until(AgentJoined, 1)
        await opened.until(SessionClosed, 1)
        await anyio.to_thread.run_sync(opened.asterisk.hang_up_all)
        await opened.until(SessionClosed, 3)
        outcomes = {session.number: session.outcome for session in await opened.sessions()}
        assert outcomes == {listens: Outcome.PLAYED, asks: Outcome.CONNECTED, leaves: Outcome.OPTED_OUT}
        [entry] = await opened.store.read(lambda records: records.dnc_entries(DncFilter()))
        assert entry.number == leaves
    # Its agents' telephones ring and nobody answers.
    many = [key_presser_once("1", place=place) for place in range(20)]
    async with floor(0, numbers=many, **campaign, queue=RINGING_QUEUE) as opened:
        await opened.until(SessionClosed, len(many))
        assert {session.outcome for session in await opened.sessions()} == {Outcome.ABANDONED}
        waits_s = sorted(event.waited_s for event in opened.events if isinstance(event, MessageStarted))
        assert len(waits_s) == len(many)
        assert 1.7 < waits_s[0] <= waits_s[-1] <= 2.0, waits_s


async def test_machines_are_kept_from_agents_and_who_says_nothing_is_not() -> None:
    machine, silent = number_of(Fate.MACHINE), number_of(Fate.SILENT)
    async with floor(0, numbers=[machine, silent], amd=True) as opened:
        await opened.until(MessageStarted, 1)
        await anyio.to_thread.run_sync(opened.asterisk.hang_up_all)
        await opened.until(SessionClosed, 2)
        sessions = {session.number: session for session in await opened.sessions()}
        assert sessions[machine].outcome is Outcome.MACHINE
        assert sessions[machine].queued_at is None
        assert sessions[silent].outcome is Outcome.ABANDONED
        assert sessions[silent].queued_at is not None
        assert (sessions[silent].evidence.amd_cause or "").startswith("INITIALSILENCE")
