"""What is shipped for Prometheus and Grafana, as data; and a real Prometheus, on a port and in a folder of its own.

The rule files are read here by their own plain form, one key on a line: `promtool` says whether they are YAML and make
sense, and a real Prometheus whether it has the same rules.
"""

import json
import math
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

import httpx

from tests.support.asterisk import free_port
from tests.support.tools import tool

ROOT: Final = Path(__file__).parents[2]
SHIPPED: Final = ROOT / "config" / "prometheus"
RULES: Final = tuple(sorted(SHIPPED.glob("*.rules.yml")))
DASHBOARD: Final = SHIPPED / "dialler-dashboard.json"
START_S: Final = 30.0
LOOK_AGAIN_S: Final = 0.1
"""Between two questions to Prometheus, which tells nothing by itself."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of a shipped file: it records, or it alerts."""

    kind: str
    name: str
    expr: str
    fields: dict[str, str]
    """All other lines of it, those of labels and annotations included."""


def shipped_rules(kind: str) -> list[Rule]:
    """Return the shipped rules of a kind, "record" or "alert", in the order of the files."""
    rules = []
    for path in RULES:
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.lstrip().startswith("#")]
        for block in re.split(r"^ {6}- ", "\n".join(lines), flags=re.MULTILINE)[1:]:
            expr = re.search(r"^ *expr: *(?:\|\n((?:(?: {10}.*)?\n)+)|(.*)\n)", block + "\n", re.MULTILINE)
            assert expr is not None, block
            fields = dict(re.findall(r"^ *([a-z_]+): ([^|].*)$", block, re.MULTILINE))
            found = next(key for key in ("record", "alert") if key in fields)
            rules.append(
                Rule(
                    kind=found,
                    name=fields.pop(found),
                    expr=" ".join((expr[1] or expr[2]).split()),
                    fields={key: value.strip('"') for key, value in fields.items() if key != "expr"},
                )
            )
    return [rule for rule in rules if rule.kind == kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One panel of the dashboard."""

    title: str
    description: str
    unit: str
    queries: Sequence[str]
    row: str
    whole: dict[str, Any] = field(repr=False)


def dashboard() -> dict[str, Any]:
    """Return the shipped dashboard."""
    document: dict[str, Any] = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    return document


def panels() -> list[Panel]:
    """Return the dashboard's panels, in order."""
    found, row = [], ""
    for panel in dashboard()["panels"]:
        if panel["type"] == "row":
            row = panel["title"]
            continue
        found.append(
            Panel(
                title=panel["title"],
                description=panel.get("description", ""),
                unit=panel["fieldConfig"]["defaults"].get("unit", ""),
                queries=[target["expr"] for target in panel["targets"]],
                row=row,
                whole=panel,
            )
        )
    return found


def filled_in(query: str, *, rate_interval: str, shown: str) -> str:
    """Return a panel's query as Grafana sends it with "All" chosen everywhere; `shown` is the time on the screen."""
    for name, value in {"__rate_interval": rate_interval, "__range": shown, "campaign": ".*", "instance": ".*"}.items():
        query = re.sub(rf"\${name}\b", value, query)
    assert "$" not in query, query
    return query


def promtool(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    """Run promtool, which comes with the package `prometheus`, whatever it says."""
    return subprocess.run(
        [tool("promtool", of="prometheus"), *arguments],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
        cwd=ROOT,
    )


class Prometheus:
    """A Prometheus that runs: its HTTP API."""

    def __init__(self, port: int) -> None:
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10)

    def ask(self, path: str, **params: str) -> Any:
        """Return what the API answers. Raises AssertionError if that is a refusal."""
        answer = self._client.get(path, params=params)
        assert answer.is_success, f"{path} {params}: {answer.status_code} {answer.text}"
        return answer.json()["data"]

    def values(self, query: str) -> list[float]:
        """Return the values of a query now, those that are numbers."""
        found = [float(each["value"][1]) for each in self.ask("/api/v1/query", query=query)["result"]]
        return [value for value in found if not math.isnan(value)]

    def firing(self, alert: str) -> list[dict[str, Any]]:
        """Return an alert's instances that fire."""
        found: list[dict[str, Any]] = self.ask("/api/v1/alerts")["alerts"]
        return [each for each in found if each["labels"]["alertname"] == alert and each["state"] == "firing"]

    def is_ready(self) -> bool:
        """Return whether it answers."""
        try:
            return self._client.get("/-/ready").is_success
        except httpx.TransportError:
            return False

    def close(self) -> None:
        self._client.close()


def until(answer: Callable[[], T], holds: Callable[[T], bool], what: str, *, within_s: float) -> T:
    """Ask until `holds` of the answer; return it. Fails the test where it never does."""
    deadline = time.monotonic() + within_s
    while not holds(last := answer()):
        assert time.monotonic() < deadline, f"waited {within_s:g} s for {what}; the last answer was {last}"
        time.sleep(LOOK_AGAIN_S)
    return last


@contextmanager
def real_prometheus(target: str, *, hold: str | None = None) -> Iterator[Prometheus]:
    """Give a Prometheus that scrapes `target` as job "dialler" twice a second, with the shipped rules.

    `hold` replaces how long alerts wait before they fire, so that a test need not.
    """
    binary = tool("prometheus", of="prometheus")
    with tempfile.TemporaryDirectory(prefix="prometheus-") as made:
        folder = Path(made)
        (folder / "rules").mkdir()
        for path in RULES:
            text = path.read_text(encoding="utf-8")
            text = re.sub(r"(?m)^( +for: ).*$", rf"\g<1>{hold}", text) if hold else text
            (folder / "rules" / path.name).write_text(text, encoding="utf-8")
        (folder / "prometheus.yml").write_text(
            f"""\
global: {{scrape_interval: 500ms, evaluation_interval: 500ms}}
rule_files: ["{folder}/rules/*.rules.yml"]
scrape_configs:
  - job_name: dialler
    static_configs:
      - targets: ["{target}"]
""",
            encoding="utf-8",
        )
        port, log = free_port(), folder / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [
                    binary,
                    f"--config.file={folder}/prometheus.yml",
                    f"--storage.tsdb.path={folder}/data",
                    f"--web.listen-address=127.0.0.1:{port}",
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=folder,
            )
        prometheus = Prometheus(port)
        try:
            until(
                lambda: process.poll() is not None or prometheus.is_ready(),
                lambda told: told,
                "Prometheus to be ready",
                within_s=START_S,
            )
            assert process.poll() is None, f"Prometheus did not start: {log.read_text()[-2000:]}"
            yield prometheus
        finally:
            prometheus.close()
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
