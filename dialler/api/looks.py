"""Finds what a request names: by name, or by id where no name is like that."""

from dialler.domain.caller_id import CallerIdPool
from dialler.domain.campaign import Campaign, LeadList
from dialler.domain.strategy import Strategy
from dialler.errors import NotFound
from dialler.ports import Records


def campaign_of(records: Records, said: str) -> Campaign:
    """Return the campaign of that name, else of that id. Raises NotFound, which names those there are."""
    campaigns = records.campaigns()
    for campaign in campaigns:
        if campaign.name == said:
            return campaign
    for campaign in campaigns:
        if str(campaign.campaign_id) == said:
            return campaign
    raise NotFound(f"there is no campaign {said!r}; {_there([campaign.name for campaign in campaigns])}")


def list_of(records: Records, campaign: Campaign, said: str) -> LeadList:
    """Return the campaign's list of that name, else of that id. Raises NotFound, which names those there are."""
    lists = records.lists(campaign.campaign_id)
    for lead_list in lists:
        if lead_list.name == said:
            return lead_list
    for lead_list in lists:
        if str(lead_list.list_id) == said:
            return lead_list
    there = _there([lead_list.name for lead_list in lists])
    raise NotFound(f"campaign {campaign.name!r} has no list {said!r}; {there}")


def strategy_of(records: Records, said: str) -> Strategy:
    """Return the dialler strategy of that name, else of that id. Raises NotFound, which names those there are."""
    strategies = records.strategies()
    for strategy in strategies:
        if strategy.name == said:
            return strategy
    for strategy in strategies:
        if str(strategy.strategy_id) == said:
            return strategy
    raise NotFound(f"there is no dialler strategy {said!r}; {_there([strategy.name for strategy in strategies])}")


def pool_of(records: Records, said: str) -> CallerIdPool:
    """Return the pool of caller ids of that name, else of that id. Raises NotFound, which names those there are."""
    pools = records.caller_id_pools()
    for pool in pools:
        if pool.name == said:
            return pool
    for pool in pools:
        if str(pool.pool_id) == said:
            return pool
    raise NotFound(f"there is no caller-id pool {said!r}; {_there([pool.name for pool in pools])}")


def _there(names: list[str]) -> str:
    if not names:
        return "there is none yet"
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return f"there is {', '.join(names[:10])}{more}"
