"""What weights come to: each list's part of its campaign's calls."""

from collections.abc import Iterable, Mapping

from dialler.domain.campaign import LeadList


def percentages(lists: Iterable[LeadList], *, weighting: bool) -> Mapping[int, float]:
    """Return the percentage (0 to 100) of the calls that each list that is to dial gets, by list id.

    It holds while each of them has somebody to call. Without `weighting` all are equal, whatever their weights.
    """
    weights = {each.list_id: each.weight if weighting else 1 for each in lists if each.to_dial}
    total = sum(weights.values())
    return {list_id: 100 * weight / total for list_id, weight in weights.items()}
