"""What a page shows, in words."""

import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dialler.web.answers import Status
from dialler.web.board import Commands, board
from dialler.web.upstream import Trouble
from dialler.web.watch import Away, Seen
from tests.support.boards import COMMANDS, campaign, lead_list, status

AT_FOUR = "is due at 2026-06-03T16:00:00+00:00"
NOW = datetime(2026, 6, 3, 15, 30, 1, tzinfo=UTC)


def shown(**facts: Any) -> dict[str, Any]:
    seen = Seen(status=Status.model_validate(status(**facts)), status_at=NOW)
    return board(seen, NOW, COMMANDS)


def card(**facts: Any) -> dict[str, Any]:
    [only] = shown(campaigns=[campaign(**facts)])["campaigns"]
    return dict(only)


def test_totals_are_those_of_all_campaigns_trunks_that_are_up_and_agents() -> None:
    trunk = status()["trunks"][0]
    down = trunk | {"name": "b", "up": False, "channels_used": 1, "channels": 40}
    unknown = campaign(campaign_id=2, actual=None, calls={"unanswered": None, "waiting": None, "talking": None})
    totals = shown(
        campaigns=[campaign(), campaign(campaign_id=3, desired="stopped", actual="stopped"), unknown],
        trunks=[trunk, down],
        agents={"ready": 4, "ringing": 1, "talking": 2, "paused": 9},
    )["totals"]
    assert totals == {
        "ringing": 6,
        "waiting": 2,
        "talking": 4,
        "agents_ready": 4,
        "agents_busy": 3,
        "channels_used": 7,
        "channels": 60,
        "running": 1,
        "campaigns": 3,
        "callable": 120,
    }


@pytest.mark.parametrize(
    ("desired", "actual", "state", "tone", "note"),
    [
        ("running", "running", "running", "good", ""),
        ("running", "blocked", "blocked", "bad", "wanted running"),
        ("running", None, "not taken up", "bad", "wanted running, and no engine runs it"),
        ("running", "stopped", "stopped", "idle", "wanted running"),
        ("paused", "paused", "paused", "warn", ""),
        ("draining", "draining", "draining", "warn", ""),
        ("stopped", None, "stopped", "idle", ""),
        ("stopped", "winding up", "winding up", "warn", "wanted stopped"),  # a newer daemon's
    ],
)
def test_a_campaign_says_what_it_does_and_what_is_wanted_where_that_differs(
    desired: str, actual: str | None, state: str, tone: str, note: str
) -> None:
    found = card(desired=desired, actual=actual)
    assert (found["state"], found["tone"], found["note"]) == (state, tone, note)


def test_a_campaign_that_runs_and_has_nobody_to_call_stands_out() -> None:
    idle = {"calls": {"unanswered": 0, "waiting": 0, "talking": 0}}
    shut = lead_list(dialable_now=0)
    off = lead_list(list_id=2, name="west", to_dial=False)
    found = card(**idle, lists=[shut, off])
    assert (found["state"], found["tone"], found["note"]) == ("running", "warn", "nobody to call now")
    assert card(**idle)["tone"] == "good"
    assert card(lists=[shut])["tone"] == "good"  # its last calls are still up


def test_what_limits_it_is_told_in_its_order_and_pacing_is_not_told_twice() -> None:
    found = card(limits=["first", "second"])
    assert found["why"] == ("first", "second")
    assert found["pacing"] == "ratio: 2 new calls; 2 lines for each agent"
    found = card(limits=["pacing: 2 lines for each agent"])
    assert found["why"] == ("pacing: 2 lines for each agent",)
    assert found["pacing"] == "ratio: 2 new calls"
    assert card(pacing={"strategy": "agentless"})["pacing"] == "agentless; no decision yet"
    assert card(pacing={"strategy": "ratio", "calls": 0, "reason": "none"})["pacing"] == "ratio: no new call; none"


def test_abandoned_calls_are_told_by_period_and_which_is_over_its_limit() -> None:
    day = {"period": "24h", "abandoned": 12.0, "answered": 292.0, "rate": 12 / 292, "limit": 0.03, "is_over": True}
    half_hour = {"period": "30m", "abandoned": 0.0, "answered": 0.0, "rate": None, "limit": 0.03, "is_over": False}
    month = day | {"period": "month", "enforced": False}
    found = card(abandons=[half_hour | {"enforced": True}, day | {"enforced": True}, month])
    assert found["abandoned"] == "4.1% in 24 h (12 of 292, over the limit of 3.0%); 4.1% this month (12 of 292)"
    assert card()["abandoned"] == "nobody has answered"
    over = "over the abandon limit: no call"
    found = card(limits=[over], pacing={"strategy": "ratio", "calls": 0, "reason": f"{over}; 2 lines"})
    assert (found["why"], found["pacing"]) == ((over,), "ratio: no new call; 2 lines")


@pytest.mark.parametrize(
    ("callbacks", "said"),
    [
        ({}, None),
        ({"due": 0, "waiting_for_agent": 0, "next_at": None}, None),
        ({"due": 3, "waiting_for_agent": None, "next_at": None}, "3 due"),
        ({"due": 3, "waiting_for_agent": 0, "next_at": "2026-06-03T16:00:00Z"}, f"3 due; the next {AT_FOUR}"),
        ({"due": 3, "waiting_for_agent": 2, "next_at": None}, "3 due, 2 of them wait for their agent"),
        ({"due": 0, "waiting_for_agent": 0, "next_at": "2026-06-03T16:00:00Z"}, f"the first {AT_FOUR}"),
    ],
)
def test_callbacks_are_told_where_there_are_some(callbacks: dict[str, Any], said: str | None) -> None:
    assert card(callbacks=callbacks)["callbacks"] == said


@pytest.mark.parametrize(
    ("facts", "command"),
    [
        ({"lists": []}, "dialler list create {name} fresh --weight 100"),
        (
            {"lists": [lead_list(leads=0, dialable_now=0)]},
            "dialler lead import leads.csv --campaign {name} --list east --region US --map number=phone",
        ),
        ({"lists": [lead_list(to_dial=False)]}, "dialler list set {name} east --to-dial"),
        ({"desired": "stopped", "actual": "stopped"}, "dialler campaign start {name}"),
        ({"desired": "paused", "actual": "paused"}, "dialler campaign start {name}"),
        ({}, None),
    ],
)
@pytest.mark.parametrize("name", ["spring", "it's $(reboot); `halt` && <b>"])
def test_a_campaign_that_lacks_something_has_the_command_for_it_safe_to_paste(
    facts: dict[str, Any], command: str | None, name: str
) -> None:
    found = card(name=name, **facts)
    assert found["cures"] == ([command.format(name=shlex.quote(name))] if command else [])
    for line in found["cures"]:
        assert name in shlex.split(line)


def test_a_stopped_campaign_says_so_once() -> None:
    limits = ["the campaign is stopped: dialler campaign start spring"]
    assert card(desired="stopped", actual="stopped", limits=limits)["why"] == ("It is stopped.",)


def test_agents_are_told_by_state_always_in_the_same_order() -> None:
    rows = shown(agents={"talking": 2, "ready": 1, "on the moon": 1})["agents"]
    assert [(row["state"], row["count"]) for row in rows] == [
        ("ready", 1),
        ("reserved", 0),
        ("ringing", 0),
        ("talking", 2),
        ("wrap-up", 0),
        ("paused", 0),
        ("away", 0),
        ("on the moon", 1),
    ]


def test_lists_show_their_hopper_and_counts() -> None:
    [row] = card()["lists"]
    assert (row["hopper"], row["callable"], row["shut"], row["resting"], row["in_call"], row["done"]) == (
        *(25, 40, 30, 20, 2),
        8,
    )
    assert (row["share"], row["so_far"], row["lasts_s"]) == (None, None, None), "an older daemon does not tell"
    told = lead_list(percentage=70.0, actual_percentage=69.97, runway_s=720.5)
    new = card(lists=[told], runway_s=3600)
    assert new["lasts_s"] == 3600
    [row] = new["lists"]
    assert (row["share"], row["so_far"], row["lasts_s"]) == ("70 %", "70 %", 720.5)


@pytest.mark.parametrize("trouble", Trouble)
def test_whatever_keeps_the_daemon_from_answering_the_page_says_since_when_and_what_to_do(trouble: Trouble) -> None:
    since = NOW - timedelta(minutes=3)
    seen = Seen(
        status=Status.model_validate(status()),
        status_at=since,
        away=Away(since=since, trouble=trouble, said="no daemon answers on /x"),
    )
    for file in ("/etc/dialler/dialler.toml", "/home/ann/my settings.toml"):
        found = board(seen, NOW, Commands(settings_file=Path(file)))
        assert found["link"]["state"] == "away"
        assert found["link"]["said"] == "No daemon answers on /x."
        assert found["link"]["since"] == since.isoformat()
        assert found["link"]["cures"]
        assert found["campaigns"]  # what it last knew stays
        assert found["known_at"] == since.isoformat()
        for command in found["link"]["cures"]:
            assert (file in shlex.split(command)) == (file.startswith("/home") and command.startswith("dialler"))


def test_an_answer_that_is_old_while_another_is_awaited_is_not_shown_as_live() -> None:
    seen = Seen(status=Status.model_validate(status()), status_at=NOW - timedelta(seconds=5))
    assert board(seen, NOW, COMMANDS)["link"]["state"] == "slow"
    assert board(Seen(), NOW, COMMANDS)["link"]["state"] == "asked"
    assert shown()["link"]["state"] == "here"


def test_a_daemon_of_an_older_version_is_shown_as_far_as_it_tells() -> None:
    told = status()
    del told["agents"]
    assert board(Seen(status=Status.model_validate(told), status_at=NOW), NOW, COMMANDS)["totals"]["agents_ready"] == 0


def test_without_an_engine_it_says_so() -> None:
    link = shown(engine={"running": False, "started_at": None, "note": "no engine runs"}, campaigns=[])["link"]
    assert (link["state"], link["said"]) == ("idle", "no engine runs")
