"""Who is in which queue, as the exchanges told it last: what each member does, and why he is paused."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Final, NamedTuple

from telephony.events import WRAP_UP_REASON, AgentChanged, AgentState


class Place(NamedTuple):
    """A queue of a server."""

    server: str
    queue: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a member stands in a queue."""

    state: AgentState
    pause_reason: str | None
    """Empty where nobody said why; None: he is not paused."""

    since: datetime
    """When he came into that state (UTC), as far as it was seen."""


NOWHERE: Final[Mapping[Place, Standing]] = MappingProxyType({})


@dataclass(slots=True)
class Members:
    """Members by their interface. Of a server whose link broke nothing is known."""

    _standings: dict[str, dict[Place, Standing]] = field(default_factory=dict)

    def moved(self, event: AgentChanged) -> None:
        """Take in what an exchange told of a member, or of one who is none any more."""
        places = self._standings.setdefault(event.agent, {})
        place = Place(event.server, event.queue)
        if not event.is_member:
            places.pop(place, None)
            return
        before = places.get(place)
        since = before.since if before is not None and before.state is event.state else event.at
        places[place] = Standing(state=event.state, pause_reason=event.pause_reason, since=since)

    def lost(self, server: str) -> None:
        """Forget the members of a server."""
        for places in self._standings.values():
            for place in [place for place in places if place.server == server]:
                del places[place]

    def of(self, agent: str) -> Mapping[Place, Standing]:
        """Return how an agent stands, queue by queue."""
        return self._standings.get(agent, NOWHERE)

    def rests(self, agent: str) -> bool:
        """Tell whether an agent is paused by hand in all his queues, be he in a talk yet; not by his wrap-up."""
        reasons = {standing.pause_reason for standing in self.of(agent).values()}
        return bool(reasons) and not reasons & {None, WRAP_UP_REASON}

    def __iter__(self) -> Iterator[str]:
        """Yield all agents that are known."""
        return (agent for agent, places in self._standings.items() if places)
