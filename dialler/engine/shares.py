"""How campaigns share trunks: the lists' deficit round robin, one level up."""

from collections.abc import Iterable, Mapping, Sequence

from dialler.ports import Records
from strategies.round_robin import RoundRobin


class Shares:
    """Grants calls on trunks to campaigns, in proportion to their weights, and remembers whose turn it is."""

    def __init__(self) -> None:
        self._states: dict[str, Mapping[str, int]] = {}
        self._changed: set[str] = set()

    def grant(
        self,
        wanted: Mapping[int, int],
        trunks: Mapping[int, Sequence[str]],
        free: Mapping[str, int],
        weights: Mapping[int, int],
    ) -> dict[int, list[str]]:
        """Return the trunk of each call granted, by campaign.

        `wanted` is how many calls each campaign wants, `trunks` what it may use in order of preference, `free` how
        many calls each trunk takes now. A trunk on which one campaign alone has a claim needs no turns.
        """
        left = dict(wanted)
        granted: dict[int, list[str]] = {campaign: [] for campaign in wanted}
        for rank in range(max((len(names) for names in trunks.values()), default=0)):
            room = {name: free[name] - sum(names.count(name) for names in granted.values()) for name in free}
            claims: dict[str, list[int]] = {}
            for campaign, names in trunks.items():
                if rank < len(names) and left[campaign] > 0:
                    claims.setdefault(names[rank], []).append(campaign)
            for name, claimants in claims.items():
                for campaign in self._turns(name, claimants, left, room.get(name, 0), weights):
                    granted[campaign].append(name)
        return {campaign: names for campaign, names in granted.items() if names}

    def _turns(
        self, trunk: str, claimants: list[int], left: dict[int, int], room: int, weights: Mapping[int, int]
    ) -> list[int]:
        if len(claimants) == 1:
            count = min(room, left[claimants[0]])
            left[claimants[0]] -= count
            return claimants * count
        turns = RoundRobin({campaign: weights[campaign] for campaign in claimants}, self._states.get(trunk))
        order: list[int] = []
        # Who has all that it wants passes its turns on. It does not leave the round for that: then the deficits of
        # lighter campaigns would be rounded away in each pass, and they would starve.
        while len(order) < room and any(left[campaign] for campaign in claimants):
            campaign = turns.next()
            assert campaign is not None
            if left[campaign]:
                order.append(campaign)
                left[campaign] -= 1
        self._states[trunk] = turns.state()
        self._changed.add(trunk)
        return order

    def restore(self, records: Records, trunks: Iterable[str]) -> None:
        """Take up the turns of an earlier process."""
        for trunk in trunks:
            state = records.round_state(f"trunk:{trunk}")
            if state is not None:
                self._states[trunk] = state

    def save(self, records: Records) -> None:
        """Keep whose turn it is."""
        for trunk in self._changed:
            records.save_round_state(f"trunk:{trunk}", self._states[trunk])
        self._changed.clear()
