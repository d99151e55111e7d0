"""How campaigns split the agents that several of them can reach: exact shares in whole agents, with few moves.

Agents who are reached by the same campaigns are a group. A group belongs to those of its campaigns whose rank is the
highest, each of which is due a part by its weight; what a campaign is due in all is the sum over the groups, and
seldom whole. An assignment is even when no agent, handed from one campaign to another, or on along several, would
bring the one that gives and the one that receives closer to what they are due. Then each campaign is less than one
agent away from it: were one a whole agent over, what it has too much would lead, along agents that it shares with
others, to one that is under, and handing one agent on along that way would be such a step. So shares are as exact as
whole agents allow, ties stay as they are, and one who is not asked to move does not.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

_EPSILON: Final = 1e-6
_DIRECT: Final = 2
"""Campaigns on a way without others between."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a campaign claims of the agents that it can reach."""

    rank: tuple[int, ...] = ()
    """Who has the highest has all; among equals weights count."""

    weight: int = 1


Group = tuple[int, ...]
"""The campaigns that some agents belong to, in ascending order."""


def winners(reach: Iterable[int], claims: Mapping[int, Claim]) -> Group:
    """Return those campaigns of `reach` with the highest rank; campaigns without a claim are none."""
    claimed = [each for each in reach if each in claims]
    top = max((claims[each].rank for each in claimed), default=None)
    return tuple(sorted(each for each in claimed if claims[each].rank == top))


def due_shares(sizes: Mapping[Group, int], claims: Mapping[int, Claim]) -> dict[int, float]:
    """Return how many agents each claiming campaign is due; `sizes` are how many agents each group has."""
    due = dict.fromkeys(claims, 0.0)
    for group, n in sizes.items():
        together = sum(claims[each].weight for each in group)
        for each in group:
            due[each] += n * claims[each].weight / together
    return due


Choose = Callable[[Sequence[str], int, int, int], Sequence[str]]
"""Takes agents who may go, from which campaign, to which, and how many shall; returns who."""


def split(
    groups: Mapping[str, Group],
    owners: Mapping[str, int | None],
    claims: Mapping[int, Claim],
    choose: Choose,
) -> dict[str, int]:
    """Return the new campaign of each agent who has to change it, so that the shares are even.

    `groups` are the agents' groups, none of them empty; `owners` their campaigns by now, None for who has none.
    """
    due = due_shares(Counter(groups.values()), claims)
    now: dict[str, int] = {}
    members: dict[int, dict[Group, dict[str, None]]] = {}
    over = {each: -part for each, part in due.items()}

    def put(agent: str, owner: int) -> None:
        now[agent] = owner
        members.setdefault(owner, {}).setdefault(groups[agent], {})[agent] = None
        over[owner] = over.get(owner, 0.0) + 1

    homeless = []
    for agent in groups:
        if (owner := owners.get(agent)) is None:
            homeless.append(agent)
        else:
            put(agent, owner)
    for agent in homeless:
        put(agent, min(groups[agent], key=lambda each: (over[each], each)))
    while (path := _path(members, over)) is not None:
        giver, taker = path[0], path[-1]
        # Several at once, as long as neither end passes what it is due.
        n = max(1, min(int(over[giver]), int(-over[taker])) if len(path) == _DIRECT else 1)
        # The last step first, so that nobody is handed on twice.
        for a, b in reversed(list(pairwise(path))):
            able = [agent for group, own in members[a].items() if b in group for agent in own]
            for agent in choose(able, a, b, min(n, len(able))):
                del members[a][groups[agent]][agent]
                over[a] -= 1
                put(agent, b)
    return {agent: owner for agent, owner in now.items() if owner != owners.get(agent)}


def _path(members: Mapping[int, Mapping[Group, Mapping[str, None]]], over: Mapping[int, float]) -> list[int] | None:
    """Return the campaigns along which an agent is to be handed on, the shortest way; None where shares are even."""
    ways = {
        each: sorted({other for group, agents in own.items() if agents for other in group})
        for each, own in members.items()
    }
    for giver in sorted(ways, key=lambda each: (-over[each], each)):
        came_from: dict[int, int] = {}
        seen = [giver]
        for at in seen:  # It grows: those that are nearer come first.
            for each in ways.get(at, ()):
                if each != giver and each not in came_from:
                    came_from[each] = at
                    seen.append(each)
        taker = min(seen, key=lambda each: over[each])
        if over[giver] - over[taker] > 1 + _EPSILON:
            path = [taker]
            while path[-1] != giver:
                path.append(came_from[path[-1]])
            return path[::-1]
    return None
