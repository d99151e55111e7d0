"""Promise 7 while calls are placed: nothing unaccounted, at any moment, and what is broken shows."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, TypeVar

import anyio
import pytest

from dialler.domain.calling_hours import parse_hours
from dialler.domain.campaign import Desired, Wrap
from dialler.domain.lead import LeadState, WindowKey
from dialler.domain.session import SessionStatus
from dialler.engine.accounts import KEPT_S, Accounts
from dialler.engine.aftermath import wrap_up
from dialler.engine.engine import Engine
from dialler.engine.outlook import outlook
from dialler.engine.windows import Windows
from dialler.errors import StoreError
from dialler.events import SessionClosed
from dialler.ports import Account, Records, SessionFilter
from dialler.stores.memory import MemoryStore
from telephony.port import Trunk
from telephony.simulated import AgentGroup, Fate, Spread, Unanswered
from tests.support.call_centre import AGENTLESS, CHICAGO, QUEUE, QUICK, WITH_AGENTS, CallCentre, call_centre, people

T = TypeVar("T")
SOUND = {"leads": 0, "sessions": 0, "slots": 0, "numbers": 0, "agents": 0}
TOKYO = WindowKey(("Asia/Tokyo",), country="JP")
BUSY = replace(
    QUICK,
    trunks=(
        Trunk(name="north", server="pbx", calls_per_second=12.0, channels=20),
        Trunk(name="south", server="far", calls_per_second=8.0, channels=10),
    ),
    agents=(AgentGroup(number=6, queues=(QUEUE,)), AgentGroup(number=3, queues=(QUEUE, "other"), server="far")),
    talk_s=Spread(4.0, 0.6),
    answer_s=Spread(2.0, 0.5),
    invalid_rate=0.05,
    pickup_s=Spread(2.0, 0.3),
    unanswered=Unanswered(no_answer=50, busy=20, rejected=10, congestion=10, unreachable=10),
)


async def differences(centre: CallCentre) -> Mapping[str, int]:
    """Take an account now."""
    return (await centre.engine._accounts.take()).unaccounted


class SlowToRead:
    """Records whose view takes its time to come, and to be handed over."""

    def __init__(self, store: MemoryStore, chance: Random) -> None:
        self._store = store
        self._chance = chance

    async def read(self, work: Callable[[Records], T]) -> T:
        await anyio.sleep(self._chance.choice([0.0, 0.02, 0.3]))
        view = await self._store.read(work)
        await anyio.sleep(self._chance.choice([0.0, 0.02, 0.3]))
        return view


class Auditor:
    """Takes one account after the other."""

    def __init__(self, centre: CallCentre, seed: int) -> None:
        self._centre = centre
        self._chance = Random(f"auditor {seed}")
        self.taken: list[Mapping[str, int]] = []

    def _accounts(self, engine: Engine) -> Accounts:
        slow: Any = SlowToRead(self._centre.store, self._chance)
        return Accounts(replace(engine.floor, store=slow), engine._wrapping, engine._dial.at_work)

    async def run(self) -> None:
        """Take accounts until cancelled; what one says of an engine that died meanwhile counts for nothing."""
        while True:
            life = self._centre._life
            assert life is not None
            if life.engine._accounts.ready.is_set() and not life.over.is_set():
                account = await self._accounts(life.engine).take()
                if not life.over.is_set():
                    self.taken.append(account.unaccounted)
            await anyio.sleep(self._chance.uniform(0.0, 0.01))


@pytest.mark.parametrize("seed", range(4))
async def test_nothing_is_unaccounted_at_any_moment_of_a_busy_day_full_of_trouble(seed: int) -> None:
    chance = Random(f"accounts {seed}")
    async with call_centre(BUSY, seed=seed) as centre:
        centre.store.before_s, centre.store.after_s = 0.004, 0.011
        with_wrap = replace(WITH_AGENTS, wrap=Wrap.REQUIRED, wrap_deadline_s=6, ring_timeout_s=15)
        await centre.campaign("a", with_wrap, lists={"w": (100, 300)})
        await centre.campaign("b", replace(AGENTLESS, weight=30), lists={"x": (70, 150), "y": (30, 150)})
        await centre.start()
        auditor = Auditor(centre, seed)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(auditor.run)
            for _ in range(40):
                await centre.at(centre.clock.now() + timedelta(seconds=chance.uniform(0.5, 4)))
                await _trouble(centre, chance)
            tasks.cancel_scope.cancel()
        assert len(await centre.sessions()) > 100
        amiss = [(nth, taken) for nth, taken in enumerate(auditor.taken) if taken != SOUND]
        assert len(auditor.taken) > 100 and amiss == [], seed


async def _trouble(centre: CallCentre, chance: Random) -> None:
    server = chance.choice(["pbx", "far"])
    match chance.choice(["cut", "mend", "restart", "crash", "disk", "stop", "start", "wrap", "wrap", "wrap"]):
        case "cut":
            centre.network.cut_link(server)
        case "mend":
            centre.network.restore_link(server)
        case "restart":
            centre.network.restart(server)
        case "crash":
            await centre.kill()
            await centre.at(centre.clock.now() + timedelta(seconds=chance.uniform(0, 3)))
            await centre.start()
        case "disk":
            centre.store.failing = "no room on the disk"
            await centre.at(centre.clock.now() + timedelta(seconds=chance.uniform(0, 2)))
            centre.store.failing = None
        case "stop":
            await centre.change(Desired.STOPPED, chance.choice(["a", "b"]))
        case "start":
            for name in ("a", "b"):
                await centre.change(Desired.RUNNING, name)
        case "wrap":
            await _wrap(centre)


async def _wrap(centre: CallCentre) -> None:
    """Wrap up a talk, as its agent does over the API."""

    def work(records: Records) -> None:
        for session in records.sessions(SessionFilter(status=SessionStatus.PROCESSING)):
            if session.outcome is not None:
                wrap_up(records, session, "SALE", note=None, by="kim", now=centre.clock.now(), windows=Windows())
                return

    await centre.records(work)
    await anyio.sleep(0.02)
    await centre.engine.follow()


async def some_calls(centre: CallCentre, n: int = 3) -> list[str]:
    """Start a campaign of `n` calls that talk for long, and return their ids."""
    await centre.campaign(lists={"list": (100, n)})
    await centre.start()
    await centre.until(lambda: centre.engine.report().campaigns[0].calls_talking == n)
    await centre.engine.floor.outbox.flush()
    assert await differences(centre) == SOUND
    return list(centre.engine.floor.board.calls)


def long_talks() -> Any:
    return call_centre(replace(QUICK, message_s=600), fates=lambda number: Fate.ANSWERED_LONG)


async def test_a_call_that_the_engine_forgets_shows_as_a_session_and_as_a_slot_and_is_named_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with long_talks() as centre:
        [call_id, *_] = await some_calls(centre)
        assert not caplog.records
        centre.engine.floor.board.remove(call_id)
        for _ in range(3):
            assert await differences(centre) == SOUND | {"sessions": 1, "slots": 1}
        assert [record.__dict__["session_ids"] for record in caplog.records] == [[call_id]]


async def test_an_end_that_could_not_be_written_and_was_dropped_shows_as_a_session(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with long_talks() as centre:
        await some_calls(centre)
        monkeypatch.setattr("dialler.engine.tracking.write_ends", lambda *_: 1 / 0)
        await centre.change(Desired.PAUSED)
        await centre.until(lambda: len(centre.told(SessionClosed)) == 3)
        await centre.engine.floor.outbox.flush()
        assert await differences(centre) == SOUND | {"sessions": 3}


async def test_an_end_on_its_way_is_no_difference_however_long_the_records_fail() -> None:
    async with long_talks() as centre:
        await some_calls(centre)
        centre.store.failing = "no room on the disk"
        await centre.until(lambda: len(centre.told(SessionClosed)) == 3)
        assert not centre.engine.floor.board.calls and len(centre.engine.floor.outbox) >= 3
        assert await differences(centre) == SOUND


async def test_a_session_closed_behind_the_engine_s_back_shows_with_its_lead() -> None:
    async with long_talks() as centre:
        [call_id, *_] = await some_calls(centre)
        await centre.records(
            lambda records: records.set_session(replace(records.session(call_id), status=SessionStatus.EXPIRED))
        )
        assert await differences(centre) == SOUND | {"sessions": 1, "leads": 1}


async def test_leads_of_two_lists_that_are_amiss_do_not_make_up_for_each_other() -> None:
    async with long_talks() as centre:
        await some_calls(centre)
        await centre.campaign("other", lists={"spare": (100, 1)}, desired=Desired.STOPPED)

        def work(records: Records) -> None:
            [talking, *_] = records.open_sessions()
            records.set_lead(replace(records.lead(talking.lead_id), state=LeadState.READY))
            [spare] = [each for each in records.lists() if each.name == "spare"]
            [(_, _, lead_id)] = records.ready_ranks((spare.list_id, 1), limit=1)
            records.set_lead(replace(records.lead(lead_id), state=LeadState.IN_CALL))

        await centre.records(work)
        assert await differences(centre) == SOUND | {"leads": 2}


async def test_counts_that_differ_from_the_open_sessions_show() -> None:
    async with long_talks() as centre:
        await some_calls(centre)

        def work(records: Any) -> None:
            records._in.run("UPDATE session_counts SET n = n + 2 WHERE status = 'processing'")

        await centre.records(work)
        assert await differences(centre) == SOUND | {"sessions": 2, "leads": 2}


async def test_a_slot_that_no_call_holds_and_a_number_rung_twice_show() -> None:
    async with long_talks() as centre:
        [first, second, _] = await some_calls(centre)
        floor = centre.engine.floor
        floor.trunks.hold("a", "nobody's")
        calls = floor.board.calls
        calls[first].session = replace(calls[first].session, number=calls[second].session.number)
        assert await differences(centre) == SOUND | {"slots": 1, "numbers": 1}


async def test_what_the_records_hold_is_what_supervisors_see_list_by_list() -> None:
    async with call_centre(start=datetime(2026, 6, 2, 19, 59, 30, tzinfo=UTC)) as centre:
        settings = replace(AGENTLESS, hours=parse_hours("mon-sun 09:00-15:00"))
        campaign = await centre.campaign(settings=settings, lists={"warm": (70, 60), "cold": (30, 40)})
        await centre.campaign("off", settings=settings, lists={"none": (1, 0)}, desired=Desired.STOPPED)
        await centre.add("warm", people(7, first=5_000_000, key=TOKYO))
        await centre.start()
        for _ in range(2):  # Before and after 15:00 in Chicago.
            await anyio.sleep(20)
            account = await centre.engine._accounts.take()
            lists = await centre.records(lambda records: outlook(records, campaign, centre.clock.now()))
            assert {each.list: (each.dialable, each.leads[LeadState.RESTING]) for each in account.lists[:2]} == {
                each.lead_list.name: (each.ready_open, each.resting) for each in lists
            }
            assert [sum(each.leads.values()) for each in account.lists] == [67, 40, 0]
            by_status = Counter(session.status for session in await centre.sessions())
            assert account.sessions["spring"] == {status: by_status[status] for status in SessionStatus}
            assert account.sessions["off"] == dict.fromkeys(SessionStatus, 0)
        assert [each.dialable for each in account.lists] == [0, 0, 0]
        assert sum(by_status.values()) > 20 and CHICAGO != TOKYO


async def test_an_account_is_kept_for_some_seconds_and_shared_by_those_who_ask_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with call_centre() as centre:
        await centre.campaign(desired=Desired.STOPPED)
        engine = await centre.start()
        taken: list[Account] = []

        async def ask() -> None:
            taken.append(await engine.account())

        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(ask)
        assert taken[0] is taken[1] is taken[2] is await engine.account()
        await anyio.sleep(KEPT_S - 0.1)
        assert await engine.account() is taken[0]
        await anyio.sleep(0.2)
        assert await engine.account() is not taken[0]


async def test_an_account_waits_for_the_sessions_of_an_earlier_process_to_be_taken_up() -> None:
    async with long_talks() as centre:
        await some_calls(centre)
        await centre.kill()
        reading = anyio.Event()
        read = centre.store.read

        async def slow_read(work: Any) -> Any:
            await reading.wait()
            return await read(work)

        centre.store.read = slow_read  # type: ignore[method-assign]
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(centre.start)
            await anyio.sleep(1)
            accounts: list[Account] = []

            async def ask() -> None:
                accounts.append(await centre.engine.account())

            tasks.start_soon(ask)
            await anyio.sleep(1)
            assert accounts == []
            reading.set()
        assert accounts[0].unaccounted == SOUND


async def test_records_that_can_not_be_read_fail_the_account_and_not_the_next_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with call_centre() as centre:
        await centre.campaign(desired=Desired.STOPPED)
        engine = await centre.start()
        with monkeypatch.context() as broken:

            async def fail(work: Any) -> None:
                raise StoreError("the disk is gone")

            broken.setattr(centre.store, "read", fail)
            with pytest.raises(StoreError):
                await engine.account()
        assert (await engine.account()).unaccounted == SOUND


async def test_who_gives_up_waiting_for_an_account_leaves_the_next_one_whole() -> None:
    async with long_talks() as centre:
        await some_calls(centre)
        engine = centre.engine
        gave_up = anyio.Event()

        async def ask() -> None:
            with anyio.move_on_after(1) as scope:
                await engine.account()
            assert scope.cancelled_caught
            gave_up.set()

        async with engine._dial.at_work, anyio.create_task_group() as tasks:  # A pass that does not end.
            tasks.start_soon(ask)
            await gave_up.wait()
        assert (await engine.account()).unaccounted == SOUND
