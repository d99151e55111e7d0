"""The campaigns as the engine runs them: what is wanted of each, its pacing and its hopper."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dialler.domain.abandon import PeriodRate
from dialler.domain.campaign import Campaign, Desired
from dialler.domain.session import PREVIEW
from dialler.engine.abandons import Ledger, over_limit
from dialler.engine.asking import Asking
from dialler.engine.caller_ids import CallerIdWaits
from dialler.engine.hopper import Hopper
from dialler.engine.scene import CampaignScene
from dialler.engine.share_count import ShareCount
from dialler.ports import PacingDecision, PacingStrategy
from telephony.answer_plan import KeyAction


@dataclass(slots=True, eq=False)
class Running:
    """One campaign in the engine."""

    campaign: Campaign
    hopper: Hopper
    since: datetime
    """When this process last saw a change of what is wanted of it."""

    lists: dict[int, str] = field(default_factory=dict)
    """Names of the lists that are to dial, by id."""

    pacing: PacingStrategy | None = None
    blocked: str | None = None
    """Why it can't dial until somebody mends it."""

    scene: CampaignScene | None = None
    """Its agents and calls one by one, if its pacing wants them."""

    decision: PacingDecision | None = None
    asking: Asking = field(default_factory=Asking)
    shares: ShareCount = field(default_factory=ShareCount)
    abandons: Ledger = field(default_factory=Ledger)
    runways: Mapping[int, timedelta | None] = field(default_factory=dict)
    """How long each list lasts at the present pace, by id, as of the last look."""

    caller_id_waits: CallerIdWaits = field(default_factory=CallerIdWaits)
    calls: int = 0
    """Calls placed by this process, to take the caller ids in turn."""

    @property
    def dials(self) -> bool:
        """Whether it places calls."""
        return self.campaign.desired is Desired.RUNNING and self.blocked is None and self.pacing is not None

    def is_dry(self, now: datetime) -> bool:
        """Tell whether all its lists are known to have nobody to call at `now`."""
        return all(self.hopper.is_dry(list_id, now) for list_id in self.lists)

    @property
    def dials_by_hand(self) -> bool:
        """Whether its agents may place calls themselves: a pause is of its dialler, not theirs."""
        return self.campaign.desired in (Desired.RUNNING, Desired.PAUSED) and self.blocked is None

    @property
    def makes_offers(self) -> bool:
        """Whether its calls are offered to agents before they are placed."""
        return self.pacing is not None and self.pacing.name == PREVIEW

    @property
    def has_agents(self) -> bool:
        """Whether answered calls go to agents."""
        return self.pacing is not None and self.pacing.needs_agents

    @property
    def leads_to_agents(self) -> bool:
        """Whether who answers may wait for an agent: all do, or those who press the key for one in the message."""
        settings = self.campaign.settings
        has_key = settings.queue is not None and KeyAction.QUEUE in settings.message_keys.values()
        return self.has_agents or (self.pacing is not None and has_key)

    def abandon_rates(self, now: datetime) -> Sequence[PeriodRate]:
        """Return the abandon rates of the periods that end now."""
        return self.abandons.rates(self.campaign.settings, now)

    def rates_now(self, now: datetime) -> Sequence[PeriodRate]:
        """Return the same with the calls that go on: what decisions rest upon."""
        return self.abandons.rates_now(self.campaign.settings, now)

    def over_limit(self, now: datetime) -> PeriodRate | None:
        """Return the abandon rate that is over its limit and holds the campaign back, if one is."""
        return over_limit(self.rates_now(now)) if self.leads_to_agents else None

    def caller_id(self, ahead: int) -> str | None:
        """Return the caller id of the next call (`ahead` 0), or of one after it: the campaign's, in turn.

        None where it has a pool: the intent chooses of that.
        """
        settings = self.campaign.settings
        caller_ids = settings.caller_ids if settings.caller_id_pool is None else ()
        return caller_ids[(self.calls + ahead) % len(caller_ids)] if caller_ids else None
