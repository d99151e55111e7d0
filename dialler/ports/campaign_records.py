"""The part of the records about campaigns."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from dialler.domain.campaign import Campaign, CampaignSettings, LeadList
from dialler.domain.change_set import CampaignLists, ChangeSet
from dialler.domain.strategy import Strategy, StrategySettings, StrategyVersion


class CampaignRecords(Protocol):
    """Campaigns, their lists, the strategies of these, and where the rounds stand."""

    def campaigns(self) -> Sequence[Campaign]:
        """Return all campaigns, by id."""

    def campaign(self, campaign_id: int) -> Campaign:
        """Return one campaign. Raises NotFound."""

    def campaign_named(self, name: str) -> Campaign:
        """Return the campaign of that name. Raises NotFound."""

    def add_campaign(self, name: str, settings: CampaignSettings, now: datetime) -> Campaign:
        """Create a stopped campaign. Raises Conflict if the name is taken."""

    def set_campaign(self, campaign: Campaign) -> None:
        """Write name, desired state, settings and version. With other caps the leads of its lists are to be replanned.
        Raises NotFound, Conflict if the name is taken."""

    def lists(self, campaign_id: int | None = None) -> Sequence[LeadList]:
        """Return lists, by id."""

    def lead_list(self, list_id: int) -> LeadList:
        """Return one list. Raises NotFound."""

    def list_named(self, campaign_id: int, name: str) -> LeadList:
        """Return the campaign's list of that name. Raises NotFound."""

    def add_list(
        self,
        campaign_id: int,
        name: str,
        now: datetime,
        *,
        weight: int = 100,
        to_dial: bool = True,
        strategy_id: int | None = None,
    ) -> LeadList:
        """Create a list; one that is to dial gets the standard strategy where none is given. Raises NotFound
        (campaign), Conflict if the name is taken in the campaign."""

    def set_list(self, lead_list: LeadList) -> None:
        """Write everything that may change of a list, but not how far its leads are replanned: that begins anew with
        another order, other redial rules or caps. Raises NotFound, Conflict if the name is taken in the campaign."""

    def set_lists(self, lists: Sequence[LeadList]) -> None:
        """Do as `set_list` for several different lists, which may swap their names."""

    def delete_list(self, list_id: int) -> None:
        """Delete a list and its leads; sessions stay. Raises Conflict while it is to dial or has a lead in a call."""

    def replan(self, list_id: int, *, limit: int) -> Sequence[int]:
        """Give up to `limit` leads of a list the ranks of its strategy as it is now; return their ids, in order.

        Goes on by id behind the last one that was planned anew; fewer than `limit`: all are. Their turns by redial
        rules are the caller's to plan, in the same transaction.
        """

    def strategies(self) -> Sequence[Strategy]:
        """Return all strategies, by id."""

    def strategy(self, strategy_id: int) -> Strategy:
        """Return one strategy. Raises NotFound."""

    def add_strategy(self, name: str, settings: StrategySettings, now: datetime) -> Strategy:
        """Create a strategy, version 1. Raises Conflict if the name is taken."""

    def set_strategy(self, strategy: Strategy, now: datetime) -> Strategy:
        """Write name and settings; other settings are a new version, and with another order, other redial rules or
        caps the leads of its lists are to be replanned. Returns the strategy as it is now. Raises NotFound, Conflict
        if the name is taken."""

    def delete_strategy(self, strategy_id: int) -> None:
        """Delete a strategy and its versions. Raises NotFound, Conflict while a list refers to it."""

    def strategy_versions(self, strategy_id: int) -> Sequence[StrategyVersion]:
        """Return what a strategy was, from its first version to the present one. Raises NotFound."""

    def add_change_set(
        self, campaign_id: int, *, before: CampaignLists, after: CampaignLists, who: str, now: datetime
    ) -> ChangeSet:
        """Note how some lists of a campaign were before and after they were changed together."""

    def last_change_set(self, campaign_id: int) -> ChangeSet | None:
        """Return the campaign's last change-set, undone or not; None: there was none."""

    def set_undone(self, change_set_id: int, now: datetime) -> None:
        """Note that a change-set was undone. Raises NotFound."""

    def attempts_since(self, list_ids: Sequence[int], since: datetime) -> Mapping[int, int]:
        """Return how many attempts of each list were begun since a moment, to about a second. Costs a walk along an
        index over the attempts counted."""

    def round_state(self, scope: str) -> Mapping[str, int] | None:
        """Return the saved state of a round robin ("campaign:7", "trunk:a"), None if there is none."""

    def save_round_state(self, scope: str, state: Mapping[str, int]) -> None:
        """Keep the state of a round robin."""
