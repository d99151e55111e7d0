"""Watches how the calls of each caller id are answered, tells of numbers that fall behind, and lets them rest.

Looked at once calls have ended or a number's state changes by itself, and no more often than every `LOOK_S`: counts
move with calls alone. Only pools of campaigns that dial are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import anyio

from dialler.domain.caller_id import CallerId
from dialler.domain.caller_id_choice import STATES
from dialler.domain.caller_id_rate import RECOVERED_Z, Judgement
from dialler.domain.changes import differences
from dialler.engine.caller_id_outlook import NumberOutlook, PoolOutlook, pool_outlook
from dialler.engine.floor import Floor
from dialler.engine.wake import Wake
from dialler.errors import NotFound, StoreError
from dialler.events import CallerIdLow, CallerIdRested, Event, SessionClosed, StoreFailed
from dialler.ports import CallerIdReport, Records

LOOK_S: Final = 60.0
"""A pool of a thousand numbers costs some seven thousand rows a look, on a reading thread."""


class CallerIdWatch:
    """Watches the pools of one engine.

    A number is told of, and rested, when it falls behind: not again before it has recovered, so that somebody who
    switches it on is not overruled. What was told is forgotten when the engine ends.
    """

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._wake = Wake(floor.clock)
        self._told: set[tuple[int, str]] = set()
        self.reports: Sequence[CallerIdReport] = ()
        """How the pools stood at the last look."""

        floor.journal.subscribe(self._note)

    def _note(self, event: Event) -> None:
        if isinstance(event, SessionClosed):
            self._wake.call()

    def look(self) -> None:
        """Look at pools that were edited, or that other campaigns use now."""
        self._wake.call()

    async def run(self) -> None:
        """Watch until cancelled."""
        until: datetime | None = None
        while True:
            await self._wake.wait(until)
            try:
                until = await self.run_once(self._floor.clock.now())
            except StoreError as error:
                self._floor.journal.emit(StoreFailed(at=self._floor.clock.now(), error=str(error)))
            await anyio.sleep(LOOK_S)

    async def run_once(self, now: datetime) -> datetime | None:
        """Look at all pools; return when the first of their numbers changes its state by itself. Raises StoreError."""
        floor = self._floor
        dialling = [running.campaign for running in floor.campaigns.values() if running.dials]
        names = sorted({name for each in dialling if (name := each.settings.caller_id_pool) is not None})
        if not names:
            self.reports = ()
            return None
        pools = await floor.store.read(partial(_look, names=names, now=now))
        self.reports = [_report(pool) for pool in pools]
        for pool in pools:
            await self._judge(pool, now)
        changes = [each.free_at for pool in pools for each in pool.numbers if each.free_at and each.free_at > now]
        return min(changes, default=None)

    async def _judge(self, pool: PoolOutlook, now: datetime) -> None:
        pool_id, name = pool.pool.pool_id, pool.pool.name
        fallen = []
        for each in pool.numbers:
            key = (pool_id, each.caller_id.number)
            if each.judgement.is_low and each.state != "off" and key not in self._told:
                fallen.append(each)
            elif each.judgement.z is None or each.judgement.z > RECOVERED_Z:
                self._told.discard(key)
        # The worst first: of a pool of two that both fall behind one stays.
        for each in sorted(fallen, key=lambda one: one.judgement.z or 0.0):
            rested = None
            if pool.pool.settings.rest_low_s is not None:
                rested = await self._floor.store.write(
                    partial(_rest, pool=name, number=each.caller_id.number, reason=_why(each.judgement), now=now),
                    urgent=False,
                )
            self._told.add((pool_id, each.caller_id.number))
            self._tell(name, each, rested, now)

    def _tell(self, pool: str, each: NumberOutlook, rested: CallerId | None, now: datetime) -> None:
        judgement = each.judgement
        assert judgement.z is not None
        self._floor.journal.emit(
            CallerIdLow(
                at=now,
                pool=pool,
                own_number=each.caller_id.number,
                answer_rate=judgement.rate,
                others_answer_rate=judgement.others_rate,
                calls=judgement.tried,
                z=round(judgement.z, 2),
            )
        )
        if rested is not None and rested.off_until is not None:
            self._floor.journal.emit(
                CallerIdRested(at=now, pool=pool, own_number=rested.number, until=rested.off_until)
            )


def _look(records: Records, *, names: Sequence[str], now: datetime) -> Sequence[PoolOutlook]:
    pools = {each.name: each for each in records.caller_id_pools()}
    return [pool_outlook(records, pools[name], now) for name in names if name in pools]


def _rest(records: Records, *, pool: str, number: str, reason: str, now: datetime) -> CallerId | None:
    """Switch a number off for the pool's time; None where it is off, gone, or the last that is on."""
    try:
        found = records.caller_id_pool(pool, to_change=True)
    except NotFound:
        return None
    on = {each.number: each for each in records.caller_ids(found.pool_id) if not each.is_off(now)}
    rest_s = found.settings.rest_low_s
    if rest_s is None or number not in on or len(on) == 1:
        return None
    old = on[number]
    new = replace(old, off_reason=reason, off_until=now + timedelta(seconds=rest_s))
    records.set_caller_ids(found.pool_id, [new])
    details = {"pool": pool, "number": number, **differences(_off(old), _off(new))}
    records.add_audit(now, "engine", "callerid.number.set", details)
    return new


def _off(each: CallerId) -> Mapping[str, object]:
    until = each.off_until
    return {"off_reason": each.off_reason, "off_until": None if until is None else until.isoformat()}


def _why(judgement: Judgement) -> str:
    return (
        f"answered less than its pool: {judgement.rate:.0%} of {judgement.tried} calls, the others"
        f" {judgement.others_rate:.0%}"
    )


def _report(outlook: PoolOutlook) -> CallerIdReport:
    states = [each.state for each in outlook.numbers]
    judged = [each.judgement.rate for each in outlook.numbers if each.judgement.z is not None and each.state != "off"]
    return CallerIdReport(
        pool=outlook.pool.name,
        states={state: states.count(state) for state in STATES},
        low=len(outlook.low),
        lowest_answer_rate=min(judged, default=None),
        answer_rate=outlook.judged.rate,
    )
