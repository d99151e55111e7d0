"""What other rules would make of leads, from the command line."""

from tests.cli.conftest import Dialler


def test_a_trial_run_of_other_rules_says_what_they_would_do_and_changes_nothing(spring: Dialler) -> None:
    where = ("--campaign", "spring", "--list", "east")
    assert spring("lead", "add", *where, "--number", "202-555-0123", "--region", "US").code == 0
    rests = '{"NO_ANSWER": {"rests": ["5h"]}}'
    said = spring("strategy", "set", "standard", "--attempts-max", "4", "--redial", rests, "--dry-run")
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines() == [
        "redial: {} -> {'NO_ANSWER': {'rests': ['5h']}}",
        "attempts_max: the campaign's -> 4",
        "lists east: of 1 leads looked at 0 come back, 0 rest longer, 0 rest less, 0 are exhausted",
        "trial run, nothing is changed",
    ]
    assert spring("strategy", "show", "standard", "--json").json["version"] == 1
    campaign = spring("campaign", "set", "spring", "--weight", "7", "--dry-run")
    assert "weight: 100 -> 7\nno lead would have another turn" in campaign.out
    document = spring("campaign", "set", "spring", "--attempts-max", "9", "--dry-run", "--json").json
    assert document["replan"]["lists"] == ["east"] and document["applied"] is False
    assert spring("campaign", "show", "spring", "--json").json["attempts_max"] == 6
    assert spring("campaign", "set", "spring", "--weight", "100", "--dry-run").out.startswith("nothing would change")
