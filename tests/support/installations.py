"""Installations to examine: a good one, to be spoilt by each test in its own way."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dialler.app.doctor import Report, doctor
from dialler.doctor.finding import Finding, Verdict
from dialler.stores.upgrade import upgrade
from tests.support.asterisk import RealAsterisk
from tests.support.exchanges import ExchangeUnavailable, give_up

SIMULATED = """\
[store]
url = "sqlite:///records.db"
[simulated]
"""

ASTERISK = """\
[store]
url = "sqlite:///records.db"
[[asterisk]]
name = "main"
port = {port}
secret = "{secret}"
queues = ["{queue}"]
[[asterisk.trunks]]
name = "carrier"
dial = "Local/{{number}}@{carrier}/n"
calls_per_second = 5
channels = 20
"""


@dataclass(frozen=True)
class Installation:
    """Settings and records in a folder of their own."""

    folder: Path

    @property
    def settings(self) -> Path:
        return self.folder / "dialler.toml"

    @property
    def database(self) -> Path:
        return self.folder / "records.db"

    @property
    def units(self) -> Path:
        return self.folder / "units"

    def set(self, text: str) -> None:
        """Write the settings, for their owner alone."""
        self.settings.write_text(text)
        self.settings.chmod(0o600)

    def set_unit(self, text: str) -> None:
        """Install a systemd unit."""
        self.units.mkdir(exist_ok=True)
        (self.units / "dialler.service").write_text(text)

    def make_records(self) -> None:
        upgrade(f"sqlite:///{self.database}")
        for path in self.folder.glob("records.db*"):
            path.chmod(0o660)

    def examine(self) -> Report:
        return doctor(self.settings, unit_folders=[self.units])


def of(report: Report, check: str, *, on: str = "") -> list[Finding]:
    """Return what a check concluded."""
    return [each for each in report.findings if each.check == check and each.on == on]


def only(report: Report, check: str, verdict: Verdict, *, on: str = "") -> Finding:
    """Return the one finding of a check, which must have that verdict."""
    [finding] = of(report, check, on=on)
    assert finding.verdict is verdict, finding
    return finding


def failures(report: Report) -> set[str]:
    return {each.check for each in report.findings if each.verdict is Verdict.FAIL}


Edit = Callable[[str], str]


@contextmanager
def spoilt_asterisk(edits: Mapping[str, Edit] | None = None) -> Iterator[RealAsterisk]:
    """Run a real Asterisk whose configuration files were changed by `edits`; skip the test where there is none."""
    try:
        asterisk = RealAsterisk()
    except ExchangeUnavailable as error:
        give_up("asterisk", str(error))
    for name, edit in (edits or {}).items():
        path = asterisk._home / "etc" / name
        before = path.read_text()
        after = edit(before)
        assert after != before, f"{name} was not spoilt"
        path.write_text(after)
    with asterisk:
        yield asterisk


def asterisk_settings(asterisk: RealAsterisk, **facts: str) -> str:
    return ASTERISK.format(
        **{"port": asterisk.port, "secret": asterisk.secret, "queue": "sales", "carrier": "carrier", **facts}
    )
