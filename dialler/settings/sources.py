"""Finds and reads what settings are made of: a TOML file, systemd credentials, environment variables.

A source adds to a plain document (dicts and lists) and notes in `Origins` where each value came from, so that a
mistake can name the place where it has to be mended.
"""

import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from dialler.errors import Mistake, SettingsError

CONFIG_VARIABLE: Final = "DIALLER_CONFIG"
SYSTEM_FILE: Final = Path("/etc/dialler/dialler.toml")
LOCAL_FILE: Final = Path("dialler.toml")
_PREFIX: Final = "DIALLER_"
_SEPARATOR: Final = "__"
CREDENTIAL_STORE_URL: Final = "store-url"
CREDENTIAL_REDIS_URL: Final = "redis-url"
CREDENTIAL_AMI: Final = "ami-"

Document = dict[str, Any]
Location = tuple[str | int, ...]
Origins = dict[Location, tuple[str, str]]
"""File and key to blame, by where the value stands in the document; what is not in it came from the TOML file."""


def find_settings(explicit: Path | None, environ: Mapping[str, str] = os.environ) -> Path:
    """Return the settings file: `explicit`, else $DIALLER_CONFIG, ./dialler.toml, /etc/dialler/dialler.toml.

    The first two are taken as they are; that they exist is for `load_settings` to find out. Raises SettingsError,
    naming all places, if there is none.
    """
    if explicit is not None:
        return explicit
    if named := environ.get(CONFIG_VARIABLE):
        return Path(named)
    for path in (LOCAL_FILE, SYSTEM_FILE):
        if path.is_file():
            return path
    places = f"-c FILE, or one in ${CONFIG_VARIABLE} (not set), at {LOCAL_FILE.absolute()} or at {SYSTEM_FILE}"
    raise SettingsError([Mistake("settings", "file", "(none found)", places)])


def read_toml(path: Path) -> Document:
    """Read the file. Raises SettingsError: not there, not readable, not TOML (with line and column)."""
    file = str(path)
    try:
        return tomllib.loads(path.read_bytes().decode())
    except UnicodeDecodeError as error:
        raise SettingsError([Mistake(file, f"byte {error.start + 1}", "(not UTF-8)", "a file in UTF-8")]) from None
    except tomllib.TOMLDecodeError as error:
        what, _, where = str(error).rpartition(" (at ")
        # The text at that place is not shown: it may be a secret.
        mistake = Mistake(file, where.rstrip(")") or "text", "(not TOML)", f"TOML; {_lower_first(what or str(error))}")
        raise SettingsError([mistake]) from None
    except OSError as error:
        expected = "a settings file that this user can read"
        raise SettingsError([Mistake(file, "file", f"({error.strerror})", expected)]) from None


def add_credentials(document: Document, origins: Origins, environ: Mapping[str, str]) -> list[Mistake]:
    """Add the secrets that systemd's LoadCredential laid down: `ami-NAME` for a server, `store-url`, `redis-url`.

    Return what could not be read.
    """
    if not (folder := environ.get("CREDENTIALS_DIRECTORY")):
        return []
    wanted: list[tuple[str, Location]] = [
        (CREDENTIAL_STORE_URL, ("store", "url")),
        (CREDENTIAL_REDIS_URL, ("redis", "url")),
    ]
    wanted += [
        (f"{CREDENTIAL_AMI}{server['name']}", ("asterisk", index, "secret"))
        for index, server in servers(document)
        if isinstance(server.get("name"), str) and "/" not in server["name"]
    ]
    mistakes = []
    for name, location in wanted:
        path = Path(folder) / name
        try:
            text = path.read_text(encoding="utf-8").rstrip("\r\n")
        except FileNotFoundError:
            continue
        except (OSError, UnicodeDecodeError) as error:
            mistakes.append(Mistake(str(path), "credential", f"({error})", "text that this user can read"))
            continue
        if _put(document, location, text):
            origins[location] = (str(path), "credential")
    return mistakes


def add_environment(document: Document, origins: Origins, environ: Mapping[str, str]) -> list[Mistake]:
    """Add DIALLER_SECTION__KEY variables; DIALLER_ASTERISK__SERVER__KEY reaches into the server of that name.

    Lists and tables are written as in TOML. An empty variable counts as unset. Return those that lead nowhere.
    """
    mistakes = []
    for variable, text in sorted(environ.items()):
        words = variable.removeprefix(_PREFIX).lower().split(_SEPARATOR)
        if not variable.startswith(_PREFIX) or len(words) < 2 or not text:
            continue
        location = _place_of(document, words)
        if location and _put(document, location, _value(text)):
            origins[location] = ("environment", variable)
        else:
            expected = "DIALLER_SECTION__KEY, or DIALLER_ASTERISK__SERVER__KEY with the name of a server"
            mistakes.append(Mistake("environment", variable, "(set)", expected))
    return mistakes


def servers(document: Mapping[str, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the `[[asterisk]]` tables that are tables, with their places."""
    tables = document.get("asterisk")
    for index, table in enumerate(tables if isinstance(tables, list) else ()):
        if isinstance(table, dict):
            yield index, table


def _place_of(document: Document, words: Sequence[str]) -> Location | None:
    """Return the place that a variable's words mean; None for a server that is not there."""
    if words[0] != "asterisk":
        return tuple(words)
    for index, server in servers(document):
        if re.sub("[.-]", "_", str(server.get("name")).lower()) == words[1]:
            return ("asterisk", index, *words[2:])
    return None


def _value(text: str) -> object:
    """Read a variable's text: TOML if it is a list or a table, else the text itself."""
    if text.lstrip().startswith(("[", "{")):
        try:
            return tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            return text  # "[::1]:9108" is an address
    return text


def _put(document: Document, location: Location, value: object) -> bool:
    """Set a value, making tables on the way; False where something else than a table is in the way."""
    place: Any = document
    for step in location[:-1]:
        if isinstance(step, int) and isinstance(place, list):
            place = place[step]
        elif isinstance(place, dict):
            place = place.setdefault(step, {})
        else:
            return False
    if not isinstance(place, dict):
        return False
    place[location[-1]] = value
    return True


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]
