"""What an exchange told, judged: the cases that no Asterisk here can be brought into."""

from dataclasses import replace
from typing import Any

import pytest

from dialler.doctor.account import NEEDED
from dialler.doctor.dialplan import SHIPPED, VERSION
from dialler.doctor.exchange import exchange
from dialler.doctor.finding import Finding, Verdict
from dialler.doctor.modules import ALWAYS, LOOKS, MODULES, SOMETIMES
from dialler.settings import AsteriskSettings
from telephony.health import ExchangeFacts, Placing, Reached

SERVER = AsteriskSettings.model_validate(
    {
        "name": "main",
        "secret": "hush",
        "queues": ["sales"],
        "trunks": [{"name": "a", "dial": "PJSIP/{number}@carrier-a", "calls_per_second": 1, "channels": 1}],
    }
)
CONTEXTS = {name: frozenset({"s"}) for name in ("dlr-answered", *(f"dlr-answered{suffix}" for suffix in SHIPPED))}
NAMED = "dlr-answered-version"
GOOD = ExchangeFacts(
    server="main",
    reached=Reached.END,
    version="22.10.1",
    calls_max=0.0,
    load_max=0.0,
    booted=True,
    actions=frozenset(NEEDED),
    extensions={**CONTEXTS, NAMED: frozenset({f"v{VERSION}"})},
    placing=Placing.TOLD,
    queues={"sales": 3},
    trunk_states={"a": "NOT_INUSE"},
    clock_ahead_s=0.01,
    round_trip_s=0.002,
)


def judged(check: str, *, server: AsteriskSettings = SERVER, **facts: Any) -> Finding:
    """Return the one finding of a check for an exchange that is good but for `facts`."""
    [finding] = [each for each in exchange(server, replace(GOOD, **facts)) if each.check == check]
    assert finding.on == "main"
    return finding


def test_a_good_exchange_has_nothing_to_mend() -> None:
    assert {each.verdict for each in exchange(SERVER, GOOD)} == {Verdict.OK, Verdict.SKIP}


@pytest.mark.parametrize(
    ("version", "verdict"),
    [
        ("13.38.3", Verdict.FAIL),
        ("16.30.0", Verdict.WARN),
        ("18.25.0", Verdict.WARN),
        ("18.26.0", Verdict.OK),
        ("19.8.0", Verdict.WARN),
        ("20.10.0~dfsg", Verdict.WARN),
        ("20.11.0", Verdict.OK),
        ("22.0.0", Verdict.WARN),
        ("22.1.0", Verdict.OK),
        ("23.0.0", Verdict.OK),
        ("certified/20.11-cert1", Verdict.OK),
        ("GIT-master-3f1", Verdict.SKIP),
        (None, Verdict.SKIP),
    ],
)
def test_versions_are_judged_by_what_they_know_of_event_filters(version: str | None, verdict: Verdict) -> None:
    assert judged("exchange.version", version=version).verdict is verdict


@pytest.mark.parametrize(
    ("ahead_s", "round_trip_s", "verdict"),
    [
        (0.9, 0.0, Verdict.OK),
        (1.5, 0.01, Verdict.WARN),
        (-1.5, 0.01, Verdict.WARN),
        (1.5, 2.0, Verdict.OK),  # nobody can say: the answer took longer than that
        (None, None, Verdict.SKIP),
    ],
)
def test_a_clock_that_is_off_by_more_than_the_answer_took_is_warned_of(
    ahead_s: float | None, round_trip_s: float | None, verdict: Verdict
) -> None:
    finding = judged("exchange.clock", clock_ahead_s=ahead_s, round_trip_s=round_trip_s)
    assert finding.verdict is verdict


@pytest.mark.parametrize(
    ("state", "verdict"),
    [
        ("NOT_INUSE", Verdict.OK),
        ("INVALID", Verdict.FAIL),
        ("UNAVAILABLE", Verdict.WARN),
        ("", Verdict.SKIP),
    ],
)
def test_a_trunk_is_judged_by_its_endpoint(state: str, verdict: Verdict) -> None:
    assert judged("exchange.trunks", trunk_states={"a": state}).verdict is verdict


def test_a_login_that_is_in_use_has_advice_of_its_own() -> None:
    finding = judged("exchange.login", reached=Reached.REFUSED, reason="Login Already In Use")
    assert finding.verdict is Verdict.FAIL and "allowmultiplelogin = yes" in finding.advice


def test_nothing_is_said_of_what_was_not_reached() -> None:
    assert [each.check for each in exchange(SERVER, replace(GOOD, reached=Reached.NOWHERE, reason="away"))] == [
        "exchange.connect"
    ]
    assert [each.check for each in exchange(SERVER, replace(GOOD, reached=Reached.BROKEN, reason="broke"))] == [
        "exchange.connect",
        "exchange.login",
    ]


def test_a_server_elsewhere_without_tls_is_warned_of() -> None:
    far = SERVER.model_copy(update={"host": "192.0.2.7"})
    assert judged("exchange.connect", server=far).verdict is Verdict.WARN
    assert judged("exchange.connect", server=far.model_copy(update={"tls": True})).verdict is Verdict.OK
    assert judged("exchange.connect", server=SERVER).verdict is Verdict.OK


@pytest.mark.parametrize("suffix", SHIPPED)
def test_a_dialplan_of_ones_own_without_a_shipped_context_is_only_warned_of(suffix: str) -> None:
    finding = judged("exchange.dialplan", extensions={**CONTEXTS, f"dlr-answered{suffix}": None})
    assert finding.verdict is Verdict.WARN and f"dlr-answered{suffix} of" in finding.found


@pytest.mark.parametrize(
    ("names", "verdict", "found", "advice"),
    [
        ({f"v{VERSION}"}, Verdict.OK, f"version {VERSION}", ""),
        ({f"v{VERSION - 1}"}, Verdict.WARN, "from an older one", "dialplan reload"),
        ({f"v{VERSION + 1}"}, Verdict.WARN, "from a newer one", "upgrade the dialler"),
        ({f"v{VERSION}", f"v{VERSION - 1}"}, Verdict.WARN, "several versions", "include extensions_dialler.conf once"),
        ({"s"}, Verdict.WARN, "names no version", "your own"),
        (None, Verdict.WARN, "names no version", "asterisk-config"),
    ],
)
def test_a_dialplan_of_another_version_is_warned_of(
    names: set[str] | None, verdict: Verdict, found: str, advice: str
) -> None:
    finding = judged("exchange.dialplan", extensions={**CONTEXTS, NAMED: None if names is None else frozenset(names)})
    assert finding.verdict is verdict
    assert found in finding.found and advice in finding.advice


LOADED = dict.fromkeys(MODULES, True)


def test_queues_that_can_not_be_let_look_at_once_are_told_of() -> None:
    finding = judged("exchange.modules", modules={**LOADED, LOOKS: False})
    assert finding.verdict is Verdict.WARN
    assert "only once a second" in finding.found and "load = app_senddtmf.so" in (finding.advice or "")


def test_modules_that_are_loaded_are_fine_and_those_that_can_not_be_seen_are_skipped() -> None:
    assert judged("exchange.modules", modules=LOADED).verdict is Verdict.OK
    finding = judged("exchange.modules", modules=None)
    assert finding.verdict is Verdict.SKIP and "class system" in finding.found


@pytest.mark.parametrize("name", [*ALWAYS, *SOMETIMES])
def test_a_module_that_is_not_loaded_fails_or_is_warned_of_by_who_needs_it(name: str) -> None:
    finding = judged("exchange.modules", modules={**LOADED, name: False})
    assert finding.verdict is (Verdict.FAIL if name in ALWAYS else Verdict.WARN)
    assert name in finding.found and f"load = {name}.so" in finding.advice
    assert name in ALWAYS or SOMETIMES[name][1] in finding.found


def test_an_exchange_without_queues_has_no_app_queue_and_the_account_is_not_blamed() -> None:
    without = {"queues": None, "actions": frozenset(NEEDED) - {"QueueAdd", "QueueRemove", "QueuePause"}}
    finding = judged("exchange.modules", **without)
    assert finding.verdict is Verdict.FAIL and "app_queue" in finding.found
    assert judged("exchange.write", **without).verdict is Verdict.OK


def test_an_account_that_may_not_pause_agents_fails() -> None:
    finding = judged("exchange.write", actions=frozenset(NEEDED) - {"QueuePause"})
    assert finding.verdict is Verdict.FAIL and "QueuePause" in finding.found and "add agent to" in finding.advice


def test_events_that_nobody_reads_show_that_no_filter_is_in_force() -> None:
    finding = judged("exchange.filters", unwanted_events=frozenset({"BridgeEnter", "DialBegin"}))
    assert finding.verdict is Verdict.WARN and "BridgeEnter, DialBegin" in finding.found


def test_filters_that_the_dialler_sets_itself_are_enough() -> None:
    assert judged("exchange.filters", filter_answer="").verdict is Verdict.OK
    assert judged("exchange.filters", filter_answer="no such form").verdict is Verdict.WARN


def test_no_fully_booted_is_warned_of() -> None:
    finding = judged("exchange.read", booted=False)
    assert finding.verdict is Verdict.WARN and "class system" in finding.found
