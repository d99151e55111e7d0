"""What the simulated network is like: trunks, agents, and how people and machines behave."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from telephony.port import Trunk
from telephony.simulated.fate import Fate
from telephony.simulated.mistakes import refuse
from telephony.simulated.spread import Spread

DEFAULT_TRUNK: Final = Trunk(name="simulated", server="simulated", calls_per_second=30.0, channels=100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswered:
    """What becomes of calls that nobody answers, in parts: only their proportions count."""

    no_answer: float = 70.0
    busy: float = 15.0
    rejected: float = 6.0
    congestion: float = 1.0
    unreachable: float = 8.0

    def __post_init__(self) -> None:
        parts = {part.name: getattr(self, part.name) for part in fields(self)}
        refuse((0 <= part < 1e9, name, part, "a part, 0 or more") for name, part in parts.items())
        refuse([(sum(parts.values()) > 0, "", parts, "at least one part above 0")])

    def parts(self) -> Mapping[Fate, float]:
        """Return the parts by fate, always in the same order."""
        return MappingProxyType({Fate(part.name): getattr(self, part.name) for part in fields(self)})


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentGroup:
    """So many agents who serve the same queues."""

    number: int
    queues: tuple[str, ...]
    server: str = ""
    """Whose queues they serve; empty: those of the first trunk's server."""

    picks_up: bool = True
    """Off: their telephones ring, and that is all. For tests and demonstrations, as `talks_s` is."""

    talks_s: float | None = None
    """After so many seconds of a talk they hang up, whatever else was to come; None: as it comes."""

    def __post_init__(self) -> None:
        refuse(
            [
                (0 <= self.number <= 10_000, "number", self.number, "a number of agents, 0 to 10000"),
                (bool(self.queues) and all(self.queues), "queues", self.queues, "names of queues"),
                (self.talks_s is None or 0 <= self.talks_s <= 3600, "talks_s", self.talks_s, "seconds, 0 to 3600"),
            ]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkPlan:
    """Everything chance needs to know. Rates are 0..1; durations are in seconds."""

    trunks: tuple[Trunk, ...] = (DEFAULT_TRUNK,)
    agents: tuple[AgentGroup, ...] = ()

    answer_rate: tuple[float, ...] = (0.35,)
    """Of calls to numbers that exist, those answered by somebody or something if they ring long enough: one value,
    or 24, by the hour in `timezone`."""

    timezone: str = "Etc/UTC"
    machine_rate: float = 0.3
    """Of answered calls, those that a machine answers."""

    amd: bool = False
    """Whether the exchange looks for machines in every answered call, also where its campaign does not ask for it."""

    amd_unsure_rate: float = 0.0
    """Of the calls in which it looks for machines, those where it can't say."""

    optout_rate: float = 0.0
    """Of persons who hear a message, those who press the key to opt out."""

    agent_key_rate: float = 0.0
    """Of persons who hear a message with a key that leads to an agent, those who press it."""

    invalid_rate: float = 0.01
    """Of all numbers, those that do not exist; such a number never does."""

    unanswered: Unanswered = Unanswered()

    ack_s: float = 0.0
    """From asking for a call to its being accepted."""

    post_dial_s: Spread = field(default=Spread(1.8, 0.4, 10.0))
    """From dialling to the first ring, or to a failure."""

    answer_s: Spread = field(default=Spread(9.0, 0.5, 60.0))
    """From the first ring to the answer, or to being rejected. Beyond the ring time-out it is a no answer."""

    classify_s: Spread = field(default=Spread(2.3, 0.2, 5.0))
    pickup_s: Spread = field(default=Spread(0.0))
    """How long a free agent's phone rings."""

    talk_s: Spread = field(default=Spread(75.0, 0.8, 1800.0))
    machine_talk_s: Spread = field(default=Spread(8.0, 0.3, 30.0))
    """What an agent spends on a machine that was not found out."""

    wrap_up_s: Spread = field(default=Spread(15.0, 0.4, 300.0))
    patience_s: Spread = field(default=Spread(12.0, 0.7, 120.0))
    """How long a person waits for an agent, or listens to a message."""

    machine_stay_s: float = 60.0
    """How long a machine records somebody's silence before it hangs up."""

    message_s: float = 20.0
    """The information message, and those of campaigns that are not among `sounds`."""

    sounds: Mapping[str, float] = field(default_factory=dict)
    """How many seconds sounds of campaigns last, by name."""

    def __post_init__(self) -> None:
        names = [trunk.name for trunk in self.trunks]
        refuse(
            [
                (bool(names), "trunks", names, "at least one trunk"),
                (len(set(names)) == len(names), "trunks", names, "a name of its own for each trunk"),
                *(
                    (trunk.calls_per_second > 0, "trunks.calls_per_second", trunk.calls_per_second, "more than 0")
                    for trunk in self.trunks
                ),
                *((trunk.channels >= 1, "trunks.channels", trunk.channels, "1 or more") for trunk in self.trunks),
                *(
                    (group.server in {"", *self.servers}, "agents.server", group.server, f"one of {self.servers}")
                    for group in self.agents
                ),
                (len(self.answer_rate) in (1, 24), "answer_rate", self.answer_rate, "1 or 24 values"),
                *((0 <= rate <= 1, "answer_rate", rate, "0 to 1") for rate in self.answer_rate),
                (_is_zone(self.timezone), "timezone", self.timezone, "an IANA zone"),
                (0 <= self.machine_rate <= 1, "machine_rate", self.machine_rate, "0 to 1"),
                (0 <= self.amd_unsure_rate <= 1, "amd_unsure_rate", self.amd_unsure_rate, "0 to 1"),
                (0 <= self.optout_rate <= 1, "optout_rate", self.optout_rate, "0 to 1"),
                (0 <= self.agent_key_rate <= 1, "agent_key_rate", self.agent_key_rate, "0 to 1"),
                (0 <= self.invalid_rate <= 1, "invalid_rate", self.invalid_rate, "0 to 1"),
                (0 <= self.ack_s <= 60, "ack_s", self.ack_s, "seconds, 0 to 60"),
                (0 <= self.machine_stay_s <= 3600, "machine_stay_s", self.machine_stay_s, "seconds, 0 to 3600"),
                (0 <= self.message_s <= 3600, "message_s", self.message_s, "seconds, 0 to 3600"),
                *(
                    (0 <= each <= 3600, f"sounds.{name}", each, "seconds, 0 to 3600")
                    for name, each in self.sounds.items()
                ),
            ]
        )

    @property
    def servers(self) -> tuple[str, ...]:
        """The servers of the trunks, in their order, each once."""
        return tuple(dict.fromkeys(trunk.server for trunk in self.trunks))


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown; not a name; a folder of zones
        return False
    return True
