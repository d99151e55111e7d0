"""The systemd unit, judged by its files."""

from pathlib import Path

import pytest

from dialler.doctor.finding import Finding, Verdict
from dialler.doctor.unit import read_unit, seconds, unit

SHIPPED = (Path(__file__).parents[2] / "systemd" / "dialler.service").read_text()
GOOD = SHIPPED.replace("/opt/dialler/bin/dialler run", "/bin/true run").replace("User=dialler", "User=daemon")
SETTINGS = Path("/etc/dialler/dialler.toml")


def judged(folder: Path, text: str | None, *, drain_s: float = 30.0, settings: Path = SETTINGS) -> list[Finding]:
    if text is not None:
        (folder / "dialler.service").write_text(text)
    return unit(read_unit([folder]), systemd_runs=True, settings_file=settings, drain_timeout_s=drain_s)


def test_the_shipped_unit_is_good(tmp_path: Path) -> None:
    [finding] = judged(tmp_path, GOOD)
    assert finding.verdict is Verdict.OK and "watchdog 30" in finding.found


def test_no_unit_is_warned_of_where_systemd_runs_and_does_not_matter_elsewhere(tmp_path: Path) -> None:
    [finding] = judged(tmp_path, None)
    assert finding.verdict is Verdict.WARN and "systemctl enable" in finding.advice
    [finding] = unit(None, systemd_runs=False, settings_file=SETTINGS, drain_timeout_s=30)
    assert finding.verdict is Verdict.SKIP


@pytest.mark.parametrize(
    ("old", "new", "verdict", "found", "advice"),
    [
        ("WatchdogSec=30", "", Verdict.WARN, "no watchdog", "WatchdogSec=30"),
        ("WatchdogSec=30", "WatchdogSec=0", Verdict.WARN, "no watchdog", "WatchdogSec=30"),
        ("Type=notify", "Type=simple", Verdict.WARN, "Type=simple", "Type=notify"),
        ("Restart=on-failure", "Restart=no", Verdict.WARN, "stays down", "Restart=on-failure"),
        ("TimeoutStopSec=90", "TimeoutStopSec=20", Verdict.WARN, "kills the daemon first", "TimeoutStopSec"),
        ("User=daemon", "", Verdict.WARN, "as root", "User=dialler"),
        ("User=daemon", "User=no-such-user", Verdict.FAIL, "no user no-such-user", "useradd"),
        ("/bin/true run", "/nowhere/dialler run", Verdict.FAIL, "/nowhere/dialler", "ExecStart"),
        ("-c /etc/dialler/dialler.toml", "-c /etc/other.toml", Verdict.WARN, "/etc/other.toml", "doctor -c"),
    ],
)
def test_a_unit_that_was_changed_for_the_worse_is_found(
    tmp_path: Path, old: str, new: str, verdict: Verdict, found: str, advice: str
) -> None:
    assert old in GOOD
    [finding] = judged(tmp_path, GOOD.replace(old, new))
    assert finding.verdict is verdict
    assert found in finding.found and advice in finding.advice


def test_a_drop_in_counts_more_than_the_unit(tmp_path: Path) -> None:
    (tmp_path / "dialler.service.d").mkdir()
    (tmp_path / "dialler.service.d" / "10-watch.conf").write_text("[Service]\nWatchdogSec=\n# WatchdogSec=30\n")
    [finding] = judged(tmp_path, GOOD)
    assert "no watchdog" in finding.found


@pytest.mark.parametrize(
    ("span", "value"),
    [("90", 90.0), ("1min 30s", 90.0), ("500ms", 0.5), ("2h", 7200.0), ("infinity", None), ("", None)],
)
def test_time_spans_are_read_as_systemd_does(span: str, value: float | None) -> None:
    assert seconds(span) == value
