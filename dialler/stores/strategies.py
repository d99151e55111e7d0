"""Dialler strategies and their versions in the records."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from dialler.domain.strategy import Strategy, StrategySettings, StrategyVersion
from dialler.errors import Conflict, NotFound
from dialler.stores.codec import from_us, strategy_from_json, strategy_to_json, to_us
from dialler.stores.lists import strategy_of, to_be_replanned
from dialler.stores.transaction import Transaction

_SELECT: Final = "SELECT strategy_id, name, version, created_at, body FROM strategies"
_ADD_VERSION: Final = "INSERT INTO strategy_versions (strategy_id, version, at, body) VALUES (?, ?, ?, ?)"


class StrategyRecords:
    """The part of the records about strategies."""

    _in: Transaction

    def strategies(self) -> Sequence[Strategy]:
        return [strategy_of(row) for row in self._in.rows(f"{_SELECT} ORDER BY strategy_id")]

    def strategy(self, strategy_id: int) -> Strategy:
        row = self._in.row(f"{_SELECT} WHERE strategy_id = ?", (strategy_id,))
        if row is None:
            raise NotFound(f"there is no strategy {strategy_id}")
        return strategy_of(row)

    def add_strategy(self, name: str, settings: StrategySettings, now: datetime) -> Strategy:
        body = strategy_to_json(settings)
        row = self._in.row(
            "INSERT INTO strategies (name, version, created_at, body) VALUES (?, 1, ?, ?)"
            " ON CONFLICT DO NOTHING RETURNING strategy_id",
            (name, to_us(now), body),
        )
        if row is None:
            raise Conflict(f"there is a strategy {name!r} already")
        self._in.run(_ADD_VERSION, (row[0], 1, to_us(now), body))
        return self.strategy(row[0])

    def set_strategy(self, strategy: Strategy, now: datetime) -> Strategy:
        taken = self._in.row(
            "SELECT strategy_id FROM strategies WHERE name = ? AND strategy_id <> ?",
            (strategy.name, strategy.strategy_id),
        )
        if taken:
            raise Conflict(f"there is a strategy {strategy.name!r} already, with id {taken[0]}")
        old = self.strategy(strategy.strategy_id)
        if strategy.settings == old.settings:
            self._in.run("UPDATE strategies SET name = ? WHERE strategy_id = ?", (strategy.name, strategy.strategy_id))
            return self.strategy(strategy.strategy_id)
        body = strategy_to_json(strategy.settings)
        row = self._in.row(
            "UPDATE strategies SET name = ?, body = ?, version = version + 1 WHERE strategy_id = ? RETURNING version",
            (strategy.name, body, strategy.strategy_id),
        )
        assert row is not None
        self._in.run(_ADD_VERSION, (strategy.strategy_id, row[0], to_us(now), body))
        self._in.rules.clear()
        if strategy.settings.planning != old.settings.planning:
            to_be_replanned(self._in, "strategy_id", strategy.strategy_id)
        return self.strategy(strategy.strategy_id)

    def delete_strategy(self, strategy_id: int) -> None:
        strategy = self.strategy(strategy_id)
        lists = self._in.rows(
            "SELECT lists.name, campaigns.name FROM lists JOIN campaigns ON campaigns.campaign_id = lists.campaign_id"
            " WHERE lists.strategy_id = ? ORDER BY lists.list_id LIMIT 10",
            (strategy_id,),
        )
        if lists:
            named = ", ".join(f"{name!r} of campaign {campaign!r}" for name, campaign in lists)
            raise Conflict(f"strategy {strategy.name!r} is used by list {named}; give it another one first")
        self._in.run("DELETE FROM strategy_versions WHERE strategy_id = ?", (strategy_id,))
        self._in.run("DELETE FROM strategies WHERE strategy_id = ?", (strategy_id,))

    def strategy_versions(self, strategy_id: int) -> Sequence[StrategyVersion]:
        strategy = self.strategy(strategy_id)
        rows = self._in.rows(
            "SELECT version, at, body FROM strategy_versions WHERE strategy_id = ? ORDER BY version", (strategy_id,)
        )
        return [
            StrategyVersion(
                version=version,
                at=from_us(at),
                settings=strategy_from_json(body, where=f"strategy {strategy_id} ({strategy.name}), {version}"),
            )
            for version, at, body in rows
        ]
