"""Options that commands share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, TypeVar

from cyclopts import Group, Parameter, Token, convert
from cyclopts.validators import Number

from dialler.errors import UsageError

T = TypeVar("T")


def _as_given(hint: Any, tokens: Sequence[Token]) -> Any:
    """Convert what was typed to `hint`, the type without its None."""
    try:
        return convert(hint, tokens)
    except OverflowError:
        said = " ".join(token.value for token in tokens)
        raise ValueError(f"expected less, such as 90s, 2m or 1h, got {said!r}.") from None


Given = Annotated[T | None, Parameter(converter=_as_given)]
"""A value that may be left out.

None is only what was left out: by itself cyclopts reads the words none and null as None, too, so that `--weight none`
would be taken, and do nothing.
"""

_COMMON = Group("Common options", sort_key=10)
_WAIT = timedelta(seconds=10)

ConfigOption = Annotated[
    Path | None, Parameter(name=["--config", "-c"], group=_COMMON, help="Settings file.", show_default=False)
]
UnusedConfigOption = Annotated[
    Path | None, Parameter(name=["--config", "-c"], group=_COMMON, help="Accepted as everywhere, and not read.")
]
JsonOption = Annotated[bool, Parameter(name="--json", group=_COMMON, help="Print one JSON document.")]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Reading:
    """Of every command that reads the records."""

    config: ConfigOption = None
    json: JsonOption = False

    @property
    def wait(self) -> timedelta:
        """How long to wait for the records; reading waits for nobody."""
        return timedelta(0)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Writing:
    """Of every command that changes the records."""

    config: ConfigOption = None
    json: JsonOption = False
    wait: Annotated[
        timedelta,
        Parameter(
            group=_COMMON,
            help="How long to wait for another command that holds the records.",
            show_default="10s",
            converter=_as_given,
        ),
    ] = _WAIT


Rename = Annotated[str | None, Parameter(help="Its new name.")]


def changes(body: Mapping[str, object], rename: str | None, *, noun: str) -> dict[str, object]:
    """Return what `dialler NOUN set` changes. Raises UsageError where that is nothing."""
    changed = {**body, **({"name": rename} if rename is not None else {})}
    if not changed:
        raise UsageError(f"nothing to set: name an option, see `dialler {noun} set --help`")
    return changed


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Paging:
    """Of every command that lists many."""

    limit: Annotated[int, Parameter(help="At most so many.", show_default=True, validator=Number(gte=1))] = 100
    all: Annotated[bool, Parameter(help="All there are.")] = False
    after: Annotated[Given[int], Parameter(help="Go on behind this one: the `next` of the page before.")] = None
