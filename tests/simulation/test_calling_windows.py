"""No call outside its window on days on which clocks change, and none too late when a window opens."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from dialler.domain.calling_hours import parse_hours
from dialler.domain.campaign import CampaignSettings
from dialler.domain.lead import WindowKey
from dialler.domain.outcome import Outcome
from dialler.domain.redial import RedialRule, RedialRules
from dialler.domain.session import Session
from dialler.domain.strategy import StrategySettings
from dialler.engine.dial import DialLoop
from dialler.events import LeadRefused
from telephony.simulated import Fate, Spread
from tests.support.call_centre import AGENTLESS, QUICK, CallCentre, call_centre, people

RETRY = timedelta(minutes=40)
OFTEN = StrategySettings(redial=RedialRules({Outcome.BUSY: RedialRule(rests=(RETRY,))}))
PLACES = (
    ("America/New_York",),
    ("America/Phoenix",),  # no summer time
    ("America/Chicago", "America/Denver"),  # open only while both are
    ("America/Los_Angeles",),
    ("Pacific/Honolulu",),
    ("Europe/London",),
    ("Asia/Kathmandu",),  # 5:45 ahead
    ("Australia/Lord_Howe",),  # half an hour of summer time
)
HOURS = "mon-sun 01:30-03:30,08:00-12:00,19:00-21:00"
INTERVALS = ((90, 210), (480, 720), (1140, 1260))
"""HOURS, in minutes of the local day."""


def is_open(at: datetime, zones: Sequence[str], *, shut_on: frozenset[date] = frozenset()) -> bool:
    """Tell whether it may be called at `at`, by nothing but the standard library."""
    for zone in zones:
        local = at.astimezone(ZoneInfo(zone))
        minute = local.hour * 60 + local.minute
        if local.date() in shut_on or not any(start <= minute < end for start, end in INTERVALS):
            return False
    return True


def openings(start: datetime, end: datetime, zones: Sequence[str], **days: frozenset[date]) -> Iterator[datetime]:
    """Yield the minutes at which the window opens."""
    at = start + timedelta(minutes=1)
    while at < end:
        if is_open(at, zones, **days) and not is_open(at - timedelta(minutes=1), zones, **days):
            yield at
        at += timedelta(minutes=1)


async def _day(start: datetime, hours: timedelta, settings: CampaignSettings) -> tuple[CallCentre, Sequence[Session]]:
    """Call the same few people, who are always busy, again and again; return the sessions."""
    plan = replace(QUICK, post_dial_s=Spread(0.2))
    async with call_centre(plan, start=start, fates=lambda number: Fate.BUSY) as centre:
        await centre.campaign(
            settings=replace(settings, attempts_max=999, attempts_per_day_max=999), lists={"list": (1, 0)}
        )
        often = await centre.records(lambda records: records.add_strategy("often", OFTEN, start))
        await centre.change_list_quietly("list", strategy=often)
        for at, zones in enumerate(PLACES):
            key = WindowKey(tuple(sorted(zones)), country="US")
            await centre.add("list", people(2, first=at * 1000, key=key))
        await centre.start()
        # Not at the full hour: a call whose intent came at the very instant of the drain would be taken back.
        await centre.at(start + hours - timedelta(seconds=30))
        await centre.drained()
        return centre, await centre.assert_accounted()


@pytest.mark.parametrize(
    "start",
    [
        datetime(2026, 3, 7, 23, tzinfo=UTC),  # the night of the change in the USA
        datetime(2026, 10, 24, 12, tzinfo=UTC),  # in Europe
        datetime(2026, 10, 31, 23, tzinfo=UTC),  # in the USA, back again
    ],
    ids=lambda start: f"{start:%d %b}",
)
async def test_no_call_is_placed_outside_its_window_and_each_window_is_used_from_its_first_second(
    start: datetime,
) -> None:
    hours = timedelta(hours=30)
    centre, sessions = await _day(start, hours, replace(AGENTLESS, hours=parse_hours(HOURS)))
    assert len(sessions) > 150
    for session in sessions:
        zones = session.timezone.split()
        assert is_open(session.created_at, zones), session
        left_at, _ = centre.telephony.originated[session.session_id]
        assert is_open(left_at, zones), session
    for zones in PLACES:
        called = [session.created_at for session in sessions if session.timezone == " ".join(sorted(zones))]
        opened = list(openings(start, start + hours - timedelta(minutes=1), zones))
        assert opened or zones == ("America/Chicago", "America/Denver")
        for opens_at in opened:
            soon = [at for at in called if opens_at <= at < opens_at + timedelta(seconds=1)]
            last = max((at for at in called if at < opens_at), default=opens_at - RETRY * 2)
            assert soon or opens_at - last < RETRY + timedelta(minutes=1), (zones, opens_at)


async def test_nobody_is_called_on_a_holiday_and_everybody_on_the_day_after() -> None:
    start, hours = datetime(2026, 12, 24, 20, tzinfo=UTC), timedelta(hours=44)
    christmas = frozenset({date(2026, 12, 25)})
    settings = replace(AGENTLESS, hours=parse_hours(HOURS, holidays="US"))
    _, sessions = await _day(start, hours, settings)
    assert len({session.timezone for session in sessions}) == len(PLACES)
    for session in sessions:
        assert is_open(session.created_at, session.timezone.split(), shut_on=christmas), session
    days = {session.created_at.astimezone(ZoneInfo(session.timezone.split()[0])).date() for session in sessions}
    assert days >= {date(2026, 12, 24), date(2026, 12, 26)} and not days & christmas


async def test_shut_zones_cost_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    passes = 0
    run_once = DialLoop.run_once

    async def counted(self: DialLoop, calls: object) -> object:
        nonlocal passes
        passes += 1
        return await run_once(self, calls)  # type: ignore[arg-type]

    monkeypatch.setattr(DialLoop, "run_once", counted)
    start = datetime(2026, 6, 2, 16, tzinfo=UTC)  # 11:00 in Chicago; Honolulu opens in two hours
    async with call_centre(start=start, fates=lambda number: Fate.BUSY) as centre:
        await centre.campaign(
            settings=replace(AGENTLESS, hours=parse_hours("mon-sun 08:00-11:30")), lists={"list": (1, 0)}
        )
        await centre.add("list", people(3000, key=WindowKey(("Pacific/Honolulu",))))
        await centre.add("list", people(5, first=9_000_000, key=WindowKey(("America/Chicago",))))
        await centre.start()
        await centre.at(start + timedelta(hours=2) - timedelta(seconds=1))
        assert len({origination.number for _, origination in centre.telephony.originated.values()}) == 5
        assert centre.told(LeadRefused) == [], "no lead of a shut zone was looked at"
        assert passes < 100
        before = len(centre.telephony.originated)
        await centre.at(start + timedelta(hours=2, seconds=1))
        assert len(centre.telephony.originated) - before >= 15, "some 20 a second"
