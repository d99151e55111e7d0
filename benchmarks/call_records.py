"""What a call costs the records: CPU time of the transactions that write its intent and its end.

The dial loop's orders and the outbox's batches, of busy numbers, run one after another as the writing thread runs
them: no exchange, no event loop, no thread to hand over to. Large orders are those of a start or of a slow disk, small
ones those of a dialler that keeps up with its calls.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from _pytest.outcomes import Skipped

from benchmarks.figure import Figure, Part, Spread, Unavailable
from benchmarks.intents import Picking
from benchmarks.records import Plan, make_records, sqlite_url
from benchmarks.scale import Scale
from dialler.domain.attempt import ended
from dialler.domain.call import Call, apply, sent
from dialler.domain.call_verdict import verdict_of
from dialler.domain.campaign import Wrap
from dialler.domain.session import Session
from dialler.engine.aftermath import write_ends
from dialler.engine.windows import Windows
from dialler.ports import Records
from dialler.stores.group import Desk, GroupCommit
from dialler.stores.open import parsed_url
from dialler.stores.postgres import PostgresDesk
from dialler.stores.sqlite import SqliteDesk
from telephony.events import Dialling, HangupBy, HungUp
from tests.support.postgres import database

ORDERS: Final = (50, 10)
"""Calls in one transaction."""

BUSY: Final = 17
RANG_FOR: Final = timedelta(milliseconds=40)


@dataclass(slots=True)
class Spent:
    """What one turn took of the writing thread, and of the clock, in seconds."""

    calls: int = 0
    intents: float = 0.0
    ends: float = 0.0
    clock: float = 0.0
    windows: Windows = field(default_factory=Windows)

    @property
    def ms_a_call(self) -> float:
        return (self.intents + self.ends) * 1000 / self.calls


def run(scale: Scale) -> Iterator[Figure]:
    """Yield the CPU time of a call on SQLite, then on PostgreSQL, with the attempts that one writer manages there."""
    calls = scale.of(1_000, 10_000)
    for order in ORDERS:
        with tempfile.TemporaryDirectory(prefix="bench-") as made:
            url = sqlite_url(Path(made))
            yield _figure(scale, "sqlite", url, SqliteDesk(Path(made) / "records.db"), calls, order)
    for order in ORDERS:
        with ExitStack() as stack:
            try:
                url = stack.enter_context(database())
            except Skipped as error:
                raise Unavailable(str(error)) from error
            desk = PostgresDesk(parsed_url(url), exclusive=False, command="bench")
            yield _figure(scale, "postgres", url, desk, calls // 2, order)


def _figure(scale: Scale, kind: str, url: str, desk: Desk, calls: int, order: int) -> Figure:
    # The first turn, which is not counted, fills the caches.
    make_records(url, [Plan(name="spring", leads=[calls // 2] * 2 * (scale.turns + 1))])
    group, picking = GroupCommit(desk), Picking()
    _run(group, picking.start)
    turns = [_turn(group, picking, calls, order) for _ in range(scale.turns + 1)][1:]
    group.close()

    def spread(value: Callable[[Spent], float]) -> Spread:
        return Spread.of(value(turn) for turn in turns)

    return Figure(
        name=f"records-{kind}-{order}",
        what=f"CPU time of the writing thread for a busy call, {order} to a transaction, {kind}",
        unit="ms",
        spread=spread(lambda turn: turn.ms_a_call),
        parts=(
            Part("intents", "ms", spread(lambda turn: turn.intents * 1000 / turn.calls)),
            Part("ends", "ms", spread(lambda turn: turn.ends * 1000 / turn.calls)),
            Part("by the clock", "calls/s", spread(lambda turn: turn.calls / turn.clock)),
        ),
    )


def _turn(group: GroupCommit, picking: Picking, calls: int, order: int) -> Spent:
    spent = Spent()
    while spent.calls < calls:
        began, clock = time.thread_time(), time.perf_counter()
        sessions = _run(group, picking.sessions(order))
        spent.intents += time.thread_time() - began
        spent.clock += time.perf_counter() - clock
        if len(sessions) != order:
            raise RuntimeError(f"{len(sessions)} intents of {order}")
        sessions = [_busy(session) for session in sessions]
        began, clock = time.thread_time(), time.perf_counter()
        _run(group, partial(write_ends, sessions=sessions, windows=spent.windows))
        spent.ends += time.thread_time() - began
        spent.clock += time.perf_counter() - clock
        spent.calls += order
    return spent


def _run(group: GroupCommit, work: Callable[[Records], Any]) -> Any:
    (done,) = group.run([work])
    if done.error is not None:
        raise done.error
    return done.value


def _busy(session: Session) -> Session:
    at = session.created_at + RANG_FOR
    call = sent(Call(call_id=session.session_id), session.created_at)
    for event in (
        Dialling(call_id=call.call_id, at=at),
        HungUp(call_id=call.call_id, at=at, cause=BUSY, cause_text="User busy", by=HangupBy.NETWORK),
    ):
        call = apply(call, event)
    outcome = verdict_of(call, has_agents=False)
    return ended(session, call, outcome=outcome, wrap=Wrap.NONE, at=at)
