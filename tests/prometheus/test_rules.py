"""The alerts and recorded series that are shipped: valid, fired once each, explained, and about metrics that exist."""

import re
from pathlib import Path

import pytest

from dialler.metrics import METRICS
from tests.support.prometheus import ROOT, RULES, SHIPPED, Rule, panels, promtool, shipped_rules
from tests.support.written_commands import check_command, commands_in

ALERTS = shipped_rules("alert")
RECORDED = shipped_rules("record")
FIRED = Path(__file__).with_name("alerts_test.yml")
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
KNOWN = {row.name for row in METRICS} | {
    f"{row.name}_{part}" for row in METRICS if row.type == "histogram" for part in ("bucket", "sum", "count")
}
LABELS = {label for row in METRICS for label in row.labels} | {"job", "instance", "le", "alertname", "alertstate"}


def metrics_in(text: str) -> set[str]:
    """Return the names of our metrics in a text, not those that rules record."""
    return set(re.findall(r"(?<![\w:])dialler_[a-z0-9_]+(?![\w:])", text))


def recorded_in(text: str) -> set[str]:
    return set(re.findall(r"\b[a-z]+:[a-z0-9_]+:[a-z0-9_]+\b", text))


def labels_in(expr: str) -> set[str]:
    grouped = re.findall(r"\b(?:by|on) \(([^)]*)\)", expr)
    matched = re.findall(r'([a-z_]+)(?:=|!=|=~|!~)"', expr)
    return {label for group in grouped for label in re.split(r",\s*", group)} | set(matched)


def sections() -> dict[str, str]:
    """Return the runbook's sections, by title."""
    parts = re.split(r"^## (.+)$", RUNBOOK, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def everything() -> dict[str, str]:
    """Return every expression that is shipped, by where it is."""
    found = {rule.name: rule.expr for rule in [*ALERTS, *RECORDED]}
    return found | {f"{panel.title}, {place}": each for panel in panels() for place, each in enumerate(panel.queries)}


def test_promtool_accepts_the_rules_and_reads_the_same_ones_as_these_tests() -> None:
    done = promtool("check", "rules", *RULES)
    assert done.returncode == 0, done.stdout + done.stderr
    assert sum(map(int, re.findall(r"(\d+) rules found", done.stdout))) == len(ALERTS) + len(RECORDED)
    assert len(RULES) == 2


@pytest.mark.slow
def test_each_alert_fires_when_it_should_is_silent_before_and_over_afterwards() -> None:
    done = promtool("test", "rules", FIRED)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_every_alert_has_a_test_in_which_it_fires_and_one_in_which_it_is_silent(alert: Rule) -> None:
    text = FIRED.read_text(encoding="utf-8")
    told = re.findall(rf"alertname: {alert.name}\n +exp_alerts:(.*)\n(.*)", text)
    assert any("exp_labels" in following for _, following in told)
    assert any(inline.strip() == "[]" for inline, _ in told)
    assert re.search(r"name: all is well\n(?:.*\n)+? +expr: ALERTS\n +exp_samples: \[\]", text)


def test_no_alert_is_there_twice() -> None:
    names = [rule.name for rule in [*ALERTS, *RECORDED]]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_every_alert_says_how_bad_it_is_what_it_is_and_where_it_is_explained(alert: Rule) -> None:
    assert alert.name.startswith("Dialler")
    assert alert.fields["severity"] in ("critical", "warning", "info")
    assert len(alert.fields["summary"]) > 20
    address, _, anchor = alert.fields["runbook_url"].partition("#")
    assert address == "file:///opt/dialler/share/doc/dialler/runbook.md"
    assert anchor == alert.name.lower(), "Markdown's anchor of the section"


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_every_alert_has_a_section_in_the_runbook_with_all_four_parts(alert: Rule) -> None:
    section = sections()[alert.name]
    for part in ("**It means**", "**On the floor**", "**Look at**", "**Do**"):
        assert part in section, part
    assert alert.fields["severity"] in section.strip().splitlines()[0]


def test_the_runbook_has_no_section_of_an_alert_that_is_not() -> None:
    assert [name for name in sections() if name.startswith("Dialler")] == [alert.name for alert in ALERTS]


@pytest.mark.parametrize("expr", everything().values(), ids=everything().keys())
def test_every_expression_is_about_metrics_and_labels_that_exist(expr: str) -> None:
    assert metrics_in(expr) <= KNOWN
    assert recorded_in(expr) <= {rule.name for rule in RECORDED}
    assert labels_in(expr) <= LABELS


def test_the_runbook_speaks_of_metrics_that_exist() -> None:
    assert metrics_in(RUNBOOK) <= KNOWN


@pytest.mark.parametrize("command", commands_in(RUNBOOK))
def test_every_command_of_the_runbook_is_one(command: str) -> None:
    check_command(command)


def test_every_recorded_series_is_used() -> None:
    assert {rule.name for rule in RECORDED} == set().union(*map(recorded_in, everything().values()))


def test_nothing_else_is_shipped_for_prometheus() -> None:
    assert {path.name for path in SHIPPED.iterdir()} == {*(path.name for path in RULES), "dialler-dashboard.json"}
