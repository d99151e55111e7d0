"""Commands as clients of a daemon that runs."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal

from dialler.api.desk import Desk
from dialler.api.serving import serve_api
from dialler.cli.lead_changes import wrap_at
from dialler.cli.options import Writing
from dialler.clock import SystemClock
from dialler.settings import load_settings
from dialler.stores.open import open_store
from tests.cli.conftest import Dialler
from tests.support.desks import FakeEngine


@pytest.fixture
def daemon(folder: Path, records: str) -> Iterator[FakeEngine]:
    """The API as a daemon serves it: it holds the records, and listens where the settings say."""
    settings = load_settings(folder / "dialler.toml")

    with start_blocking_portal("asyncio") as portal:
        store = portal.call(lambda: open_store(records, write=True, command="dialler run"))
        engine = FakeEngine(store)  # type: ignore[arg-type]
        desk = Desk(store=store, clock=SystemClock(), engine=engine)
        task, _ = portal.start_task(serve_api, desk, settings.api)
        yield engine
        task.cancel()
        portal.call(store.aclose)


def test_commands_go_to_the_daemon_that_holds_the_records(daemon: FakeEngine, spring: Dialler, folder: Path) -> None:
    started = spring("campaign", "start", "spring", "--json").json
    assert started["actual"] == "running"
    assert daemon.followed[-1] == {"spring": "running"}
    assert spring("status", "--json").json["engine"]["running"] is True
    shown = spring("status").out
    assert "3 ringing" in shown
    assert "why not more: no agent is ready" in shown
    heads, _, east = shown.splitlines()[-3:]
    assert "share %" in heads and "lasts" in heads
    assert "100" in east and "10 min" in east
    assert "PJSIP/7001" in spring("agent", "list").out


def test_an_import_is_streamed_to_the_daemon_and_its_rejects_come_back(
    daemon: FakeEngine, spring: Dialler, folder: Path
) -> None:
    where = ("--campaign", "spring", "--list", "east", "--region", "US", "--map", "number=Phone Number")
    report = spring("lead", "import", "leads.csv", *where, "--rejects", "rejects.csv", "--json").json
    assert (report["imported"], report["rejected"]) == (2, 1)
    assert len((folder / "rejects.csv").read_text().splitlines()) == 2
    refused = spring("lead", "import", "leads.csv", "--campaign", "spring", "--list", "north")
    assert (refused.code, "there is east" in refused.err) == (1, True)


def test_errors_of_the_daemon_keep_their_exit_codes(daemon: FakeEngine, spring: Dialler) -> None:
    assert spring("campaign", "show", "autumn").code == 1
    assert spring("campaign", "set", "spring", "--weight", "0").code == 2
    assert spring("lead", "search", "--list", "east").code == 2


def test_records_are_not_upgraded_under_a_daemon(daemon: FakeEngine, dialler: Dialler) -> None:
    done = dialler("db", "upgrade")
    assert done.code == 1
    assert "daemon" in done.err


def test_an_agent_looks_at_his_offer_accepts_it_or_skips_it(daemon: FakeEngine, spring: Dialler) -> None:
    shown = spring("agent", "offer", "PJSIP/7001").out
    assert "Ann +12125550101" in shown and "fields: clinic north" in shown
    assert spring("agent", "offer", "PJSIP/7001", "--json").json["dial_mode"] == "preview"
    assert "+12125550101 is called for PJSIP/7001" in spring("agent", "accept", "PJSIP/7001").out
    assert "lead 1 is not called" in spring("agent", "skip", "PJSIP/7001", "--reason", "called yesterday").out
    refused = spring("agent", "offer", "PJSIP/9")
    assert (refused.code, "agent PJSIP/9 has no offer" in refused.err) == (1, True)


def test_a_callback_for_an_agent_who_is_in_no_queue_is_taken_with_a_warning(
    daemon: FakeEngine, spring: Dialler, folder: Path
) -> None:
    where = ("--campaign", "spring", "--list", "east", "--region", "US", "--map", "number=Phone Number")
    spring("lead", "import", "leads.csv", *where)
    assert spring("campaign", "set", "spring", "--callbacks-to", "agent").code == 0
    at = f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%d}T12:00"
    refused = spring("callback", "set", "1", at, "--agent", "Ann from sales")
    assert (refused.code, "agent = 'Ann from sales': expected an agent" in refused.err) == (2, True), refused.err
    assert "PJSIP/9 is in no queue now" in spring("callback", "set", "1", at, "--agent", "PJSIP/9").err
    own = spring("agent", "callbacks", "PJSIP/9")
    assert own.err.count("PJSIP/9 is in no queue now") == 1
    assert "unknown" in spring("callback", "list").out
    spring("campaign", "start", "spring")
    assert "  callbacks: the next at " in spring("status").out
    there = spring("callback", "set", "1", at, "--agent", "PJSIP/7001")
    assert (there.code, there.err) == (0, "")


async def test_a_wrap_code_tells_of_an_agent_who_is_in_no_queue(capsys: pytest.CaptureFixture[str]) -> None:
    class Api:
        async def post(self, path: str, body: dict[str, object]) -> dict[str, object]:
            told = {"session_id": "s", "wrap_code": body["code"], "status": "complete", "callback_at": None}
            return {**told, "warning": f"{body['note']}: he is not there"}

    await wrap_at(Api(), "/wrap", "callback", "later", "2026-06-03T10:00", "PJSIP/9", Writing())  # type: ignore[arg-type]
    said = capsys.readouterr()
    assert "wrapped CALLBACK" in said.out and said.err == "later: he is not there\n"
