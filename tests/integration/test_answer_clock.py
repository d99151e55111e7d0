"""The two seconds of an answered call, measured on a real Asterisk whose agents do not answer."""

import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import anyio
import anyio.to_thread
import pytest

from dialler.clock import SystemClock
from dialler.domain.calling_hours import parse_hours
from dialler.domain.campaign import CampaignSettings, Desired
from dialler.domain.lead import NewLead, PhoneNumber
from dialler.domain.outcome import Outcome
from dialler.domain.session import Session, SessionStatus
from dialler.engine.engine import Engine
from dialler.events import AgentJoined, CallAbandoned, Event, Journal, MessageStarted, SessionClosed
from dialler.ports import DncFilter, Records, SessionFilter
from dialler.stores.memory import MemoryStore
from telephony.ami import AsteriskNetwork
from telephony.answer_plan import KeyAction
from telephony.simulated import Fate
from tests.support.asterisk import (
    FAST,
    HOUR_SOUND,
    QUEUE,
    RINGING_AGENTS,
    RINGING_QUEUE,
    RealAsterisk,
    key_presser,
    key_presser_once,
    number_of,
    shared_asterisk,
)
from tests.support.call_centre import CHICAGO
from tests.support.exchanges import ExchangeUnavailable, give_up

pytestmark = [pytest.mark.asterisk, pytest.mark.slow]

PLAIN = CampaignSettings(hours=parse_hours("always"), ring_timeout_s=10, rest_min_s=7200, queue=RINGING_QUEUE)


@dataclass(eq=False)
class Floor:
    """An engine on a real Asterisk, and what it tells."""

    asterisk: RealAsterisk
    store: MemoryStore
    engine: Engine
    events: list[Event]

    happened: anyio.Event

    def note(self, event: Event) -> None:
        self.events.append(event)
        self.happened.set()
        self.happened = anyio.Event()

    async def until(self, kind: type[Event], count: int) -> None:
        """Wait until events of a kind were told so often."""
        with anyio.fail_after(40):
            while sum(isinstance(event, kind) for event in self.events) < count:
                await self.happened.wait()

    async def sessions(self) -> list[Session]:
        await self.engine.floor.outbox.flush()
        return list(await self.store.read(lambda records: records.sessions(SessionFilter(), limit=1000)))


@asynccontextmanager
async def floor(leads: int, *, numbers: Sequence[str] = (), **settings: Any) -> AsyncIterator[Floor]:
    """Let a campaign call so many people, all of whom answer and stay on the line; and these numbers."""
    try:
        asterisk = await anyio.to_thread.run_sync(shared_asterisk)
    except ExchangeUnavailable as error:
        give_up("asterisk", str(error))
    clock, journal = SystemClock(), Journal()

    def fill(records: Records) -> None:
        campaign = records.add_campaign("spring", replace(PLAIN, **settings), clock.now())
        records.set_campaign(replace(campaign, desired=Desired.RUNNING))
        everyone = records.add_list(campaign.campaign_id, "everyone", clock.now())
        called = [*(number_of(Fate.ANSWERED, place=place) for place in range(leads)), *numbers]
        people = [NewLead(numbers=(PhoneNumber(number),), window_key=CHICAGO) for number in called]
        records.add_leads(everyone.list_id, people, clock.now())

    try:
        async with MemoryStore() as store:
            await store.write(fill)
            network = AsteriskNetwork([asterisk.server], timing=FAST)
            engine = Engine(store=store, telephony=network, clock=clock, journal=journal, chance=random.Random(1))
            opened = Floor(asterisk, store, engine, [], anyio.Event())
            journal.subscribe(opened.note)
            async with anyio.create_task_group() as tasks:
                await tasks.start(lambda *, task_status: engine.run(task_status=task_status))
                yield opened
                tasks.cancel_scope.cancel()
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(asterisk.hang_up_all)


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
