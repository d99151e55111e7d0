"""A plan from a table, as TOML and JSON give it; every mistake at once.

timezone = "America/New_York"
answer_rate = 0.35                       # or 24 values, by the hour
talk_s = { median_s = 75, sigma = 0.8 }  # or a number: always so long
unanswered = { no_answer = 70, busy = 15 }
[[trunks]]
name = "a"
server = "sim"
calls_per_second = 30
channels = 200
[[agents]]
number = 20
queues = ["sales"]
"""

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, Final, TypeVar

from telephony.port import Trunk
from telephony.simulated.mistakes import PlanError, PlanMistake
from telephony.simulated.plan import AgentGroup, NetworkPlan, Unanswered
from telephony.simulated.spread import Spread

Reader = Callable[[object], object]
T = TypeVar("T")


def plan_from_mapping(table: Mapping[str, object]) -> NetworkPlan:
    """Return the plan that `table` describes; what it leaves out has its default.

    Raises PlanError with every mistake, each under its dotted key.
    """
    return _read(NetworkPlan, table, _NETWORK)


def _read(kind: type[T], table: object, readers: Mapping[str, Reader], needed: tuple[str, ...] = ()) -> T:
    """Build a `kind` from a table. Raises PlanError with the mistakes of all its keys."""
    if not isinstance(table, Mapping):
        raise PlanError([PlanMistake("", table, "a table")])
    mistakes: list[PlanMistake] = []
    values: dict[str, Any] = {}
    for key, value in table.items():
        try:
            if key not in readers:
                raise PlanError([PlanMistake("", value, f"no such key; there are {', '.join(readers)}")])
            values[key] = readers[key](value)
        except PlanError as error:
            mistakes += [mistake.under(key) for mistake in error.mistakes]
    mistakes += [PlanMistake(key, None, "a value") for key in needed if key not in table]
    # What could be read is checked too, so that wrong types do not hide wrong figures.
    if all(key in values for key in needed):
        try:
            built = kind(**values)
        except PlanError as error:
            mistakes += error.mistakes
        else:
            if not mistakes:
                return built
    raise PlanError(mistakes)


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise PlanError([PlanMistake("", value, "a text")])
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise PlanError([PlanMistake("", value, "true or false")])
    return value


def _figure(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PlanError([PlanMistake("", value, "a number")])
    return value


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise PlanError([PlanMistake("", value, "a whole number")])
    return value


def _several(read: Callable[[object], T]) -> Callable[[object], tuple[T, ...]]:
    """Return a reader of arrays; the mistakes of all their entries are told."""

    def read_all(value: object) -> tuple[T, ...]:
        if not isinstance(value, list | tuple):
            raise PlanError([PlanMistake("", value, "an array")])
        mistakes: list[PlanMistake] = []
        items: list[T] = []
        for place, entry in enumerate(value):
            try:
                items.append(read(entry))
            except PlanError as error:
                mistakes += [mistake.under(str(place)) for mistake in error.mistakes]
        if mistakes:
            raise PlanError(mistakes)
        return tuple(items)

    return read_all


def _rates(value: object) -> tuple[float, ...]:
    return _several(_figure)(value if isinstance(value, list | tuple) else [value])


def _lengths(value: object) -> Mapping[str, float]:
    if not isinstance(value, Mapping):
        raise PlanError([PlanMistake("", value, "a table of seconds by name")])
    return _read(dict, value, dict.fromkeys(map(str, value), _figure))


def _spread(value: object) -> Spread:
    if isinstance(value, Mapping):
        return _read(Spread, value, {"median_s": _figure, "sigma": _figure, "max_s": _figure}, ("median_s",))
    return Spread(_figure(value))


def _unanswered(value: object) -> Unanswered:
    # What a table of parts leaves out has no part, rather than its default one.
    keys = [field.name for field in fields(Unanswered)]
    given = {**dict.fromkeys(keys, 0.0), **value} if isinstance(value, Mapping) else value
    return _read(Unanswered, given, dict.fromkeys(keys, _figure))


def _trunk(value: object) -> Trunk:
    readers: dict[str, Reader] = {"name": _text, "server": _text, "calls_per_second": _figure, "channels": _count}
    return _read(Trunk, value, readers, tuple(readers))


def _agents(value: object) -> AgentGroup:
    readers: dict[str, Reader] = {
        "number": _count,
        "queues": _several(_text),
        "server": _text,
        "picks_up": _flag,
        "talks_s": _figure,
    }
    return _read(AgentGroup, value, readers, ("number", "queues"))


_READERS: Final[Mapping[str, Reader]] = {
    "trunks": _several(_trunk),
    "agents": _several(_agents),
    "answer_rate": _rates,
    "timezone": _text,
    "amd": _flag,
    "unanswered": _unanswered,
    "machine_rate": _figure,
    "amd_unsure_rate": _figure,
    "optout_rate": _figure,
    "agent_key_rate": _figure,
    "invalid_rate": _figure,
    "ack_s": _figure,
    "machine_stay_s": _figure,
    "message_s": _figure,
    "sounds": _lengths,
}
_NETWORK: Final[Mapping[str, Reader]] = {field.name: _READERS.get(field.name, _spread) for field in fields(NetworkPlan)}
