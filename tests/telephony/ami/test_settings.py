"""Servers, trunks and snippets check themselves."""

from pathlib import Path
from typing import Any

import pytest

from telephony.ami import AsteriskServer, AsteriskTrunk, Snippet, Timing
from telephony.ami.link import EVENTS
from telephony.presentation import Presentation

CONFIG = Path(__file__).parents[3] / "config" / "asterisk"


def trunk(**facts: Any) -> AsteriskTrunk:
    return AsteriskTrunk(**{"name": "a", "calls_per_second": 10.0, "channels": 30, **facts})


def server(**facts: Any) -> AsteriskServer:
    return AsteriskServer(**{"name": "pbx", "username": "dialler", "secret": "s3cret", "trunks": (trunk(),), **facts})


@pytest.mark.parametrize(
    "facts",
    [
        {"name": "a b"},
        {"dial": "PJSIP/trunk"},
        {"dial": "{number}"},
        {"dial": "PJSIP/{number}{digits}@a"},
        {"dial": "PJSIP/{number}@a\r\nAction: Command"},
        {"dial": "PJSIP/{national}@a"},
        {"calls_per_second": 0},
        {"channels": 0},
    ],
)
def test_a_trunk_that_could_not_work_is_refused(facts: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(facts)).split()[0]):
        trunk(**facts)


@pytest.mark.parametrize(
    "facts",
    [
        {"name": ""},
        {"host": ""},
        {"username": "a\r\nb"},
        {"secret": ""},
        {"port": 0},
        {"context": "a,b"},
        {"queues": ("a\nb",)},
        {"trunks": (trunk(), trunk())},
    ],
)
def test_a_server_that_could_not_work_is_refused(facts: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(facts))):
        server(**facts)


def test_the_number_stands_where_the_trunk_wants_it() -> None:
    assert trunk().channel_for("+12025550100") == "PJSIP/+12025550100@trunk-a"
    assert trunk(dial="PJSIP/00{digits}@b").channel_for("+12025550100") == "PJSIP/0012025550100@b"
    american = Presentation(region="US")
    national = trunk(dial="PJSIP/{national}@b", presentation=american)
    assert national.channel_for("+12025550100") == "PJSIP/2025550100@b"
    assert national.channel_for("+442079460000") == "PJSIP/011442079460000@b"
    international = trunk(dial="PJSIP/{international}@b", presentation=american)
    assert international.channel_for("+12025550100") == "PJSIP/01112025550100@b"
    with pytest.raises(ValueError, match="255"):
        trunk(dial="PJSIP/{number}@" + "b" * 250).channel_for("+12025550100")


def test_the_secret_is_not_shown() -> None:
    assert "s3cret" not in repr(server())


def test_times_are_above_zero() -> None:
    with pytest.raises(ValueError, match="above 0"):
        Timing(ping_s=0)


def test_the_shipped_account_lets_through_just_what_the_adapter_reads() -> None:
    lines = (CONFIG / "manager_dialler.conf").read_text().splitlines()
    passed = [line.split("name(")[1].split(")")[0] for line in lines if line.startswith("eventfilter(action(include)")]
    assert passed == list(EVENTS)


@pytest.mark.parametrize("path", sorted(CONFIG.glob("*_dialler.conf")), ids=lambda path: path.name)
def test_a_shipped_file_names_its_placeholders_at_the_top(path: Path) -> None:
    snippet = Snippet(path.read_text())
    names = snippet.get_identifiers()
    head = path.read_text().split("\n\n[")[0]
    assert names
    assert all(f";   @@{{{name}}}" in head for name in names)
    assert "@@" not in snippet.fill(dict.fromkeys(names, "x"))


def test_a_value_can_not_add_lines_to_a_file() -> None:
    with pytest.raises(ValueError, match="line break"):
        Snippet("secret = @@{secret}").fill({"secret": "x\nread = all"})
    with pytest.raises(KeyError):
        Snippet("secret = @@{secret}").fill({})
