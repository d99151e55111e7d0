"""What a strategy says, and that it is what holds."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dialler.domain.campaign import CampaignSettings, LeadList, in_force
from dialler.domain.lead import NumberStatus, PhoneNumber
from dialler.domain.next_turn import lead_after
from dialler.domain.outcome import Outcome
from dialler.domain.redial import RedialRule, RedialRules
from dialler.domain.strategy import (
    LeadOrder,
    NumberOrder,
    Strategy,
    StrategySettings,
    settings_from_json,
    settings_to_json,
)
from dialler.domain.verdict import dialable
from dialler.domain.wrap import WRAP_CODES
from tests.support.values import ALWAYS, NOON, a_lead, a_session, facts


def a_list(settings: StrategySettings, **more: object) -> LeadList:
    strategy = Strategy(strategy_id=1, name="own", version=1, created_at=NOON, settings=settings)
    return LeadList(list_id=1, campaign_id=1, name="l", created_at=NOON, strategy=strategy, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"order": LeadOrder.FIELD}, "field"),
        ({"field": "worth"}, "field"),
        ({"seed": -1}, "seed"),
        ({"attempts_max": 0}, "attempts_max"),
        ({"attempts_per_day_max": 0}, "attempts_per_day_max"),
        ({"rest_min_s": -1}, "rest_min_s"),
        ({"attempts_max": 10**30}, "attempts_max"),
    ],
)
def test_what_can_not_be_is_told_by_its_name(values: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        StrategySettings(**values)  # type: ignore[arg-type]


def test_as_json_it_comes_back_and_missing_keys_take_their_defaults() -> None:
    settings = StrategySettings(
        order=LeadOrder.FIELD,
        field="worth",
        descending=True,
        numbers=NumberOrder.BEST,
        redial=RedialRules(
            {Outcome.BUSY: RedialRule(rests=(timedelta(minutes=5),), in_a_row_max=2)},
            {"SILENT": RedialRule(rests=(timedelta(days=1),))},
        ),
        attempts_max=9,
    )
    assert settings_from_json(settings_to_json(settings)) == settings
    assert settings_from_json({}) == StrategySettings()
    with pytest.raises(ValueError, match="colour"):
        settings_from_json({"colour": 1})
    with pytest.raises(ValueError, match="redial_by_wrap: SILENT"):
        settings_from_json({"redial_by_wrap": {"SILENT": {}}})


def test_its_caps_stand_in_the_place_of_the_campaigns_one_by_one() -> None:
    campaign = CampaignSettings(attempts_max=6, attempts_per_day_max=3, rest_min_s=1800)
    assert in_force(campaign, a_list(StrategySettings())) is campaign
    capped = in_force(campaign, a_list(StrategySettings(attempts_max=2, rest_min_s=0)))
    assert (capped.attempts_max, capped.attempts_per_day_max, capped.rest_min_s) == (2, 3, 0)
    lead = a_lead(attempts=2, attempts_counted=2)
    verdict = dialable(lead, facts(settings=campaign, lead_list=a_list(StrategySettings(attempts_max=2))), NOON)
    assert [gate.name for gate in verdict.gates if not gate.passed] == ["attempts"]


def test_only_what_the_order_rests_on_makes_another_ranking() -> None:
    base = StrategySettings(order=LeadOrder.OLDEST, seed=4)
    assert base.ranking == replace(base, seed=5, descending=True, attempts_max=1).ranking
    random = replace(base, order=LeadOrder.RANDOM)
    assert random.ranking != base.ranking
    assert random.ranking != replace(random, seed=5).ranking
    by = StrategySettings(order=LeadOrder.FIELD, field="a")
    assert len({by.ranking, replace(by, field="b").ranking, replace(by, descending=True).ranking}) == 3


def test_numbers_go_as_they_are_to() -> None:
    lead = a_lead("+1201", "+1202", "+1203")
    numbers = (lead.numbers[0], replace(lead.numbers[1], status=NumberStatus.BAD), replace(lead.numbers[2], reached=2))
    for order, dialled in [
        (NumberOrder.FIRST, ["+1201", "+1201", "+1201"]),
        (NumberOrder.ROTATE, ["+1201", "+1203", "+1201"]),
        (NumberOrder.BEST, ["+1203", "+1203", "+1203"]),
    ]:
        known = facts(lead_list=a_list(StrategySettings(numbers=order)))
        found = []
        for attempts in range(3):
            number = dialable(replace(lead, numbers=numbers, attempts=attempts), known, NOON).number
            assert number is not None
            found.append(number.number)
        assert found == dialled, order
    assert dialable(lead, facts(dnc={"+1201", "+1202", "+1203"}), NOON).number is None


def test_a_number_on_which_a_person_answered_is_known_for_it() -> None:
    lead = a_lead("+1201", "+1202")
    for outcome, reached in [(Outcome.CONNECTED, 1), (Outcome.NO_ANSWER, 0)]:
        session = a_session(number="+1202", outcome=outcome)
        after = lead_after(
            lead, session, rules=RedialRules(), settings=CampaignSettings(), window=ALWAYS, ended_at=NOON
        )
        assert after.numbers == (PhoneNumber("+1201"), PhoneNumber("+1202", reached=reached))


def test_a_rule_for_a_wrap_code_goes_before_the_outcomes() -> None:
    rules = RedialRules({}, {"SILENT": RedialRule(rests=(timedelta(days=2),), in_a_row_max=2)})
    settings = CampaignSettings(rest_min_s=0)

    def due_after(code: str, run: int) -> object:
        lead = a_lead(last_outcome=Outcome.CONNECTED, outcome_run=run)
        session = a_session(outcome=Outcome.CONNECTED)
        return lead_after(
            lead,
            session,
            rules=rules,
            settings=settings,
            window=ALWAYS,
            ended_at=NOON,
            wrap=WRAP_CODES[code],
        ).due_at

    assert due_after("SILENT", 0) == NOON + timedelta(days=2)
    assert due_after("SILENT", 1) is None
    assert due_after("LANGUAGE", 1) == NOON + timedelta(hours=2)
    with pytest.raises(ValueError, match="then"):
        RedialRules({}, {"SILENT": RedialRule(rests=(timedelta(0),), in_a_row_max=1, then=Outcome.BUSY)})
