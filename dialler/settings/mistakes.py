"""Turns what is wrong with settings into words for the operator. A secret is never shown."""

import difflib
import re
from collections.abc import Sequence
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError

from dialler.errors import Mistake
from dialler.settings.model import Settings
from dialler.settings.sources import Document, Location, Origins

_MASK: Final = "***"
_SECRET_KEYS: Final = frozenset({"secret", "sha256"})
_SHOWN_MAX: Final = 80


def mistakes_of(error: ValidationError, document: Document, origins: Origins, file: str) -> list[Mistake]:
    """Return one Mistake for each of pydantic's errors."""
    found = []
    for item in error.errors(include_url=False):
        location: Location = item["loc"]
        value, expected = shown(location, item["input"]), _expected(location)
        if item["type"] == "missing":
            value = "(nothing)"
        elif item["type"] == "extra_forbidden":
            # Its value is not shown: a misspelt secret is still one.
            value, expected = "(unknown key)", _known_keys(location)
        elif item["type"] == "value_error":
            expected = str(item["ctx"]["error"])
        found.append(blame(location, value, expected, document=document, origins=origins, file=file))
    return found


def blame(location: Location, value: str, expected: str, *, document: Document, origins: Origins, file: str) -> Mistake:
    """Return a Mistake that names the place where the value came from."""
    for length in range(len(location), 1, -1):
        if origin := origins.get(location[:length]):
            return Mistake(*origin, value, expected)
    return Mistake(file, key_of(location, document), value, expected)


def key_of(location: Location, document: Document) -> str:
    """Write a location as operators do: `asterisk[main].trunks[a].channels`; unnamed tables by number, from 1."""
    key, place = "", document
    for step in location:
        try:
            place = place[step]  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            place = {}
        if isinstance(step, int):
            name = place.get("name") if isinstance(place, dict) else None
            key += f"[{name}]" if isinstance(name, str) and name.isprintable() else f"[#{step + 1}]"
        else:
            key += f".{step}" if key else step
    return key


def shown(location: Location, value: object) -> str:
    """Return a value as it may be shown: short, on one line, secrets masked."""
    last = next((step for step in reversed(location) if isinstance(step, str)), "")
    if last in _SECRET_KEYS:
        return _MASK
    if isinstance(value, dict):
        return "(a table)"
    if isinstance(value, list):
        return "(a list)"
    text = mask_url(value) if isinstance(value, str) and last == "url" else value
    line = repr(text) if isinstance(text, str) else str(text).replace("True", "true").replace("False", "false")
    return line if len(line) <= _SHOWN_MAX else line[:_SHOWN_MAX] + "..."


def mask_url(url: str) -> str:
    """Return a database's URL without the account in it, however malformed."""
    url = re.sub(r"(?i)(password=)[^&]*", rf"\1{_MASK}", url)
    head, at, tail = url.rpartition("@")
    if not at:
        return url
    scheme, separator, _ = head.partition("://")
    return f"{scheme}://{_MASK}@{tail}" if separator else f"{_MASK}@{tail}"


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the section's class inside an annotation such as `tuple[TrunkSettings, ...]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for part in get_args(annotation) if (model := _model_in(part))), None)


def _walk(location: Sequence[str | int]) -> tuple[type[BaseModel] | None, str]:
    """Return the section that a location leads to (None: a plain value) and the last description on the way."""
    model: type[BaseModel] | None = Settings
    description = "a settings file"
    for step in location:
        if isinstance(step, int) or model is None:
            continue
        if (known := model.model_fields.get(step)) is None:
            return None, description
        model, description = _model_in(known.annotation), known.description or description
    return model, description


def _expected(location: Location) -> str:
    return _walk(location)[1]


def _known_keys(location: Location) -> str:
    model, _ = _walk(location[:-1])
    known = sorted(model.model_fields) if model else []
    near = difflib.get_close_matches(str(location[-1]), known, n=1, cutoff=0.5)
    return f"a known key; did you mean '{near[0]}'?" if near else f"a known key: {', '.join(known)}"
