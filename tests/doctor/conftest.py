"""A good installation, to be spoilt by each test in its own way."""

from pathlib import Path

import pytest

from tests.support.installations import SIMULATED, Installation


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """A good installation on the simulated network."""
    monkeypatch.delenv("DIALLER_CONFIG", raising=False)
    tmp_path.chmod(0o750)
    made = Installation(tmp_path)
    made.set(SIMULATED)
    made.make_records()
    return made
