"""A real Prometheus scrapes a dialler at work: every panel and every recorded series has data, an alert comes and goes.

The floor is arranged so that everything on the dashboard happens: agents who get free all the time, people who answer
and meet no agent, lists with weights, and a campaign without agents.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.support.asterisk import BRIEF_QUEUE, QUEUE, free_port
from tests.support.daemon import Installation, asterisk_settings, installation, real_asterisk
from tests.support.prometheus import Prometheus, filled_in, panels, real_prometheus, shipped_rules, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

SIMULATED = """
[simulated]
answer_rate = 0.8
machine_rate = 0.0
invalid_rate = 0.05
post_dial_s = 0.1
answer_s = 0.3
talk_s = 1
wrap_up_s = 0.2
patience_s = 0.4
message_s = 0.5
[[simulated.trunks]]
name = "carrier"
server = "main"
calls_per_second = 20
channels = 50
[[simulated.agents]]
number = 2
queues = ["sales"]
[[simulated.agents]]
number = 1
queues = ["brief"]
"""

LEADS = 400
"""Of each list: enough for the longest patience of a test at twenty calls a second."""


def metrics_settings(port: int) -> str:
    return f'[metrics]\nlisten = "127.0.0.1:{port}"\n'


def open_the_floor(installed: Installation) -> None:
    """Let two campaigns with agents and one without call, from four lists, at any hour."""
    anyhow = {"hours": "always", "timezone": "America/New_York", "ring_timeout_s": 5, "patience_s": 0.2}
    for place, (campaign, settings, lists) in enumerate(
        [
            # Two agents who never get free again, and more people who answer: they wait in vain.
            ("rush", {"pacing": "ratio", "pacing_settings": {"ratio": 4}, "queue": QUEUE}, {"all": 100}),
            ("floor", {"pacing": "ratio", "queue": BRIEF_QUEUE}, {"a": 70, "b": 30}),
            (
                "notice",
                {"pacing": "agentless", "message": "acme/news", "pacing_settings": {"channels_max": 5}},
                {"all": 100},
            ),
        ]
    ):
        installed.api("POST", "/campaigns", {"name": campaign, **anyhow, **settings})
        for step, (name, weight) in enumerate(lists.items()):
            installed.api("POST", f"/campaigns/{campaign}/lists", {"name": name, "weight": weight})
            area = 212 + 100 * place + step
            # The last digit is the fate on the fake carrier: mostly answered, some busy.
            numbers = [f"+1{area}555{each:03d}{'7897890'[each % 7]}" for each in range(LEADS)]
            rows = "\n".join(["number", *numbers]).encode()
            *_, last = installed.api("POST", "/leads/import", content=rows, campaign=campaign, list=name)
            assert last["report"]["imported"] == LEADS, last
        installed.api("POST", f"/campaigns/{campaign}/start")


def everything_shown() -> dict[str, str]:
    """Return all queries of the dashboard and the names of all recorded series, by what asks for them."""
    shown = {
        f"panel {panel.title!r}: {each}": filled_in(each, rate_interval="15s", shown="1m")
        for panel in panels()
        for each in panel.queries
    }
    shown |= {f"recorded {rule.name}": rule.name for rule in shipped_rules("record")}
    # A zero is data too: where panels count abandoned calls, there shall be some.
    return shown | {"abandoned calls": 'dialler_outcomes_total{outcome="ABANDONED"} > 0'}


def check_that_everything_has_data(prometheus: Prometheus, *, but: str = "^$") -> None:
    """Wait until each query has had at least one number for an answer; those that match `but` must never have one."""
    shown = everything_shown()
    without = [query for query in shown.values() if re.search(but, query)]
    waiting = {name: query for name, query in shown.items() if query not in without}

    def look() -> list[str]:
        for name in [name for name, query in waiting.items() if prometheus.values(query)]:
            del waiting[name]
        return list(waiting)

    until(look, lambda missing: not missing, "data for every query", within_s=60)
    assert [query for query in without if prometheus.values(query)] == []


def check_the_rules(prometheus: Prometheus) -> None:
    """Check that it has the rules that are shipped, and can evaluate each."""
    rules = [rule for group in prometheus.ask("/api/v1/rules")["groups"] for rule in group["rules"]]
    expected = [rule.name for kind in ("alert", "record") for rule in shipped_rules(kind)]
    assert sorted(rule["name"] for rule in rules) == sorted(expected)
    assert [(rule["name"], rule.get("lastError")) for rule in rules if rule["health"] != "ok"] == []


def check_that_it_comes_and_goes(
    prometheus: Prometheus, alert: str, *, break_it: Callable[[], object], mend_it: Callable[[], object]
) -> None:
    """Check that an alert is silent, fires after `break_it` with a text without gaps, and is gone after `mend_it`."""
    assert prometheus.firing(alert) == []
    break_it()
    [fired] = until(lambda: prometheus.firing(alert), bool, f"{alert} to fire", within_s=30)
    assert "<no value>" not in fired["annotations"]["summary"]
    assert fired["annotations"]["runbook_url"].endswith(f"#{alert.lower()}")
    mend_it()
    until(lambda: prometheus.firing(alert), lambda firing: not firing, f"{alert} to be over", within_s=30)


@contextmanager
def scraped(installed: Installation, port: int) -> Iterator[Prometheus]:
    """Give a Prometheus that has scraped the running daemon at least once."""
    with real_prometheus(f"127.0.0.1:{port}", hold="1s") as prometheus:
        until(lambda: prometheus.values('up{job="dialler"}'), lambda up: up == [1.0], "a first scrape", within_s=20)
        yield prometheus


def test_a_dialler_on_the_simulated_network_fills_the_dashboard_and_its_end_is_an_alert_until_it_is_back() -> None:
    port = free_port()
    with (
        installation(SIMULATED + metrics_settings(port)) as installed,
        installed.daemon() as daemon,
        scraped(installed, port) as prometheus,
    ):
        open_the_floor(installed)
        # Only Asterisk is asked for pings.
        check_that_everything_has_data(prometheus, but="dialler_link_round_trip_seconds")
        check_the_rules(prometheus)
        second = installed.daemon()
        check_that_it_comes_and_goes(prometheus, "DiallerDown", break_it=daemon.kill, mend_it=second.start)
        assert second.stop() == 0


@pytest.mark.asterisk
def test_a_dialler_on_a_real_asterisk_fills_the_dashboard_and_a_lost_link_is_an_alert_until_it_is_back() -> None:
    port = free_port()
    with (
        real_asterisk() as asterisk,
        installation(
            asterisk_settings(asterisk.port, secret=asterisk.secret, calls_per_second=20, channels=50)
            + metrics_settings(port)
        ) as installed,
        installed.daemon(),
        scraped(installed, port) as prometheus,
    ):
        open_the_floor(installed)
        check_that_everything_has_data(prometheus)
        check_the_rules(prometheus)
        check_that_it_comes_and_goes(prometheus, "DiallerLinkDown", break_it=asterisk.kill, mend_it=asterisk.start)
