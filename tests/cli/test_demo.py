"""`dialler demo` as a newcomer meets it: a process of its own in an empty folder."""

import os
import re
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

pytestmark = pytest.mark.slow

CALL = re.compile(r"^\d\d:\d\d:\d\d  (gold|silver|fresh) .* [A-Z_]{4,}")
COMMAND = (sys.executable, "-m", "dialler.cli", "demo", "--speed", "10")


BOARD = re.compile(r"^  board     (http://127\.0\.0\.1:\d+)$", re.MULTILINE)


def boards_of(process: "subprocess.Popen[str]") -> list[int]:
    """Return the processes of a demo's boards."""
    return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


@contextmanager
def started(folder: Path, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """A demo that runs, in a process group of its own as a terminal would give it; killed at the end."""
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)


def run_to_the_end(folder: Path, *arguments: str) -> str:
    with started(folder, *arguments) as process:
        out, err = process.communicate(timeout=90)
        assert (process.returncode, err) == (0, "")
    return out


def read_until(process: "subprocess.Popen[str]", pattern: str | re.Pattern[str]) -> re.Match[str]:
    """Read what it prints up to a line that matches; return the match."""
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(pattern, line):
            return found
    raise AssertionError(f"it ended without {pattern!r}: {process.stderr.read() if process.stderr else ''}")


def calls_in(summary: str) -> int:
    found = re.search(r"^calls (\d+), sessions open 0, unaccounted 0$", summary, re.MULTILINE)
    assert found, summary
    return int(found.group(1))


def test_a_demo_calls_sums_up_and_a_second_run_goes_on(tmp_path: Path) -> None:
    first = run_to_the_end(tmp_path, "--for", "3s")
    shown = [line for line in first.splitlines() if CALL.match(line)]
    assert len(shown) == calls_in(first) > 5  # Each call is shown, those that end after the last one was placed too.
    assert "campaign 'demo' begins" in first
    second = run_to_the_end(tmp_path, "--for", "2s")
    assert "goes on where it stopped" in second
    assert calls_in(second) > calls_in(first)
    anew = run_to_the_end(tmp_path, "--for", "1s", "--fresh")
    assert "begins" in anew
    assert calls_in(anew) < calls_in(second)


def test_a_second_demo_in_the_folder_is_refused_and_ctrl_c_twice_ends_the_first_at_once(tmp_path: Path) -> None:
    with started(tmp_path) as process:
        read_until(process, CALL)
        # Fresh it would throw away the records that the first one has open.
        again = [*COMMAND, "--fresh"]
        refused = subprocess.run(again, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
        assert refused.returncode == 1
        assert refused.stderr.count("\n") == 1
        assert f"process {process.pid}" in refused.stderr
        assert "a demo runs in this folder already" in refused.stderr
        os.killpg(process.pid, signal.SIGINT)
        read_until(process, "stopping: no new calls")
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (0, "")
        assert calls_in(out) > 0


def until_gone(pid: int) -> None:
    """Wait for the end of a process that is not our child."""
    with suppress(ProcessLookupError), closing_fd(os.pidfd_open(pid)) as descriptor:
        ready, _, _ = select.select([descriptor], [], [], 60)
        assert ready, f"process {pid} still runs"


@contextmanager
def closing_fd(descriptor: int) -> Iterator[int]:
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def test_the_board_of_a_demo_shows_it_from_its_first_line_to_its_end_and_goes_with_it(tmp_path: Path) -> None:
    with started(tmp_path) as process:
        url = read_until(process, BOARD)[1]
        [board] = boards_of(process)
        shown = httpx.get(f"{url}/board.json", trust_env=False, timeout=60).json()
        assert [campaign["name"] for campaign in shown["campaigns"]] == ["demo"]
        os.killpg(process.pid, signal.SIGINT)
        read_until(process, "stopping: no new calls")
        # Ctrl-C is not for the board: it shows how the last calls end.
        assert httpx.get(f"{url}/board.json", trust_env=False, timeout=60).status_code == 200
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (0, "")
        until_gone(board)


def test_a_demo_that_is_killed_leaves_no_board_behind(tmp_path: Path) -> None:
    with started(tmp_path) as process:
        read_until(process, BOARD)
        [board] = boards_of(process)
        process.kill()
        process.wait(60)
        until_gone(board)


def test_a_demo_takes_another_port_or_does_without_a_board(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    with started(first) as one, started(second) as other:
        assert read_until(one, BOARD)[1] != read_until(other, BOARD)[1]
    told = run_to_the_end(tmp_path, "--for", "1s", "--no-web")
    assert not BOARD.search(told)
    assert not (tmp_path / ".demo" / "board.log").exists()


def test_a_demo_whose_reader_goes_away_ends_without_a_word(tmp_path: Path) -> None:
    with started(tmp_path) as process:
        read_until(process, "Ctrl-C ends it")
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(60) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_a_demo_in_a_deep_folder_has_its_socket_elsewhere_and_can_be_asked(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    with started(deep) as process:
        read_until(process, CALL)
        asked = subprocess.run(
            [*COMMAND[:3], "status", "-c", ".demo/demo.toml"], cwd=deep, capture_output=True, text=True, timeout=60
        )
        assert (asked.returncode, asked.stderr) == (0, "")
        assert "campaign demo: running" in asked.stdout
        os.killpg(process.pid, signal.SIGTERM)
        read_until(process, "stopping")
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate(timeout=60)
        assert process.returncode == 0


def test_a_folder_that_can_not_be_used_is_told_in_a_line(tmp_path: Path) -> None:
    (tmp_path / ".demo").write_text("in the way")
    done = subprocess.run(COMMAND, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert done.stderr.startswith("dialler: .demo: ")
    assert done.stderr.count("\n") == 1
