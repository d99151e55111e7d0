"""When a lead is due again after an attempt, or that it never is."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, TypeVar

from dialler.domain.outcome import Outcome

K = TypeVar("K")

REST_MAX: Final = timedelta(days=3660)
IN_A_ROW_MAX: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RedialRule:
    """How attempts that end with one outcome are repeated."""

    rests: tuple[timedelta, ...]
    """From the end of the 1st, 2nd, ... attempt in a row with this outcome; the last one repeats."""

    in_a_row_max: int | None = None
    """After this many in a row the lead is exhausted; None: no such limit."""

    then: Outcome | None = None
    """After `in_a_row_max` go on as after the first attempt with this outcome instead."""

    def __post_init__(self) -> None:
        if not self.rests or min(self.rests) < timedelta(0) or max(self.rests) > REST_MAX:
            raise ValueError(f"rests must be given, none below zero or over {REST_MAX.days}d, got {self.rests}")
        if self.in_a_row_max is not None and not 1 <= self.in_a_row_max <= IN_A_ROW_MAX:
            raise ValueError(f"in_a_row_max must be 1 to {IN_A_ROW_MAX}, got {self.in_a_row_max}")
        if self.then is not None and self.in_a_row_max is None:
            raise ValueError(f"then = {self.then} needs in_a_row_max")


def _rule(*rests: str, most: int | None = None, then: Outcome | None = None) -> RedialRule:
    return RedialRule(rests=tuple(map(parse_duration, rests)), in_a_row_max=most, then=then)


_DURATION: Final = re.compile(r"(\d{1,9})([smhd])", re.ASCII)
_UNITS: Final = {"d": 86_400, "h": 3600, "m": 60, "s": 1}


def parse_duration(text: str) -> timedelta:
    """Return the duration written as "90s", "10m", "2h" or "3d". Raises ValueError."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError(f'a duration is a whole number and a unit like "90s", "10m", "2h", "3d"; got {text!r}')
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


def format_duration(duration: timedelta) -> str:
    """Return a duration of whole seconds in the largest unit that divides it: "90s", "10m", "2h", "3d"."""
    seconds = int(duration.total_seconds())
    unit = next(unit for unit, length in _UNITS.items() if seconds % length == 0) if seconds else "s"
    return f"{seconds // _UNITS[unit]}{unit}"


_TROUBLE = _rule("1m", "5m", "15m", most=5, then=Outcome.NO_ANSWER)
"""A trunk that is out of order for an hour must not use up its leads: after the quick tries they wait longer."""

DEFAULT_RULES: Final[Mapping[Outcome, RedialRule]] = {
    Outcome.CONNECTED: _rule("2h"),  # only if neither its wrap code nor the campaign completes the lead
    Outcome.PLAYED: _rule("2h"),
    Outcome.OPTED_OUT: _rule("3d"),
    Outcome.ABANDONED: _rule("3d"),
    Outcome.ABANDONED_SHORT: _rule("3d"),
    Outcome.MACHINE: _rule("4h", most=4),
    Outcome.MACHINE_MESSAGE: _rule("4h", most=4),
    Outcome.NO_ANSWER: _rule("2h", most=6),
    Outcome.BUSY: _rule("10m", most=3, then=Outcome.NO_ANSWER),
    Outcome.REJECTED_CALL: _rule("1d", most=2),
    Outcome.UNREACHABLE: _rule("8h", most=4),
    # Tried once more with another caller id; then the number is given up.
    Outcome.BLOCKED: _rule("1d", most=2, then=Outcome.INVALID_NUMBER),
    Outcome.INVALID_NUMBER: _rule("0s"),  # for the lead's next number
    Outcome.FAX: _rule("0s"),
    Outcome.NO_ROUTE: _TROUBLE,
    Outcome.CONGESTION: _TROUBLE,
    Outcome.FAILED: _TROUBLE,
    Outcome.CANCELLED: _rule("0s"),
    Outcome.LOST: _rule("30m"),
}
"""The shipped rules. The campaign's limits and least rest come on top."""


@dataclass(frozen=True, slots=True)
class RedialRules:
    """One strategy's rules: those given here, the shipped defaults for the rest."""

    by_outcome: Mapping[Outcome, RedialRule] = field(default_factory=dict)
    by_wrap: Mapping[str, RedialRule] = field(default_factory=dict)
    """By wrap code, ahead of the outcome's; runs are still of the outcome."""

    def __post_init__(self) -> None:
        for code, rule in self.by_wrap.items():
            if rule.then is not None:
                raise ValueError(f"{code}: the rule of a wrap code has no then, got {rule.then}")
        for start in self.by_outcome:
            seen: list[Outcome] = []
            at: Outcome | None = start
            while at is not None:
                if at in seen:
                    raise ValueError(f"redial rules go in a circle: {', then '.join([*seen, at])}")
                seen.append(at)
                at = self.rule_for(at).then

    def rule_for(self, outcome: Outcome) -> RedialRule:
        """Return the rule in force for `outcome`."""
        return self.by_outcome.get(outcome) or DEFAULT_RULES[outcome]


@dataclass(frozen=True, slots=True)
class Redial:
    """What the rules say after an attempt."""

    rest: timedelta | None
    """From the end of the attempt; None: the lead is exhausted."""

    as_after: Outcome
    """The outcome whose rule decided: another than the attempt's own where a rule's `then` led there."""


def redial(rules: RedialRules, outcome: Outcome, *, run: int, wrap: str | None = None) -> Redial:
    """Return what follows the `run`-th attempt in a row (from 1) that ended with `outcome`.

    A rule for the wrap code `wrap`, where there is one, decides instead of the outcome's.
    """
    own = rules.by_wrap.get(wrap) if wrap is not None else None
    if own is not None:
        is_over = own.in_a_row_max is not None and run >= own.in_a_row_max
        return Redial(None if is_over else own.rests[min(run, len(own.rests)) - 1], outcome)
    rule = rules.rule_for(outcome)
    while rule.in_a_row_max is not None and run >= rule.in_a_row_max:
        if rule.then is None:
            return Redial(None, outcome)
        run -= rule.in_a_row_max - 1
        outcome = rule.then
        rule = rules.rule_for(outcome)
    return Redial(rule.rests[min(run, len(rule.rests)) - 1], outcome)


def rules_to_json(rules: RedialRules) -> dict[str, dict[str, object]]:
    """Return the rules given (not the defaults): `{"NO_ANSWER": {"rests": ["2h"], "in_a_row_max": 6}}`."""
    return {outcome.value: _rule_to_json(rule) for outcome, rule in rules.by_outcome.items()}


def wraps_to_json(rules: RedialRules) -> dict[str, dict[str, object]]:
    """Return the rules by wrap code, in the same form."""
    return {code: _rule_to_json(rule) for code, rule in rules.by_wrap.items()}


def rules_from_json(document: object) -> RedialRules:
    """Return the rules of `rules_to_json`'s form. Raises ValueError that lists every mistake by its key."""
    return RedialRules(_entries(document, _outcome, like="NO_ANSWER", by="outcome"))


def wraps_from_json(document: object) -> Mapping[str, RedialRule]:
    """Return the rules of `wraps_to_json`'s form. Raises ValueError that lists every mistake by its key.

    Whether there is such a wrap code is for the caller to say.
    """
    return _entries(document, str.upper, like="CALLBACK", by="wrap code")


def _entries(document: object, key_of: Callable[[str], K], *, like: str, by: str) -> dict[K, RedialRule]:
    mistakes: list[str] = []
    rules: dict[K, RedialRule] = {}
    if not isinstance(document, Mapping):
        raise ValueError(f'redial rules are a table by {by} like {{"{like}": {{"rests": ["2h"]}}}}: {document!r}')
    for name, entry in document.items():
        try:
            rules[key_of(name)] = _rule_from_json(entry)
        except ValueError as error:
            mistakes.append(f"{name}: {error}")
    if mistakes:
        raise ValueError("; ".join(mistakes))
    return rules


def _rule_to_json(rule: RedialRule) -> dict[str, object]:
    entry: dict[str, object] = {"rests": [format_duration(rest) for rest in rule.rests]}
    if rule.in_a_row_max is not None:
        entry["in_a_row_max"] = rule.in_a_row_max
    if rule.then is not None:
        entry["then"] = rule.then.value
    return entry


def _rule_from_json(entry: object) -> RedialRule:
    if not isinstance(entry, Mapping):
        raise ValueError(f"expected a table with rests, got {entry!r}")
    if unknown := set(entry) - {"rests", "in_a_row_max", "then"}:
        raise ValueError(f"unknown {', '.join(sorted(map(str, unknown)))}; expected rests, in_a_row_max, then")
    rests, most, then = entry.get("rests"), entry.get("in_a_row_max"), entry.get("then")
    if not isinstance(rests, list | tuple) or not all(isinstance(rest, str) for rest in rests):
        raise ValueError(f'rests: expected a list of durations like ["10m", "2h"], got {rests!r}')
    if most is not None and (not isinstance(most, int) or isinstance(most, bool)):
        raise ValueError(f"in_a_row_max: expected a whole number, got {most!r}")
    return RedialRule(
        rests=tuple(map(parse_duration, rests)), in_a_row_max=most, then=None if then is None else _outcome(then)
    )


def _outcome(name: object) -> Outcome:
    if isinstance(name, str) and name in Outcome.__members__:
        return Outcome[name]
    raise ValueError(f"no outcome {name!r}; there are {', '.join(Outcome)}")
