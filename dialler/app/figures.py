"""The figures of a day, drawn from its sessions: shares, fairness, outcomes, and what is unaccounted for."""

from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import combinations

from dialler.domain.campaign import Campaign, LeadList
from dialler.domain.session import Session, SessionStatus
from dialler.ports import Records, SessionFilter

BLOCK = 100
PAGE = 1_000


def figures_of(records: Records, campaigns: Sequence[Campaign]) -> dict[str, object]:
    """Return the figures of all sessions of `campaigns`."""
    lists = {each.list_id: each for campaign in campaigns for each in records.lists(campaign.campaign_id)}
    outcomes: Counter[str] = Counter()
    statuses: Counter[str] = Counter()
    turns: dict[int, list[int]] = {campaign.campaign_id: [] for campaign in campaigns}
    for session in sessions_in_order(records):
        outcomes[session.outcome.value if session.outcome else "none"] += 1
        statuses[session.status.value] += 1
        turns.setdefault(session.campaign_id, []).append(session.list_id)
    calls = sum(outcomes.values())
    return {
        "calls": calls,
        "open": sum(statuses[status] for status in SessionStatus if status.is_open),
        "lists": [row for campaign in campaigns for row in _shares(campaign, lists, turns[campaign.campaign_id])],
        "fairness": [_fairness(campaign, lists, turns[campaign.campaign_id]) for campaign in campaigns],
        "outcomes": dict(sorted(outcomes.items())),
        "statuses": dict(sorted(statuses.items())),
        "unaccounted": len(records.check()),
    }


def sessions_in_order(records: Records) -> Iterator[Session]:
    """Yield all sessions in the order of intent, a page at a time."""
    after: int | None = None
    while page := records.sessions(SessionFilter(), after=after, limit=PAGE, newest_first=False):
        yield from page
        after = page[-1].seq


def prefix_error(turns: Sequence[int], weights: dict[int, int]) -> Fraction:
    """Return the largest |Na/wa - Nb/wb| over all pairs and prefixes, as a part of its bound 1/wa + 1/wb."""
    worst = Fraction(0)
    counts = dict.fromkeys(weights, 0)
    pairs = list(combinations(weights, 2))
    for turn in turns:
        counts[turn] += 1
        for a, b in pairs:
            error = abs(counts[a] * weights[b] - counts[b] * weights[a])
            worst = max(worst, Fraction(error, weights[a] + weights[b]))
    return worst


def _shares(campaign: Campaign, lists: dict[int, LeadList], turns: Sequence[int]) -> Iterator[dict[str, object]]:
    weights = _weights(campaign, lists)
    counts = Counter(turns)
    for list_id, weight in weights.items():
        yield {
            "campaign": campaign.name,
            "list": lists[list_id].name,
            "weight": lists[list_id].weight,
            "calls": counts[list_id],
            "share": counts[list_id] / len(turns) if turns else 0.0,
            "due": weight / sum(weights.values()),
        }


def _fairness(campaign: Campaign, lists: dict[int, LeadList], turns: Sequence[int]) -> dict[str, object]:
    weights = _weights(campaign, lists)
    blocks = [Counter(turns[at : at + BLOCK]) for at in range(0, len(turns) - BLOCK + 1, BLOCK)]
    error = prefix_error(turns, weights)
    return {
        "campaign": campaign.name,
        "block_size": BLOCK,
        "blocks": [{lists[list_id].name: block[list_id] for list_id in weights} for block in blocks],
        "error_of_bound": float(error),
        "within_bound": error <= 1,
    }


def _weights(campaign: Campaign, lists: dict[int, LeadList]) -> dict[int, int]:
    return {
        list_id: each.weight if campaign.settings.weighting else 1
        for list_id, each in lists.items()
        if each.campaign_id == campaign.campaign_id
    }
