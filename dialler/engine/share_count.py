"""Holds the lists' calls against the bound of fair shares, while they are placed.

The promise: while every list of a round has somebody to call, `|Na/wa - Nb/wb| <= 1/wa + 1/wb` for each two lists
at every prefix, counted from a fresh start; counted from a later change of lists or weights `1/max(w)` more. So a
list that leaves or joins, or a weight that changes, begins a new count. The unit is a durable intent, in order.

After an intent of list a only Na/wa has grown, so no pair but one with a can be further apart than before; of the
lists of one weight only the one with the fewest calls matters. So an intent costs as many steps as there are
different weights, however many lists there are.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from dialler.engine.intent import Outcomes
from dialler.ports import ListShare, ShareReport


@dataclass(slots=True)
class _Equals:
    """Lists of one weight."""

    weight: int
    lists_at: dict[int, int]
    """How many of them have so many calls."""

    fewest: int = 0


@dataclass(slots=True)
class ShareCount:
    """The shares of one campaign's lists."""

    worst: float = 0.0
    """The largest error so far, over all counts, as a part of its bound."""

    _weights: Mapping[int, int] | None = None
    _calls: dict[int, int] = field(default_factory=dict)
    _equals: dict[int, _Equals] = field(default_factory=dict)
    _largest: int = 0
    """The largest weight where the count began with a change, 0 where it began fresh."""

    def take(self, done: Outcomes) -> None:
        """Count what came of an order, once it is durable."""
        ends = [*done.rounds, (len(done.intents), {})]
        for nth, ((begin, weights), (end, _)) in enumerate(pairwise(ends)):
            if weights != self._weights:
                self._begin(weights, is_fresh=done.is_fresh and nth == 0)
                if done.is_carried and nth == 0:
                    begin += 1  # This turn was taken before the change.
            for intent in done.intents[begin:end]:
                self.count(intent.session.list_id)

    def forget(self) -> None:
        """Begin anew with the next order: nobody knows what became of the last one."""
        self._begin({}, is_fresh=False)

    def _begin(self, weights: Mapping[int, int], *, is_fresh: bool) -> None:
        self._weights = weights
        self._calls = dict.fromkeys(weights, 0)
        self._equals = {}
        for weight in weights.values():
            equals = self._equals.setdefault(weight, _Equals(weight, {0: 0}))
            equals.lists_at[0] += 1
        self._largest = 0 if is_fresh else max(weights.values(), default=0)

    def count(self, list_id: int) -> None:
        """Count one call of a list of the round."""
        assert self._weights is not None
        weight = self._weights[list_id]
        before = self._calls[list_id]
        calls = self._calls[list_id] = before + 1
        own = self._equals[weight]
        own.lists_at[calls] = own.lists_at.get(calls, 0) + 1
        own.lists_at[before] -= 1
        if not own.lists_at[before]:
            del own.lists_at[before]
            if own.fewest == before:
                own.fewest = calls
        largest, worst = self._largest, self.worst
        for each in self._equals.values():
            error = calls * each.weight - each.fewest * weight
            if largest:
                part = error * largest / (largest * (weight + each.weight) + weight * each.weight)
            else:
                part = error / (weight + each.weight)
            if part > worst:
                worst = part
        self.worst = worst

    def report(self, names: Mapping[int, str]) -> ShareReport | None:
        """Return the shares of the lists in the round, by `names`; None: there was no round yet."""
        if self._weights is None:
            return None
        lists = [
            ListShare(list=names[list_id], weight=weight, calls=self._calls[list_id])
            for list_id, weight in self._weights.items()
            if list_id in names
        ]
        return ShareReport(lists=lists, after_change=bool(self._largest), worst=self.worst)


def error_of_bound(lists: Sequence[ListShare], *, after_change: bool) -> float:
    """Return the largest |Na/wa - Nb/wb| of any two lists now, as a part of its bound (0..1 if the promise holds)."""
    fewest: dict[int, int] = {}
    most: dict[int, int] = {}
    for each in lists:
        fewest[each.weight] = min(fewest.get(each.weight, each.calls), each.calls)
        most[each.weight] = max(most.get(each.weight, each.calls), each.calls)
    largest = max(fewest, default=0) if after_change else 0
    return max(_parts(most, fewest, largest), default=0.0)


def _parts(most: Mapping[int, int], fewest: Mapping[int, int], largest: int) -> Iterable[float]:
    for a, calls_a in most.items():
        for b, calls_b in fewest.items():
            error = calls_a * b - calls_b * a
            yield error * largest / (largest * (a + b) + a * b) if largest else error / (a + b)
