"""The systemd unit, as its files say: systemd itself is not asked, so this also works where it does not run."""

import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from dialler.doctor.access import user_named
from dialler.doctor.finding import Finding, fail, or_ok, skip, warn

NAME: Final = "dialler.service"
FOLDERS: Final = tuple(
    Path(folder)
    for folder in (
        "/etc/systemd/system",
        "/run/systemd/system",
        "/usr/local/lib/systemd/system",
        "/usr/lib/systemd/system",
        "/lib/systemd/system",
    )
)
RUNNING: Final = Path("/run/systemd/system")
"""sd_booted(3): a folder that is there where systemd runs."""

STOP_DEFAULT_S: Final = 90.0  # systemd-system.conf(5), DefaultTimeoutStopSec
_UNITS: Final = {"us": 1e-6, "ms": 1e-3, "": 1.0, "s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def read_unit(folders: Sequence[Path] = FOLDERS) -> tuple[Path, dict[str, str]] | None:
    """Return the unit's file and its settings, each with the last value given; None where it is not installed."""
    main = next((folder / NAME for folder in folders if (folder / NAME).is_file()), None)
    if main is None:
        return None
    drop_ins = {path.name: path for folder in reversed(folders) for path in (folder / f"{NAME}.d").glob("*.conf")}
    settings: dict[str, str] = {}
    for path in (main, *(drop_ins[name] for name in sorted(drop_ins))):
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        for line in text.replace("\\\n", " ").splitlines():
            key, equals, value = line.partition("=")
            if equals and not line.lstrip().startswith(("#", ";")):
                settings[key.strip()] = value.strip()
    return main, settings


def seconds(span: str) -> float | None:
    """Return a time span as systemd.time(7) has it, "90" or "1min 30s"; None for infinity and what is not one."""
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*([a-z]*)", span)
    if not parts or any(unit not in _UNITS for _, unit in parts):
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def unit(
    found: tuple[Path, Mapping[str, str]] | None, *, systemd_runs: bool, settings_file: Path, drain_timeout_s: float
) -> list[Finding]:
    """Judge the unit that `read_unit` found, against these settings."""
    if found is None and not systemd_runs:
        return [skip("systemd", "systemd does not run here, and there is no unit")]
    if found is None:
        advice = "copy systemd/dialler.service to /etc/systemd/system/, then `systemctl enable --now dialler`"
        return [warn("systemd", f"there is no {NAME}: nothing starts the daemon again after a crash", advice)]
    path, values = found
    problems = [*_watched(values), *_started(values, settings_file)]
    stop_s = seconds(values.get("TimeoutStopSec", str(STOP_DEFAULT_S)))
    if stop_s is not None and stop_s <= drain_timeout_s:
        problems.append(
            warn(
                "systemd",
                f"TimeoutStopSec is {stop_s:g} s, and live calls have {drain_timeout_s:g} s to end in:"
                " systemd kills the daemon first",
                "raise TimeoutStopSec 15 s above [engine] drain_timeout_s",
            )
        )
    return or_ok(problems, "systemd", f"{path}, watchdog {values.get('WatchdogSec', '')}")


def _watched(values: Mapping[str, str]) -> list[Finding]:
    problems = []
    if values.get("Type") not in ("notify", "notify-reload"):
        found = f"Type={values.get('Type', 'simple')}: systemd does not learn when the daemon is ready or stuck"
        problems.append(warn("systemd", found, "set Type=notify, as in systemd/dialler.service"))
    if not seconds(values.get("WatchdogSec", "0")):
        found = "no watchdog: a daemon that is stuck is not started anew"
        problems.append(warn("systemd", found, "set WatchdogSec=30, as in systemd/dialler.service"))
    if values.get("Restart") not in ("on-failure", "always", "on-abnormal", "on-watchdog"):
        found = f"Restart={values.get('Restart', 'no')}: a daemon that crashed stays down"
        problems.append(warn("systemd", found, "set Restart=on-failure, as in systemd/dialler.service"))
    return problems


def _started(values: Mapping[str, str], settings_file: Path) -> list[Finding]:
    problems = []
    user = values.get("User", "root")
    if user == "root":
        found = "the daemon runs as root, which it has no need of"
        problems.append(warn("systemd", found, "set User=dialler, as in systemd/dialler.service"))
    elif user_named(user) is None:
        advice = f"useradd --system --user-group --home-dir /var/lib/dialler {user}"
        problems.append(fail("systemd", f"there is no user {user}, which the unit runs as", advice))
    words = (
        shlex.split(values.get("ExecStart", ""), posix=True) if values.get("ExecStart", "").count('"') % 2 == 0 else []
    )
    program = words[0].lstrip("-@:+!") if words else ""
    if program and not Path(program).is_file():
        found = f"ExecStart names {program}, which is not there"
        problems.append(fail("systemd", found, "change ExecStart to where the dialler is installed"))
    named = _config_of(words)
    if named is not None and named.is_absolute() and named.resolve() != settings_file.resolve():
        found = f"the unit runs {named}, and this examined {settings_file}"
        problems.append(warn("systemd", found, f"examine the unit's own: dialler doctor -c {named}"))
    return problems


def _config_of(words: Sequence[str]) -> Path | None:
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word in ("-c", "--config") and following:
            return Path(following)
        if word.startswith("--config="):
            return Path(word.partition("=")[2])
    return None
