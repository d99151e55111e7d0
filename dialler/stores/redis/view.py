"""What one engine knows of one trunk that it shares: no I/O, and time comes as `now`, seconds of a monotonic clock."""

import math
import random
from dataclasses import dataclass, field

from dialler.engine.local_limits import JITTER, Channels, burst_of
from dialler.ports import Trunk
from dialler.stores.redis.line import Document
from strategies.token_bucket import WAKE_MARGIN_S, TokenBucket


@dataclass(slots=True)
class Bucket:
    """The server's bucket as of its last answer. Others take from it, too: there may be less."""

    level: float = 0.0
    shift: float = 0.0
    capacity: float = 1.0
    per_second: float = 0.0
    as_of: float = 0.0

    def tokens(self, now: float) -> int:
        """Return how many tokens there are, if nobody else took any."""
        return max(0, math.floor(self._level(now) - self.shift))

    def due_s(self, now: float) -> float:
        """Return in how many seconds there is a token."""
        if self.tokens(now):
            return 0.0
        missing = 1 + self.shift - self._level(now)
        return missing / self.per_second + WAKE_MARGIN_S if self.per_second else math.inf

    def _level(self, now: float) -> float:
        return min(self.capacity, self.level + (now - self.as_of) * self.per_second)


@dataclass(slots=True)
class TrunkView:
    """One trunk: our channels, what we are entitled to, what the server last said, and how we do without it."""

    trunk: Trunk
    """With the caps of our own settings."""

    engines_max: int
    chance: random.Random
    rate: float = field(init=False)
    cap: int = field(init=False)
    """Calls a second and channels that all engines together may use, as far as we know."""

    channels: Channels = field(default_factory=Channels)
    entitled: int = 0
    """Channels that the server counts for us, at least: only it raises this, only we lower it."""

    room: int = 0
    """Channels that we could use on top of those in use, when we last heard."""

    bucket: Bucket = field(default_factory=Bucket)
    back: int = 0
    """Tokens to be given back with the next question."""

    wanted: bool = False
    """Whether another engine is full."""

    counted: int = 0
    """Channels that the server counted for us when we last heard."""

    lent: bool = False
    """Whether the last question gave back some of them."""

    alone: TokenBucket | None = None
    """Our share of the rate, while the server is away."""

    alone_from: float = 0.0

    def __post_init__(self) -> None:
        self.rate, self.cap = self.trunk.calls_per_second, self.trunk.channels

    @property
    def share(self) -> int:
        """The channels that we may use without asking, if we are entitled to so many."""
        return self.cap // self.engines_max

    def set_caps(self, trunk: Trunk) -> None:
        """Take over the caps of our own settings; higher ones count once the server has heard of them."""
        self.trunk = trunk
        if self.counted or self.entitled:
            self.rate, self.cap = min(self.rate, trunk.calls_per_second), min(self.cap, trunk.channels)
        else:
            self.rate, self.cap = trunk.calls_per_second, trunk.channels
        if self.alone is not None:
            self.alone.rate = self.rate / self.engines_max

    # With the server

    def question(self, wanted: int) -> Document:
        """Return what we say of the trunk, with a wish for so many calls."""
        self.entitled = max(self.entitled, self.channels.used)
        self.lent = self.entitled < self.counted
        back, self.back = self.back, 0
        return {
            "rate": self.trunk.calls_per_second,
            "channels": self.trunk.channels,
            "held": self.channels.used,
            "entitled": self.entitled,
            "wanted": wanted,
            "back": back,
            "jitter": JITTER,
            "shift": JITTER * self.chance.random(),
        }

    def learn(self, answer: Document, engines_max: int, now: float) -> int:
        """Take in what the server said; return how many calls it granted, which hold channels from now on."""
        self.alone = None
        self.engines_max = engines_max
        self.rate, self.cap = float(answer["rate"]), int(answer["channels"])
        granted = int(answer["granted"])
        self.channels.reserved += granted
        self.wanted = bool(answer["wanted"])
        self.counted = int(answer["entitled"])
        # Whatever ended since the question was asked is not in the answer, and may be lent as well.
        self.entitled = max(min(int(answer["lower"]), self.counted), self.channels.used)
        self.room = int(answer["free"])
        self.bucket = Bucket(
            level=float(answer["level"]),
            shift=float(answer["shift"]),
            capacity=float(answer["capacity"]),
            per_second=float(answer["per_second"]),
            as_of=now,
        )
        return granted

    def give_back(self, n: int) -> None:
        """Put tokens back, from the next question on."""
        self.back += n
        self.bucket.level += n

    # Without it

    def go_alone(self, from_s: float) -> None:
        """Use our share only, from `from_s` on, beginning without a token."""
        burst = max(1, burst_of(self.rate) // self.engines_max)
        self.alone = TokenBucket(self.rate / self.engines_max, burst=burst, jitter=JITTER, chance=self.chance)
        self.alone.take(from_s, burst)
        self.alone_from = from_s
        self.back = 0

    def free_alone(self, *, counted: bool) -> int:
        """Return the channels free without the server; `counted` says whether it ever counted this engine."""
        allowed = min(self.share, self.entitled) if counted else self.share
        return max(0, allowed - self.channels.used)

    def tokens_alone(self, now: float) -> int:
        """Return the tokens of our share."""
        return self.alone.available(max(now, self.alone_from)) if self.alone is not None else 0

    def due_alone_s(self, now: float) -> float:
        """Return in how many seconds our share has a token."""
        if self.alone is None:
            return math.inf
        return max(0.0, self.alone.next_at(max(now, self.alone_from)) - now)
