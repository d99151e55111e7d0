"""The install guide says what is so: its settings load, its commands exist, its files are shipped."""

import re
from pathlib import Path

import pytest

from dialler.app.run import START_TIMEOUT_S
from dialler.cli.root import app
from dialler.settings import load_settings
from telephony.ami.transcript import FILE_BYTES_MAX, FILES_MAX

ROOT = Path(__file__).resolve().parent.parent
GUIDE = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
LINES = [line.strip() for line in GUIDE.splitlines() if line.startswith("    ")]


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


def commands() -> list[str]:
    """Return the guide's commands of `dialler`, without what stands before it, in blocks and in the text."""
    inline = re.findall(r"`(?:/opt/\S+/)?(dialler [^`]+)`", GUIDE)
    blocks = [
        found[1]
        for line in LINES
        if (found := re.search(r"(?:^|[\s/])(dialler (?!-\$)[a-z][^;)|]*)$", line.rstrip(")")))
    ]
    return sorted({*inline, *blocks} - {"dialler web"})


@pytest.mark.parametrize("command", commands())
def test_every_command_of_the_guide_is_one(command: str) -> None:
    words = command.split()[1:]
    verb = app
    for word in words:
        if word.startswith("-") or word not in verb:
            break
        verb = verb[word]
    assert verb is not app or words[0] in ("--version", "..."), command
    for option in re.findall(r" (--[a-z-]+)", command):
        known = {name for argument in verb.assemble_argument_collection() for name in argument.names}
        assert option in known, (command, option)


def test_the_guide_has_commands() -> None:
    assert len(commands()) > 10


def test_every_packaged_file_of_the_guide_is_shipped() -> None:
    for name in re.findall(r"/opt/dialler/share/dialler/(systemd/\S+|config/[\w.]+toml)", GUIDE):
        assert (ROOT / name.rstrip("`.")).exists(), name


def test_the_guide_tells_the_bounds_that_hold() -> None:
    text = " ".join(GUIDE.split())
    assert f"within {START_TIMEOUT_S:.0f} seconds it fails" in text
    assert f"{FILE_BYTES_MAX >> 20} MiB and the {FILE_BYTES_MAX >> 20} MiB before" in text
    assert FILES_MAX == 5
    assert "the last five starts" in text
