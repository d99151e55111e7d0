"""Logs: one line for each event, as JSON or text, and nothing personal in it."""

import asyncio
import io
import json
import logging
import os
import signal
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import UTC, datetime

import anyio.lowlevel
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.typing import EventDict

from dialler import events
from dialler.domain.outcome import Outcome
from dialler.domain.session import SessionStatus
from dialler.events import (
    CallUnknown,
    Event,
    Journal,
    LinkChanged,
    PacingDecided,
    SessionClosed,
    SessionOpened,
    StoreFailed,
)
from dialler.logs import QUIET, configure_logging, log_events
from dialler.logs.lines import Lines
from dialler.logs.repeats import KEYS_MAX, Repeats
from tests.support.daemon import installation

AT = datetime(2026, 6, 1, 15, 0, 0, 250_000, tzinfo=UTC)
OPENED = SessionOpened(at=AT, session_id="0190a", seq=7, campaign="c", list="l", lead_id=3, trunk="a")
DECIDED = PacingDecided(at=AT, campaign="c", calls=2, reason="2 agents free")
FAILED = StoreFailed(at=AT, error="disk full")


def all_events() -> list[type[Event]]:
    return [kind for kind in vars(events).values() if isinstance(kind, type) and issubclass(kind, Event)]


@pytest.fixture(autouse=True)
def _loggers_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    configure_logging(stream=io.StringIO())
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def journal() -> Journal:
    journal = Journal()
    log_events(journal)
    return journal


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_line_with_its_time_level_name_and_fields(stream: io.StringIO, journal: Journal) -> None:
    configure_logging(stream=stream)
    closed = SessionClosed(
        at=AT,
        session_id="0190a",
        campaign="c",
        list="l",
        lead_id=3,
        trunk="a",
        status=SessionStatus.COMPLETE,
        outcome=Outcome.CONNECTED,
        cause=16,
        answered=True,
        ring_s=4.5,
        talk_s=None,
    )
    journal.emit(closed)
    assert lines(stream) == [
        {
            "ts": "2026-06-01T15:00:00.250000+00:00",
            "level": "info",
            "event": "session.closed",
            "session_id": "0190a",
            "campaign": "c",
            "list": "l",
            "lead_id": 3,
            "trunk": "a",
            "status": "complete",
            "outcome": "CONNECTED",
            "cause": 16,
            "answered": True,
            "ring_s": 4.5,
            "talk_s": None,
        }
    ]


def test_events_below_the_level_are_not_written(stream: io.StringIO, journal: Journal) -> None:
    configure_logging("info", stream=stream)
    for event in (DECIDED, OPENED, FAILED):
        journal.emit(event)
    assert [line["event"] for line in lines(stream)] == ["session.opened", "store.failed"]


def test_a_link_that_comes_up_is_no_warning(stream: io.StringIO, journal: Journal) -> None:
    configure_logging("info", stream=stream)
    journal.emit(LinkChanged(at=AT, server="pbx", up=True, reason="logged in"))
    journal.emit(LinkChanged(at=AT, server="pbx", up=False, reason="gone"))
    assert [json.loads(line)["level"] for line in stream.getvalue().splitlines()] == ["info", "warning"]


def test_levels_change_when_configured_again_and_nothing_is_written_twice(journal: Journal) -> None:
    first, second = io.StringIO(), io.StringIO()
    configure_logging("info", stream=first)
    configure_logging("debug", stream=second)
    journal.emit(DECIDED)
    logging.getLogger("dialler.engine").debug("look")
    assert first.getvalue() == ""
    assert [line["event"] for line in lines(second)] == ["pacing.decided", "look"]


def test_parts_have_levels_of_their_own_by_event_first_word_and_logger(stream: io.StringIO, journal: Journal) -> None:
    parts = {"session": "error", "session.opened": "info", "pacing": "debug", "telephony.ami": "debug"}
    configure_logging("info", parts=parts, stream=stream)
    for event in (OPENED, DECIDED, FAILED):
        journal.emit(event)
    logging.getLogger("telephony.ami.link").debug("ping")
    logging.getLogger("dialler.engine").debug("not this")
    assert [line["event"] for line in lines(stream)] == ["session.opened", "pacing.decided", "store.failed", "ping"]
    configure_logging("info", stream=stream)
    logging.getLogger("telephony.ami.link").debug("no more")
    assert len(lines(stream)) == 4


def test_stdlib_loggers_write_the_same_lines(stream: io.StringIO) -> None:
    configure_logging(stream=stream)
    try:
        raise ValueError("boom")
    except ValueError:
        logging.getLogger("x.y").exception("failed on %s", "two\nlines")
    (line,) = lines(stream)
    assert (line["level"], line["event"], line["logger"]) == ("error", "failed on two\nlines", "x.y")
    assert "ValueError: boom" in str(line["exception"])
    assert datetime.fromisoformat(str(line["ts"])).utcoffset() is not None


def test_extra_fields_of_a_record_are_fields_of_its_line(stream: io.StringIO) -> None:
    configure_logging(stream=stream)
    logging.getLogger("dialler.run").info("ready", extra={"api": "/run/x.sock", "level": "forged"})
    (line,) = lines(stream)
    assert set(line) == {"ts", "level", "event", "logger", "api"}
    assert (line["api"], line["level"]) == ("/run/x.sock", "info")


def test_a_record_that_names_its_event_has_that_name_and_its_message(stream: io.StringIO) -> None:
    configure_logging(stream=stream)
    logging.getLogger("telephony.ami").info("link %s", "up", extra={"event": "link_up", "server": "main"})
    (line,) = lines(stream)
    assert (line["event"], line["message"], line["server"]) == ("link_up", "link up", "main")


def test_a_library_that_would_log_numbers_is_quiet_even_on_debug(stream: io.StringIO) -> None:
    configure_logging("debug", stream=stream)
    for name in QUIET:
        logging.getLogger(name).info("Channel: PJSIP/+12125550100@a")
    assert stream.getvalue() == ""
    configure_logging("debug", parts={"panoramisk": "info"}, stream=stream)
    logging.getLogger("panoramisk").info("asked for")
    assert len(lines(stream)) == 1


def test_text_has_one_line_for_each_event_whatever_stands_in_it(stream: io.StringIO, journal: Journal) -> None:
    configure_logging(format="text", stream=stream)
    journal.emit(OPENED)
    journal.emit(LinkChanged(at=AT, server="main", up=False, reason="x\r\n2026-06-01 [info] forged\x1b[2J"))
    logging.getLogger("x").error("and\nhere")
    written = stream.getvalue().splitlines()
    assert len(written) == 3
    assert "session.opened" in written[0]
    assert "lead_id=3" in written[0]
    assert "\x1b" not in stream.getvalue()


def test_the_name_of_an_event_stays_also_where_a_field_of_it_is_called_event(
    stream: io.StringIO, journal: Journal
) -> None:
    configure_logging(stream=stream)
    journal.emit(CallUnknown(at=AT, call_id="c", event="HungUp"))
    (line,) = lines(stream)
    assert (line["event"], line["call_event"]) == ("call.unknown", "HungUp")


@pytest.mark.parametrize("kind", all_events(), ids=lambda kind: str(kind.name))
def test_no_event_has_room_for_a_number_or_name_of_a_person_or_a_secret(kind: type[Event]) -> None:
    personal = {"number", "phone", "name", "caller_id", "customer_key", "external_lead_id", "data", "postcode"}
    secret = {"secret", "password", "token", "url"}
    words = {field.name for field in fields(kind)}
    assert not words & (personal | secret)


def test_every_event_has_a_name_of_its_own() -> None:
    names = [kind.name for kind in all_events()]
    assert len(set(names)) == len(names)


class Times:
    """A clock for repeats that the test moves."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def times() -> Times:
    return Times()


@pytest.fixture
def counted(stream: io.StringIO, times: Times) -> io.StringIO:
    configure_logging("debug", stream=stream, repeats=Repeats(lines_max=3, window_s=10, now=times))
    return stream


def test_a_fault_that_repeats_is_written_a_few_times_and_then_counted(
    counted: io.StringIO, journal: Journal, times: Times
) -> None:
    for second in range(9):
        times.now_s = second
        journal.emit(FAILED)
    assert [line["event"] for line in lines(counted)] == ["store.failed"] * 3
    times.now_s = 10
    journal.emit(OPENED)
    *_, summary, opened = lines(counted)
    assert summary == {
        "ts": AT.isoformat(),
        "level": "error",
        "event": "store.failed",
        "error": "disk full",
        "repeated": 6,
    }
    assert opened["event"] == "session.opened"
    journal.emit(FAILED)
    assert "repeated" not in lines(counted)[-1]
    assert len(lines(counted)) == 6


def test_of_warnings_the_same_with_other_ids_and_measures_is_a_repetition(
    counted: io.StringIO, journal: Journal
) -> None:
    for number in range(5):
        journal.emit(CallUnknown(at=AT, call_id=f"c{number}", event="HungUp"))
    journal.emit(CallUnknown(at=AT, call_id="c", event="Answered"))
    configure_logging(stream=io.StringIO())
    told = [(line["call_id"], line["call_event"], line.get("repeated")) for line in lines(counted)]
    assert told == [
        ("c0", "HungUp", None),
        ("c1", "HungUp", None),
        ("c2", "HungUp", None),
        ("c", "Answered", None),
        ("c4", "HungUp", 2),
    ]


def test_every_session_has_its_lines_however_many_there_are(counted: io.StringIO, journal: Journal) -> None:
    for number in range(50):
        journal.emit(replace(OPENED, session_id=str(number), seq=number))
    assert [line["seq"] for line in lines(counted)] == list(range(50))


class CountingStream(io.StringIO):
    """Counts its flushes, each of which is a system call."""

    flushes = 0

    def flush(self) -> None:
        self.flushes += 1


async def test_lines_of_one_turn_of_the_loop_are_written_together(journal: Journal) -> None:
    stream = CountingStream()
    configure_logging(stream=stream)
    for seq in range(5):
        journal.emit(replace(OPENED, seq=seq))
    assert stream.getvalue() == ""
    await anyio.lowlevel.checkpoint()
    assert ([line["seq"] for line in lines(stream)], stream.flushes) == ([0, 1, 2, 3, 4], 1)


async def test_a_warning_is_written_at_once_behind_what_waits(journal: Journal) -> None:
    stream = CountingStream()
    configure_logging(stream=stream)
    journal.emit(OPENED)
    journal.emit(FAILED)
    assert [line["event"] for line in lines(stream)] == ["session.opened", "store.failed"]
    await anyio.lowlevel.checkpoint()
    assert len(lines(stream)) == 2


async def test_what_waits_is_written_when_the_log_is_closed(journal: Journal) -> None:
    stream = io.StringIO()
    configure_logging(stream=stream)
    journal.emit(OPENED)
    configure_logging(stream=io.StringIO())
    assert [line["event"] for line in lines(stream)] == ["session.opened"]


async def test_a_log_that_nobody_reads_any_more_stops_nothing(journal: Journal) -> None:
    failures: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
    stream = io.StringIO()
    configure_logging(stream=stream)
    journal.emit(OPENED)
    stream.close()
    await anyio.lowlevel.checkpoint()
    assert failures == []


def test_records_of_loggers_are_counted_too_and_what_is_left_is_told_at_the_end(counted: io.StringIO) -> None:
    log = logging.getLogger("x")
    for number in range(5):
        try:
            raise ValueError(f"row {number}")
        except ValueError:
            log.exception("failed", extra={"took_s": 0.1 * number})
    assert len(lines(counted)) == 3
    (handler,) = (each for each in logging.getLogger().handlers if isinstance(each, Lines))
    handler.close()
    assert (lines(counted)[-1]["repeated"], len(lines(counted))) == (2, 4)


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from([0, 0, 0, 1, 7, 30])), max_size=60))
def test_every_line_is_either_written_or_counted(said: list[tuple[int, int]]) -> None:
    times = Times()
    repeats = Repeats(lines_max=3, window_s=10, now=times)
    written: list[EventDict] = []
    for key, pause_s in said:
        times.now_s += pause_s
        written += repeats.pass_on({"level": "error", "event": f"e{key}"})
    written += repeats.rest()
    for key in range(4):
        told = [line for line in written if line["event"] == f"e{key}"]
        assert sum(int(str(line.get("repeated", 1))) for line in told) == sum(one == key for one, _ in said)
    assert list(repeats.rest()) == []


def test_what_is_remembered_of_repetitions_is_bounded(times: Times) -> None:
    repeats = Repeats(lines_max=1, window_s=10, now=times)
    for _ in range(2):
        list(repeats.pass_on({"level": "error", "event": "first"}))
    told = [line for number in range(KEYS_MAX) for line in repeats.pass_on({"level": "error", "event": f"e{number}"})]
    assert len(repeats._said) == KEYS_MAX
    assert [line["event"] for line in told if "repeated" in line] == ["first"]


def test_a_number_that_slips_into_an_error_is_masked(stream: io.StringIO, journal: Journal) -> None:
    configure_logging(stream=stream)
    try:
        raise ValueError("number +12025550100 is not one")
    except ValueError:
        logging.getLogger("x").exception("can't call %s", "+442071838750")
    journal.emit(StoreFailed(at=AT, error="key (+12025550100) at 2026-06-01T15:00:00+00:00"))
    text = stream.getvalue()
    assert "5550100" not in text
    assert "71838750" not in text
    assert lines(stream)[1]["error"] == "key (+120***) at 2026-06-01T15:00:00+00:00"
    assert "ValueError: number +120*** is not one" in str(lines(stream)[0]["exception"])


SIMULATED = '[simulated]\n[log]\nlevel = "info"\n'


@pytest.mark.slow
def test_a_reload_changes_the_levels_of_a_running_daemon_and_a_bad_one_changes_nothing() -> None:
    with installation(SIMULATED) as installed, installed.daemon() as daemon:
        for level, expected in (("info", "settings.reloaded"), ("nonsense", "settings.refused")):
            installed.configure(f'{SIMULATED}\n[log.parts]\ncampaign = "{level}"\n"dialler.api" = "error"\n')
            os.kill(daemon.pid, signal.SIGHUP)
            daemon.await_event(expected)
        assert daemon.events("settings.reloaded")[0]["changed"] == ["log.parts.campaign", "log.parts.dialler.api"]
        assert "log.parts" in str(daemon.events("settings.refused")[0]["mistakes"])

        installed.configure(SIMULATED.replace("info", "error"))
        os.kill(daemon.pid, signal.SIGHUP)
        # The reload's own line is below the level that it brings: what tells of it is that the start is silent, too.
        installed.ok("campaign", "create", "c", "--timezone", "UTC", "--pacing", "agentless", "--message", "acme/news")
        installed.ok("campaign", "start", "c")
        installed.configure(SIMULATED)
        os.kill(daemon.pid, signal.SIGHUP)
        daemon.await_event("settings.reloaded", count=2)
        installed.ok("campaign", "stop", "c")
        daemon.await_event("campaign.followed", desired="stopped", within_s=20)
        assert daemon.events("campaign.followed", desired="running") == []
