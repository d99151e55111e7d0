"""Logs: one line for each event, as JSON or text, and nothing personal in it."""

import io
import json
import logging
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime

import pytest

from dialler import events
from dialler.domain.outcome import Outcome
from dialler.domain.session import SessionStatus
from dialler.events import Event, Journal, LinkChanged, PacingDecided, SessionClosed, SessionOpened, StoreFailed
from dialler.logs import QUIET, configure_logging, log_events

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


@pytest.mark.parametrize("kind", all_events(), ids=lambda kind: str(kind.name))
def test_no_event_has_room_for_a_number_or_name_of_a_person_or_a_secret(kind: type[Event]) -> None:
    personal = {"number", "phone", "name", "caller_id", "customer_key", "external_lead_id", "data", "postcode"}
    secret = {"secret", "password", "token", "url"}
    words = {field.name for field in fields(kind)}
    assert not words & (personal | secret)


def test_every_event_has_a_name_of_its_own() -> None:
    names = [kind.name for kind in all_events()]
    assert len(set(names)) == len(names)
