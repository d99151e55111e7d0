"""Agents who got free and wait for a call to be placed: how long the dialler makes them wait."""

from datetime import datetime


class FreeAgents:
    """Matches each agent who got free with one Originate at most, of the campaign to which he belongs.

    Who has been free the longest comes first. An agent who is called, paused or gone before that drops out; so does
    one whose link breaks. It holds no more than the agents that are free now.
    """

    def __init__(self) -> None:
        self._waiting: dict[int | None, dict[str, datetime]] = {}
        """Since when, by campaign and agent, in the order in which they got free."""

        self._free: dict[str, int | None] = {}
        """Whose each free agent is, also once he was matched."""

    def moved(self, agent: str, campaign_id: int | None, at: datetime, *, is_free: bool) -> None:
        """Look at an agent whose state changed at `at`, or who belongs to a campaign now that he did not belong to."""
        if not is_free:
            if agent in self._free:
                self._of(self._free.pop(agent)).pop(agent, None)
        elif agent not in self._free:
            self._free[agent] = campaign_id
            self._wait(agent, campaign_id, at)
        elif (was := self._free[agent]) != campaign_id:
            self._free[agent] = campaign_id
            if (since := self._of(was).pop(agent, None)) is not None:  # Else he was matched already.
                self._wait(agent, campaign_id, since)

    def match(self, campaign_id: int) -> datetime | None:
        """Match an Originate of a campaign with its agent who has been free the longest; return since when.

        None: nobody got free since the calls before it.
        """
        waiting = self._waiting.get(campaign_id)
        return waiting.pop(next(iter(waiting))) if waiting else None

    def _of(self, campaign_id: int | None) -> dict[str, datetime]:
        return self._waiting.setdefault(campaign_id, {})

    def _wait(self, agent: str, campaign_id: int | None, since: datetime) -> None:
        waiting = self._of(campaign_id)
        is_last = not waiting or waiting[next(reversed(waiting))] <= since
        waiting[agent] = since
        if not is_last:  # He comes from another campaign.
            self._waiting[campaign_id] = dict(sorted(waiting.items(), key=lambda each: each[1]))
