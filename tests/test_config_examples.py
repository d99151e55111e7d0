"""What is shipped works: every example loads, and the unit is one that systemd accepts."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from dialler.errors import SettingsError
from dialler.settings import Settings, TrunkSettings, for_run, load_settings
from dialler.settings.model import Section
from telephony.simulated.plan_table import plan_from_mapping
from tests.support.tools import tool

ROOT = Path(__file__).resolve().parent.parent
CONFIG = ROOT / "config"
UNIT = ROOT / "systemd" / "dialler.service"
SETTINGS = sorted(path for path in CONFIG.glob("*.toml") if "store" in tomllib.loads(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", sorted(CONFIG.rglob("*.toml")), ids=lambda path: str(path.relative_to(CONFIG)))
def test_every_shipped_toml_file_is_toml_and_begins_with_a_comment(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    tomllib.loads(text)
    assert text.startswith("#")


@pytest.mark.parametrize("path", SETTINGS, ids=lambda path: path.name)
def test_every_shipped_settings_file_loads(path: Path) -> None:
    load_settings(path, environ={})


def test_the_full_example_lacks_nothing_for_run_but_its_secret() -> None:
    assert [mistake.key for mistake in for_run(load_settings(CONFIG / "dialler.toml", environ={}))] in (
        [],
        ["asterisk[main].secret_file"],
    )


def test_the_minimal_example_is_minimal() -> None:
    assert tomllib.loads((CONFIG / "minimal.toml").read_text()).keys() == {"store"}


def test_the_simulated_example_is_enough_for_run_and_its_plan_is_one() -> None:
    settings = load_settings(CONFIG / "simulated.toml", environ={}, for_run=True)
    assert settings.simulated is not None
    assert plan_from_mapping(settings.simulated).trunks[0].name == "carrier-a"


def _keys(section: type[Section], prefix: str) -> set[str]:
    keys = set()
    for name, field in section.model_fields.items():
        kinds = [kind for kind in _parts(field.annotation) if isinstance(kind, type) and issubclass(kind, Section)]
        keys |= _keys(kinds[0], f"{prefix}{name}.") if kinds else {f"{prefix}{name}"}
    return keys


def _parts(annotation: object) -> list[object]:
    return [annotation, *(inner for part in getattr(annotation, "__args__", ()) for inner in _parts(part))]


def test_the_full_example_speaks_of_every_key_and_shows_its_default() -> None:
    text = (CONFIG / "dialler.toml").read_text(encoding="utf-8")
    plain = Settings.model_validate(
        {"store": {"url": "sqlite:///x.db"}, "asterisk": [{"name": "m"}], "metrics": {}, "redis": {"url": "redis://h"}}
    )
    trunk = TrunkSettings(name="t", dial="PJSIP/{number}@t", calls_per_second=1, channels=1)
    defaults = plain.model_dump(mode="json") | {"asterisk.trunks": [trunk.model_dump(mode="json")]}
    spoken = set(re.findall(r"\b(\w+) = ", text)) | {"parts", "simulated"}
    for key in _keys(Settings, ""):
        section, _, name = key.rpartition(".")
        if name == "seed":
            continue  # of the simulated network: simulated.toml
        assert name in spoken, key
    # A commented key that is not called an example shows the default.
    section = ""
    checked = 0
    for line in text.splitlines():
        if heading := re.match(r"(?:# )?\[+([\w.]+)\]+", line):
            section = heading[1]
        elif (shown := re.match(r"# (\w+) = ([^#]+?)\s*(?:#(.*))?$", line)) and "example" not in (shown[3] or ""):
            if section in ("api.tokens", "log.parts") or shown[1] == "socket":
                continue
            place = defaults[section][0] if section.startswith("asterisk") else defaults[section]
            assert tomllib.loads(f"v = {shown[2]}")["v"] == place[shown[1]], line
            checked += 1
    assert checked > 10


def test_the_examples_in_comments_are_valid_too(tmp_path: Path) -> None:
    text = (CONFIG / "dialler.toml").read_text(encoding="utf-8")
    uncommented = re.sub(r"^# ((?:\[\[?)?[\w.\"]+(?: = |\]\]?)[^.]*?.*)$", r"\1", text, flags=re.MULTILINE)
    assert "\n[[api.tokens]]" in uncommented
    assert "\ndrain_timeout_s" in uncommented
    path = tmp_path / "dialler.toml"
    path.write_text(uncommented)
    try:
        settings = load_settings(path, environ={})
    except SettingsError as error:
        pytest.fail(str(error))
    assert settings.api.tokens[0].name == "crm"
    assert settings.log.parts["session"] == "warning"


def _unit() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in UNIT.read_text(encoding="utf-8").splitlines():
        if "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


def test_the_unit_waits_longer_for_the_end_than_live_calls_have() -> None:
    drain_s = load_settings(CONFIG / "minimal.toml", environ={}).engine.drain_timeout_s
    assert int(_unit()["TimeoutStopSec"][0]) >= drain_s + 15


def test_the_unit_runs_the_daemon_on_the_settings_that_commands_find_by_themselves() -> None:
    assert _unit()["ExecStart"] == ["/opt/dialler/bin/dialler run -c /etc/dialler/dialler.toml"]
    assert _unit()["Type"] == ["notify"]
    assert _unit()["RuntimeDirectory"] == ["dialler"]


def _installed_unit(folder: Path) -> Path:
    """Return the unit as it would be where the program it starts is installed."""
    copy = folder / UNIT.name
    copy.write_text(UNIT.read_text(encoding="utf-8").replace("/opt/dialler/bin/dialler", "/bin/true"))
    return copy


def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    analyze = tool("systemd-analyze", of="systemd")
    command = [analyze, "verify", "--recursive-errors=no", str(_installed_unit(tmp_path))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_unit_is_not_more_exposed_than_it_was(tmp_path: Path) -> None:
    analyze = tool("systemd-analyze", of="systemd")
    command = [analyze, "security", "--offline=yes", "--threshold=20", str(_installed_unit(tmp_path))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout[-500:] + done.stderr
