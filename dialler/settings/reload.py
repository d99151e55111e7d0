"""Which changes of settings a running daemon can take, and which wait for its next start."""

import re
from collections.abc import Mapping
from typing import Any, Final

from dialler.settings.model import Settings

APPLIES_LIVE: Final = re.compile(
    r"log\..*"
    r"|engine\..*"
    r"|asterisk\[[^]]*\]\.trunks\[[^]]*\]\.(calls_per_second|channels)"
)
"""Keys whose new values a reload applies. A server or trunk that comes or goes waits for the next start."""


def changed_keys(old: Settings, new: Settings) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the changed keys: those that a reload applies, and those that need a restart. Sorted; no values."""
    before, after = dict(_flat("", old.model_dump())), dict(_flat("", new.model_dump()))
    changed = sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))
    live = [
        key
        for key in changed
        if APPLIES_LIVE.fullmatch(key) and (key.startswith("log.") or (key in before and key in after))
    ]
    return tuple(live), tuple(key for key in changed if key not in live)


def _flat(prefix: str, value: Any) -> list[tuple[str, Any]]:
    """Write nested tables as keys and values; named tables go by their names, so that their order does not matter."""
    if isinstance(value, Mapping):
        steps = [(f"{prefix}.{key}" if prefix else str(key), item) for key, item in value.items()]
    elif (
        isinstance(value, list | tuple)
        and value
        and all(isinstance(item, Mapping) and "name" in item for item in value)
    ):
        steps = [(f"{prefix}[{item['name']}]", item) for item in value]
    else:
        return [(prefix, value)]
    return [pair for key, item in steps for pair in _flat(key, item)]
