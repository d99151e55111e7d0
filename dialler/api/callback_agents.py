"""The agents of callbacks: what can be one, and whether he is there."""

from typing import Final

from dialler.api.desk import Desk
from dialler.domain.campaign import CampaignSettings
from dialler.domain.personal_callback import CallbacksTo
from dialler.errors import UsageError
from telephony.member import AGENT

UNKNOWN: Final = "unknown"
"""The state of an agent who is in no queue that the engine sees."""


class CallbackAgents:
    """The agents whom the engine sees at one moment."""

    def __init__(self, desk: Desk) -> None:
        self._states = None
        if desk.engine is not None:
            self._states = {each.agent: each.state for each in desk.engine.agents.report()}

    def check(self, settings: CampaignSettings, agent: str | None) -> None:
        """Raise UsageError for what no agent can ever be, where the campaign leaves callbacks to their agents.

        Where they are anyone's the name is no more than a note.
        """
        if not agent or settings.callbacks_to is CallbacksTo.ANYONE or AGENT.fullmatch(agent):
            return
        if self._states is None or agent not in self._states:
            raise UsageError(
                f"agent = {agent!r}: expected an agent as `dialler agent list` names him, a technology and a device"
                " such as PJSIP/1001, since nobody else keeps it: the campaign's callbacks_to is"
                f" {settings.callbacks_to}"
            )

    def state_of(self, agent: str | None) -> str | None:
        """Return the state of a callback's agent, `unknown` for one who is in no queue; None where there is no agent,
        or no engine that could see him."""
        if agent is None or self._states is None:
            return None
        return self._states.get(agent, UNKNOWN)

    def warning(self, settings: CampaignSettings, agent: str | None) -> str | None:
        """Return what has to be said of a callback whose agent is not there; None where it is anyone's, or he is."""
        if agent is None or settings.callbacks_to is CallbacksTo.ANYONE:
            return None
        is_known = self._states is not None and agent in self._states
        if not is_known and not AGENT.fullmatch(agent):
            return f"{agent} can be no agent: name one as `dialler agent list` does, such as PJSIP/1001"
        if self._states is None or is_known:
            return None
        kept = "for its hold" if settings.callbacks_to is CallbacksTo.AGENT_FIRST else "until it expires"
        return f"agent {agent} is in no queue now: unless he logs in, the callback waits for him {kept}"
