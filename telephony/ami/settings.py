"""What an operator says of an Asterisk server, its trunks and our patience with it."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from telephony.presentation import PLAIN, NumberForm, Presentation, written

NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
CONTEXT: Final = re.compile(r"[A-Za-z0-9_.-]{1,79}")
PLACE: Final = re.compile(r"\{(number|digits|national|international)\}")
PLACES: Final = "{number}, {digits}, {national} or {international}"
CHANNEL_MAX: Final = 255
"""Characters of Originate's `Channel`; Asterisk cuts the rest off [manager.c `action_originate`]."""


def form_at(place: str) -> NumberForm:
    """Return how the number is written at `{place}` of a channel."""
    return NumberForm.PLUS if place == "number" else NumberForm(place)


def _one_line(name: str, value: str) -> None:
    if not value or any(ord(char) < 32 or ord(char) == 127 for char in value):
        raise ValueError(f"{name} must be one line of text, not empty and without control characters")


@dataclass(frozen=True, slots=True, kw_only=True)
class AsteriskTrunk:
    """A carrier route of one Asterisk server."""

    name: str

    dial: str = "PJSIP/{number}@trunk-a"
    """The channel to originate, with the number in it once: `{number}` with its plus sign, or in the form of that name,
    `{digits}`, `{national}`, `{international}`, by the presentation's region."""

    calls_per_second: float
    channels: int
    presentation: Presentation = PLAIN

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise ValueError(f"name must be letters, digits, '_', '.' or '-', got {self.name!r}")
        _one_line("dial", self.dial)
        places = PLACE.findall(self.dial)
        if "/" not in self.dial or len(places) != 1:
            raise ValueError(f"dial must be TECHNOLOGY/... with {PLACES} in it once, got {self.dial!r}")
        if form_at(places[0]).needs_region and self.presentation.region is None:
            raise ValueError(f"region must be given for {{{places[0]}}} in dial, got {self.dial!r}")
        if not 0 < self.calls_per_second <= 10_000:
            raise ValueError(f"calls_per_second must be above 0 and at most 10000, got {self.calls_per_second}")
        if self.channels < 1:
            raise ValueError(f"channels must be at least 1, got {self.channels}")

    def channel_for(self, number: str) -> str:
        """Return the channel that reaches `number` (E.164 with plus). Raises ValueError where it gets too long."""
        channel = PLACE.sub(lambda place: written(number, form_at(place[1]), self.presentation.region), self.dial)
        if len(channel) > CHANNEL_MAX:
            raise ValueError(
                f"channel of trunk {self.name} would have {len(channel)} characters, {CHANNEL_MAX} at most"
            )
        return channel


@dataclass(frozen=True, slots=True, kw_only=True)
class AsteriskServer:
    """One Asterisk and our account on its manager interface."""

    name: str
    host: str = "127.0.0.1"
    port: int = 5038
    username: str
    secret: str = field(repr=False)

    tls: bool | Path = False
    """True checks the certificate against the system's authorities, a path against the CA file there."""

    trunks: tuple[AsteriskTrunk, ...]
    context: str = "dlr-answered"
    """The dialplan context (extension s, priority 1) where answered calls go."""

    queues: tuple[str, ...] = ()
    """The queues whose members are followed; empty for all."""

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise ValueError(f"name must be letters, digits, '_', '.' or '-', got {self.name!r}")
        for key in ("host", "username", "secret"):
            _one_line(key, getattr(self, key))
        if not 0 < self.port < 65536:
            raise ValueError(f"port must be 1 to 65535, got {self.port}")
        if not CONTEXT.fullmatch(self.context):
            raise ValueError(f"context must be letters, digits, '_', '.' or '-', got {self.context!r}")
        for queue in self.queues:
            _one_line("queues", queue)
        names = [trunk.name for trunk in self.trunks]
        if len(set(names)) < len(names):
            raise ValueError(f"trunks must have different names, got {', '.join(names)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long we wait for an Asterisk server. All in seconds."""

    connect_s: float = 10.0
    login_s: float = 10.0
    boot_s: float = 10.0
    """After login until FullyBooted; an account that may not read class system never gets it."""

    action_s: float = 10.0
    """For the answer to any action, the acknowledgement of an Originate included."""

    ping_every_s: float = 10.0
    ping_s: float = 5.0
    """For the answer to a Ping; a link that misses it is dead."""

    slot_s: float = 1.0
    """For one of the places in flight; then Asterisk does not keep up, and nothing is sent."""

    back_off_first_s: float = 0.5
    back_off_max_s: float = 30.0
    steady_s: float = 30.0
    """A link that held this long starts again with the first back-off."""

    no_channel_s: float = 1.0
    """From a failed OriginateResponse until the call is held to never have had a channel."""

    def __post_init__(self) -> None:
        if any(getattr(self, key) <= 0 for key in self.__slots__):
            raise ValueError(f"all times must be above 0, got {self}")
