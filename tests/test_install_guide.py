"""The install guide says what is so: its settings load, its commands exist, its files are shipped."""

import re
import shutil
from pathlib import Path

import pytest

from dialler.app.run import START_TIMEOUT_S
from dialler.settings import load_settings
from telephony.ami.transcript import FILE_BYTES_MAX, FILES_MAX
from tests.support.prometheus import RULES, SHIPPED, promtool, shipped_rules
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
def test_the_urls_of_the_guide_are_places_for_records_or_for_what_is_shared(url: str, tmp_path: Path) -> None:
    redis = url.startswith("redis")
    text = f'[store]\nurl = "{"sqlite:///x.db" if redis else url}"\n' + (f'[redis]\nurl = "{url}"\n' if redis else "")
    (tmp_path / "dialler.toml").write_text(text, encoding="utf-8")
    load_settings(tmp_path / "dialler.toml", environ={})


COMMANDS = commands_in(GUIDE)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_guide_is_one(command: str) -> None:
    check_command(command)


def test_the_guide_has_commands() -> None:
    assert len(COMMANDS) > 10


def test_every_packaged_file_of_the_guide_is_shipped() -> None:
    named = re.findall(r"/opt/dialler/share/dialler/((?:systemd|config)/[\w./*-]*[\w/])", GUIDE)
    assert len(named) > 5
    for name in named:
        assert list(ROOT.glob(name)), name
    for name in re.findall(r"/opt/dialler/share/doc/dialler/(\w+\.md)", GUIDE):
        assert (ROOT / "docs" / name).exists(), name


def lines_below(heading: str) -> str:
    """Return the lines that the guide puts below a key of prometheus.yml, as they are there."""
    written = re.search(rf"below `{heading}:`\n\n((?:    .*\n)+)", GUIDE)
    assert written is not None, heading
    return re.sub(r"^    ", "", written[1], flags=re.MULTILINE)


def test_prometheus_takes_the_lines_of_the_guide_and_the_rules_that_it_copies(tmp_path: Path) -> None:
    copied = re.search(r"install -m 0644 /opt/dialler/share/dialler/(\S+) /etc/prometheus/rules/", GUIDE)
    assert copied is not None
    for path in ROOT.glob(copied[1]):
        shutil.copy(path, tmp_path)
    # Debian's own file has both keys, and only comments below the first.
    rules = lines_below("rule_files").replace("/etc/prometheus/rules", str(tmp_path))
    (tmp_path / "prometheus.yml").write_text(
        f"rule_files:\n{rules}scrape_configs:\n{lines_below('scrape_configs')}", encoding="utf-8"
    )
    done = promtool("check", "config", tmp_path / "prometheus.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(RULES)} rule files found" in done.stdout


def test_prometheus_asks_where_the_settings_of_the_guide_serve_and_by_the_name_that_an_alert_knows() -> None:
    scrape = lines_below("scrape_configs")
    listen = re.search(r'^    listen = "(.*)"$', GUIDE, re.MULTILINE)
    assert listen is not None
    assert f'targets: ["{listen[1]}"]' in scrape
    assert "job_name: dialler\n" in scrape
    [down] = [alert for alert in shipped_rules("alert") if alert.name == "DiallerDown"]
    assert 'job="dialler"' in down.expr


def test_the_alerts_say_where_the_runbook_is_in_the_words_that_the_guide_replaces() -> None:
    replaced = re.search(r"sed -i 's\|([^|]+)\|[^|]+\|' /etc/prometheus/rules/(\S+)", GUIDE)
    assert replaced is not None
    text = (SHIPPED / replaced[2]).read_text(encoding="utf-8")
    assert text.count(f"runbook_url: {replaced[1]}runbook.md#") == len(shipped_rules("alert"))


def test_the_guide_tells_the_bounds_that_hold() -> None:
    text = " ".join(GUIDE.split())
    assert f"within {START_TIMEOUT_S:.0f} seconds it fails" in text
    assert f"{FILE_BYTES_MAX >> 20} MiB and the {FILE_BYTES_MAX >> 20} MiB before" in text
    assert FILES_MAX == 5
    assert "the last five starts" in text
