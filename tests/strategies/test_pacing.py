"""How many calls each built-in strategy launches, and how strategies are found."""

import dataclasses
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strategies import registry
from strategies.agentless import Agentless
from strategies.pacing import PacingDecision, PacingFacts
from strategies.preview import Preview
from strategies.progressive import Progressive
from strategies.ratio import Ratio
from strategies.registry import make_pacing, pacing_names

counts = st.integers(0, 1000)
COUNTS = [field.name for field in dataclasses.fields(PacingFacts) if field.name != "scene"]
some_facts = st.builds(PacingFacts, **dict.fromkeys(COUNTS, counts))
QUIET = PacingFacts(
    agents_ready=0,
    agents_busy=0,
    calls_unanswered=0,
    calls_waiting=0,
    calls_talking=0,
    channels_free=50,
    tokens=9,
)


def facts(**changes: int) -> PacingFacts:
    return dataclasses.replace(QUIET, **changes)


@given(
    given_facts=some_facts, strategy=st.sampled_from([Progressive(), Ratio(1), Ratio(3.7), Agentless(), Agentless(7)])
)
@settings(max_examples=200)
def test_no_strategy_ever_launches_less_than_nothing_or_gives_no_reason(given_facts, strategy):
    decision = strategy.decide(given_facts)
    assert decision.calls >= 0
    assert any(mark.isdigit() for mark in decision.reason)


def test_progressive_places_one_call_for_each_free_agent():
    assert Progressive().decide(facts(agents_ready=5)).calls == 5
    decision = Progressive().decide(facts(agents_ready=5, calls_unanswered=2, calls_waiting=1))
    assert decision.calls == 2
    assert "5 ready - 2 unanswered - 1 waiting" in decision.reason
    assert Progressive().decide(facts(agents_ready=1, calls_unanswered=2)).calls == 0


@given(given_facts=some_facts)
@settings(max_examples=100)
def test_progressive_never_has_more_calls_on_their_way_than_agents(given_facts):
    calls = Progressive().decide(given_facts).calls
    assert calls == 0 or calls + given_facts.calls_unanswered + given_facts.calls_waiting <= given_facts.agents_ready


def test_ratio_places_lines_for_each_ready_agent():
    assert Ratio(ratio=3).decide(facts(agents_ready=4)).calls == 12
    assert Ratio(ratio=3).decide(facts(agents_ready=4, calls_unanswered=10)).calls == 2
    assert Ratio(ratio=3).decide(facts(agents_ready=4, calls_waiting=1, calls_unanswered=8)).calls == 1
    assert Ratio(ratio=1.5).decide(facts(agents_ready=1)).calls == 1
    assert Ratio(ratio=1.4).decide(facts(agents_ready=45)).calls == 63, "1.4 * 45 is 62.99999999999999 in binary"
    assert Ratio(ratio=2).decide(facts(agents_ready=1, calls_waiting=3)).calls == 0


def test_agentless_fills_channels_as_fast_as_the_rate_allows():
    assert Agentless().decide(facts(channels_free=50, tokens=9)).calls == 9
    assert Agentless().decide(facts(channels_free=5, tokens=9)).calls == 5
    assert Agentless().decide(facts(channels_free=0, tokens=9)).calls == 0


def test_agentless_stays_below_its_own_channels_max():
    decision = Agentless(channels_max=20).decide(facts(calls_unanswered=10, calls_talking=6))
    assert decision.calls == 4
    assert "16 of 20 calls up" in decision.reason
    assert Agentless(channels_max=20).decide(facts(calls_talking=30)).calls == 0


def test_the_built_in_strategies_are_known_by_name():
    assert set(pacing_names()) >= {"progressive", "ratio", "agentless"}
    assert make_pacing("progressive", {}) == Progressive()
    assert make_pacing("ratio", {"ratio": 2.5}) == Ratio(ratio=2.5)
    assert make_pacing("agentless", {"channels_max": 10.0}) == Agentless(channels_max=10)
    assert make_pacing("progressive", {}).needs_agents
    assert not make_pacing("agentless", {}).needs_agents


@pytest.mark.parametrize(
    ("name", "given_settings", "words"),
    [
        (
            "predictiv",
            {},
            "no pacing strategy 'predictiv'; there are agentless, predictive, preview, progressive, ratio",
        ),
        ("ratio", {"ration": 2}, "'ratio' has no setting ration; it has ratio"),
        ("progressive", {"ratio": 2}, "'progressive' has no setting ratio; it has none"),
        ("ratio", {"ratio": 0.5}, "ratio must be 1 to 10, got 0.5"),
        ("ratio", {"ratio": 11}, "ratio must be 1 to 10, got 11"),
        ("ratio", {"ratio": float("nan")}, "ratio must be 1 to 10, got nan"),
        ("ratio", {"ratio": "3"}, "pacing strategy 'ratio'"),
        ("agentless", {"channels_max": 0}, "whole number, 1 or more"),
        ("agentless", {"channels_max": 2.5}, "whole number, 1 or more"),
        ("agentless", {"channels_max": float("inf")}, "whole number, 1 or more"),
    ],
)
def test_a_wrong_name_or_setting_is_told_in_words(name, given_settings, words):
    with pytest.raises(ValueError, match=r"pacing") as raised:
        make_pacing(name, given_settings)
    assert words in str(raised.value)


@dataclass(frozen=True)
class Cautious:
    """Somebody else's strategy."""

    name: ClassVar[str] = "cautious"
    needs_agents: ClassVar[bool] = True
    wants_scene: ClassVar[bool] = False
    calls: int = 1

    def decide(self, facts: PacingFacts) -> PacingDecision:
        return PacingDecision(calls=self.calls, reason="1 is enough")


def offer(monkeypatch, *entries):
    monkeypatch.setattr(
        registry,
        "entry_points",
        lambda *, group: [EntryPoint(name=name, value=value, group=group) for name, value in entries],
    )


def test_a_strategy_of_another_package_is_found_by_its_entry_point(monkeypatch):
    offer(monkeypatch, ("cautious", f"{__name__}:Cautious"), ("ratio", "somewhere:Else"))
    monkeypatch.setattr(EntryPoint, "load", lambda entry: {"cautious": Cautious}[entry.name])
    assert pacing_names() == ("agentless", "cautious", "predictive", "preview", "progressive", "ratio")
    assert make_pacing("cautious", {"calls": 2}).decide(QUIET).calls == 2
    assert isinstance(make_pacing("ratio", {}), Ratio), "a built-in name can't be taken"


def test_the_built_in_strategies_are_there_without_any_installed_metadata(monkeypatch):
    offer(monkeypatch)
    assert pacing_names() == ("agentless", "predictive", "preview", "progressive", "ratio")
    assert make_pacing("ratio", {}) == Ratio()


def test_a_package_that_can_not_be_loaded_is_named(monkeypatch):
    offer(monkeypatch, ("broken", "no_such_package_at_all.pacing:Broken"))
    with pytest.raises(ValueError, match=r"'broken' can not be loaded from no_such_package_at_all\.pacing:Broken"):
        make_pacing("broken", {})


@given(given_facts=some_facts)
def test_preview_never_makes_more_offers_than_agents_are_ready(given_facts):
    assert Preview().decide(given_facts).calls == given_facts.agents_ready
