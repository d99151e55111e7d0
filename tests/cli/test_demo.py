"""`dialler demo` as a newcomer meets it: a process of its own in an empty folder."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

CALL = re.compile(r"^\d\d:\d\d:\d\d  (gold|silver|fresh) .* [A-Z_]{4,}")
COMMAND = (sys.executable, "-m", "dialler.cli", "demo", "--speed", "10")


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


def read_until(process: "subprocess.Popen[str]", pattern: str | re.Pattern[str]) -> None:
    """Read what it prints up to a line that matches."""
    assert process.stdout is not None
    for line in process.stdout:
        if re.search(pattern, line):
            return
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
