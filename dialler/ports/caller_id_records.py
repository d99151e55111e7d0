"""The part of the records about caller ids."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from dialler.domain.caller_id import CallerId, CallerIdPool, CallerIdUse, PoolSettings
from dialler.domain.caller_id_rate import CallerIdCounts


class CallerIdRecords(Protocol):
    """Pools of caller ids, their numbers, and how these were used."""

    def caller_id_pools(self) -> Sequence[CallerIdPool]:
        """Return all pools, by id."""

    def caller_id_pool(self, name: str, *, to_change: bool = False) -> CallerIdPool:
        """Return the pool of that name. With `to_change` nobody else can change it, or use its numbers, before the end
        of the transaction. Raises NotFound."""

    def add_caller_id_pool(self, name: str, settings: PoolSettings, now: datetime) -> CallerIdPool:
        """Create a pool without numbers. Raises Conflict if the name is taken."""

    def set_caller_id_pool(self, pool: CallerIdPool) -> None:
        """Write a pool's name and settings. Raises NotFound, Conflict if the name is taken."""

    def delete_caller_id_pool(self, pool_id: int) -> None:
        """Delete a pool; its numbers are in none then. Raises NotFound, Conflict while a campaign names it."""

    def caller_ids(self, pool_id: int) -> Sequence[CallerId]:
        """Return a pool's numbers, in order."""

    def pools_of_caller_ids(self, numbers: Sequence[str]) -> Mapping[str, str]:
        """Return the names of the pools of those of `numbers` that are in one, by number."""

    def add_caller_ids(self, pool_id: int, caller_ids: Sequence[CallerId]) -> None:
        """Put numbers into a pool; how those were used that were in one before still counts. Raises Conflict for a
        number that is in a pool: then none is put in."""

    def set_caller_ids(self, pool_id: int, caller_ids: Sequence[CallerId]) -> None:
        """Write everything of numbers of a pool that may change. Raises NotFound for one that is not in it."""

    def remove_caller_ids(self, pool_id: int, numbers: Sequence[str]) -> None:
        """Take numbers out of a pool. Raises NotFound for one that is not in it: then none is taken out."""

    def caller_id_uses(self, pool_id: int) -> Mapping[str, CallerIdUse]:
        """Return how those of a pool's numbers were used that were, by number."""

    def set_caller_id_uses(self, pool_id: int, uses: Mapping[str, CallerIdUse]) -> int:
        """Write how numbers of a pool were used; return the pool's revision after that."""

    def caller_id_days(self, pool_id: int, *, since: date) -> Mapping[tuple[str, date], CallerIdCounts]:
        """Return what the calls that showed a pool's numbers counted as, by number and the pool's local day, from a
        day on. Kept up by every transaction that writes sessions: no scan."""
