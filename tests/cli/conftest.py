"""The command line in this process, on records of its own."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dialler.cli.root import run
from dialler.stores.upgrade import upgrade

CSV = """Name,Phone Number,State
Mercy General,202-555-0123,DC
St. Mary,(415) 555-0188,CA
Bad,123,TX
"""


@dataclass(frozen=True)
class Said:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Dialler = Callable[..., Said]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with settings, where commands are run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DIALLER_CONFIG", raising=False)
    (tmp_path / "dialler.toml").write_text('[store]\nurl = "sqlite:///records.db"\n')
    (tmp_path / "leads.csv").write_text(CSV)
    return tmp_path


@pytest.fixture
def records(folder: Path) -> str:
    """The url of records that are ready for use."""
    url = f"sqlite:///{folder / 'records.db'}"
    upgrade(url)
    return url


@pytest.fixture
def dialler(folder: Path, capsys: pytest.CaptureFixture[str]) -> Dialler:
    """Run a command line in this process."""

    def call(*arguments: str) -> Said:
        capsys.readouterr()
        code = run(arguments)
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return call


@pytest.fixture
def spring(records: str, dialler: Dialler) -> Dialler:
    """A command line on records with a campaign `spring` and its list `east`."""
    assert (
        dialler(
            "campaign", "create", "spring", "--pacing", "agentless", "--message", "acme/news", "--hours", "always"
        ).code
        == 0
    )
    assert dialler("list", "create", "spring", "east", "--weight", "70").code == 0
    return dialler
