"""A dialler strategy: which lead of a list goes first, by which number, how often, and when again.

Lists refer to strategies. Each change of one is a new version; sessions note the version that picked them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from dialler.domain.redial import RedialRules, rules_from_json, rules_to_json, wraps_from_json, wraps_to_json

STANDARD = "standard"
"""The name of the strategy that comes with the records: what holds where nothing else is said."""

_SEED_MAX = 2**63 - 1
_NO_RULES = RedialRules()
_BOUNDS = (
    ("attempts_max", 1, 10_000),
    ("attempts_per_day_max", 1, 10_000),
    ("rest_min_s", 0, 366 * 86_400),
)


class LeadOrder(StrEnum):
    """Which lead of a list goes first, among those of equal priority."""

    OLDEST = "oldest"
    NEWEST = "newest"
    RANDOM = "random"
    """The same for the same seed."""

    FEWEST_ATTEMPTS = "fewest_attempts"
    FIELD = "field"
    """By a field of the lead's data."""


class NumberOrder(StrEnum):
    """Which of a lead's numbers is called first; those that can't be are passed over."""

    FIRST = "first"
    """The first one, as long as it can be called."""

    ROTATE = "rotate"
    """Each attempt goes to the next one."""

    BEST = "best"
    """The one on which a person answered most often, then in the order given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategySettings:
    """What a supervisor sets of a strategy."""

    order: LeadOrder = LeadOrder.OLDEST
    seed: int = 0
    """Of the order `random`."""

    field: str = ""
    """The data field of the order `field`."""

    descending: bool = False
    """Of the order `field`: the largest first. Leads without the field go last either way."""

    numbers: NumberOrder = NumberOrder.FIRST
    redial: RedialRules = _NO_RULES
    attempts_max: int | None = None
    """Counted attempts after which a lead is exhausted; None, as in the next two: the campaign's."""

    attempts_per_day_max: int | None = None
    rest_min_s: int | None = None
    """The least time between two attempts on one lead."""

    def __post_init__(self) -> None:
        if (self.order is LeadOrder.FIELD) != bool(self.field.strip()):
            raise ValueError(
                f"field must name a data field with order {LeadOrder.FIELD.value!r}, and with no other order:"
                f" got order {self.order.value!r}, field {self.field!r}"
            )
        if not 0 <= self.seed <= _SEED_MAX:
            raise ValueError(f"seed must be 0 to {_SEED_MAX}, got {self.seed}")
        for name, least, most in _BOUNDS:
            value = getattr(self, name)
            if value is not None and not least <= value <= most:
                raise ValueError(f"{name} must be {least} to {most}, or null for the campaign's, got {value}")

    @property
    def ranking(self) -> tuple[LeadOrder, int, str, bool]:
        """What the leads' ranks rest on: while it stays the same they stay the same."""
        is_random, by_field = self.order is LeadOrder.RANDOM, self.order is LeadOrder.FIELD
        return self.order, self.seed if is_random else 0, self.field, self.descending and by_field

    @property
    def planning(self) -> tuple[object, ...]:
        """What the leads' ranks and turns rest on: while it stays the same nobody is to be planned anew."""
        return self.ranking, self.redial, self.attempts_max, self.attempts_per_day_max, self.rest_min_s

    @property
    def has_caps(self) -> bool:
        """Whether it says anything about attempts that the campaign says, too."""
        return not (self.attempts_max is self.attempts_per_day_max is self.rest_min_s is None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """A strategy in the records."""

    strategy_id: int
    name: str
    version: int
    created_at: datetime
    settings: StrategySettings = StrategySettings()


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyVersion:
    """What a strategy was from `at` on (UTC), until its next version."""

    version: int
    at: datetime
    settings: StrategySettings


def settings_to_json(settings: StrategySettings) -> dict[str, object]:
    """Return a strategy's settings as plain JSON data, all keys of it."""
    return {
        "order": settings.order.value,
        "seed": settings.seed,
        "field": settings.field,
        "descending": settings.descending,
        "numbers": settings.numbers.value,
        "redial": rules_to_json(settings.redial),
        "redial_by_wrap": wraps_to_json(settings.redial),
        "attempts_max": settings.attempts_max,
        "attempts_per_day_max": settings.attempts_per_day_max,
        "rest_min_s": settings.rest_min_s,
    }


def settings_from_json(document: object) -> StrategySettings:
    """Return the settings of `settings_to_json`'s form; keys that are missing take their defaults. Raises ValueError
    that names the key."""
    if not isinstance(document, Mapping):
        raise ValueError(f"expected a table of settings, got {document!r}")
    given: dict[str, Any] = dict(document)
    if unknown := given.keys() - settings_to_json(StrategySettings()).keys():
        raise ValueError(f"unknown settings {', '.join(sorted(unknown))}")
    by_outcome = rules_from_json(given.pop("redial", {})).by_outcome
    try:
        by_wrap = wraps_from_json(given.pop("redial_by_wrap", {}))
    except ValueError as error:
        raise ValueError(f"redial_by_wrap: {error}") from error
    for key, kind in (("order", LeadOrder), ("numbers", NumberOrder)):
        if key in given:
            given[key] = kind(given[key])
    settings: StrategySettings = StrategySettings(**given, redial=RedialRules(by_outcome, by_wrap))
    return settings
