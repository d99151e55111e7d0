"""Which campaign an agent belongs to: at any moment to one of those whose queue he is a member of, or to none.

Several campaigns may have one queue, and one agent may be in several queues; each of them counting him as its own would
launch a call for him. So each agent has one owner, and only that campaign counts him. How many each has is
`agent_split`'s. Nothing of it is told to the exchange, whose queue joins any call to any member, so two rules keep
one call for each free agent true for each campaign. A campaign's *cover* is the number of its ready agents less its
calls that have no agent yet; a progressive campaign launches while it is above 0.

* Who is to go to another campaign stays until the first does not miss him (`_let_go`): he is not counted for new calls
  any more, but leaves only if the cover is 0 or more without him, or once the calls that were under way when it was
  decided are over. So a change of shares lowers nobody's cover below 0.
* When a call of X is joined to an agent of Y, the two change places with an agent of X, a ready one if there is one
  (`joined`). Y had one ready agent less since that one's telephone rang, and has as many as before. X has one ready
  agent less, and one call less that has none: its cover is what it was. So as long as each campaign covers its own
  calls, where both reach the same agents, no call of another ever lowers a cover below 0; in the seconds of that
  ringing, Y's may be 1 lower, for which it launches less, never more. Only if X has no ready agent, because it
  launched more calls than it has agents, or lost them meanwhile, Y's cover falls, until the busy one it got is free.

A change costs the same however many agents there are; only when somebody logs in or out, or a campaign begins or ends
to claim agents, those that are shared are looked at (`settle`).
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from dialler.engine.agent_split import Claim, Group, split, winners
from telephony.events import AgentState

Key = tuple[str, str]
"""A queue on a server: (server, queue)."""

_BUSY: Final = frozenset({AgentState.TALKING, AgentState.RINGING})
_BUSY_FIRST: Final = (AgentState.TALKING, AgentState.RINGING)
_IDLE_LAST: Final = (AgentState.READY, AgentState.PAUSED, AgentState.AWAY)
"""Who is ready in one queue is ready, also while he is paused in another; all other states come before these."""

_RANK: Final = {
    state: at
    for at, state in enumerate(
        [*_BUSY_FIRST, *(each for each in AgentState if each not in (*_BUSY_FIRST, *_IDLE_LAST)), *_IDLE_LAST]
    )
}


class Change(NamedTuple):
    """One agent's state changed, or the campaign that counts him."""

    agent: str
    was: int | None
    """The campaign that counted him before; None: none did."""

    now: int | None
    """The one that counts him from now on."""

    is_lost: bool = False
    """He is gone, and nobody saw what became of him."""


class Pending(NamedTuple):
    """A campaign's calls that have no agent yet."""

    calls: int
    oldest_s: float
    """When the first of them was placed; infinity without any."""


class Idle(NamedTuple):
    """An agent who has been ready, and for how many seconds."""

    agent: str
    for_s: float


@dataclass(slots=True, eq=False)
class Life:
    """What one agent is doing, all his queues taken together, since when (monotonic), and what he did before."""

    state: AgentState
    since_s: float
    before: AgentState | None = None
    before_s: float = 0.0
    """How long that lasted, in seconds."""

    members: dict[Key, tuple[AgentState, float]] = field(default_factory=dict)
    """His state in each queue that he is logged in to, and since when."""

    reach: frozenset[Key] = frozenset()
    """The queues in which a call may reach him, now or when he is free."""

    owner: int | None = None
    """The campaign that has him."""

    meant: int | None = None
    """The one that is to have him; another than the owner while that one still needs him."""

    leaves_s: float = 0.0
    """Since when that is so."""

    @property
    def shown(self) -> int | None:
        """The campaign that counts him for new calls."""
        return self.owner if self.owner == self.meant else None

    def look(self) -> bool:
        """Find out anew which queues reach him; tell whether they are others than before."""
        ready = any(state is AgentState.READY for state, _ in self.members.values())
        was, self.reach = (
            self.reach,
            frozenset(key for key, (state, _) in self.members.items() if not (ready and state is AgentState.PAUSED)),
        )
        return was != self.reach


class AgentShares:
    """All agents who are logged in, and whose they are."""

    def __init__(self) -> None:
        self._lives: dict[str, Life] = {}
        self._by_key: dict[Key, dict[str, None]] = {}
        self._keys: Mapping[int, frozenset[Key]] = {}
        self._claims: Mapping[int, Claim] = {}
        self._reaches: dict[frozenset[Key], tuple[int, ...]] = {}
        """The campaigns that reach who is in these queues: answers of `_campaigns`."""

        self._owned: dict[int | None, dict[str, None]] = {}
        self._leaving: dict[str, None] = {}
        self._counts: dict[int, Counter[AgentState]] = {}
        """Of those that a campaign counts, by state."""

        self._is_stale = False
        """Whether somebody has no owner yet, or may have the wrong one."""

    # What is the case

    def life(self, agent: str) -> Life | None:
        """Return what an agent is doing; None for one who is not logged in."""
        return self._lives.get(agent)

    def counts(self, campaign_id: int) -> Mapping[AgentState, int]:
        """Return how many agents a campaign counts as its own, by state."""
        return self._counts.get(campaign_id, {})

    def of(self, campaign_id: int) -> Sequence[str]:
        """Return the agents that a campaign counts as its own."""
        return [each for each in self._owned.get(campaign_id, ()) if self._lives[each].shown == campaign_id]

    def ready(self, campaign_id: int) -> Sequence[str]:
        """Return those of them who are ready."""
        return [each for each in self.of(campaign_id) if self._is_ready(each)]

    def leaving(self, campaign_id: int) -> int:
        """Return how many agents a campaign still has who are to go to another."""
        return sum(self._lives[each].owner == campaign_id for each in self._leaving)

    def shared_with(self, campaign_id: int) -> frozenset[int]:
        """Return the campaigns that reach some of the agents whom this one reaches."""
        together = {self._campaigns(life) for life in self._lives.values()}
        return frozenset(other for each in together if campaign_id in each for other in each if other != campaign_id)

    def idle_in(self, key: Key, *, until_s: float, for_s: float) -> Idle | None:
        """Return an agent who has been ready in a queue on a server for `for_s` until `until_s`; None: nobody has."""
        for agent in self._by_key.get(key, ()):
            life = self._lives[agent]
            state, from_s = life.members[key]
            if life.state is AgentState.READY and state is AgentState.READY:
                idle_s = until_s - max(from_s, life.since_s)
                if idle_s >= for_s:
                    return Idle(agent, idle_s)
        return None

    def ringing_in(self, key: Key, *, until_s: float, for_s: float) -> int:
        """Return to how many members of a queue on a server a call was offered in the last `for_s`, to `until_s`."""
        lives = [self._lives[agent] for agent in self._by_key.get(key, ())]
        return sum(
            life.state is AgentState.RINGING or (life.before is AgentState.RINGING and until_s - life.since_s < for_s)
            for life in lives
        )

    def unaccounted(self, logged_in: int) -> int:
        """Return by how much the agents of all campaigns, and those of none, differ from those who are logged in."""
        counted = sum(sum(counts.values()) for counts in self._counts.values())
        unowned = sum(life.owner is None for life in self._lives.values())
        return abs(logged_in - counted - len(self._leaving) - unowned)

    # What happens

    def tell(self, key: Key, agent: str, state: AgentState, now_s: float) -> Change | None:
        """Take in an agent's state in one queue; return what changed, None for nothing."""
        life = self._lives.get(agent)
        if life is None:
            if state is AgentState.AWAY:
                return None
            life = self._lives[agent] = Life(state, now_s)
            self._owned.setdefault(None, {})[agent] = None
        if state is AgentState.AWAY:
            life.members.pop(key, None)
            self._by_key.get(key, {}).pop(agent, None)
        elif key not in life.members or life.members[key][0] is not state:
            life.members[key] = state, now_s
            self._by_key.setdefault(key, {})[agent] = None
        if not life.members:
            return self._gone(agent, is_lost=False)
        self._is_stale |= life.look()
        return self._followed(agent, life, now_s)

    def lose(self, server: str, now_s: float) -> Sequence[Change]:
        """Forget what was known of the queues of a server whose link broke; return what changed."""
        changes: list[Change] = []
        for key in [key for key in self._by_key if key[0] == server]:
            for agent in self._by_key.pop(key):
                life = self._lives[agent]
                del life.members[key]
                life.look()
                self._is_stale = True
                change = self._followed(agent, life, now_s) if life.members else self._gone(agent, is_lost=True)
                if change is not None:
                    changes.append(change)
        return changes

    def joined(self, campaign_id: int, agent: str) -> Sequence[Change]:
        """Note that a campaign's call was joined to an agent: if he is another's, that one gets one of its own."""
        life = self._lives.get(agent)
        if life is None or life.owner is None or life.owner == campaign_id or campaign_id not in self._campaigns(life):
            return ()
        able = [
            (other.state is not AgentState.READY, other.reach != life.reach, other.since_s, each)
            for each in self._owned.get(campaign_id, ())
            if life.owner in self._campaigns(other := self._lives[each]) and other.meant in self._campaigns(life)
        ]
        if not able:
            return ()
        each = min(able)[-1]
        other = self._lives[each]
        life.leaves_s, other.leaves_s = other.leaves_s, life.leaves_s
        places = [(agent, other.owner, other.meant), (each, life.owner, life.meant)]
        return [change for who, owner, meant in places if (change := self._place(who, owner, meant)) is not None]

    def reaches(self, keys: Mapping[int, frozenset[Key]]) -> None:
        """Let each campaign reach the members of these queues; other campaigns reach nobody."""
        if keys != self._keys:
            self._keys = keys
            self._reaches.clear()
            self._is_stale = True

    def settle(self, claims: Mapping[int, Claim], pending: Callable[[int], Pending], now_s: float) -> Sequence[Change]:
        """Give each agent to whom he belongs by now; return what changed. `claims` are those of all campaigns."""
        if not (self._is_stale or self._leaving or claims != self._claims):
            return ()
        known: dict[int, Pending] = {}

        def calls_of(campaign_id: int) -> Pending:
            if campaign_id not in known:
                known[campaign_id] = pending(campaign_id)
            return known[campaign_id]

        changes: list[Change | None] = []
        if self._is_stale or claims != self._claims:
            self._claims = claims
            self._is_stale = False
            changes += self._assign(calls_of, now_s)
        changes += self._let_go(calls_of)
        return [change for change in changes if change is not None]

    # How

    def _assign(self, calls_of: Callable[[int], Pending], now_s: float) -> list[Change | None]:
        """Decide who is to have whom; who has nobody to stay with goes there at once."""
        changes: list[Change | None] = []
        groups: dict[str, Group] = {}
        wins: dict[tuple[int, ...], Group] = {}
        for agent, life in self._lives.items():
            reach = self._campaigns(life)
            if reach not in wins:
                wins[reach] = winners(reach, self._claims)
            if life.owner is not None and life.owner not in reach:
                new = life.meant if life.meant in reach else None
                changes.append(self._place(agent, new, new))
            elif life.meant is not None and life.meant not in reach:
                changes.append(self._place(agent, life.owner, life.owner))
            if wins[reach]:
                groups[agent] = wins[reach]
        spare: dict[int, int] = {}
        """Ready agents that no call is meant for, of the campaigns that give some."""

        def choose(able: Sequence[str], giver: int, taker: int, n: int) -> Sequence[str]:
            """Take those first who need not move for it, then ready ones that no call is meant for."""
            if giver not in spare:
                spare[giver] = self._ready(giver) - calls_of(giver).calls
            back = [each for each in able if self._lives[each].owner == taker]
            own = [each for each in able if self._lives[each].owner != taker]
            ready = [each for each in own if self._lives[each].state is AgentState.READY]
            free = ready[: max(0, spare[giver])]
            held = frozenset(free)
            chosen = [*back, *free, *sorted((each for each in own if each not in held), key=self._is_ready)][:n]
            spare[giver] -= sum(each in held for each in chosen)
            return chosen

        meant = {agent: self._lives[agent].meant for agent in groups}
        for agent, campaign_id in split(groups, meant, self._claims, choose).items():
            life = self._lives[agent]
            if life.owner == life.meant:
                life.leaves_s = now_s
            owner = campaign_id if life.owner is None else life.owner
            changes.append(self._place(agent, owner, campaign_id))
        return changes

    def _let_go(self, calls_of: Callable[[int], Pending]) -> list[Change | None]:
        """Hand over those who leave, as far as they are not missed."""
        changes = []
        ready: dict[int, int] = {}
        for agent in [*self._leaving]:
            life = self._lives[agent]
            assert life.owner is not None
            if life.owner not in ready:
                ready[life.owner] = self._ready(life.owner)
            cover = ready[life.owner] - self._is_ready(agent) - calls_of(life.owner).calls
            if cover >= 0 or calls_of(life.owner).oldest_s > life.leaves_s:
                ready[life.owner] -= self._is_ready(agent)
                changes.append(self._place(agent, life.meant, life.meant))
        return changes

    def _place(self, agent: str, owner: int | None, meant: int | None) -> Change | None:
        """Let an agent be a campaign's, and meant for one."""
        life = self._lives[agent]
        was = life.shown
        self._owned[life.owner].pop(agent, None)
        self._owned.setdefault(owner, {})[agent] = None
        life.owner, life.meant = owner, meant
        if owner == meant:
            self._leaving.pop(agent, None)
        else:
            self._leaving[agent] = None
        now = life.shown
        if was == now:
            return None
        self._count(was, life.state, -1)
        self._count(now, life.state, 1)
        return Change(agent, was, now)

    def _followed(self, agent: str, life: Life, now_s: float) -> Change | None:
        """Take in what an agent's queues say together."""
        state = min((state for state, _ in life.members.values()), key=_RANK.__getitem__)
        if state is life.state:
            # Of one who just came the state is news, too; he has no owner yet.
            return Change(agent, None, None) if life.owner is None else None
        self._count(life.shown, life.state, -1)
        self._count(life.shown, state, 1)
        life.before, life.before_s = life.state, now_s - life.since_s
        life.state, life.since_s = state, now_s
        return Change(agent, life.shown, life.shown)

    def _gone(self, agent: str, *, is_lost: bool) -> Change:
        life = self._lives.pop(agent)
        self._owned[life.owner].pop(agent, None)
        self._leaving.pop(agent, None)
        self._count(life.shown, life.state, -1)
        self._is_stale = True
        return Change(agent, life.shown, None, is_lost)

    def _campaigns(self, life: Life) -> tuple[int, ...]:
        """Return the campaigns that reach an agent."""
        reach = life.reach
        found = self._reaches.get(reach)
        if found is None:
            found = self._reaches[reach] = tuple(sorted(each for each, keys in self._keys.items() if keys & reach))
        return found

    def _count(self, campaign_id: int | None, state: AgentState, n: int) -> None:
        if campaign_id is not None:
            self._counts.setdefault(campaign_id, Counter())[state] += n

    def _is_ready(self, agent: str) -> bool:
        return self._lives[agent].state is AgentState.READY

    def _ready(self, campaign_id: int) -> int:
        """Return how many ready agents a campaign has, with those who leave."""
        return sum(self._is_ready(each) for each in self._owned.get(campaign_id, ()))
