"""The files that hold secrets: readable by the daemon, and by no stranger."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from dialler.doctor.access import Who, readers
from dialler.doctor.finding import Finding, fail, or_ok, warn
from dialler.settings import Settings


def secret_files(path: Path, settings: Settings, users: Sequence[Who]) -> list[Finding]:
    """Judge the settings file and the secret files that it names; `users` need them."""
    problems: list[Finding] = []
    files = {path: _holds_a_secret(path)}
    files |= {server.secret_file: True for server in settings.asterisk if _is_read(server)}  # type: ignore[misc]
    for file, is_secret in files.items():
        problems += _of_one(file, users, is_secret=is_secret)
    count = sum(files.values())
    return or_ok(problems, "settings.secrets", f"{count} of {len(files)} settings and secret files hold a secret")


def _is_read(server: Any) -> bool:
    return server.secret_file is not None and server.secret is None


def _of_one(file: Path, users: Sequence[Who], *, is_secret: bool) -> Iterator[Finding]:
    try:
        without, strangers = readers(file, users)
    except OSError:
        return  # the settings themselves say that it can't be read
    if without:
        yield fail(
            "settings.secrets",
            f"{file}: {', '.join(without)} may not read it",
            f"chgrp it to the group of the daemon and chmod 0640 {file}",
        )
    if is_secret and strangers:
        yield warn(
            "settings.secrets",
            f"{file} holds a secret, and every user of this machine may read it",
            f"chmod o-r {file}, or use a systemd credential",
        )


def _holds_a_secret(path: Path) -> bool:
    try:
        document: Mapping[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return False
    servers = document.get("asterisk", [])
    return any(_has_password(document.get(section)) for section in ("store", "redis")) or any(
        "secret" in each for each in servers if isinstance(each, dict)
    )


def _has_password(section: object) -> bool:
    url = section.get("url", "") if isinstance(section, dict) else ""
    account = url.partition("://")[2].rpartition("@")[0] if isinstance(url, str) else ""
    return ":" in account
