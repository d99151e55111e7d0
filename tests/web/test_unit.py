"""The unit of `dialler web`: what systemd does with it, and what it keeps it from."""

import ctypes
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dialler.cli.root import app
from tests.support.exchanges import give_up
from tests.support.web import started

ROOT = Path(__file__).resolve().parents[2]
UNIT = ROOT / "systemd" / "dialler-web.service"
DAEMON = ROOT / "systemd" / "dialler.service"
PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN = 65, 1  # prctl(2)


def settings_of(unit: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key, value in re.findall(r"^(\w+)=(.*)$", unit.read_text(encoding="utf-8"), re.MULTILINE):
        found.setdefault(key, []).append(value)
    return found


WEB = settings_of(UNIT)


def systemd_analyze(*arguments: str, unit: Path) -> "subprocess.CompletedProcess[str]":
    """Have systemd look at a unit; the test is skipped where there is none, or fails if it must be."""
    path = shutil.which("systemd-analyze")
    if path is None:
        give_up("systemd", "systemd-analyze is not installed")
    return subprocess.run([path, *arguments, str(unit)], capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The unit as it would be where the program that it starts is installed."""
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text(encoding="utf-8").replace("/opt/dialler/bin/dialler", "/bin/true"))
    return copy


def test_systemd_finds_nothing_wrong_with_the_unit(installed: Path) -> None:
    done = systemd_analyze("verify", "--recursive-errors=no", unit=installed)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_unit_is_exposed_no_more_than_the_daemons(installed: Path) -> None:
    done = systemd_analyze("security", "--offline=yes", "--threshold=10", unit=installed)
    assert done.returncode == 0, done.stdout[-500:] + done.stderr


def test_whatever_the_daemon_is_kept_from_the_board_is_kept_from_too() -> None:
    hardening = {
        key for key in settings_of(DAEMON) if re.match(r"Protect|Private|Restrict[^P]|NoNew|Cap|Amb|Lock|Sys|Rem", key)
    }
    assert len(hardening) > 15
    for key in hardening:
        assert WEB[key] == settings_of(DAEMON)[key], key
    assert WEB["IPAddressDeny"] == ["any"]
    assert WEB["IPAddressAllow"] == ["localhost"]


def test_it_is_nobody_in_particular_reads_by_its_group_and_is_given_no_secret() -> None:
    assert WEB["DynamicUser"] == ["yes"]
    assert WEB["SupplementaryGroups"] == settings_of(DAEMON)["Group"]
    assert not [key for key in WEB if "Credential" in key or key in ("User", "EnvironmentFile", "StateDirectory")]
    # It would be taken for the folder of the daemon's socket.
    assert "RuntimeDirectory" not in WEB


def test_it_comes_after_the_daemon_and_neither_starts_nor_follows_it() -> None:
    assert "dialler.service" in WEB["After"][0].split()
    assert not {"Wants", "Requires", "BindsTo", "PartOf", "Requisite", "Upholds"} & WEB.keys()


def test_it_is_started_anew_where_that_helps() -> None:
    assert WEB["Type"] == ["notify"]
    assert WEB["WatchdogSec"] == ["30"]
    assert WEB["Restart"] == ["on-failure"]
    assert WEB["RestartPreventExitStatus"] == ["2"]


def test_it_runs_a_command_that_there_is_on_the_settings_of_the_daemon() -> None:
    [start] = WEB["ExecStart"]
    assert start == "/opt/dialler/bin/dialler web -c /etc/dialler/dialler.toml"
    assert "web" in app
    assert settings_of(DAEMON)["ExecStart"] == [start.replace(" web ", " run ")]


def test_it_runs_where_no_memory_may_be_both_written_and_executed(tmp_path: Path) -> None:
    """As under MemoryDenyWriteExecute=."""
    (tmp_path / "dialler.toml").write_text('[web]\nlisten = "127.0.0.1:0"\n', encoding="utf-8")

    def deny() -> None:
        if ctypes.CDLL(None).prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) != 0:
            raise OSError("no PR_SET_MDWE here")

    try:
        subprocess.run([sys.executable, "-c", ""], preexec_fn=deny, check=True, timeout=60)
    except subprocess.SubprocessError:
        pytest.skip("this kernel knows no PR_SET_MDWE")
    with started(tmp_path / "dialler.toml", preexec=deny) as web:
        web.until("away")
        assert web.stop() == 0
