"""dialler asterisk-config and dialler token ..."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from dialler.cli.connection import load
from dialler.cli.options import ConfigOption, JsonOption, UnusedConfigOption
from dialler.cli.printing import note, print_json, print_line
from dialler.errors import DiallerError

tokens = App(name="token", help="Bearer tokens for the API over TCP.")


def asterisk_config(
    *,
    out: Annotated[
        Path | None, Parameter(help="Write the files into this folder instead of printing them; none is replaced.")
    ] = None,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """The dialplan, manager and queue files that Asterisk needs for these settings, with comments.

    The manager's file holds the secret.

    Example: `dialler asterisk-config -c dialler.toml --out asterisk`
    """
    settings = load(config)
    from dialler.asterisk_config import render

    files = render(settings)
    if out is not None:
        _write_all(out, files)
    if json:
        print_json(files)
    elif out is None:
        for name, text in files.items():
            print_line(f"; ======== {name} ========\n{text}")


def _write_all(folder: Path, files: Mapping[str, str]) -> None:
    """Write the files, for their owner's eyes only. Raises DiallerError; a file that is there already stays."""
    for name, text in files.items():
        path = folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            raise DiallerError(f"{path}: {error.strerror or error}") from error
        note(f"{path} is written")


@tokens.command
def create(
    name: Annotated[str, Parameter(help="Who bears it; the records keep the name of who changed what.")],
    /,
    *,
    json: JsonOption = False,
    config: UnusedConfigOption = None,
) -> None:
    """Make a token. It is shown once; the settings keep only its hash.

    Example: `dialler token create crm`
    """
    from dialler.api.hashing import new_token

    token, sha256 = new_token()
    if json:
        print_json({"name": name, "token": token, "sha256": sha256})
        return
    print_line(f'[[api.tokens]]\nname = "{name}"\nsha256 = "{sha256}"')
    note(f"\nThe token, shown this once: {token}\nPut the lines above into the settings file.")
