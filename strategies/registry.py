"""Pacing strategies by name: the built-in ones, and those of other packages.

A package adds one by an entry point in the group `dialler.pacing`:

    [project.entry-points."dialler.pacing"]
    cautious = "my_package.cautious:Cautious"
"""

import inspect
from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Final, cast

from strategies.agentless import Agentless
from strategies.pacing import PacingStrategy
from strategies.predictive import Predictive
from strategies.preview import Preview
from strategies.progressive import Progressive
from strategies.ratio import Ratio

GROUP: Final = "dialler.pacing"

BUILT_IN: Final[Mapping[str, Callable[..., PacingStrategy]]] = {
    strategy.name: strategy for strategy in (Progressive, Ratio, Predictive, Preview, Agentless)
}
"""Known by themselves too, so that a checkout that was never installed can pace."""


def pacing_names() -> tuple[str, ...]:
    """Return the names of all pacing strategies, sorted."""
    return tuple(sorted({*BUILT_IN, *_others()}))


def make_pacing(name: str, settings: Mapping[str, float]) -> PacingStrategy:
    """Return the strategy called `name` with its settings.

    Raises ValueError, for the operator: no such strategy (with the names there are), a setting it does not know or
    does not accept, or a package that can not be loaded.
    """
    build = BUILT_IN.get(name)
    if build is None:
        entry = _others().get(name)
        if entry is None:
            raise ValueError(f"no pacing strategy {name!r}; there are {', '.join(pacing_names())}")
        build = _load(entry)
    _check_settings(name, build, settings)
    try:
        return build(**settings)
    except (TypeError, ValueError) as error:
        raise ValueError(f"pacing strategy {name!r}: {error}") from error


def _others() -> dict[str, EntryPoint]:
    """Return other packages' strategies by name. They can not take a built-in's name."""
    return {entry.name: entry for entry in entry_points(group=GROUP) if entry.name not in BUILT_IN}


def _load(entry: EntryPoint) -> Callable[..., PacingStrategy]:
    try:
        return cast(Callable[..., PacingStrategy], entry.load())
    except Exception as error:  # Whatever a stranger's package does when it is imported.
        raise ValueError(f"pacing strategy {entry.name!r} can not be loaded from {entry.value}: {error!r}") from error


def _check_settings(name: str, build: Callable[..., PacingStrategy], settings: Mapping[str, float]) -> None:
    """Raise ValueError for settings that the strategy does not know."""
    try:
        parameters = inspect.signature(build).parameters
    except (TypeError, ValueError):
        return
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return
    unknown = sorted(set(settings) - set(parameters))
    if unknown:
        known = ", ".join(parameters) or "none"
        raise ValueError(f"pacing strategy {name!r} has no setting {', '.join(unknown)}; it has {known}")
