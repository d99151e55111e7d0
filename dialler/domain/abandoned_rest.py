"""How long a person whom we have abandoned is left alone.

Rules such as the UK's let them be called again before that only where an agent is held for the call. Where the campaign
does not want that (`abandoned_hold_agent`) they are not called at all until then.
"""

from datetime import datetime, timedelta

from dialler.domain.campaign import CampaignSettings
from dialler.domain.outcome import Outcome


def counts_as_abandoned(settings: CampaignSettings, outcome: Outcome | None) -> bool:
    """Tell whether a call with this outcome has abandoned somebody, as the campaign counts it."""
    return outcome is Outcome.ABANDONED or (outcome is Outcome.ABANDONED_SHORT and settings.abandon_short)


def abandoned_until(settings: CampaignSettings, outcome: Outcome | None, ended_at: datetime | None) -> datetime | None:
    """Return until when nobody is called whose last call ended so (same zone); None: it did not abandon him."""
    if ended_at is None or not counts_as_abandoned(settings, outcome):
        return None
    return ended_at + timedelta(seconds=settings.abandoned_rest_s)
