"""What must hold between several keys, and what only `dialler run` needs."""

import os
from collections.abc import Iterator, Mapping
from typing import Any, Final

from dialler.errors import Mistake, SettingsError
from dialler.settings.kinds import REGION_EXPECTED
from dialler.settings.mistakes import key_of
from dialler.settings.model import AsteriskSettings, Settings
from dialler.settings.sources import CREDENTIAL_AMI, Document, Location, servers

SOCKET_BYTES_MAX: Final = 107
"""Of a unix socket's path, without its closing zero byte: unix(7)."""

_BY_REGION: Final = ("national", "international")

Finding = tuple[Location, str, str]
"""Where, what stands there, what is expected."""


def unique_names(document: Document) -> Iterator[Finding]:
    """Find names used twice: servers, trunks (over all servers), API tokens."""
    yield from _repeated([((*at, "name"), table.get("name")) for at, table in _tables(document, "asterisk")])
    yield from _repeated([((*at, "name"), trunk.get("name")) for at, trunk in _trunks(document)])
    if isinstance(api := document.get("api"), dict):
        tokens = [(("api", *at, "name"), token.get("name")) for at, token in _tables(api, "tokens")]
        yield from _repeated(tokens)


def missing_regions(document: Document) -> Iterator[Finding]:
    """Find trunks that write numbers as their country does, and do not say which that is."""
    for at, trunk in _trunks(document):
        if trunk.get("region") is None and (
            trunk.get("caller_id") in _BY_REGION or any(f"{{{form}}}" in str(trunk.get("dial")) for form in _BY_REGION)
        ):
            yield (*at, "region"), "(nothing)", f"{REGION_EXPECTED}: {' and '.join(_BY_REGION)} numbers differ by it"


def for_run(settings: Settings) -> list[Mistake]:
    """Return what `dialler run` can't do without, though every other command can. Reads the secret files."""
    found: list[Finding] = []
    kind = settings.telephony.kind
    if kind is None:
        found.append((("telephony", "kind"), "(nothing)", "an [[asterisk]] server, or a [simulated] network"))
    if kind == "asterisk" and not any(server.trunks for server in settings.asterisk):
        found.append((("asterisk", "trunks"), "(nothing)", "at least one [[asterisk.trunks]]"))
    socket = str(settings.api.socket)
    if len(os.fsencode(socket)) > SOCKET_BYTES_MAX:
        found.append((("api", "socket"), repr(socket), f"a path of at most {SOCKET_BYTES_MAX} bytes"))
    if settings.api.tcp and not settings.api.tokens:
        expected = "at least one [[api.tokens]], since tcp lets others than this machine's operators ask"
        found.append((("api", "tokens"), "(nothing)", expected))
    document = {"asterisk": [{"name": server.name} for server in settings.asterisk]}
    mistakes = [Mistake(settings.file, key_of(at, document), value, expected) for at, value, expected in found]
    if kind == "asterisk":
        for server in settings.asterisk:
            try:
                ami_secret(server, file=settings.file)
            except SettingsError as error:
                mistakes += error.mistakes
    return mistakes


def ami_secret(server: AsteriskSettings, *, file: str = "settings") -> str:
    """Return the server's secret: the one in the settings, else the first line of its secret file.

    Raises SettingsError if there is none or its file can't be read.
    """
    key = f"asterisk[{server.name}].secret"
    if server.secret is not None:
        return server.secret.get_secret_value()
    if server.secret_file is None:
        expected = f"a secret, a secret_file, or the systemd credential '{CREDENTIAL_AMI}{server.name}'"
        raise SettingsError([Mistake(file, key, "(nothing)", expected)])
    try:
        lines = server.secret_file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        value = f"{str(server.secret_file)!r} ({reason})"
        raise SettingsError([Mistake(file, f"{key}_file", value, "a text file that this user can read")]) from None
    if not lines or not lines[0].strip() or not lines[0].strip().isprintable():
        value = f"{str(server.secret_file)!r} (no secret in it)"
        raise SettingsError([Mistake(file, f"{key}_file", value, "a file with the secret on its first line")])
    return lines[0].strip()


def _tables(document: Mapping[str, Any], key: str) -> list[tuple[Location, dict[str, Any]]]:
    tables = document.get(key)
    rows = tables if isinstance(tables, list | tuple) else ()
    return [((key, index), table) for index, table in enumerate(rows) if isinstance(table, dict)]


def _trunks(document: Document) -> Iterator[tuple[Location, dict[str, Any]]]:
    for index, server in servers(document):
        yield from ((("asterisk", index, *at), trunk) for at, trunk in _tables(server, "trunks"))


def _repeated(names: list[tuple[Location, object]]) -> Iterator[Finding]:
    seen: set[str] = set()
    for at, name in names:
        if isinstance(name, str) and name in seen:
            yield at, repr(name), "a name of its own; this one is taken"
        elif isinstance(name, str):
            seen.add(name)
