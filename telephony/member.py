"""What can be a queue member, and a pause of one: checked before an exchange is asked.

Asterisk keeps each text of a member in 80 bytes and cuts what is longer; where members outlive its restart it keeps
them as one line, with `;` and `|` between them [app_queue.c].
"""

import re
from dataclasses import dataclass
from typing import Final

BYTES_MAX: Final = 79
QUEUE: Final = re.compile(rf"[A-Za-z0-9_.-]{{1,{BYTES_MAX}}}")
AGENT: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*/[A-Za-z0-9_.@/+:-]+")
"""An interface: a channel technology and whom to ring with it, as in `PJSIP/1001` or `Local/1001@agents/n`."""

TEXT: Final = re.compile(r"[^\x00-\x1f\x7f;|]*")
PENALTY_MAX: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """An agent in a queue. Raises ValueError for what no exchange would take as it is meant."""

    queue: str
    agent: str
    name: str = ""
    penalty: int = 0
    paused: bool = False
    reason: str = ""

    def __post_init__(self) -> None:
        _check("queue", QUEUE, self.queue)
        _check("agent", AGENT, self.agent)
        _check("name", TEXT, self.name)
        _check("reason", TEXT, self.reason)
        if not 0 <= self.penalty <= PENALTY_MAX:
            raise ValueError(f"penalty must be 0 to {PENALTY_MAX}, got {self.penalty}")
        if self.reason and not self.paused:
            raise ValueError(f"reason must be empty where the agent is not paused, got {self.reason!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """A pause of an agent, or its end. Raises ValueError as `Member` does."""

    agent: str
    paused: bool
    reason: str = ""
    queue: str | None = None
    """None: in all his queues."""

    def __post_init__(self) -> None:
        Member(queue=self.queue or "all", agent=self.agent, paused=self.paused, reason=self.reason)
        if self.queue is not None:
            _check("queue", QUEUE, self.queue)


_WORDS: Final = {
    QUEUE: f"letters, digits, '_', '.' or '-', at most {BYTES_MAX}",
    AGENT: "a technology and a device, such as PJSIP/1001",
    TEXT: "one line without ';' and '|'",
}


def _check(name: str, form: re.Pattern[str], value: str) -> None:
    if not form.fullmatch(value):
        raise ValueError(f"{name} must be {_WORDS[form]}, got {value!r}")
    if len(value.encode()) > BYTES_MAX:
        raise ValueError(f"{name} must have {BYTES_MAX} bytes at most, got {len(value.encode())}")
