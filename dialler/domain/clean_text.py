"""Text that no record can hold: PostgreSQL has no NUL character, and half of a surrogate pair is no text anywhere."""

import re
from collections.abc import Mapping
from typing import Final

UNCLEAN: Final = re.compile("[\x00\ud800-\udfff]")
WHY_UNCLEAN: Final = "it has a NUL character, or half of a surrogate pair"


def unclean_at(value: object, name: str = "") -> str | None:
    """Return where in `value`, made of JSON's parts, the first unclean text is: "leads.3.name"; None if nowhere.

    `name` is that of the whole. A key that is unclean itself is told with what is bad in it escaped.
    """
    waiting = [(name, value)]
    while waiting:  # No recursion: whoever nests a thousand deep gets an answer too.
        at, part = waiting.pop()
        if isinstance(part, str):
            if UNCLEAN.search(part):
                return at
        elif isinstance(part, Mapping):
            for key in part:
                if UNCLEAN.search(key):
                    return f"{_within(at)}{key!a}"
            waiting += [(f"{_within(at)}{key}", each) for key, each in reversed(list(part.items()))]
        elif isinstance(part, list | tuple):
            waiting += [(f"{_within(at)}{n}", each) for n, each in reversed(list(enumerate(part)))]
    return None


def _within(name: str) -> str:
    return f"{name}." if name else ""
