"""Writes the Asterisk side of the settings: dialplan, manager account and queues, from `config/asterisk/`."""

import re
from collections.abc import Mapping
from typing import Final

from dialler.errors import Mistake, SettingsError
from dialler.settings import AsteriskSettings, Settings, ami_secret
from dialler.shipped import shipped_config
from telephony.ami.snippets import Snippet

EXTENSIONS: Final = "extensions_dialler.conf"
MANAGER: Final = "manager_dialler.conf"
QUEUES: Final = "queues_dialler.conf"
_LOOPBACK: Final = {"127.0.0.1": "127.0.0.1/255.255.255.255", "localhost": "127.0.0.1/255.255.255.255"}
_PLACEHOLDERS: Final = re.compile(r"^; Placeholders:\n(?:;   .*\n)+(?:;\n)?", re.MULTILINE)
_BY_HAND: Final = ", or by hand: fill in the placeholders, copy"


def render(settings: Settings) -> dict[str, str]:
    """Return the files by name; with several servers each has a folder of its own ("main/queues_dialler.conf").

    The manager's file holds the secret. Raises SettingsError with every mistake: no server, no secret, no `permit`
    for a server elsewhere.
    """
    if not settings.asterisk:
        raise SettingsError([Mistake(settings.file, "asterisk", "(nothing)", "at least one [[asterisk]]")])
    files: dict[str, str] = {}
    mistakes: list[Mistake] = []
    for server in settings.asterisk:
        folder = f"{server.name}/" if len(settings.asterisk) > 1 else ""
        try:
            secret = _secret(server, settings.file)
            permit = _permit(server, settings.file)
        except SettingsError as error:
            mistakes += error.mistakes
            continue
        manager = {"username": server.username, "secret": secret, "permit": permit}
        files[folder + EXTENSIONS] = _filled(EXTENSIONS, {"context": server.context}, settings.file)
        files[folder + MANAGER] = _filled(MANAGER, manager, settings.file)
        files[folder + QUEUES] = _queues(server, settings.file)
    if mistakes:
        raise SettingsError(mistakes)
    return files


def _template(name: str, source: str) -> str:
    """Return a template as it goes to Asterisk: without the advice for those who fill it in by hand."""
    text = shipped_config(f"asterisk/{name}").read_text(encoding="utf-8")
    text = _PLACEHOLDERS.sub("", text).replace(_BY_HAND, ". Copy")
    return f"; Written by `dialler asterisk-config` from {source}: change that, and write this anew.\n;\n{text}"


def _filled(name: str, values: Mapping[str, str], source: str) -> str:
    return Snippet(_template(name, _printable(source))).fill(values)


def _queues(server: AsteriskSettings, source: str) -> str:
    head, bracket, queue = _template(QUEUES, _printable(source)).partition("[@@{queue}]")
    sections = [Snippet(bracket + queue).fill({"queue": name}) for name in server.queues]
    return head + "\n".join(sections or ["; No queues are named in the dialler's settings.\n"])


def _secret(server: AsteriskSettings, file: str) -> str:
    secret = ami_secret(server, file=file)
    if ";" in secret or "\\" in secret:
        expected = "a secret without ';' and '\\', which mean something else in Asterisk's files"
        raise SettingsError([Mistake(file, f"asterisk[{server.name}].secret", "***", expected)])
    return secret


def _permit(server: AsteriskSettings, file: str) -> str:
    permit = server.permit or _LOOPBACK.get(server.host)
    if permit is None:
        expected = "this machine's address as the server sees it, such as '192.0.2.7'"
        raise SettingsError([Mistake(file, f"asterisk[{server.name}].permit", "(nothing)", expected)])
    return permit


def _printable(path: str) -> str:
    return path if path.isprintable() else ascii(path)
