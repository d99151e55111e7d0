"""What the exchange does with an answered call, beside joining it to an agent. Plain values, no I/O."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

SOUND: Final = re.compile(r"(?!(?:.*[/&])?\.\.(?:[/&]|$))[A-Za-z0-9_./&-]{1,200}")
"""A sound as the exchange knows it, without its ending; several joined by "&". Others would be taken apart; a part
`..` would leave the folder of sounds."""

SOUND_EXPECTED: Final = (
    "the name of a sound without its ending, such as 'dlr/harbour', of letters, digits and _ . / - &, at most 200;"
    " no part may be '..'"
)
QUEUE_PRIORITY: Final = 10
"""Of calls whose campaign says nothing: before those of Asterisk's own, which have 0."""

QUEUE_PRIORITY_MAX: Final = 1_000
KEY: Final = re.compile(r"[0-9*#]")


class KeyAction(StrEnum):
    """What a key does for those who listen to a campaign's message."""

    QUEUE = "queue"
    """They wait for an agent, as if they had been answered that moment."""

    REPLAY = "replay"
    """The message begins anew, five times at most."""


def check_sound(name: str, sound: str) -> None:
    """Raise ValueError, which begins with `name`, for what can't be a sound."""
    if not SOUND.fullmatch(sound):
        raise ValueError(f"{name} must be {SOUND_EXPECTED}, got {sound!r}")


def check_optout_key(key: str) -> None:
    """Raise ValueError for what is not a key."""
    if not KEY.fullmatch(key):
        raise ValueError(f"optout_key must be one of the keys 0 to 9, * and #, got {key!r}")


def check_message_keys(keys: Iterable[str], optout_key: str | None) -> None:
    """Raise ValueError for what is not a key, and for one that already has a meaning."""
    for key in keys:
        if not KEY.fullmatch(key):
            raise ValueError(f"message_keys must be of the keys 0 to 9, * and #, got {key!r}")
        if key == optout_key:
            raise ValueError(f"message_keys: key {key!r} is the one to opt out: take another, or another optout_key")


def check_queue_priority(priority: int) -> None:
    """Raise ValueError for what is no priority."""
    if not 0 <= priority <= QUEUE_PRIORITY_MAX:
        raise ValueError(f"queue_priority must be 0 to {QUEUE_PRIORITY_MAX}, got {priority}")


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerPlan:
    """What becomes of one call once someone, or something, has picked up."""

    harbour: str | None = None
    """The information message for those who got no agent in time; None: the exchange's own."""

    optout_key: str | None = None
    """The key by which a message's listener asks not to be called again; None: the exchange's own."""

    amd: bool = False
    """Whether the exchange looks for answering machines before it does anything else."""

    unsure_is_machine: bool = False
    """Whether those are taken for machines of whom detection is not sure, and those who say nothing at all."""

    machine_sound: str | None = None
    """What is left on machines that are found, after they have fallen silent; None: they are hung up on."""

    message: str | None = None
    """What persons hear whose call goes to no queue; None: the information message, so that nobody hears silence."""

    message_keys: Mapping[str, KeyAction] = field(default_factory=dict)
    """What keys do while it plays, and for a few seconds after it. Other keys begin it anew, twice."""

    message_queue: str | None = None
    """The agents' queue to which KeyAction.QUEUE leads; there is one where a key has that action."""

    queue_priority: int = QUEUE_PRIORITY
    """Of calls that wait for an agent of a queue the one with the highest is next, however long others have waited."""

    def __post_init__(self) -> None:
        check_queue_priority(self.queue_priority)
        if self.machine_sound is not None:
            check_sound("machine_sound", self.machine_sound)
        if self.harbour is not None:
            check_sound("harbour", self.harbour)
        if self.optout_key is not None:
            check_optout_key(self.optout_key)
        if self.message is not None:
            check_sound("message", self.message)
        check_message_keys(self.message_keys, self.optout_key)
        if KeyAction.QUEUE in self.message_keys.values() and not self.message_queue:
            raise ValueError("message_queue must be a queue of agents where a key leads to one")


PLAIN_ANSWER: Final = AnswerPlan()
