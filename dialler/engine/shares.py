"""How campaigns share trunks: the lists' deficit round robin, one level up."""

from collections.abc import Iterable, Mapping, Sequence

from dialler.ports import Records
from strategies.round_robin import RoundRobin


class Shares:
    """Grants calls on trunks to campaigns, in proportion to their weights, and remembers whose turn it is."""

    def __init__(self) -> None:
        self._states: dict[str, Mapping[str, int]] = {}
        self._before = self._states
        self._changed: set[str] = set()

    def grant(
        self,
        wanted: Mapping[int, int],
        trunks: Mapping[int, Sequence[str]],
        free: Mapping[str, int],
        weights: Mapping[int, int],
    ) -> dict[int, list[str]]:
        """Return the trunk of each call granted, by campaign.

        `wanted` is how many calls campaigns want now; `trunks`, of all campaigns that dial, what each may use in
        order of preference, and `weights` their weights; `free` how many calls each trunk takes now.
        """
        self._before = dict(self._states)
        left = dict(wanted)
        granted: dict[int, list[str]] = {campaign: [] for campaign in wanted}
        room = dict(free)
        for rank in range(max((len(trunks[campaign]) for campaign in wanted), default=0)):
            claims: dict[str, list[int]] = {}
            for campaign in wanted:
                if rank < len(trunks[campaign]) and left[campaign] > 0:
                    claims.setdefault(trunks[campaign][rank], []).append(campaign)
            for name, hungry in claims.items():
                members = {campaign: weights[campaign] for campaign, names in trunks.items() if name in names}
                for campaign in self._turns(name, members, hungry, left, room[name]):
                    granted[campaign].append(name)
                    room[name] -= 1
        return {campaign: names for campaign, names in granted.items() if names}

    def _turns(
        self, trunk: str, members: Mapping[int, int], hungry: list[int], left: dict[int, int], room: int
    ) -> list[int]:
        order: list[int] = []
        if room and len(hungry) > 1:
            turns = RoundRobin(members, self._states.get(trunk))
            # Who wants nothing now passes its turns on. It does not leave the round for that: then the deficits of
            # lighter campaigns would be rounded away each time, and they would starve.
            while len(order) < room and len(hungry) > 1:
                campaign = turns.next()
                assert campaign is not None
                if campaign in hungry:
                    order.append(campaign)
                    left[campaign] -= 1
                    if not left[campaign]:
                        hungry.remove(campaign)
            self._states[trunk] = turns.state()
            self._changed.add(trunk)
        # Who alone wants more needs no turns.
        for campaign in hungry[:1]:
            count = min(room - len(order), left[campaign])
            order += [campaign] * count
            left[campaign] -= count
        return order

    def take_back(self) -> None:
        """Undo the last grant, which turned out to be too much: whose turn it was it is again."""
        self._states = self._before

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
