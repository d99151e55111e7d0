"""`kill -9` in the middle of an import's stages: it goes on where it was, and each row ends in exactly one way."""

import csv
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from tests.support.daemon import DIALLER, Installation, environment, installation
from tests.support.lead_files import MAP_OPTIONS, expected_counts, write_lead_file

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

SIMULATED = """
[telephony]
kind = "simulated"
[[simulated.trunks]]
name = "carrier"
server = "simulated"
calls_per_second = 5
channels = 5
[metrics]
port_fallback = true
"""
ROWS = 12_000


@pytest.fixture
def installed() -> Iterator[Installation]:
    with installation(SIMULATED) as made:
        made.ok(
            "campaign",
            "create",
            "hospitals",
            "--pacing",
            "agentless",
            "--message",
            "acme/news",
            "--timezone",
            "America/New_York",
        )
        made.ok("list", "create", "hospitals", "all")
        yield made


def staged(installed: Installation, import_id: int) -> tuple[str, int]:
    """Return an import's stage and cursor: read from the file, since a process each time would take too long."""
    connection = sqlite3.connect(f"file:{installed.records}?mode=ro", uri=True)
    try:
        row = connection.execute("SELECT stage, row_done FROM imports WHERE import_id = ?", (import_id,)).fetchone()
    finally:
        connection.close()
    return (row[0], row[1]) if row is not None else ("", 0)


def until(condition: Callable[[], bool], what: str, *, within_s: float = 60.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {within_s:g} s for {what}"
        time.sleep(0.02)


@contextmanager
def slowed(installed: Installation, stage: str) -> Iterator[None]:
    """Let the rest of a stage, beyond its first thousand rows, take a second: whoever looks for it does not miss it.

    All 12,000 rows take a tenth of a second otherwise, for which a busy machine may look away.
    """
    ten = "(VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9))"
    million = ", ".join(f"{ten} AS x{n}" for n in range(6))
    with closing(sqlite3.connect(installed.records, timeout=60, isolation_level=None)) as connection:
        connection.execute(
            "CREATE TRIGGER slowed AFTER UPDATE OF row_done ON imports"
            f" WHEN OLD.stage = '{stage}' AND OLD.row_done > 1000"
            f" BEGIN SELECT SUM(x0.column1 + x5.column1) FROM {million}; END"
        )
    yield
    with closing(sqlite3.connect(installed.records, timeout=60, isolation_level=None)) as connection:
        connection.execute("DROP TRIGGER slowed")


def killed_at(installed: Installation, import_id: int, stage: str, *arguments: str | Path) -> int:
    """Carry out a command line and kill it once it has done with a part of a stage; return how far it was."""
    with slowed(installed, stage):
        process = subprocess.Popen(
            [DIALLER, *arguments, "-c", installed.file],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=installed.folder,
            env=environment(),
        )
        try:
            until(lambda: staged(installed, import_id)[0] == stage and staged(installed, import_id)[1] > 500, stage)
        finally:
            process.kill()
            process.wait()
    now, cursor = staged(installed, import_id)
    assert now == stage, f"it was over before it could be killed: at {now}"
    return cursor


MAP = [*(word for each in MAP_OPTIONS for word in ("--map", each)), "--region", "US"]


def mapped(installed: Installation, import_id: int) -> None:
    installed.ok("import", "map", str(import_id), *MAP)


def test_a_file_staged_by_hand_and_killed_in_the_check_is_loaded_and_later_updated_by_customer_key(
    installed: Installation, tmp_path: Path
) -> None:
    file = write_lead_file(tmp_path / "many.csv", rows=ROWS, invalid=40, repeats=60)
    expected = expected_counts(file)
    installed.ok("import", "start", "--campaign", "hospitals", "--list", "all")
    preview = installed.ask("import", "file", "1", file)
    assert (preview["rows"], preview["stage"]) == (expected.rows, "mapping")
    mapped(installed, 1)
    killed_at(installed, 1, "check", "import", "check", "1")
    checked = installed.ask("import", "resume", "1")
    assert (checked["stage"], checked["counts"]["valid"]) == ("review", expected.imported)
    review = installed.ask("import", "review", "1")["review"]
    assert (review["new"], review["existing"], review["invalid"]) == (expected.imported, 0, expected.rejected)
    report = installed.ask("import", "run", "1")["report"]
    assert [report[key] for key in ("rows", "imported", "updated", "rejected", "skipped", "duplicates")] == [
        expected.rows, expected.imported, 0, expected.rejected, 0, expected.duplicates,
    ]  # fmt: skip

    changed = tmp_path / "changed.csv"
    keys = write_changed(file, changed)
    installed.ok("import", "start", "--campaign", "hospitals", "--list", "all")
    installed.ok("import", "file", "2", changed)
    mapped(installed, 2)
    installed.ok("import", "check", "2")
    review = installed.ask("import", "review", "2", "--update-existing")["review"]
    assert (review["new"], review["existing"]) == (0, 3)
    report = installed.ask("import", "run", "2")["report"]
    assert [report[key] for key in ("rows", "imported", "updated", "duplicates")] == [3, 0, 3, 0]
    for key in keys:
        [lead] = installed.pages("lead", "search", "--customer-key", key)
        assert lead["name"] == f"CHANGED {key}"
    assert count_leads(installed) == expected.imported
    assert installed.problems() == []


def write_changed(file: Path, changed: Path) -> list[str]:
    """Write three rows of a file with other names; return their keys."""
    with file.open(newline="", encoding="utf-8") as source, changed.open("w", newline="", encoding="utf-8") as sink:
        rows = csv.DictReader(source)
        assert rows.fieldnames is not None
        lines = csv.DictWriter(sink, rows.fieldnames)
        lines.writeheader()
        keys = []
        for row in rows:
            if len(keys) < 3:
                keys.append(row["Provider ID"])
                lines.writerow({**row, "Hospital Name": f"CHANGED {row['Provider ID']}"})
    return keys


def test_a_daemon_killed_in_each_stage_goes_on_where_it_was(installed: Installation, tmp_path: Path) -> None:
    file = write_lead_file(tmp_path / "many.csv", rows=ROWS, invalid=40, repeats=60)
    expected = expected_counts(file)
    with installed.daemon() as daemon:
        installed.ok("import", "start", "--campaign", "hospitals", "--list", "all")
        killed_with(installed, daemon.kill, "file", "POST", "/imports/1/file?name=many.csv", file.read_bytes())
    with installed.daemon() as daemon:
        assert installed.ask("import", "show", "1")["stage"] == "file"
        installed.ok("import", "file", "1", file)
        mapped(installed, 1)
        killed_with(installed, daemon.kill, "check", "POST", "/imports/1/check")
    with installed.daemon() as daemon:
        assert installed.ask("import", "resume", "1")["stage"] == "review"
        installed.ok("import", "review", "1")
        killed_with(installed, daemon.kill, "run", "POST", "/imports/1/run")
    with installed.daemon():
        report = installed.ask("import", "resume", "1")["report"]
        assert [report[key] for key in ("rows", "imported", "updated", "rejected", "skipped")] == [
            expected.rows, expected.imported, 0, expected.rejected, 0,
        ]  # fmt: skip
        assert report["duplicates"] == expected.duplicates
        rows = installed.pages("import", "rows", "1")
        assert {row["status"] for row in rows} == {"rejected"} and len(rows) == expected.rejected
    assert count_leads(installed) == expected.imported
    assert installed.problems() == []


def test_a_file_loaded_in_one_go_and_killed_is_loaded_to_its_end_by_resuming(
    installed: Installation, tmp_path: Path
) -> None:
    file = write_lead_file(tmp_path / "many.csv", rows=ROWS, invalid=40, repeats=60)
    expected = expected_counts(file)
    killed_at(installed, 1, "run", "lead", "import", file, "--campaign", "hospitals", "--list", "all", *MAP)
    kept = installed.run("import", "show", "1")
    assert kept.stderr == "next: dialler import resume 1\n"
    report = installed.ask("import", "resume", "1")["report"]
    assert [report[key] for key in ("rows", "imported", "updated", "rejected", "skipped", "duplicates")] == [
        expected.rows, expected.imported, 0, expected.rejected, 0, expected.duplicates,
    ]  # fmt: skip
    assert count_leads(installed) == expected.imported
    assert installed.problems() == []


def test_whoever_loads_a_file_is_told_how_to_go_on_when_the_daemon_is_killed(
    installed: Installation, tmp_path: Path
) -> None:
    file = write_lead_file(tmp_path / "many.csv", rows=ROWS, invalid=40, repeats=60)
    with installed.daemon() as daemon, slowed(installed, "check"):
        loading = subprocess.Popen(
            [DIALLER, "lead", "import", file, "--campaign", "hospitals", "--list", "all", *MAP, "-c", installed.file],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            cwd=installed.folder,
            env=environment(),
        )
        until(lambda: staged(installed, 1)[0] == "check" and staged(installed, 1)[1] > 1_000, "check")
        daemon.kill()
        _, said = loading.communicate(timeout=60)
    assert loading.returncode == 1
    way_on, reason = said.splitlines()[-2:]
    assert way_on.startswith("import 1: ") and "`dialler import resume 1` goes on with it" in way_on
    assert reason.startswith("dialler: the daemon broke off")
    with installed.daemon():
        assert installed.ask("import", "resume", "1")["report"]["imported"] == expected_counts(file).imported


def killed_with(
    installed: Installation, kill: Callable[[], None], stage: str, method: str, path: str, content: bytes = b""
) -> None:
    """Ask the daemon for something, and kill it once it has done with a part of it."""

    def body() -> Iterator[bytes]:
        for start in range(0, len(content), 20_000):
            yield content[start : start + 20_000]

    def ask() -> None:
        transport = httpx.HTTPTransport(uds=f"{installed.records}.sock")
        with httpx.Client(transport=transport, base_url="http://dialler", timeout=60) as client:
            try:
                client.request(method, path, content=body() if content else None)
            except httpx.TransportError:
                return

    asking = threading.Thread(target=ask, daemon=True)
    with slowed(installed, stage):
        asking.start()
        until(lambda: staged(installed, 1)[0] == stage and staged(installed, 1)[1] > 1_000, stage)
        kill()
    asking.join(60)
    now, cursor = staged(installed, 1)
    assert now == stage, f"it was over before it could be killed: at {now}, {cursor}"


def count_leads(installed: Installation) -> int:
    connection = sqlite3.connect(f"file:{installed.records}?mode=ro", uri=True)
    try:
        leads, keys = connection.execute("SELECT COUNT(*), COUNT(DISTINCT customer_key) FROM leads").fetchone()
    finally:
        connection.close()
    assert leads == keys
    return int(leads)
