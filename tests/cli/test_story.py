"""The first five minutes of a newcomer, each command in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dialler.stores.schema import HEAD

NAMES = "number=Phone Number", "name=Name", "region=State"


def dialler(folder: Path, *arguments: str) -> str:
    """Run a command that must succeed; return what it said."""
    environ = {key: value for key, value in os.environ.items() if key != "DIALLER_CONFIG"}
    done = subprocess.run(
        [sys.executable, "-m", "dialler.cli", *arguments],
        cwd=folder,
        env={**environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def dialler_json(folder: Path, *arguments: str) -> Any:
    return json.loads(dialler(folder, *arguments, "--json"))


@pytest.mark.slow
def test_from_an_empty_folder_to_leads_that_are_ready_to_be_called(folder: Path) -> None:
    assert HEAD in dialler(folder, "db", "upgrade")
    dialler(
        folder,
        "campaign",
        "create",
        "spring",
        "--hours",
        "none",
        "--pacing",
        "agentless",
        "--message",
        "acme/news",
        "--rest-min",
        "45m",
    )
    dialler(folder, "-c", "dialler.toml", "list", "create", "spring", "hospitals", "--weight", "70")
    where = ("--campaign", "spring", "--list", "hospitals", "--region", "US", "-c", "dialler.toml")
    report = dialler_json(folder, "lead", "import", "leads.csv", *where, "--map", *NAMES, "--rejects", "rejects.csv")
    assert (report["rows"], report["imported"], report["rejected"]) == (3, 2, 1)
    assert (folder / "rejects.csv").read_text().startswith("Name,Phone Number,State,reason")
    found = dialler_json(folder, "lead", "search", "--number", "+1 (415) 555-0188")
    assert [lead["name"] for lead in found["items"]] == ["St. Mary"]
    explained = dialler(folder, "lead", "explain", str(found["items"][0]["lead_id"]))
    assert "not dialable" in explained
    assert "America/Los_Angeles" in explained
    assert dialler_json(folder, "campaign", "start", "spring")["desired"] == "running"
    status = dialler(folder, "status")
    assert "no engine runs" in status
    assert "2 wait for their calling window" in status
    assert dialler_json(folder, "session", "list") == {"items": [], "next": None}
    assert dialler_json(folder, "db", "check") == {"items": [], "next": None}
