"""Stored values come back exactly, and damaged ones say where they stand."""

from datetime import UTC, datetime, timedelta, timezone
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialler.domain.campaign import AmdUnsure, CampaignSettings
from dialler.domain.dnc_scope import DncScope
from dialler.domain.lead import NumberStatus, PhoneNumber
from dialler.domain.outcome import Outcome
from dialler.domain.patience import PatienceStart
from dialler.domain.redial import RedialRule, RedialRules
from dialler.domain.session import Evidence
from dialler.domain.strategy import LeadOrder, NumberOrder, StrategySettings
from dialler.domain.verdict import Gate, Verdict, verdict_to_json
from dialler.domain.wrap import WRAP_CODES
from dialler.errors import StoreError
from dialler.stores.codec import (
    evidence_from_json,
    evidence_to_json,
    from_us,
    numbers_from_json,
    numbers_to_json,
    pick_from_json,
    pick_to_json,
    settings_from_json,
    settings_to_json,
    strategy_from_json,
    strategy_to_json,
    to_json,
    to_us,
)
from telephony.answer_plan import KeyAction

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1), timezones=zones | st.just(UTC))  # noqa: DTZ001


@given(moments)
@settings(max_examples=100)
def test_a_moment_is_the_same_to_the_microsecond(at: datetime) -> None:
    assert from_us(to_us(at)) == at
    assert from_us(to_us(at)).tzinfo is UTC


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(TypeError):
        to_us(datetime(2026, 1, 1))  # noqa: DTZ001


rests = st.integers(0, 90 * 86_400).map(lambda seconds: timedelta(seconds=seconds))
rules = st.builds(
    RedialRule,
    rests=st.lists(rests, min_size=1, max_size=3).map(tuple),
    in_a_row_max=st.none() | st.integers(1, 9),
)


strategies = st.builds(
    StrategySettings,
    order=st.sampled_from([order for order in LeadOrder if order is not LeadOrder.FIELD]),
    seed=st.integers(0, 2**63 - 1),
    numbers=st.sampled_from(NumberOrder),
    redial=st.builds(
        RedialRules,
        st.dictionaries(st.sampled_from(Outcome), rules, max_size=3),
        st.dictionaries(st.sampled_from(list(WRAP_CODES)), rules, max_size=3),
    ),
    attempts_max=st.none() | st.integers(1, 99),
    attempts_per_day_max=st.none() | st.integers(1, 9),
    rest_min_s=st.none() | st.integers(0, 99_999),
)


@given(strategies)
@settings(max_examples=50)
def test_a_strategy_comes_back(given_settings: StrategySettings) -> None:
    assert strategy_from_json(strategy_to_json(given_settings), where="") == given_settings


@given(st.lists(st.builds(PhoneNumber, st.text(), st.text(), st.sampled_from(NumberStatus), st.integers(0, 9))))
def test_numbers_come_back(numbers: list[PhoneNumber]) -> None:
    assert numbers_from_json(numbers_to_json(tuple(numbers))) == tuple(numbers)


@given(
    st.builds(
        Evidence, cause=st.none() | st.integers(0, 200), cause_text=st.none() | st.text(), error=st.none() | st.text()
    )
)
@settings(max_examples=50)
def test_evidence_comes_back(evidence: Evidence) -> None:
    assert evidence_from_json(evidence_to_json(evidence)) == evidence


gate_texts = st.text(max_size=9)
openings = st.none() | st.sampled_from([NOON, NOON + timedelta(days=1)])
gates = st.builds(Gate, gate_texts, st.booleans(), gate_texts, gate_texts, openings)
other_gates = st.dictionaries(st.sampled_from(["name", "passed", "window"]), gate_texts | st.booleans())


@given(st.lists(gates), st.lists(other_gates, max_size=1))
def test_a_decision_comes_back_whatever_its_gates(of_a_verdict: list[Gate], others: list[dict[str, object]]) -> None:
    verdict = Verdict(gates=tuple(of_a_verdict), number=None, caller_id=None, dialable=False, earliest=NOON)
    pick = {"weight": 70, "gates": [*cast(list[object], verdict_to_json(verdict)["gates"]), *others]}
    assert pick_from_json(pick_to_json(pick)) == pick


@pytest.mark.parametrize("pick", [{}, {"weight": 70}, *({"gates": odd} for odd in ({"window": True}, {}, None, [1]))])
def test_a_decision_without_gates_comes_back(pick: dict[str, object]) -> None:
    assert pick_from_json(pick_to_json(pick)) == pick


def test_the_gates_of_a_call_take_half_the_room() -> None:
    passed = tuple(Gate(f"gate {n}", True, "what was found", "what it needs", NOON) for n in range(13))
    verdict = Verdict(gates=passed, number=None, caller_id=None, dialable=True, earliest=NOON)
    gates = verdict_to_json(verdict)["gates"]
    assert len(pick_to_json({"gates": gates})) < len(to_json({"gates": gates})) / 2


def test_gates_that_were_stored_written_out_are_read() -> None:
    gate = {"name": "list", "passed": True, "value": "to dial", "rule": "to dial", "earliest": None}
    assert pick_from_json(to_json({"gates": [gate]})) == {"gates": [gate]}


def test_a_setting_that_was_not_stored_takes_its_default() -> None:
    assert settings_from_json('{"weight": 5}', where="") == CampaignSettings(weight=5)


def test_what_happens_to_answered_calls_comes_back() -> None:
    given_settings = CampaignSettings(
        wrap_up_s=15,
        preview_s=45,
        patience_s=1.5,
        patience_from=PatienceStart.CONNECTION,
        harbour="acme/sorry",
        message="acme/news",
        message_keys={"1": KeyAction.QUEUE, "3": KeyAction.REPLAY},
        optout_key="*",
        amd=True,
        amd_unsure=AmdUnsure.MACHINE,
        machine_sound="acme/call-us",
        abandoned_rest_s=3600,
        optout_scope=DncScope.MERCHANT,
    )
    assert settings_from_json(settings_to_json(given_settings), where="") == given_settings


@pytest.mark.parametrize(
    "text", ["", "[]", '{"weight": 0}', '{"colour": 1}', '{"hours": {}}', '{"ring_timeout_s": "x"}']
)
def test_settings_that_are_not_valid_say_whose_they_are(text: str) -> None:
    with pytest.raises(StoreError, match="campaign 7"):
        settings_from_json(text, where="campaign 7")


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"redial": {"X": {}}}', '{"redial": {"BUSY": {"rests": []}}}', '{"colour": 1}', '{"order": "best"}'],
)
def test_a_strategy_that_is_not_valid_says_which_it_is(text: str) -> None:
    with pytest.raises(StoreError, match="strategy 7"):
        strategy_from_json(text, where="strategy 7")


def test_all_settings_come_back() -> None:
    assert settings_from_json(settings_to_json(CampaignSettings()), where="") == CampaignSettings()
