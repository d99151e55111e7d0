"""The install guide says what is so: its settings load, its commands exist, its files are shipped."""

import re
from pathlib import Path

import pytest

from dialler.app.run import START_TIMEOUT_S
from dialler.settings import load_settings
from telephony.ami.transcript import FILE_BYTES_MAX, FILES_MAX
from tests.support.written_commands import check_command, commands_in

ROOT = Path(__file__).resolve().parent.parent
GUIDE = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")


def test_the_settings_of_the_guide_are_enough_for_the_daemon(tmp_path: Path) -> None:
    written = re.search(r"cat > /etc/dialler/dialler.toml <<'END'\n(.*?)\n    END", GUIDE, re.DOTALL)
    assert written is not None
    (tmp_path / "dialler.toml").write_text(written[1].replace("\n    ", "\n"), encoding="utf-8")
    (tmp_path / "ami-main").write_text("secret\n")
    settings = load_settings(tmp_path / "dialler.toml", environ={"CREDENTIALS_DIRECTORY": str(tmp_path)}, for_run=True)
    assert [trunk.name for trunk in settings.asterisk[0].trunks] == ["carrier-a"]


@pytest.mark.parametrize("url", re.findall(r'^    url = "(.*)"$', GUIDE, re.MULTILINE))
def test_the_records_of_the_guide_are_places_for_records(url: str, tmp_path: Path) -> None:
    (tmp_path / "dialler.toml").write_text(f'[store]\nurl = "{url}"\n', encoding="utf-8")
    load_settings(tmp_path / "dialler.toml", environ={})


COMMANDS = [command for command in commands_in(GUIDE) if command != "dialler web"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_guide_is_one(command: str) -> None:
    check_command(command)


def test_the_guide_has_commands() -> None:
    assert len(COMMANDS) > 10


def test_every_packaged_file_of_the_guide_is_shipped() -> None:
    for name in re.findall(r"/opt/dialler/share/dialler/(systemd/\S+|config/[\w.]+toml)", GUIDE):
        assert (ROOT / name.rstrip("`.")).exists(), name


def test_the_guide_tells_the_bounds_that_hold() -> None:
    text = " ".join(GUIDE.split())
    assert f"within {START_TIMEOUT_S:.0f} seconds it fails" in text
    assert f"{FILE_BYTES_MAX >> 20} MiB and the {FILE_BYTES_MAX >> 20} MiB before" in text
    assert FILES_MAX == 5
    assert "the last five starts" in text
