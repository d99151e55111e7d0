"""Whether those who answer a campaign's calls get anything: an agent or a message, and never silence."""

from dialler.domain.campaign import CampaignSettings
from telephony.answer_plan import KeyAction


def lacks(settings: CampaignSettings, *, needs_agents: bool) -> str | None:
    """Return what keeps a campaign from dialling, because those who answer would get nothing; None: nothing does.

    `needs_agents`: its pacing is one that connects people to agents.
    """
    pacing = settings.pacing
    if needs_agents:
        if settings.queue:
            return None
        return f"pacing {pacing} needs agents, and the campaign has no queue: set its queue, or pacing to 'agentless'"
    if settings.message is None:
        return (
            f"pacing {pacing} plays a message to those who answer, and the campaign has none: set its message, the name"
            " of a sound at the exchange, or a pacing that connects people to agents"
        )
    to_agents = [key for key, action in settings.message_keys.items() if action is KeyAction.QUEUE]
    if to_agents and not settings.queue:
        return f"key {to_agents[0]} of its message leads to an agent, and the campaign has no queue: set its queue"
    return None
