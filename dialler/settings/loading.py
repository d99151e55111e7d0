"""Puts the sources together and checks the whole: all of it or nothing."""

import os
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from dialler.errors import SettingsError
from dialler.settings.checks import for_run as run_checks
from dialler.settings.checks import missing_regions, unique_names
from dialler.settings.mistakes import blame, mistakes_of
from dialler.settings.model import Settings
from dialler.settings.sources import Origins, add_credentials, add_environment, read_toml

_RECORDS_UNTOLD: Final = "postgresql:///untold"


def load_settings(
    path: Path, *, for_run: bool = False, for_web: bool = False, environ: Mapping[str, str] = os.environ
) -> Settings:
    """Read settings from the file, the credentials and the environment; the last one named wins.

    With `for_run` they must also be enough for `dialler run`. With `for_web` they need not say where the records are:
    that may be in a credential which only the daemon is given. Raises SettingsError with every mistake.
    """
    document = read_toml(path)
    if for_web and isinstance(store := document.setdefault("store", {}), dict):
        # Only a server's url is kept in a credential; its daemon has its socket in the run directory.
        store.setdefault("url", _RECORDS_UNTOLD)
    return settings_from(document, file=str(path), base=path.absolute().parent, for_run=for_run, environ=environ)


def settings_from(
    document: Mapping[str, Any],
    *,
    file: str,
    base: Path,
    for_run: bool = False,
    environ: Mapping[str, str] = os.environ,
) -> Settings:
    """Check a settings file's content. Relative paths count from `base`. Raises SettingsError as `load_settings`."""
    whole, origins = deepcopy(dict(document)), Origins()
    mistakes = add_credentials(whole, origins, environ)
    mistakes += add_environment(whole, origins, environ)
    mistakes += [
        blame(at, value, expected, document=whole, origins=origins, file=file)
        for at, value, expected in (*unique_names(whole), *missing_regions(whole))
    ]
    try:
        settings = Settings.model_validate(whole, context={"base": base, "environ": environ})
    except ValidationError as error:
        mistakes += mistakes_of(error, whole, origins, file)
        raise SettingsError(mistakes) from None
    settings._file = file
    if for_run:
        mistakes += run_checks(settings)
    if mistakes:
        raise SettingsError(mistakes)
    return settings
