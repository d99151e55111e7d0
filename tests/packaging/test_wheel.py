"""What `pip install` gives: the wheel, in an environment of its own and far from this checkout, does its work."""

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from urllib.request import urlopen

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ROOT = Path(__file__).resolve().parents[2]
TOOLS = Path(sys.executable).parent
PACKAGES = ("dialler", "strategies", "telephony")

SETTINGS = """\
[store]
url = "sqlite:///leads.db"

[telephony]
kind = "simulated"

[[asterisk]]
name = "main"
secret = "not-a-secret"
queues = ["sales"]

[[asterisk.trunks]]
name = "carrier-a"
dial = "PJSIP/{number}@carrier-a"
calls_per_second = 5
channels = 60
"""

LEADS = """\
name,number,state
Clinic of the Keys,+13055550123,FL
Clinic of the Lakes,+13125550123,IL
"""


def succeed(*command: str | Path, cwd: Path, environ: dict[str, str] | None = None) -> str:
    """Run a command that must succeed; return what it printed."""
    # Nothing of this checkout, of its environment or of the machine's settings may help.
    unwanted = ("PYTHON", "DIALLER_", "VIRTUAL_ENV", "NOTIFY_", "WATCHDOG_")
    clean = {key: value for key, value in os.environ.items() if not key.startswith(unwanted)}
    done = subprocess.run(
        command, cwd=cwd, env=clean | (environ or {}), capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The source distribution, and the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("built")
    # The wheel is made from the unpacked source distribution, not from the checkout.
    succeed(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    [sdist], [wheel] = folder.glob("*.tar.gz"), folder.glob("*.whl")
    return sdist, wheel


@pytest.fixture(scope="module")
def installed(built: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the locked requirements and the wheel in it, and nothing else; its folder."""
    venv = tmp_path_factory.mktemp("installed") / "venv"
    uv = TOOLS / "uv"
    succeed(uv, "venv", "-q", "--python", sys.executable, venv, cwd=venv.parent)
    pip = (uv, "pip", "install", "-q", "--python", venv / "bin/python")
    succeed(*pip, "--require-hashes", "-r", ROOT / "requirements/run.txt", cwd=venv.parent)
    succeed(*pip, "--no-deps", "--no-index", built[1], cwd=venv.parent)
    return venv


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "dialler.toml").write_text(SETTINGS, encoding="utf-8")
    (tmp_path / "leads.csv").write_text(LEADS, encoding="utf-8")
    return tmp_path


def files_of(folder: Path) -> set[str]:
    """Return the files below a folder of the checkout that git would keep."""
    kept = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    return {name for name in kept if (ROOT / name).is_file()}


def test_the_wheel_carries_its_packages_its_configuration_and_migrations_and_no_tests(built: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(built[1]) as wheel:
        names = {name for name in wheel.namelist() if not name.endswith("/")}
    if (ROOT / ".git").exists():
        expected = {name for package in PACKAGES for name in files_of(ROOT / package)}
        expected |= {f"dialler/{name}" for name in files_of(ROOT / "config")}
        assert expected <= names
        inside = {name for name in names if name.startswith(tuple(f"{package}/" for package in PACKAGES))}
        assert inside == expected
    tops = {name.split("/")[0] for name in names}
    assert tops == {*PACKAGES, *(top for top in tops if top.startswith("dialler-0"))}
    assert any(name.startswith("dialler/stores/migrations/versions/") for name in names)
    assert {f"dialler/web/static/board.{kind}" for kind in ("html", "css", "js", "svg")} <= names
    shared = {name.partition(".data/data/")[2] for name in names if ".data/data/" in name}
    assert {
        "share/dialler/requirements.txt",
        "share/dialler/systemd/dialler-web.service",
        "share/dialler/systemd/dialler.service",
        "share/dialler/systemd/dialler.sysusers.conf",
        "share/dialler/systemd/dialler.tmpfiles.conf",
        "share/doc/dialler/install.md",
        "share/doc/dialler/runbook.md",
        "share/dialler/config/prometheus/dialler-alerts.rules.yml",
        "share/dialler/config/prometheus/dialler-recorded.rules.yml",
        "share/dialler/config/prometheus/dialler-dashboard.json",
    } <= shared
    # Prometheus would take a test for rules.
    assert not [name for name in shared if "_test." in name]


def test_the_source_distribution_has_what_the_tests_need_and_nothing_of_this_machine(built: tuple[Path, Path]) -> None:
    with tarfile.open(built[0]) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert {"pyproject.toml", "go", "requirements/dev.txt", "tests/conftest.py", "config/dialler.toml"} <= names
    assert not [
        name for name in names if name.startswith((".venv", ".git/", ".demo")) or name.endswith((".db", ".pyc"))
    ]


def test_it_runs_from_the_wheel_and_not_from_the_checkout(installed: Path, folder: Path) -> None:
    assert succeed(installed / "bin/dialler", "--version", cwd=folder).strip().count(".") == 2
    where = "import dialler, strategies, telephony as t; print(dialler.__file__, strategies.__file__, t.__file__)"
    for path in succeed(installed / "bin/python", "-c", where, cwd=folder).split():
        assert Path(path).is_relative_to(installed)


def test_nothing_that_the_requirements_name_is_missing_or_in_conflict(installed: Path, folder: Path) -> None:
    succeed(TOOLS / "uv", "pip", "check", "--python", installed / "bin/python", cwd=folder)


def test_an_installation_begins_with_it(installed: Path, folder: Path) -> None:
    dialler = installed / "bin/dialler"
    succeed(dialler, "db", "upgrade", cwd=folder)
    succeed(
        dialler,
        "campaign",
        "create",
        "c",
        "--timezone",
        "America/New_York",
        "--pacing",
        "agentless",
        "--message",
        "acme/news",
        cwd=folder,
    )
    succeed(dialler, "list", "create", "c", "l", cwd=folder)
    imported = json.loads(
        succeed(
            *(dialler, "lead", "import", "leads.csv", "--campaign", "c", "--list", "l", "--region", "US", "--json"),
            *("--map", "number=number", "--map", "name=name", "--map", "region=state"),
            cwd=folder,
        )
    )
    assert imported["imported"] == 2
    # The packaged us.toml knows that Florida has two zones.
    lead = json.loads(succeed(dialler, "lead", "show", "1", "--json", cwd=folder))
    assert sorted(lead["timezones"]) == ["America/Chicago", "America/New_York"]
    assert json.loads(succeed(dialler, "db", "check", "--json", cwd=folder))["items"] == []


def test_the_packaged_scenario_gives_the_shares(installed: Path, folder: Path) -> None:
    where = "from dialler.shipped import shipped_config; print(shipped_config('scenarios/weights.toml'))"
    scenario = succeed(installed / "bin/python", "-c", where, cwd=folder).strip()
    assert Path(scenario).is_relative_to(installed)
    day = json.loads(succeed(installed / "bin/dialler", "simulate", scenario, "--json", cwd=folder))
    assert {each["list"]: each["share"] for each in day["lists"]} == {"warm": 0.35, "cold": 0.15, "fresh": 0.5}


def test_the_packaged_demo_calls(installed: Path, folder: Path) -> None:
    told = succeed(installed / "bin/dialler", "demo", "--for", "5s", cwd=folder)
    assert "127.0.0.1" in told
    demo = folder / ".demo" / "demo.toml"
    assert json.loads(succeed(installed / "bin/dialler", "session", "list", "--json", "-c", demo, cwd=folder))["items"]


def test_the_packaged_asterisk_files_are_filled_in(installed: Path, folder: Path) -> None:
    succeed(installed / "bin/dialler", "asterisk-config", "--out", "asterisk", cwd=folder)
    names = {path.name for path in (folder / "asterisk").iterdir()}
    assert names == {"extensions_dialler.conf", "manager_dialler.conf", "queues_dialler.conf"}
    assert "secret = not-a-secret" in (folder / "asterisk/manager_dialler.conf").read_text()


def test_the_packaged_board_is_served_with_all_its_files(installed: Path, folder: Path) -> None:
    command = [installed / "bin/dialler", "web", "--listen", "127.0.0.1:0", "--with-stdin"]
    with subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as web:
        assert web.stdin is not None and web.stdout is not None
        with web.stdin:
            url = web.stdout.readline().strip().removeprefix("board ")
            assert "<title>dialler board</title>" in page(f"{url}/")
            for name in ("board.css", "board.js", "board.svg"):
                assert page(f"{url}/{name}") == (ROOT / "dialler/web/static" / name).read_text(encoding="utf-8")
            assert json.loads(page(f"{url}/board.json"))["link"]["state"] == "away"
    assert web.returncode == 0


def page(url: str) -> str:
    with urlopen(url, timeout=60) as answer:
        text: str = answer.read().decode()
    return text


def test_the_daemon_starts_and_ends(installed: Path, folder: Path) -> None:
    dialler = installed / "bin/dialler"
    (folder / "dialler.toml").write_text('[store]\nurl = "sqlite:///leads.db"\n[simulated]\n', encoding="utf-8")
    succeed(dialler, "db", "upgrade", cwd=folder)
    with subprocess.Popen([dialler, "run"], cwd=folder, stderr=subprocess.PIPE, text=True) as daemon:
        assert daemon.stderr is not None
        for line in daemon.stderr:
            if json.loads(line)["event"] == "ready":
                daemon.terminate()
    assert daemon.returncode == 0
