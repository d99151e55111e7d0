"""`kill -9` of the daemon with calls up in a real Asterisk: nothing is lost, and no telephone rings twice.

What rang is counted in Asterisk, by number and by the id of the call, which is that of its session.
"""

import time
from collections import Counter
from collections.abc import Callable

import pytest

from telephony.ami.trail import CAUSE_TEXT
from telephony.simulated import Fate
from tests.support.asterisk import HOUR_SOUND, RealAsterisk, fate_of
from tests.support.daemon import Installation, Line, asterisk_settings, installation, real_asterisk

pytestmark = [pytest.mark.asterisk, pytest.mark.slow, pytest.mark.timeout(240)]

OUTCOME_OF = {
    Fate.ANSWERED: "PLAYED",
    Fate.BUSY: "BUSY",
    Fate.NO_ANSWER: "NO_ANSWER",
    Fate.REJECTED: "REJECTED_CALL",
    Fate.UNREACHABLE: "UNREACHABLE",
    Fate.INVALID: "INVALID_NUMBER",
    Fate.CONGESTION: "CONGESTION",
}


def numbers_ending(digits: str, count: int, *, area: int) -> list[str]:
    """Return different numbers whose last digits, and so fates, take turns."""
    return [f"+1{area}555{place:03d}{digits[place % len(digits)]}" for place in range(count)]


def until(condition: Callable[[], bool], what: str, *, within_s: float = 30.0) -> None:
    """Wait for something in Asterisk, which tells nobody of it."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {within_s:g} s for {what}"
        time.sleep(0.02)


def all_called(leads: int) -> Callable[[Line], bool]:
    def is_over(status: Line) -> bool:
        sessions = status["campaigns"][0]["sessions"]
        return bool(sessions["opened"] >= leads and sessions["open"] == 0)

    return is_over


def test_two_hundred_live_calls_are_adopted_after_kill_9_and_none_is_rung_twice() -> None:
    # 120 are answered and talk for an hour, 80 ring; those behind them find no channel free.
    live, behind = numbers_ending("56789", 200, area=212), numbers_ending("0", 40, area=646)
    with (
        real_asterisk() as asterisk,
        installation(asterisk_settings(asterisk.port, secret=asterisk.secret, channels=200)) as installed,
    ):
        with installed.daemon() as first:
            installed.campaign([*live, *behind], ring_timeout_s=30, message=HOUR_SOUND)
            installed.start_campaign()
            installed.until(counts(unanswered=80, talking=120), within_s=60, what="200 live calls")
            first.kill()
        up = asterisk.calls_up()
        assert len(up) == 200
        before = installed.pages("session", "list", "--oldest-first")
        assert {each["session_id"] for each in before} == up.keys()
        assert {each["status"] for each in before} == {"processing"}

        # What ends while nobody listens: five who talked, five who were rung.
        talked, rung = ([each for each in before if (each["answered_at"] is not None) is has] for has in (True, False))
        gone = dict.fromkeys((each["session_id"] for each in talked[:5]), "PLAYED")
        gone |= dict.fromkeys((each["session_id"] for each in rung[:5]), "LOST")
        for session_id in gone:
            asterisk.cli(f"channel request hangup {up[session_id]}")
        until(lambda: len(asterisk.calls_up()) == 190, "the end of 10 calls")

        with installed.daemon() as second:
            adopted = second.await_event("session.adopted", count=190)
            assert {each["session_id"] for each in adopted} == up.keys() - gone.keys()
            assert Counter(each["state"] for each in adopted) == {"up": 115, "ringing": 75}
            # Those that are gone from the talk have given their channels back, those that rang not before their time.
            second.await_event("session.closed", count=5, outcome="PLAYED")
            second.await_event("session.closed", count=75, outcome="NO_ANSWER")
            second.await_event("session.closed", count=5, outcome="LOST")
            second.await_event("session.closed", count=40, outcome="BUSY")
            assert len(asterisk.calls_up()) == 115
            asterisk.hang_up_all()
            installed.until(all_called(240), within_s=60, what="the end of all calls")
            assert not second.events("call.unknown")

        sessions = installed.pages("session", "list", "--oldest-first")
        assert Counter(each["number"] for each in sessions) == Counter([*live, *behind])
        for each in sessions:
            expected = gone.get(each["session_id"], OUTCOME_OF[fate_of(each["number"])])
            assert each["outcome"] == expected, each
            is_told_later = gone.get(each["session_id"]) == "PLAYED"
            assert (each["cause_text"] == CAUSE_TEXT) is is_told_later, each
        assert asterisk.rung() == Counter([*live, *behind])
        assert asterisk.rung_ids() == Counter(each["session_id"] for each in sessions)
        assert installed.problems() == []


def counts(*, unanswered: int, talking: int) -> Callable[[Line], bool]:
    def agree(status: Line) -> bool:
        calls = status["campaigns"][0]["calls"]
        return bool(calls["unanswered"] == unanswered and calls["talking"] == talking)

    return agree


KILLED_AT = (
    ("ready", 1),
    ("session.opened", 1),
    ("engine.started", 1),
    ("session.opened", 23),
    ("link.changed", 1),  # it has just begun to compare the records with what is up
    ("session.closed", 11),
    ("session.opened", 47),
)
"""The event in each daemon's log, and which of its kind, upon which it is killed."""


def test_kill_9_at_any_instant_of_the_ramp_up_loses_no_attempt_and_rings_nobody_twice() -> None:
    numbers = numbers_ending("7058196273494", 240, area=212)
    with (
        real_asterisk() as asterisk,
        installation(asterisk_settings(asterisk.port, secret=asterisk.secret)) as installed,
    ):
        for event, place in KILLED_AT:
            daemon = installed.daemon()
            daemon.launch()
            if event == "ready":
                daemon.await_event("ready")
                installed.campaign(numbers, ring_timeout_s=3)
                installed.start_campaign()
            daemon.await_event(event, count=place)
            daemon.kill()
        check_half_way(installed, asterisk)
        with installed.daemon():
            installed.until(all_called(len(numbers)), within_s=90, what="every lead to be called")

        sessions = installed.pages("session", "list", "--oldest-first")
        assert Counter(each["number"] for each in sessions) == Counter(numbers)
        rung = asterisk.rung_ids()
        for each in sessions:
            if each["outcome"] == "LOST":
                assert rung[each["session_id"]] <= 1
            else:
                assert each["outcome"] == OUTCOME_OF[fate_of(each["number"])], each
                assert rung[each["session_id"]] == 1
        assert rung.keys() <= {each["session_id"] for each in sessions}
        # Nobody is given up lightly: lost are only calls that a dead daemon had up, or was just sending.
        assert sum(each["outcome"] == "LOST" for each in sessions) < len(numbers) / 2
        assert installed.problems() == []


def check_half_way(installed: Installation, asterisk: RealAsterisk) -> None:
    """Check what must hold at any instant, also with nobody there."""
    rung = asterisk.rung_ids()
    sessions = installed.pages("session", "list", "--oldest-first")
    assert Counter(each["status"] for each in sessions)["processing"] > 0, "no call was up: nothing is tested here"
    assert rung.keys() <= {each["session_id"] for each in sessions}, "a telephone rang without a session"
    assert max(rung.values()) == 1, "a call was placed twice"
    assert max(Counter(each["number"] for each in sessions).values()) == 1
    assert installed.problems() == []


def test_a_drained_daemon_leaves_long_calls_to_the_next_one() -> None:
    numbers = numbers_ending("7", 10, area=212)
    with (
        real_asterisk() as asterisk,
        installation(asterisk_settings(asterisk.port, secret=asterisk.secret)) as installed,
    ):
        with installed.daemon() as first:
            installed.campaign(numbers, ring_timeout_s=20, message=HOUR_SOUND)
            installed.start_campaign()
            installed.until(counts(unanswered=0, talking=10), within_s=30, what="10 live calls")
            assert first.stop() == 0
        assert first.events("engine.stopped", live_calls=10)
        assert len(asterisk.calls_up()) == 10
        with installed.daemon() as second:
            second.await_event("session.adopted", count=10, state="up")
            asterisk.hang_up_all()
            second.await_event("session.closed", count=10, outcome="PLAYED")
        assert asterisk.rung() == Counter(numbers)
        assert installed.problems() == []
