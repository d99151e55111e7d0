"""The records fail for a while, or one work is wrong in itself: nothing is lost, doubled, or held up."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialler.app.virtual_time import VirtualLoop
from dialler.clock import LoopClock
from dialler.domain.campaign import CampaignSettings
from dialler.engine.outbox import BATCH_MAX, Outbox
from dialler.events import Journal, SessionClosed, StoreFailed
from dialler.ports import Records
from tests.support.call_centre import WITH_AGENTS, FlakyStore, call_centre

NOW = datetime(2026, 6, 2, 15, tzinfo=UTC)


async def test_while_the_records_fail_no_call_is_placed_and_afterwards_nothing_is_lost_or_doubled() -> None:
    async with call_centre() as centre:
        await centre.campaign(settings=WITH_AGENTS)
        await centre.start()
        await centre.until(lambda: len(centre.told(SessionClosed)) > 10)
        centre.store.failing = "no room on the disk"
        await centre.until(lambda: bool(centre.told(StoreFailed)))
        placed = len(centre.telephony.originated)
        await anyio.sleep(600)
        assert len(centre.telephony.originated) == placed
        report = centre.engine.report().campaigns[0]
        assert report.actual == "blocked" and "the records can not be written" in report.limits
        assert {event.error for event in centre.told(StoreFailed)} == {"no room on the disk"}
        assert len(centre.told(StoreFailed)) < 650, "a second between tries, or more"
        closed = len(centre.told(SessionClosed))
        centre.store.failing = None
        await centre.until(lambda: len(centre.told(SessionClosed)) > closed + 20, within=timedelta(minutes=5))
        await centre.drained()
        await centre.assert_accounted()


async def test_intents_that_could_not_be_committed_leave_no_trace_and_are_made_again() -> None:
    async with call_centre() as centre:
        await centre.campaign(lists={"gold": (70, 50), "silver": (30, 50)})
        centre.store.failing = "locked"
        await centre.start()
        await anyio.sleep(5)
        assert await centre.sessions() == [] and centre.telephony.originated == {}
        centre.store.failing = None
        await centre.until(lambda: len(centre.telephony.originated) >= 20)
        leads = {"gold": list[int](), "silver": list[int]()}
        for session in (await centre.sessions())[:20]:
            leads[session.list].append(session.lead_id)
        assert leads == {"gold": list(range(1, 15)), "silver": list(range(51, 57))}, "and none of them is passed over"


async def test_works_are_written_in_their_order_and_each_is_told_when_it_is_durable() -> None:
    store, told = FlakyStore(), list[int]()
    outbox = _outbox(store)
    async with store, anyio.create_task_group() as tasks:
        store.failing = "not yet"
        tasks.start_soon(lambda: outbox.run())
        for at in range(BATCH_MAX + 50):
            outbox.put(lambda records, at=at: _add(records, at), told.append)
        await anyio.sleep(1)
        assert outbox.is_stuck and told == [] and len(outbox) == BATCH_MAX + 50
        store.failing = None
        await outbox.flush()
        assert told == list(range(BATCH_MAX + 50))
        assert not outbox.is_stuck and len(outbox) == 0
        names = await store.read(lambda records: [campaign.name for campaign in records.campaigns()])
        assert names == [str(at) for at in range(BATCH_MAX + 50)]
        tasks.cancel_scope.cancel()


async def test_a_work_that_is_wrong_in_itself_is_dropped_alone(caplog: pytest.LogCaptureFixture) -> None:
    store, told = FlakyStore(), list[int]()
    outbox = _outbox(store)

    def poison(records: Records) -> int:
        _add(records, 99)
        raise KeyError("a bug")

    async with store, anyio.create_task_group() as tasks:
        outbox.put(lambda records: _add(records, 1), told.append)
        outbox.put(poison, told.append)
        outbox.put(lambda records: _add(records, 2), told.append)
        with caplog.at_level(logging.ERROR, logger="dialler.outbox"):
            tasks.start_soon(lambda: outbox.run())
            await outbox.flush()
        assert told == [1, 2]
        names = await store.read(lambda records: [campaign.name for campaign in records.campaigns()])
        assert names == ["1", "2"], "nothing of it was kept, and the others were written once"
        assert "dropped" in caplog.text and "a bug" in caplog.text
        tasks.cancel_scope.cancel()


async def test_a_flush_waits_for_what_was_put_in_before_it_and_not_for_what_comes_after() -> None:
    store = FlakyStore()
    store.before_s = 0.1
    outbox = _outbox(store)
    async with store, anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: outbox.run())

        async def keep_busy() -> None:
            at = 0
            while True:
                at += 1
                outbox.put(lambda records, at=at: _add(records, at))
                await anyio.sleep(0.03)

        tasks.start_soon(keep_busy)
        await anyio.sleep(1)
        with anyio.fail_after(1):
            await outbox.flush()
        tasks.cancel_scope.cancel()


@given(
    puts=st.lists(st.tuples(st.sampled_from(["a", "b", "work"]), st.integers(0, 3)), max_size=30),
    failing_at=st.integers(0, 30),
    wrong=st.sets(st.integers(0, 30), max_size=3),
)
def test_each_is_told_once_and_in_order_however_they_are_written_together(
    puts: list[tuple[str, int]], failing_at: int, wrong: set[int]
) -> None:
    """Values of two writers and works, put in with and without pauses; the records fail from one of them on."""

    def write(name: str, records: Records, values: Sequence[int]) -> Sequence[tuple[str, int]]:
        if wrong & set(values):
            raise KeyError("a bug")
        return [(name, value) for value in values]

    async def run() -> None:
        store, told, expected = FlakyStore(), list[object](), list[object]()
        outbox = _outbox(store)
        writers = {name: partial(write, name) for name in "ab"}
        async with store, anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: outbox.run())
            for at, (name, pause) in enumerate(puts):
                store.failing = "not yet" if at >= failing_at else None
                if name == "work":
                    outbox.put(lambda records, at=at: write("work", records, [at])[0], told.append)
                else:
                    outbox.put_value(writers[name], at, told.append)
                if at not in wrong:
                    expected.append((name, at))
                await anyio.sleep(pause / 10)
            store.failing = None
            await outbox.flush()
            assert len(outbox) == 0
            tasks.cancel_scope.cancel()
        assert told == expected

    anyio.run(run, backend_options={"loop_factory": VirtualLoop})


async def test_values_wait_together_until_their_transaction_begins() -> None:
    store, batches = FlakyStore(), list[list[int]]()
    store.before_s = 1
    outbox = _outbox(store)

    def write(records: Records, values: Sequence[int]) -> Sequence[int]:
        batches.append(list(values))
        return values

    async with store, anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: outbox.run())
        outbox.put_value(write, 1)
        await anyio.sleep(0.5)
        outbox.put_value(write, 2)  # the write was asked for, and has not begun
        outbox.put(lambda records: batches.append([]))
        outbox.put_value(write, 3)
        await outbox.flush()
        assert batches == [[1, 2], [], [3]]
        tasks.cancel_scope.cancel()


def _outbox(store: FlakyStore) -> Outbox:
    return Outbox(store, LoopClock(NOW, anyio.current_time), Journal())


def _add(records: Records, at: int) -> int:
    records.add_campaign(str(at), CampaignSettings(), NOW)
    return at
