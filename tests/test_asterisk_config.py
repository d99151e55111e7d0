"""The Asterisk side of the settings: complete, commented, and nothing injected."""

import configparser
import re
from pathlib import Path
from typing import Any

import pytest

from dialler.asterisk_config import EXTENSIONS, MANAGER, QUEUES, render
from dialler.errors import SettingsError
from dialler.settings import Settings, settings_from

TRUNK = {"name": "a", "dial": "PJSIP/{number}@a", "calls_per_second": 1, "channels": 1}


def settings(*servers: dict[str, Any]) -> Settings:
    document = {"store": {"url": "sqlite:///x.db"}, "asterisk": list(servers)}
    return settings_from(document, file="dialler.toml", base=Path("/nowhere"), environ={})


def server(**keys: Any) -> dict[str, Any]:
    return {"name": "main", "secret": "s3cret", "queues": ["sales", "support"], "trunks": [TRUNK], **keys}


def live_lines(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if line and not line.startswith(";"))


def test_all_three_files_are_written_and_no_placeholder_is_left() -> None:
    files = render(settings(server()))
    assert files.keys() == {EXTENSIONS, MANAGER, QUEUES}
    for text in files.values():
        assert "@@" not in text
        assert "Placeholders" not in text
        assert text.startswith("; Written by `dialler asterisk-config` from dialler.toml")


def test_the_manager_account_is_the_one_of_the_settings() -> None:
    text = render(settings(server(username="engine")))[MANAGER]
    account = configparser.ConfigParser(strict=False, comment_prefixes=(";",), delimiters=("=",))
    account.read_string(text)
    assert account.sections() == ["engine"]
    assert account["engine"]["secret"] == "s3cret"
    assert account["engine"]["permit"] == "127.0.0.1/255.255.255.255"
    assert account["engine"]["deny"] == "0.0.0.0/0.0.0.0"
    assert text.count("s3cret") == 1


def test_answered_calls_enter_the_context_of_the_settings() -> None:
    text = render(settings(server(context="calls")))[EXTENSIONS]
    contexts = re.findall(r"^\[(.+)\]", text, re.MULTILINE)
    assert contexts[0] == "calls"
    targets = set(re.findall(r"[?(]([\w-]+),s,1\)", live_lines(text)))
    assert targets <= set(contexts), "every context that is gone to is there"


def test_each_queue_has_its_section() -> None:
    text = render(settings(server()))[QUEUES]
    assert re.findall(r"^\[(.+)\]", text, re.MULTILINE) == ["sales", "support"]
    assert text.count("ringinuse = no") == 2
    assert live_lines(render(settings(server(queues=[])))[QUEUES]) == ""


def test_several_servers_have_a_folder_each() -> None:
    other = server(name="other", secret="another", host="198.51.100.2", permit="192.0.2.7", trunks=[])
    files = render(settings(server(), other))
    assert files.keys() == {f"{name}/{file}" for name in ("main", "other") for file in (EXTENSIONS, MANAGER, QUEUES)}
    assert "permit = 192.0.2.7/255.255.255.255" in files[f"other/{MANAGER}"]
    assert "another" not in files[f"main/{MANAGER}"]


def test_every_mistake_is_told_at_once() -> None:
    away = {"name": "away", "host": "198.51.100.2", "secret": "x"}
    with pytest.raises(SettingsError) as raised:
        render(settings(server(secret="a;b"), away, {"name": "bare"}))
    assert [mistake.key for mistake in raised.value.mistakes] == [
        "asterisk[main].secret",
        "asterisk[away].permit",
        "asterisk[bare].secret",
    ]
    assert "a;b" not in str(raised.value)
    with pytest.raises(SettingsError, match="asterisk"):
        render(settings())


@pytest.mark.parametrize(
    "keys",
    [
        {"context": "x]\n[y"},
        {"username": "a]b"},
        {"queues": ["a\n[b]"]},
        {"secret": "a\npermit = 0.0.0.0/0"},
        {"permit": "0.0.0.0/0\nread = all"},
    ],
)
def test_no_value_can_write_lines_of_its_own(keys: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        render(settings(server(**keys)))
